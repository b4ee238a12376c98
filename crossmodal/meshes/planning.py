"""A mesh seen so that a defect can be planned and charted on it: whole from one side, or close from above a place.

Every chart is made on a view; these are exact ones, of the mesh alone, with neither noise nor light.
"""

import math
from dataclasses import replace

import numpy as np

from crossmodal.camera import Camera
from crossmodal.capture import View, read_only
from crossmodal.edit import SurfaceEdit
from crossmodal.methods.effects import NoReturn
from crossmodal.methods.making import made
from crossmodal.methods.spec import Method
from crossmodal.plan import Grown, Made, Plan
from crossmodal.projection import Projection
from crossmodal.recipe import Recipe
from crossmodal.scanner.mesh import Mesh
from crossmodal.scanner.ring import look_at
from crossmodal.streams import stream
from crossmodal.surface import Surface
from crossmodal.synthesis import draw, grown
from rgb import to_srgb

ACROSS = 420  # pixels of a view
GREY = 0.35  # linear reflectance of a mesh that says no colour
FAR = 6.0  # how many times its own reach a view stands away
ROOM = 0.9  # share of the way to what stands before a place that a camera may take
SIDES, ANOTHER = 40, 0.9  # draws of a side to look from, and the cosine below which one is another
MARGIN = 1.25  # how far beyond a defect its view reaches


class WholeMesh(Projection):
    """A chart of a whole mesh: every vertex stands over the plane through the anchor, seen or not."""

    def coordinates(self, points: np.ndarray, feet: np.ndarray | None = None) -> np.ndarray:
        """(s, t, h) in mm (N, 3) float64 of points (N, 3) in metres."""
        frame = np.stack((self.heading, np.cross(self.normal, self.heading), self.normal), 1)
        return (np.asarray(points, np.float64) - self.anchor_m) * 1e3 @ frame


def drawn(mesh: Mesh, recipe: Recipe | Method, seed: int) -> Plan:
    """A plan in the mesh's own frame; of the sides of the mesh one is chosen by its area, and the place on it.

    Raises ValueError where a defect finds no place.
    """
    specs = () if isinstance(recipe, Method) else recipe.defects
    places = (recipe.place, *(spec.place for spec in specs if spec.place is not None))
    if any(place.at_pixel is not None or place.box or place.mask or place.forbid or place.region
           for place in places):
        raise ValueError("a mesh has no pixels: leave at_pixel, box, mask, forbid and region out, or give a Plan")
    if isinstance(recipe, Method) and mesh.colours is None and isinstance(recipe.blocks.effect, NoReturn):
        raise ValueError(f"{recipe.name} leaves a gap in what a sensor saw, and no sensor saw a mesh; scan it first "
                         "(crossmodal.scanner)")
    area = np.linalg.norm(np.cross(*(mesh.corners[:, k] - mesh.corners[:, 0] for k in (1, 2))), axis=1)
    sides = mesh.face_normals[stream(seed, "mesh", "side").choice(len(area), SIDES, p=area / area.sum())]
    tried, reason = [], None
    for outward in sides:
        if any(outward @ other > ANOTHER for other in tried):
            continue
        tried.append(outward)
        view, pose = whole_view(mesh, outward)
        try:
            plan = draw(view, recipe, seed)
        except ValueError as error:
            reason = reason or error
            continue
        return plan.moved(pose).model_copy(update={"frame": "object"})
    raise reason


def grown_on(mesh: Mesh, planned: Grown | Made) -> SurfaceEdit:
    """The edit that one planned defect of the mesh's frame is, in that frame."""
    anchor, normal, heading = (np.array(v) for v in (planned.anchor_m, planned.normal, planned.heading))
    if isinstance(planned, Made):
        return _made_on(mesh, planned)
    if planned.spec.extent == "global":
        view, pose = whole_view(mesh, normal, heading)
        there = planned.moved(np.linalg.inv(pose))
        seen = Projection.of(view.surface, there.anchor_m, there.normal, there.heading)
        edit = SurfaceEdit(WholeMesh(**vars(seen)), planned.field(), planned.kind)
    else:
        reach_m = 1e-3 * planned.field().reach_mm
        view, pose = close_view(mesh, anchor, normal, heading, reach_m)
        edit = grown(view.surface, _on(view, planned.moved(np.linalg.inv(pose))))
    return replace(edit, planned=planned).moved(pose)


