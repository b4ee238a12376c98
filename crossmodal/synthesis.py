"""Recipe → Plan → SurfaceEdit → Result: the one path that every defect takes."""

from collections.abc import Sequence

import numpy as np

from crossmodal.allowed import weights_of
from crossmodal.capture import Capture, Rig, View
from crossmodal.clouds import synthesis as clouds
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.result import CloudResult
from crossmodal.clouds.surface import CloudSurface
from crossmodal.defects import Scale, Spec
from crossmodal.drawing import each_drawn
from crossmodal.edit import SurfaceEdit
from crossmodal.forecast import foretold
from crossmodal.imprint import imprint
from crossmodal.lifted import LiftedEdit
from crossmodal.methods.gated import drawn_by
from crossmodal.methods.making import made
from crossmodal.methods.spec import Method
from crossmodal.patch import Patch
from crossmodal.place import Place
from crossmodal.placement import find_spot, on_axis
from crossmodal.plan import Grown, Lifted, Made, Plan, PlannedLight
from crossmodal.projection import Projection
from crossmodal.recipe import Recipe
from crossmodal.relight import shadow_reach_mm
from crossmodal.result import Result
from crossmodal.scanner.mesh import Mesh
from crossmodal.streams import stream
from crossmodal.surface import Surface
from pointcloud import PointCloud

What = Spec | Sequence[Spec] | Recipe | Method | Plan


def draw(capture: Capture | Cloud, recipe: Recipe | Method, seed: int) -> Plan:
    """Choose everything: kinds, sizes, places, textures. The same capture name, recipe and seed give the same plan.

    Raises ValueError where a defect finds no place on the capture.
    """
    if isinstance(recipe, Method):
        return drawn_by(capture, recipe, seed, clouds.scale_of if isinstance(capture, Cloud) else scale_of)
    if isinstance(capture, Cloud):
        return clouds.drawn(capture, _chosen(recipe, seed, capture.name), recipe.place, seed)
    planned = each_drawn(capture, _chosen(recipe, seed, capture.name), recipe.place, seed, scale_of=scale_of,
                         find_spot=find_spot, on_axis=on_axis)
    light = None if capture.light is None else PlannedLight.of(capture.light)
    return Plan(capture=capture.name, seed=seed, baseline_mm=recipe.baseline_mm, defects=planned, light=light)


def scale_of(capture: Capture, place: Place) -> Scale:
    """What sizes that were left open are chosen by, at such a place on the capture."""
    surface = capture.surface
    ground = surface.measured_ground if place.where == "anywhere" else surface.object_ground
    weights = weights_of(place, surface.foreground.shape)
    widest_mm = ground.widest_mm if weights is None else ground.widest_within(weights > 0, surface.mm_per_pixel)
    return Scale(surface.mm_per_pixel, surface.object_mm, surface.floor_mm, widest_mm,
                 surface.axes.long_mm, surface.axes.wide_mm, capture.own_colour)


def _chosen(recipe: Recipe, seed: int, name: str) -> tuple[Spec, ...]:
    if recipe.count is None:
        return recipe.defects
    weights = np.array([spec.weight for spec in recipe.defects])
    rng = stream(seed, name, "kinds")
    picks = rng.choice(len(recipe.defects), size=recipe.count, p=weights / weights.sum())
    return tuple(recipe.defects[i] for i in picks)


