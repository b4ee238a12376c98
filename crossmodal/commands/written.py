"""Samples that were made one by one: their manifest and class ids, and their sizes in words."""

from pathlib import Path

from crossmodal.datasets.class_ids import encoded
from crossmodal.datasets.mvtec3d_writer import line
from pointcloud.atomic import write_bytes


def write_all(out: Path, ids: dict[str, int], entries: list[dict]) -> None:
    """Write class_ids.json and then, last, the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / "class_ids.json", encoded(ids))
    write_bytes(out / "manifest.jsonl", b"".join(map(line, sorted(entries, key=lambda entry: entry["id"]))))


def sizes(measured: dict) -> str:
    """Measured sizes of one defect in a few words; what is zero is left out."""
    parts = [f"{measured['length_mm']:.1f} x {measured['width_mm']:.1f} mm"]
    parts += [f"{measured[name]:.2f} mm {word}" for name, word in
              (("max_depth_mm", "deep"), ("max_height_mm", "high")) if measured[name] > 0]
    return ", ".join(parts)
