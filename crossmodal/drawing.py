"""What is drawn for each defect of a recipe, in a capture or in a cloud: its sizes, its texture and its place."""

from collections.abc import Callable, Sequence

from crossmodal.capture import Capture
from crossmodal.clouds.cloud import Cloud
from crossmodal.defects import Scale, Spec
from crossmodal.defects.only import grown_as_asked
from crossmodal.place import Place
from crossmodal.placement import Spot
from crossmodal.plan import Grown
from crossmodal.streams import stream


def each_drawn(captured: Capture | Cloud, specs: Sequence[Spec], place: Place, seed: int, *,
               scale_of: Callable[[Capture | Cloud, Place], Scale], find_spot: Callable, on_axis: Callable,
               allowed: Callable[[Spec], None] = lambda spec: None) -> tuple[Grown, ...]:
    """The chosen specs as they are planned, each from its own streams.

    place: of the specs that name none; scale_of: what open sizes are chosen by at a place; find_spot, on_axis: where a
    defect finds room (see crossmodal.placement); allowed: raises ValueError for a drawn spec that cannot be
    Raises ValueError where one finds no place.
    """
    surface = captured.surface
    taken: tuple[Spot, ...] = ()
    ordinals: dict[str, int] = {}
    planned = []
    for spec in specs:
        ordinal = ordinals[spec.kind] = ordinals.get(spec.kind, -1) + 1
        name = (captured.name, spec.kind, ordinal)
        here = spec.place or place
        drawn = spec.drawn(stream(seed, *name, "sizes"), scale_of(captured, here)).model_copy(update={"place": None})
        texture_seed = int(stream(seed, *name, "texture").integers(0, 2**31 - 8))
        rng = stream(seed, *name, "place")
        allowed(drawn)
        if drawn.at == "axis":
            drawn, spot = on_axis(surface, here, drawn, rng)
        else:
            spot = find_spot(surface, here, drawn, grown_as_asked(drawn, texture_seed).bounds_mm, taken, rng)
        taken += (spot,)
        planned.append(Grown(spec=drawn, anchor_m=spot.anchor_m, normal=spot.normal, heading=spot.heading,
                             texture_seed=texture_seed))
    return tuple(planned)
