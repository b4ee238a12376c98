"""Edit the mesh and scan it again, or scan it and imprint the same edit: the two agree, and by how much.

    python tests/commuting.py    # writes the table into the README, about two minutes

Six kinds have a mesh edited by a boolean operation (manifold3d) or in closed form, without crossmodal's own fields;
every kind has one whose vertices are moved and coloured as the drawn plan's field says.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from commuting_scan import Both, Row, by_plan, by_tool, compared
from commuting_shapes import DIRT, Shape, ball, bar, cad_folder, part, plate
from commuting_tools import bent, bore, groove, sunk

import crossmodal as cm

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- commuting: made by tests/commuting.py -->", "<!-- end of commuting -->"

SPECS = {
    "contamination": cm.Contamination(form="blob"), "hole": cm.Hole(diameter_mm=9, thickness_mm=1.5),
    "missing": cm.Missing(diameter_mm=12, thickness_mm=2.5), "twist": cm.Twist(angle_deg=14),
}
"""Kinds for which the preset is not what is tried: a form without gloss, a wall that is more than a pixel wide."""

UNDER_A_SKY = {"burr"}
"""Kinds of which so much is foot that what is off is the sky that they shut out: a light that is the same everywhere,
in a cavity too, would have none to lose. What is cut through is under one as well."""

SHAPES = {"bevelled plate": plate, "sphere": ball}
PLANS = (
    ("bevelled plate", 0, ("crease", "scratch", "cut", "hole", "chip", "missing", "wear")),
    ("bevelled plate", 2, ("burr",)),
    ("sphere", 1, ("dent", "bump", "blister", "crease", "crack", "hole", "pit", "contamination", "fibre", "bend",
                   "twist", "wear", "corrosion", "peel", "burn", "stain", "discoloration")),
    ("plate with holes", 1, ("dent", "bump", "crack", "cut", "hole", "pit", "contamination", "fibre")),
    ("plate with holes", 2, ("blister", "crease", "scratch", "wear", "corrosion", "peel", "burn", "stain",
                             "discoloration")),
    ("bottle", 0, ("dent", "bump", "scratch", "crack", "contamination", "fibre", "burr", "twist", "corrosion", "burn",
                   "stain", "discoloration")),
)
"""Shapes, the seed that draws a place on them, and the kinds tried there."""


def thickness_of(shape: Shape) -> float:
    return float(shape.solid.extents[2])


def spec_of(kind: str):
    return SPECS.get(kind) or next(one for one in cm.DEFECTS if one.model_fields["kind"].default == kind)()


def both() -> Iterator[Both]:
    """The diagram for every edit; on CAD parts only where they are."""
    cad = cad_folder().is_dir()
    for tool in (sunk(1.2, 14, -1), sunk(1.2, 14, 1), groove(14, 1.1, 0.6), bore(4, 8),
                 sunk(1.3, 5, 1, colour=DIRT.albedo), bent(10, 40)):
        yield by_tool(plate().under_a_sky if tool.kind == "hole" else plate(), tool)
    for tool in (sunk(1.0, 12, -1, 25.0), sunk(1.0, 12, 1, 25.0)):
        yield by_tool(bar(), tool)
    if cad:
        flat = part("plate with holes")
        for tool in (sunk(1.2, 14, -1), groove(14, 1.1, 0.6), bore(3, thickness_of(flat)),
                     sunk(1.3, 5, 1, colour=DIRT.albedo)):
            yield by_tool(flat.under_a_sky if tool.kind == "hole" else flat, tool)
    for name, seed, kinds in PLANS:
        if cad or name in SHAPES:
            shape = SHAPES[name]() if name in SHAPES else part(name)
            for kind in kinds:
                spec = spec_of(kind)
                open_ = shape.under_a_sky if kind in UNDER_A_SKY else shape
                yield by_plan(shape.skin if spec.effect == "remove" else open_, spec, seed)


SMOOTH, WALLS = (0.005, 0.03), (0.05, 0.5)
"""Depth in mm at 0.25 mm a pixel, median and 95th percentile."""
MASK, NEARER = 0.95, 3
"""Agreement of the masks, and how many times nearer to the truth relighting brings a picture; where the shape does not
tell the light, or no lamp reaches, it is nearer."""


def beyond(row: Row) -> tuple[str, ...]:
    """Which of "median", "p95", "mask" and "light" are beyond their bounds."""
    median_mm, p95_mm = WALLS if row.walls else SMOOTH
    kept = {"median": row.depth_mm <= median_mm, "p95": row.depth_p95_mm <= p95_mm, "mask": row.mask >= MASK,
            "light": (NEARER if row.told else 1) * row.rgb <= row.rgb_unlit}
    return tuple(name for name, is_kept in kept.items() if not is_kept)


@cache
def rows() -> tuple[Row, ...]:
    return tuple(compared(one) for one in both())


def table(made) -> str:
    """The rows in Markdown, bold where they are beyond their bounds."""
    lines = ["| kind | on | edited mesh | depth, median mm | depth, p95 mm | normals, ° | RGB, levels | "
             "RGB left as it was | masks | never scanned |", "|---|---|---|---|---|---|---|---|---|---|"]
    for row in made:
        said = {"median": f"{row.depth_mm:.4f}", "p95": f"{row.depth_p95_mm:.3f}", "light": f"{row.rgb:.1f}",
                "mask": f"{row.mask:.3f}"}
        said |= {name: f"**{said[name]}**" for name in beyond(row)}
        lines.append(f"| {row.kind} | {row.shape} | {row.way} | {said['median']} | {said['p95']} | "
                     f"{row.normal_deg:.2f} | {said['light']} | {row.rgb_unlit:.1f} | {said['mask']} | "
                     f"{100 * row.never_seen:.1f} % |")
    return "\n".join(lines)


def written(text: str) -> str:
    """The table that stands in a README. Raises ValueError where its markers are missing."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*?)\n{re.escape(END)}", text, re.DOTALL)
    if not found:
        raise ValueError(f"README.md has no {BEGIN} ... {END}")
    return found[1]


if __name__ == "__main__":
    page = README.read_text(encoding="utf-8")
    fresh = table(rows())
    README.write_text(page.replace(f"{BEGIN}\n{written(page)}", f"{BEGIN}\n{fresh}"), encoding="utf-8")
    print(fresh)