def _made_on(mesh: Mesh, planned: Made) -> SurfaceEdit:
    """The same of a method, on a view of the place that it lies at and, if it is, one of that which it is cut from."""
    reach_m = 0.5e-3 * math.hypot(*planned.blocks.region.box_mm())
    at = [(planned.anchor_m, planned.normal, planned.heading)]
    if planned.elsewhere_m is not None and planned.texture is None:  # what another capture lends stays there
        at.append((planned.elsewhere_m, _normal_at(mesh, planned.elsewhere_m), planned.elsewhere_heading))
    (view, pose), *others = (close_view(mesh, *map(np.array, place), reach_m) for place in at)
    here, source = _on(view, planned.moved(np.linalg.inv(pose))), None
    if others:
        [(source, its_pose)] = others
        there = planned.moved(np.linalg.inv(its_pose))
        here = here.model_copy(update={"elsewhere_m": there.elsewhere_m, "elsewhere_heading": there.elsewhere_heading})
    return replace(made(view, here, source), planned=planned).moved(pose)


def _normal_at(mesh: Mesh, place_m) -> np.ndarray:
    """(3,) of the face that is nearest to a place (3,) m."""
    from trimesh.triangles import closest_point

    place = np.broadcast_to(np.array(place_m), (len(mesh.faces), 3))
    return mesh.face_normals[np.linalg.norm(closest_point(mesh.corners, place) - place, axis=1).argmin()]


def _on(view: View, planned: Grown | Made) -> Grown | Made:
    """The defect with its anchor on what a view sees: from afar, an edge was seen rounder than it is."""
    seen = view.points[view.valid].astype(np.float64)
    away = np.linalg.norm(seen - planned.anchor_m, axis=1)
    if away.min() < 2e-3 * view.surface.mm_per_pixel:
        return planned
    return planned.model_copy(update={"anchor_m": tuple(float(x) for x in seen[away.argmin()])})


def whole_view(mesh: Mesh, outward: np.ndarray, along: np.ndarray | None = None) -> tuple[View, np.ndarray]:
    """All of a mesh from the side that ``outward`` (3,) points to, and T_mesh_camera (4, 4)."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    centre, radius = (low + high) / 2, np.linalg.norm(high - low) / 2
    up = np.eye(3)[np.argmin(np.abs(outward))] if along is None else along
    return _seen(mesh, look_at(centre + FAR * radius * outward, centre, up), 1.02 / math.sqrt(FAR**2 - 1))


def close_view(mesh: Mesh, anchor, normal, heading, reach_m: float) -> tuple[View, np.ndarray]:
    """What lies within reach of a place, seen along its normal from as far as nothing stands before it."""
    direction = normal / np.linalg.norm(normal)
    room = mesh.hit(direction, (anchor + 1e-3 * reach_m * direction)[None])[0]
    far = min(FAR * reach_m, ROOM * room if np.isfinite(room) else np.inf)
    return _seen(mesh, look_at(anchor + far * direction, anchor, heading), MARGIN * reach_m / far)


def _seen(mesh, pose, slope):
    """A view of the mesh over so many tangents either side of its axis, its surface all object."""
    focal = 0.5 * ACROSS / slope
    camera = Camera(ACROSS, ACROSS, focal, focal, (ACROSS - 1) / 2, (ACROSS - 1) / 2)
    there = np.linalg.inv(pose)
    rays = camera.rays(camera.pixel_grid())
    placed = mesh.placed(there[:3, :3], there[:3, 3])
    far, face, weights = placed.trace(rays)
    points = (rays * far[..., None]).astype(np.float32)
    rgb = None if mesh.colours is None else to_srgb(placed.colour_at(face, weights).astype(np.float32))
    view = View(camera, rgb, points, "mesh")
    surface = Surface.of(View(camera, None, points, "mesh"))  # its colours are in no light
    colour = (GREY,) * 3 if mesh.colours is None else tuple(float(x) for x in np.median(mesh.colours, axis=0))
    # A part lies on nothing here: all that is seen is object, and of the colour that the mesh says.
    view.__dict__.update(surface=replace(surface, foreground=read_only(view.valid.copy())), own_colour=colour)
    return view, pose
