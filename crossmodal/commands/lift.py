"""crossmodal lift: a defect made in one modality, written in all of them."""

import json as js
from dataclasses import replace
from pathlib import Path

import numpy as np

from crossmodal.capture import Capture
from crossmodal.commands.progress import warner
from crossmodal.commands.written import sizes, write_all
from crossmodal.datasets import Reading, Source, load, read_depth_values, sources
from crossmodal.datasets.class_ids import assigned
from crossmodal.datasets.decode import depth_m, points_m
from crossmodal.datasets.destination import checked_out
from crossmodal.datasets.mvtec3d_writer import plain, write_sample
from crossmodal.datasets.raw import read_geometry
from crossmodal.datasets.remembered import read_as
from crossmodal.plan import Plan
from crossmodal.production.pool import one_thread
from rgb import read_mask, read_rgb


def run(capture: str, out: Path, *, rgb: Path | None, depth: Path | None, points: Path | None,
        mask: Path | None, relief: str | None, depth_mm: float | None, height_mm: float | None, kind: str,
        ply: bool, reading: Reading, json: bool) -> int:
    """Lift the edited file, imprint it, write one sample, and say what came out."""
    given = {word: path for word, path in (("rgb", rgb), ("depth", depth), ("points", points)) if path}
    if len(given) != 1:
        raise ValueError("give the one file that was edited: --rgb, --depth or --points")
    checked(kind, out)
    source = one_source(capture)
    before = load(source, reading)
    word, path = next(iter(given.items()))
    edited = _edited(word, path, before, reading)
    if edited.shape[:2] != before.shape:
        (h, w), (height, width) = edited.shape[:2], before.shape
        raise ValueError(f"{path} is {w}x{h} pixels but the capture is {width}x{height}; "
                         "edit it at its own size")
    from crossmodal.imprint import imprint
    from crossmodal.lift import lift

    region = None if mask is None else read_mask(mask) > 0
    height_map = _short_of_the_camera(relief_of(relief, depth_mm, height_mm, before.shape), before)
    ids = assigned({}, [kind])
    origin = {"path": source.path, "sha256": source.hashes(), **read_as(reading)}
    with one_thread():
        edit = replace(lift(before, **{word: edited}, mask=region, relief=height_map), kind=kind)
        result = imprint(before, edit, Plan(capture=before.name, defects=(edit.planned,)))
        entry = write_sample(out, f"test/{kind}/000", result, ids, origin, 0, ply)
    write_all(out, ids, [entry])
    warn = warner()
    for sentence in result.warnings:
        warn(sentence)
    if json:
        print(js.dumps(plain(entry)))
        return 0
    for defect in entry["defects"]:
        seen = ", ".join(defect["visible_in"]) or "nothing: below the noise floor"
        read = "" if edit.confidence is None else f"; confidence in its relief {edit.confidence:.2f}"
        print(f"{kind} lifted from {word}: {sizes(defect['measured'])}, visible in {seen}{read}")
    print(f"look at {out / entry['files']['rgb']} and {out / entry['files']['xyz']}")
    return 0


def checked(kind: str, out: Path) -> None:
    """Refuse a kind that is no plain word, and an `out` that must not be written."""
    if not kind.replace("_", "").replace("-", "").isalnum() or kind in ("good", "combined"):
        raise ValueError(f"--kind must be a plain word other than good and combined, but got {kind!r}")
    if (out / "manifest.jsonl").exists():
        raise ValueError(f"{out} already holds a run; choose another --out")
    checked_out(out)


def found(capture: str) -> list[Source]:
    """The captures of a path: several of a folder, or the one that a tree holds under that name."""
    path = Path(capture)
    if not path.exists() and "+" not in capture and (path.parent / "rgb").is_dir():
        return [source for source in sources(path.parent) if source.path == path.name]
    return sources(capture)


def one_source(capture: str) -> Source:
    """The one capture that a word of the command line names. Raises ValueError for several or none."""
    several = found(capture)
    if len(several) != 1:
        raise ValueError(f"{capture} holds {len(several)} captures; give one, as rgb.png+xyz.tiff or a .pcd")
    return several[0]


def _edited(word: str, path: Path, before: Capture, reading: Reading) -> np.ndarray:
    if word == "rgb":
        return read_rgb(path).pixels
    values = read_geometry(path, before.shape, word == "points")
    if values.ndim == 2:
        if word == "points":
            raise ValueError(f"{path} is depth; give it as --depth, or points as float (H, W, 3)")
        own = before.encoding  # a count is as long as in the capture itself
        count_m = own.unit_m if own is not None and own.values.ndim == 2 else None
        return depth_m(path, values, reading.unit_m, count_m)[0]
    points, _ = points_m(path, values, reading.unit_m)
    return points if word == "points" else np.ascontiguousarray(points[..., 2])


def _short_of_the_camera(relief, before: Capture):
    """The relief, if it is less than the way to the camera. Raises ValueError: nothing of an object is as high."""
    if relief is not None and not isinstance(relief, str):
        most = float(np.nanmax(np.abs(relief))) if isinstance(relief, np.ndarray) else abs(relief.amplitude_mm)
        away = 1e3 * float(np.nanmedian(before.depth))
        if not most < away:
            raise ValueError(f"a relief of {most:.3g} mm is more than the {away:.3g} mm to the camera; "
                             "give it in mm, and smaller")
    return relief


def relief_of(relief, depth_mm, height_mm, shape):
    """A Profile, a height map (H, W) float32 in mm, "shading", or None. Raises ValueError for options at odds."""
    from crossmodal.lift import Profile

    if relief is None:
        if depth_mm is not None or height_mm is not None:
            raise ValueError("--depth-mm goes with --relief dent, --height-mm with --relief bump")
        return None
    if relief == "shading":
        if depth_mm is not None or height_mm is not None:
            raise ValueError("--relief shading reads heights from the picture; leave --depth-mm and --height-mm out")
        return relief
    if relief in ("dent", "bump"):
        word, size, other = (("--depth-mm", depth_mm, height_mm) if relief == "dent" else
                             ("--height-mm", height_mm, depth_mm))
        if size is None or other is not None:
            raise ValueError(f"--relief {relief} needs {word} and nothing else")
        return Profile(depth_mm=depth_mm) if relief == "dent" else Profile(height_mm=height_mm)
    values = read_depth_values(Path(relief))
    if values.shape != shape or values.dtype.kind != "f":
        raise ValueError(f"{relief} holds {values.dtype} {values.shape}; "
                         f"a height map is float {shape}, in mm")
    return values.astype(np.float32)
