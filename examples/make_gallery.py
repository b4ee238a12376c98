"""Make every picture of the gallery again, and the generated parts of the README.

python examples/make_gallery.py           # pictures and README, about two minutes
python examples/make_gallery.py --text    # only the README's table and index
"""

import os
import re
import runpy
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import crossmodal as cm
from crossmodal import captures
from crossmodal.defects import Scale
from crossmodal.scanner import showcase
from crossmodal.sheet import sheets

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
GALLERY = HERE / "gallery"

# Each kind twice: on the virtual scan, and on a real capture with sizes that suit it; seeds chosen by looking.
ON_HOUSING = {
    "dent": (cm.Dent(diameter_mm=16, depth_mm=1.6), (215, 140)),
    "bump": (cm.Bump(diameter_mm=13, height_mm=1.2), (225, 140)),
    "scratch": (cm.Scratch(length_mm=20, width_mm=1.6, depth_mm=0.5, orientation_deg=105), (225, 150)),
    "stain": (cm.Stain(diameter_mm=16), (225, 140)),
    "blister": (cm.Blister(diameter_mm=12, height_mm=1.2), (225, 140)),
    "pit": (cm.Pit(diameter_mm=14, depth_mm=1.0, count=9), (225, 140)),
    "crease": (cm.Crease(length_mm=26, width_mm=9, depth_mm=1.4, orientation_deg=60), (225, 150)),
    "contamination": (cm.Contamination(diameter_mm=9, height_mm=1.6, form="crumb", colour=(120, 84, 52)), (225, 140)),
    "wear": (cm.Wear(diameter_mm=18, depth_mm=0.3), (225, 140)),
    "corrosion": (cm.Corrosion(diameter_mm=20, depth_mm=0.6), (225, 140)),
    "burn": (cm.Burn(diameter_mm=18), (225, 140)),
    "discoloration": (cm.Discoloration(diameter_mm=24, opacity=0.7), (225, 140)),
    "crack": (cm.Crack(length_mm=34, width_mm=2.2, depth_mm=1.6, orientation_deg=70), (225, 150)),
    "cut": (cm.Cut(length_mm=22, width_mm=4.5, depth_mm=1.6, orientation_deg=100), (225, 150)),
    "hole": (cm.Hole(diameter_mm=12, thickness_mm=1.6), (225, 140)),
    "chip": (cm.Chip(diameter_mm=15, depth_mm=2.2), None),
    "missing": (cm.Missing(diameter_mm=30, thickness_mm=2.5), None),
    "fibre": (cm.Fibre(length_mm=26, width_mm=1.0, height_mm=2.4), (225, 145)),
    "burr": (cm.Burr(length_mm=22, width_mm=2.0, height_mm=0.9), None),
    "bend": (cm.Bend(angle_deg=12), None),
    "twist": (cm.Twist(angle_deg=9), None),
    "peel": (cm.Peel(diameter_mm=18, depth_mm=0.4, height_mm=2.2), (225, 140)),
}
ON_REAL = {
    "dent": ("pot", cm.Dent(diameter_mm=44, depth_mm=7), (60, 78)),
    "bump": ("cereal", cm.Bump(diameter_mm=42, height_mm=7), (101, 154)),
    "scratch": ("boxes", cm.Scratch(length_mm=70, width_mm=6, depth_mm=3.5, orientation_deg=4), (119, 119)),
    "stain": ("pot", cm.Stain(diameter_mm=36, opacity=0.8), (85, 50)),
    "blister": ("cereal", cm.Blister(diameter_mm=40, height_mm=6), (101, 154)),
    "pit": ("cereal", cm.Pit(diameter_mm=36, depth_mm=6), (101, 154)),
    "crease": ("cereal", cm.Crease(length_mm=60, width_mm=24, depth_mm=5, orientation_deg=60), (101, 154)),
    "contamination": ("cereal", cm.Contamination(diameter_mm=30, height_mm=7, form="blob"), (101, 154)),
    "wear": ("boxes", cm.Wear(diameter_mm=50, depth_mm=2.5), (119, 119)),
    "corrosion": ("pot", cm.Corrosion(diameter_mm=48, depth_mm=3), (60, 78)),
    "burn": ("boxes", cm.Burn(diameter_mm=44), (119, 119)),
    "discoloration": ("pot", cm.Discoloration(diameter_mm=50, opacity=0.7), (60, 78)),
    "crack": ("boxes", cm.Crack(length_mm=80, width_mm=7, depth_mm=5, orientation_deg=4), (119, 119)),
    "cut": ("boxes", cm.Cut(length_mm=60, width_mm=14, depth_mm=5, orientation_deg=4), (119, 119)),
    "hole": ("cereal", cm.Hole(diameter_mm=36, thickness_mm=4), (101, 154)),
    "chip": ("boxes", cm.Chip(diameter_mm=36, depth_mm=7), None),
    "missing": ("cereal", cm.Missing(diameter_mm=60, thickness_mm=4), None),
    "fibre": ("boxes", cm.Fibre(length_mm=70, width_mm=5, height_mm=11), (119, 119)),
    "burr": ("boxes", cm.Burr(length_mm=60, width_mm=8, height_mm=5), None),
    "bend": ("cereal", cm.Bend(angle_deg=14), None),
    "twist": ("cereal", cm.Twist(angle_deg=12), None),
    "peel": ("boxes", cm.Peel(diameter_mm=46, depth_mm=3, height_mm=9), (119, 119)),
}