def grown(surface: Surface | CloudSurface | View, planned: Grown | Lifted | Made) -> SurfaceEdit | LiftedEdit:
    """The edit that one planned defect is, on the surface it was planned for; that of a method, on the capture."""
    if isinstance(planned, Made):
        return made(surface, planned)
    if isinstance(surface, View):
        surface = surface.surface
    if isinstance(surface, CloudSurface):
        return clouds.grown(surface, planned)
    if isinstance(planned, Lifted):
        return LiftedEdit.replayed(planned)
    field = planned.field()
    if planned.spec.extent == "global":
        whole = Projection.of(surface, planned.anchor_m, planned.normal, planned.heading)
        return SurfaceEdit(whole, field, planned.kind, planned)
    shadow = shadow_reach_mm(surface.light, np.array(planned.normal), field.highest_mm)
    reach = field.reach_mm + 2 * surface.mm_per_pixel + shadow
    margin = 3 * surface.mm_per_pixel + shadow
    s0, s1, t0, t1 = field.bounds_mm
    box = s0 - margin, s1 + margin, t0 - margin, t1 + margin
    return SurfaceEdit(Patch.at(surface, planned.anchor_m, planned.heading, reach, box), field, planned.kind, planned)


def replay(capture: Capture | Rig | Cloud, plan: Plan) -> Result | tuple[Result, ...] | CloudResult:
    """The result that a plan describes; bit for bit the first one on the same capture. A rig: one a view, the plan in
    the axes of the view that it names, or of the first."""
    if isinstance(capture, Cloud):
        return clouds.replayed(capture, plan)
    if isinstance(capture, Rig):
        at = capture.view_named(plan.capture)
        pose = capture.T_rig_camera[at]
        if plan.light is not None:
            capture = capture.lit_by(plan.light.light().turned(capture.T_rig_camera[0][:3, :3].T @ pose[:3, :3]))
        view = capture.views[at]
        edits = (grown(view, one) for one in plan.defects)
        return imprint(capture, tuple(one if isinstance(one, LiftedEdit) else one.moved(pose) for one in edits), plan)
    if plan.frame != "camera":
        raise ValueError(f"the plan is in the {plan.frame} frame; move it to the capture's camera first (plan.moved)")
    if plan.light is not None:
        capture = capture.lit_by(plan.light.light())
    elif capture.light is not None:
        plan = plan.model_copy(update={"light": PlannedLight.of(capture.light)})
    edits = tuple(grown(capture, planned) for planned in plan.defects)
    return imprint(capture, edits, plan)


def synthesize(capture: Capture | Rig | Cloud | PointCloud | Mesh, what: What, seed: int = 0):
    """Make defects in a capture: a Result; in a rig, the same ones in each view, drawn in the first: a Result a view;
    in a cloud: a CloudResult; in a mesh, in its own frame: a MeshResult.

    capture: a PointCloud is a Cloud that was read from no file
    what: a Spec or several (each is made once), a Recipe, a Method, or a Plan (whose seed then holds)
    Raises ValueError where a defect finds no place.
    """
    if isinstance(capture, PointCloud):
        capture = Cloud.of(capture)
    if isinstance(what, Spec):
        what = Recipe(defects=(what,))
    elif not isinstance(what, Recipe | Method | Plan):
        what = Recipe(defects=tuple(map(_spec, what)))
    if isinstance(capture, Mesh):
        from crossmodal.meshes.edit import synthesized  # it draws and grows by what is here

        return synthesized(capture, what, seed)
    if isinstance(what, Plan):
        return replay(capture, what)
    return replay(capture, draw(capture.views[0] if isinstance(capture, Rig) else capture, what, seed))


def _spec(one) -> Spec:
    if isinstance(one, Method):
        raise ValueError(f"{one.name} is a method, which is made by itself; give it alone, not in a list")
    return one


def forecast(capture: Capture | Cloud, plan: Plan) -> tuple[str, ...]:
    """Sentences on what the capture's noise floor or its light hides, before anything is made."""
    if isinstance(capture, Cloud):
        return clouds.forecast(capture, plan)
    if plan.light is not None:
        capture = capture.lit_by(plan.light.light())
    made_by = [(edit.kind, edit.field, edit.patch.anchor_m, edit.patch.normal) for planned in plan.defects
               if isinstance(planned, Made) and isinstance(edit := made(capture, planned), SurfaceEdit)]
    return foretold(capture.surface, made_by + [
        (planned.kind, planned.field(), planned.anchor_m, planned.normal)
        for planned in plan.defects if isinstance(planned, Grown)])
