"""Recipe → Plan → SurfaceEdit → CloudResult: crossmodal.synthesis for a cloud alone."""

from collections.abc import Sequence

from crossmodal.clouds.chart import CloudPatch, CloudProjection
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.imprint import AROUND, imprinted
from crossmodal.clouds.place import find_spot, on_axis
from crossmodal.clouds.result import CloudResult
from crossmodal.clouds.surface import CloudSurface
from crossmodal.clouds.warn import hidden, said
from crossmodal.defects import Scale, Spec
from crossmodal.drawing import each_drawn
from crossmodal.edit import SurfaceEdit
from crossmodal.methods.making import made
from crossmodal.methods.shape_alone import shows_a_shape
from crossmodal.methods.spec import Method
from crossmodal.place import Place
from crossmodal.plan import Grown, Lifted, Made, Plan


def drawn(cloud: Cloud, specs: Sequence[Spec], place, seed: int) -> Plan:
    """Choose sizes, places and textures of the chosen specs. Raises ValueError where one finds no place, or where only
    colour would show it and the cloud has none."""
    def allowed(spec: Spec) -> None:
        if cloud.rgb is None and shows_in_colour_alone(spec):
            raise ValueError(f"a {spec.kind} as asked changes colour alone, and {cloud.name or 'the cloud'} has no "
                             "colours; ask for another kind, or give a cloud with colours")

    planned = each_drawn(cloud, specs, place, seed, scale_of=scale_of, find_spot=find_spot, on_axis=on_axis,
                         allowed=allowed)
    return Plan(capture=cloud.name, frame="object", seed=seed, defects=planned)


def scale_of(cloud: Cloud, place: Place) -> Scale:
    """What sizes that were left open are chosen by, anywhere on the cloud."""
    surface = cloud.surface
    return Scale(surface.spacing_mm, surface.object_mm, surface.noise_mm, 2 * float(surface.clear_mm.max()),
                 surface.axes.long_mm, surface.axes.wide_mm, surface.own_colour)


def shows_in_colour_alone(asked: Spec | Method | Grown | Made) -> bool:
    """Whether what was asked for, or drawn of that, changes no shape."""
    if isinstance(asked, Method | Made):
        return not shows_a_shape(asked.blocks)
    spec = asked.spec if isinstance(asked, Grown) else asked
    return spec.does == "appearance" or spec.show == "colour"


def grown(surface: CloudSurface, planned: Grown | Lifted) -> SurfaceEdit:
    """The edit that one planned defect of the catalogue is, on the cloud's surface that it was planned for."""
    if isinstance(planned, Lifted):
        raise ValueError("a lifted defect belongs to the pixels of its own view; a cloud takes grown ones")
    field = planned.field()
    if planned.spec.extent == "global":
        whole = CloudProjection.of(surface, planned.anchor_m, planned.normal, planned.heading)
        return SurfaceEdit(whole, field, planned.kind, planned)
    margin = AROUND * surface.spacing_mm
    s0, s1, t0, t1 = field.bounds_mm
    box = s0 - margin, s1 + margin, t0 - margin, t1 + margin
    patch = CloudPatch.at(surface, planned.anchor_m, planned.normal, planned.heading, field.reach_mm + margin, box)
    return SurfaceEdit(patch, field, planned.kind, planned)


def replayed(cloud: Cloud, plan: Plan) -> CloudResult:
    """The result that a plan in the cloud's own (object) frame describes; bit for bit the first one."""
    if plan.frame != "object":
        raise ValueError(f"the plan is in the {plan.frame} frame; a cloud replays its own, in the object frame")
    for planned in plan.defects:
        if cloud.rgb is None and isinstance(planned, Grown | Made) and shows_in_colour_alone(planned):
            raise ValueError(f"the plan's {planned.kind} changes colour alone, and {cloud.name or 'the cloud'} has no "
                             "colours; give the cloud that it was made from")
    return imprinted(cloud, tuple(made(cloud, planned) if isinstance(planned, Made) else grown(cloud.surface, planned)
                                  for planned in plan.defects), plan)


def forecast(cloud: Cloud, plan: Plan) -> tuple[str, ...]:
    """Sentences on what the cloud's noise and spacing hide, before anything is made."""
    found = hidden(cloud, tuple(made(cloud, one) for one in plan.defects if isinstance(one, Made)))
    found += tuple(said(cloud, one.kind, one.field()) for one in plan.defects if isinstance(one, Grown))
    return (*cloud.surface.warnings, *(sentence for sentence in found if sentence))
