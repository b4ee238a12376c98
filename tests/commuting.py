"""Edit the mesh and scan it again, or scan it and imprint the same edit: the two agree, and by how much.

    python tests/commuting.py    # writes the table into the README, about half a minute

The edited shapes are made by boolean operations (manifold3d) and closed forms, never by crossmodal's own fields, so
that the two sides share no bug.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from scipy.ndimage import binary_dilation

import crossmodal as cm
from crossmodal.edit import Sample
from crossmodal.imprint import imprint
from crossmodal.projection import Projection
from crossmodal.scanner import Lamp, Material, Mesh, Plane, rotation_about, scan

SIZE, MM_PER_PIXEL, FAR_M = 176, 0.25, 0.3
LAMP = Lamp()
PAINT, DIRT = Material(albedo=(0.45, 0.45, 0.45)), Material(albedo=(0.12, 0.07, 0.04))
GROUND = Material(albedo=(0.25, 0.24, 0.22))
TURN = rotation_about((1, 0.4, 0), 24) @ np.diag((1.0, -1.0, -1.0))


@dataclass(frozen=True)
class Tool:
    """An edit said twice: as a field on the surface, and as a solid to cut away (-1), to add (+1) or to lay on (0),
    or as the way in which all vertices (n, 3) mm move."""

    kind: str
    field: object
    solid: trimesh.Trimesh | None
    sign: int
    moved: object = None


@dataclass(frozen=True)
class Row:
    """What the two ways round differ by: mm, mm, degrees, 8-bit levels (and by how many where nothing is relit),
    overlap of masks, share never scanned."""

    kind: str
    shape: str
    depth_mm: float
    depth_p95_mm: float
    normal_deg: float
    rgb: float
    rgb_unlit: float
    mask: float
    never_seen: float


@dataclass(frozen=True)
class Shaped:
    """A field from a closed form: relief(s, t) in mm → (displacement mm, removed), within a half extent."""

    relief: object
    half: tuple[float, float]
    deepest_mm: float
    highest_mm: float
    finest_mm: float
    colour: tuple | None = None

    @property
    def matter(self):
        return self.colour is not None

    @property
    def bounds_mm(self):
        return -self.half[0], self.half[0], -self.half[1], self.half[1]

    @property
    def reach_mm(self):
        return math.hypot(*self.half)

    def near(self, s, t, margin):
        return (np.abs(s) <= self.half[0] + margin) & (np.abs(t) <= self.half[1] + margin)

    def sample(self, s, t):
        d, removed = self.relief(np.asarray(s, float), np.asarray(t, float))
        cover = None
        if self.colour is not None:
            share = (d > 0)[:, None].astype(np.float32)
            cover = np.concatenate((share * np.array(self.colour, np.float32), share), 1)
        return Sample(d.astype(np.float32), removed=removed if removed.any() else None, cover=cover)


def ball(depth: float, radius: float, sign: int, curve: float = math.inf, colour=None) -> Tool:
    """A ball sunk into flat ground, or into a cylinder of radius ``curve`` along x, and cut away or left standing."""
    centre = sign * (depth - radius) if sign > 0 else radius - depth

    def relief(s, t):
        if math.isinf(curve):
            q, n = np.stack((s, t, -centre + 0 * s), -1), np.stack((0 * s, 0 * s, 1 + 0 * s), -1)
        else:
            angle = t / curve
            n = np.stack((0 * s, np.sin(angle), np.cos(angle)), -1)
            q = curve * n + np.stack((s, 0 * s, -curve - centre + 0 * s), -1)
        along = (q * n).sum(-1)
        inside = radius**2 - (q * q).sum(-1)
        root = np.sqrt(np.maximum(along**2 + inside, 0))
        return np.where(inside > 0, sign * (root - sign * along), 0), np.zeros(s.shape, bool)

    half = math.sqrt(2 * radius * depth - depth**2) * 1.02
    wide = half
    if not math.isinf(curve):
        apart = curve + centre  # where the two circles of the bar's section cross
        wide = 1.02 * curve * math.acos((curve**2 + apart**2 - radius**2) / (2 * curve * apart))
    solid = trimesh.creation.icosphere(subdivisions=6, radius=radius)
    solid.apply_translation((0, 0, centre))
    kind = "contamination" if colour is not None else {1: "bump", -1: "dent"}[sign]
    return Tool(kind, Shaped(relief, (half, wide), depth if sign < 0 else 0, depth if sign > 0 else 0, half, colour),
                solid, 0 if colour is not None else sign)


def groove(length: float, half: float, depth: float) -> Tool:
    """A V ploughed straight along x."""
    def relief(s, t):
        inside = (np.abs(s) < length / 2) & (np.abs(t) < half)
        return np.where(inside, -depth * (1 - np.abs(t) / half), 0), np.zeros(s.shape, bool)

    profile = np.array(((0, -depth), (2 * half, depth), (-2 * half, depth)))
    corners = [(x, y, z) for x in (-length / 2, length / 2) for y, z in profile]
    return Tool("scratch", Shaped(relief, (length / 2, half), depth, 0, half), trimesh.convex.convex_hull(corners), -1)


def bore(radius: float, through: float, wall: float = 0.12) -> Tool:
    """A round hole bored through, its wall so many mm wide where a field must slope."""
    def relief(s, t):
        r = np.hypot(s, t)
        return np.where(r < radius, -through * np.clip((radius - r) / wall, 0, 1), 0), r < radius - wall

    solid = trimesh.creation.cylinder(radius=radius, height=4 * through, sections=720)
    return Tool("hole", Shaped(relief, (radius, radius), through, 0, wall), solid, -1)


def bent(angle: float, radius: float) -> Tool:
    """The half beyond the middle lifted by an angle in degrees, over an arc."""
    turn = math.radians(angle)

    def height(x):
        foot = radius * math.sin(turn)
        x_arc = np.clip(x, 0, foot)
        arc = radius - np.sqrt(radius**2 - x_arc**2)
        return arc + np.where(x > foot, (x - foot) * math.tan(turn), 0)

    def relief(s, t):
        return height(s), np.zeros(s.shape, bool)

    def moved(vertices):
        return vertices + height(vertices[:, :1]) * np.array((0.0, 0.0, 1.0))

    return Tool("bend", Shaped(relief, (20.0, 20.0), 0, float(height(np.array(20.0))), 20), None, 0, moved)


def block() -> trimesh.Trimesh:
    """A plate with bevels all round, its top at z = 0: faces that tell where the light comes from."""
    top = [(x, y, 0) for x in (-13, 13) for y in (-11, 11)]
    foot = [(x, y, -8) for x in (-17, 17) for y in (-16, 16)]
    return trimesh.convex.convex_hull(top + foot)


def bar(radius: float = 25.0) -> trimesh.Trimesh:
    """A round bar along x whose crest is at z = 0."""
    made = trimesh.creation.cylinder(radius=radius, height=34, sections=1440)
    made.apply_transform(trimesh.transformations.rotation_matrix(math.pi / 2, (0, 1, 0)))
    made.apply_translation((0, 0, -radius))
    return made


def commute(shape: str, base: trimesh.Trimesh, tool: Tool) -> Row:
    """Both ways round the diagram for one tool on one shape."""
    foot = float(base.bounds[0, 2])
    shift = np.array((0.0008, -0.0012, FAR_M))
    ground = Plane(shift + TURN @ np.array((0, 0, foot * 1e-3)), TURN @ np.array((0.0, 0.0, 1.0)))
    focal = FAR_M * 1e3 / MM_PER_PIXEL
    camera = cm.Camera(SIZE, SIZE, focal, focal, SIZE / 2 - 0.3, SIZE / 2 + 0.2)

    def seen(solids, materials, name):
        meshes = [_mesh(solid).placed(TURN, shift) for solid in solids]
        return scan((*meshes, ground), camera, LAMP, (*materials, GROUND), samples=1, name=name)

    before = seen((base,), (PAINT,), "before")
    if tool.moved is not None:
        fine = trimesh.Trimesh(*trimesh.remesh.subdivide_to_size(base.vertices, base.faces, 0.8), process=True)
        fine.vertices = tool.moved(np.asarray(fine.vertices))
        truth = seen((fine,), (PAINT,), "after")
    elif tool.sign:
        operation = trimesh.boolean.union if tool.sign > 0 else trimesh.boolean.difference
        truth = seen((operation([base, tool.solid], engine="manifold"),), (PAINT,), "after")
    else:
        truth = seen((base, tool.solid), (PAINT, DIRT), "after")
    heading, up = TURN @ np.array((1.0, 0.0, 0.0)), TURN @ np.array((0.0, 0.0, 1.0))
    patch = (Projection.of(before.surface, shift, up, heading) if tool.moved is not None
             else cm.Patch.at(before.surface, shift, heading, 1.5 * tool.field.reach_mm + 2))
    result = imprint(before, cm.SurfaceEdit(patch, tool.field, tool.kind))
    return _compared(shape, tool, before, result, truth, ground)


def _mesh(solid: trimesh.Trimesh) -> Mesh:
    smooth = trimesh.graph.smooth_shade(solid, angle=math.radians(12))
    return Mesh(np.asarray(smooth.vertices) * 1e-3, smooth.faces, np.array(smooth.vertex_normals))


def _compared(shape, tool, before, result, truth, ground) -> Row:
    moved = np.abs(truth.depth.astype(float) - before.depth) > 1e-5
    found = np.abs(result.after.depth.astype(float) - before.depth) > 1e-5
    union = moved | found
    behind = ground.hit(before.camera.rays(before.camera.pixel_grid()))
    revealed = union & (truth.depth > behind - 1e-5) & (before.depth < behind - 1e-4)
    judged = union & ~revealed & np.isfinite(result.after.depth)
    off = np.abs(result.after.depth.astype(float) - truth.depth)[judged] * 1e3
    inner = judged & ~binary_dilation(~(moved & found), iterations=2)
    cosine = np.einsum("ij,ij->i", result.after.normals[inner].astype(float), truth.normals[inner].astype(float))
    both = moved & found
    levels = [float(np.abs(picture[judged].astype(float) - truth.rgb[judged]).mean())
              for picture in (result.after.rgb, before.rgb)]
    return Row(tool.kind, shape, float(np.median(off)), float(np.percentile(off, 95)),
               float(np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1))))),
               *levels, _agreement(moved, found, both), float(revealed.sum() / union.sum()))


def _agreement(true, found, both):
    """Overlap of two masks; of a line narrower than 8 pixels the share of either within a pixel of the other."""
    if (true & ~binary_dilation(~true, iterations=3)).any():
        return float(both.sum() / (true | found).sum())
    wide_true, wide_found = (binary_dilation(mask, np.ones((3, 3))) for mask in (true, found))
    precision, recall = (found & wide_true).sum() / found.sum(), (true & wide_found).sum() / true.sum()
    return float(2 * precision * recall / (precision + recall))


README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- commuting: made by tests/commuting.py -->", "<!-- end of commuting -->"


def rows() -> list[Row]:
    """The diagram for every edit that is made without crossmodal's own fields."""
    on_plate = (ball(1.2, 14, -1), ball(1.2, 14, 1), groove(14, 1.1, 0.6), bore(4, 8),
                ball(1.3, 5, 1, colour=DIRT.albedo), bent(10, 40))
    on_bar = (ball(1.0, 12, -1, 25.0), ball(1.0, 12, 1, 25.0))
    return ([commute("bevelled plate", block(), tool) for tool in on_plate]
            + [commute("round bar", bar(), tool) for tool in on_bar])


def table(made: list[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| kind | on | depth, median mm | depth, p95 mm | normals, ° | RGB, levels | RGB left as it was | masks |"
             " never scanned |", "|---|---|---|---|---|---|---|---|---|"]
    lines += [f"| {row.kind} | {row.shape} | {row.depth_mm:.4f} | {row.depth_p95_mm:.3f} | {row.normal_deg:.2f} | "
              f"{row.rgb:.1f} | {row.rgb_unlit:.1f} | {row.mask:.3f} | {100 * row.never_seen:.1f} % |" for row in made]
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