SEEDS = {"burr": 10}
WHERE = {"burr": "rim"}

# What an effect does to colour, and to depth and cloud.
SEEN = {
    "in": ("relit: walls turn to the light and away from it, and shade each other",
           "farther; points move into the surface along its normal, x and y with z"),
    "out": ("relit, and it may cast a shadow", "nearer; points move out of the surface, and hide what lies behind"),
    "both": ("relit groove and lips; the torn bottom whitens", "a groove, with lips that stand out of the surface"),
    "add": ("its own colour, in the light of its place; it hides what is beneath and dims what is beside it",
            "nearer by its thickness; points move out of the surface"),
    "remove": ("what lies behind, or darkness", "the ground behind, or nothing"),
    "warp": ("the lifted part where it is seen now, turned to the light or from it; the ground that it leaves",
             "all that is lifted, as the plan says; the ground where it was"),
    "appearance": ("colour changes as light through a film", "bit for bit as before; the cloud takes the colour"),
}
# A fine scan and a coarse one: mm a pixel, size of the object in mm, depth noise floor in mm.
SCALES = {"a 100 mm part at 0.25 mm a pixel": Scale(0.25, 100.0, 0.001, 80.0),
          "a 220 mm object at 1.3 mm a pixel (Kinect-class)": Scale(1.3, 220.0, 0.45, 120.0)}


def kinds() -> list[tuple[str, type[cm.Spec]]]:
    """(kind, spec class) of the catalogue, in its order."""
    return [(spec.model_fields["kind"].default, spec) for spec in cm.DEFECTS]


def examples() -> list[Path]:
    """The numbered examples in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def defect_table() -> str:
    """The catalogue in Markdown: what each kind does to each modality, and what sizes it takes unless told."""
    head = ("| kind | what it is | in RGB | in depth and cloud | sizes to give | " +
            " | ".join(f"unless told, on {name}" for name in SCALES) + " |")
    lines = [head, "|" + " --- |" * (head.count("|") - 1)]
    for kind, spec in kinds():
        what = " ".join((spec.__doc__ or "").split("\n")[0].split())
        sizes = ", ".join(f"`{name}`" for name in spec.sizes)
        suited = [spec().suited(scale) for scale in SCALES.values()]
        cells = [f"[{kind}](examples/gallery/defect_{kind}.jpg)", what, *SEEN[spec.effect], sizes,
                 *("<br>".join(_range(one, name) for name in spec.sizes) for one in suited)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _range(spec, name):
    low, high = (f"{value:.2g}" for value in getattr(spec, name))
    word, unit = name.removesuffix("_mm").replace("_", " "), " mm" if name.endswith("_mm") else ""
    return f"{word} {low} to {high}{unit}"


def gallery_index() -> str:
    """The pictures in Markdown, each with its example's title."""
    lines = [f"- [{path.name}](examples/{path.name}): {title(path)} [Picture](examples/gallery/{path.stem}.jpg)"
             for path in examples()]
    pictures = ", ".join(f"[{kind}](examples/gallery/defect_{kind}.jpg)" for kind, _ in kinds())
    return "\n".join([*lines, f"- one picture a kind, on the virtual scan and on a real capture: {pictures}"])


def title(path: Path) -> str:
    """First line of an example's docstring."""
    return path.read_text(encoding="utf-8").split('"""')[1].splitlines()[0]


GENERATED = {"defects": defect_table, "gallery": gallery_index}


def rewritten(readme: str) -> str:
    """The README with its generated parts as they should be. Raises ValueError where a marker is missing."""
    for name, made in GENERATED.items():
        begin, end = f"<!-- {name}: made by examples/make_gallery.py -->", f"<!-- end of {name} -->"
        found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        if not found.search(readme):
            raise ValueError(f"README.md has no {begin} ... {end}")
        readme = found.sub(lambda _, b=begin, e=end, m=made: f"{b}\n{m()}\n{e}", readme)
    return readme


def pictures() -> None:
    """Run every example in a folder of its own and keep its picture; then one picture a kind."""
    GALLERY.mkdir(exist_ok=True)
    home = Path.cwd()
    for path in examples():
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                runpy.run_path(str(path), run_name="__main__")
            finally:
                os.chdir(home)
            (GALLERY / f"{path.stem}.jpg").write_bytes((Path(folder) / f"{path.stem}.jpg").read_bytes())
    for kind, _ in kinds():
        cv2.imwrite(str(GALLERY / f"defect_{kind}.jpg"), picture(kind)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 84))


def picture(kind: str) -> np.ndarray:
    """(h, w, 3) uint8: a kind on the virtual scan, and on a real capture."""
    spec, pixel = ON_HOUSING[kind]
    name, real, there = ON_REAL[kind]
    place, seed = {"where": WHERE.get(kind, "object")}, SEEDS.get(kind, 4)
    return sheets([cm.synthesize(capture, cm.Recipe(defects=(one,), place=cm.Place(at_pixel=at, **place)), seed=seed)
                   for capture, one, at in ((showcase(), spec, pixel), (captures.load(name), real, there))], width=1000)


if __name__ == "__main__":
    if "--text" not in sys.argv[1:]:
        pictures()
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
