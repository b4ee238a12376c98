"""What is left of a method on an object that has no colours: its shape."""

from crossmodal.methods.algebra import holds
from crossmodal.methods.block import Choice, options
from crossmodal.methods.contents import Keep
from crossmodal.methods.effects import Flat
from crossmodal.methods.masks import Score, Superpixels
from crossmodal.methods.spec import Blocks
from crossmodal.plan import Made, Planned

BY_COLOUR = Score, Superpixels
"""Regions that follow colours."""


def in_shape_alone(blocks: Blocks, name: str) -> Blocks:
    """The blocks with nothing left to chance that only colour would show. Raises ValueError where nothing is left."""
    if holds(blocks.region, BY_COLOUR):
        raise ValueError(f"{name} follows the object's colours, and it has none; give a capture, or what has colours")
    if not shows_a_shape(blocks):
        raise ValueError(f"{name} changes colour alone, and the object has none; ask for another method, or give a "
                         "capture, or what has colours")
    effect = blocks.effect
    if isinstance(effect, Choice):
        effect = effect.model_copy(update={"of": tuple(one for one in effect.of if not isinstance(one, Flat))})
    return blocks.model_copy(update={"effect": effect, "sharing": ("geometry",)})


def shows_a_shape(blocks: Blocks) -> bool:
    """Whether a method, drawn or not, may change the shape."""
    return set(blocks.sharing) != {"rgb"} and not all(isinstance(one, Flat) for one in options(blocks.effect))


def shows_without_colours(blocks: Blocks) -> bool:
    """Whether something of a method is left where there are no colours."""
    return shows_a_shape(blocks) and not holds(blocks.region, BY_COLOUR)


def told_of_shape(planned: Planned | None, name: str) -> str | None:
    """A sentence where a planned method would lay colours on an object, called so, that has none; else None."""
    if not isinstance(planned, Made) or isinstance(planned.blocks.content, Keep):
        return None
    return f"{planned.kind} is made in shape alone: {name} has no colours"
