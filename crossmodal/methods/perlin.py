"""Where noise rises above a threshold: what the DRAEM family calls a defect."""

import math
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from crossmodal.defects.spec import Scale, Size, ranged
from crossmodal.methods.block import Block, Range, fixed
from crossmodal.methods.noise import framed, perlin
from crossmodal.methods.picture import Photograph
from crossmodal.methods.regions import Area, Cells, Region, area_of

TRIES = 32  # noise that may be empty, before it is given up
Octaves = ranged(Annotated[int, Field(ge=0, le=9, strict=True)], minimum=0, maximum=9)
FINEST = 0.25  # of a lattice cell, as wide as the smallest part of noise above a threshold is taken to be
SEEN_PX = 2.5  # across the finest part of noise that is drawn for a surface
FADES = 0.25  # of a canvas's half width, over which noise falls below any threshold at its border


class Perlin(Region):
    """Gradient noise above a threshold (DRAEM): blobs of any shape, and hills of the same noise."""

    kind: Literal["perlin"] = "perlin"
    spreads = True
    when_drawn = ("cells",)
    diameter_mm: Size = ("35%", "70%")
    """Of the surface that it covers; of a photograph it covers all."""
    octaves: Octaves = (0, 5)
    """The canvas has 2^k lattice cells down, and across, each k drawn from these; fewer where pixels or points would
    not tell so fine parts of its diameter apart, unless it is framed or its cells are given."""
    threshold: Range = (0.5, 0.5)
    signed: bool = False
    """Both hills above the threshold and pits below its negative."""
    nonempty: bool = True
    """Draw again where nothing rises above it; else an empty region is refused, and never called good."""
    turn_deg: Range = (-90.0, 90.0)
    framed: bool = False
    """Of a photograph: as DRAEM's code has it, a picture of whole cells that was turned, and is empty more often."""
    cells: Cells | None = None
    """(down, across): what was drawn, or is to be."""

    def drawn(self, rng, scale: Scale) -> Self:
        cells = self.cells or tuple(int(2**k) for k in rng.integers(self.octaves[0], self.octaves[1] + 1, 2))
        rest = Block.drawn(self.model_copy(update={"octaves": (0, 0), "cells": None}), rng, scale)
        drawn = rest.model_copy(update={"octaves": self.octaves, "cells": cells})
        if self.cells or self.framed:
            return drawn
        most = max(1.0, FINEST * fixed(drawn.diameter_mm) / (SEEN_PX * scale.pixel_mm))
        return drawn.model_copy(update={"cells": tuple(min(k, 2 ** int(math.log2(most))) for k in cells)})

    def box_mm(self):
        return (fixed(self.diameter_mm),) * 2

    @property
    def reach_mm(self):
        # Where noise, 1 at most, has faded to the threshold: there 3x² − 2x³ is the threshold.
        least = min(max(fixed(self.threshold), 0.0), 1.0)
        faded = 0.5 - math.sin(math.asin(1 - 2 * least) / 3)
        return 0.5 * fixed(self.diameter_mm) * (1 - FADES * faded)

    @property
    def two_sided(self):
        return self.signed

    @property
    def finest_mm(self):
        return FINEST * fixed(self.diameter_mm) / max(self.cells)


@area_of.register
def _(region: Perlin, canvas, middle, seed):
    threshold = fixed(region.threshold)
    photograph = isinstance(canvas, Photograph)
    if region.framed and not photograph:
        raise ValueError("framed noise reaches to the border of a photograph; leave framed out on a surface")
    least = 1 if photograph else math.ceil((region.finest_mm / canvas.step_mm) ** 2)
    tries = [(attempt, cells) for cells in (least, 1) for attempt in range(TRIES)] if region.nonempty else [(0, 1)]
    fades = None if photograph else FADES
    for attempt, cells in tries:
        if region.framed:
            noise = framed(canvas.shape, region.cells, fixed(region.turn_deg), seed + attempt)
        else:
            noise = perlin(canvas.shape, region.cells, fixed(region.turn_deg), seed + attempt, fades,
                           max(threshold, 0))
        relief = np.maximum(noise - threshold, 0)
        if region.signed:
            relief -= np.maximum(-noise - threshold, 0)
        if max(np.count_nonzero(relief > 0), np.count_nonzero(relief < 0)) < cells:
            continue  # whatever of it lies on the surface
        relief = canvas.carried(relief)
        over, under = np.maximum(relief, 0), np.maximum(-relief, 0)
        for part in (over, under):
            if np.count_nonzero(part) < cells:  # of full height it would be a needle
                part[:] = 0
        most = [max(float(part.max()), 1e-9) for part in (over, under)]
        profile = over / most[0] - under / most[1]
        if profile.any():
            return Area(profile != 0, profile, noise)
    raise ValueError(f"no noise rises above {threshold:.2g} on this canvas"
                     + ("" if region.nonempty else ", as in the published method; say nonempty, or take another seed"))
