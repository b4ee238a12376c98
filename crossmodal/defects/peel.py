"""A coating that peels: bare ground of another colour, and the loose skin curled up at its side."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.added import linear, srgb
from crossmodal.defects.outline import Outline
from crossmodal.defects.spec import Colour, Scale, Size, Spec, grow
from crossmodal.edit import Sample
from crossmodal.texture import hashed, lattice_noise

FREE = 0.25  # where the loose skin's free edge stands, in radii along +s
# Linear light of what a coating hides: zinc primer, grey filler, red lead, bare steel, board.
GROUNDS = np.array(((0.50, 0.51, 0.50), (0.20, 0.21, 0.22), (0.30, 0.09, 0.05), (0.36, 0.36, 0.37), (0.48, 0.36, 0.22)))


class Peel(Spec):
    """A coating come loose: its skin is gone from a patch, another colour lies beneath, and one edge curls up."""

    extent: ClassVar = "local"
    effect: ClassVar = "both"
    sizes: ClassVar = ("diameter_mm", "depth_mm", "height_mm")

    kind: Literal["peel"] = "peel"
    diameter_mm: Size | None = None
    depth_mm: Size | None = None
    """Of the coating: how far the bare ground lies below it."""
    height_mm: Size | None = None
    """Of the curled edge over the surface."""
    colour: Colour | None = None
    """Of the bare ground; None draws that of primer, filler, red lead, steel or board, unlike the coating's own."""

    def coloured(self, rng, scale: Scale):
        if self.colour is not None:
            return self
        grounds = GROUNDS[scale.stands_out(GROUNDS, 0.15)]
        return self.model_copy(update={"colour": srgb(grounds[int(rng.integers(len(grounds)))])})

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "diameter_mm":
            return scale.across(0.08, 0.18, pixels=22, steepest=0.25)
        if name == "depth_mm":
            return scale.relief(self.diameter_mm, 0.012, 0.025)
        return scale.relief(self.diameter_mm, 0.1, 0.18)


@dataclass(frozen=True, eq=False)
class Flap:
    """Bare ground under an outline; towards +s the skin still hinges and curls."""

    outline: Outline
    depth_mm: float
    height_mm: float
    colour: np.ndarray
    """(3,) float64 linear."""
    seed: int

    @property
    def bounds_mm(self):
        return self.outline.bounds_mm

    @property
    def finest_mm(self):
        return 0.16 * self.outline.diameter_mm

    @property
    def reach_mm(self):
        return self.outline.reach_mm

    @property
    def deepest_mm(self):
        return self.depth_mm

    @property
    def highest_mm(self):
        return self.height_mm

    def near(self, s_mm, t_mm, margin_mm):
        return self.outline.near(s_mm, t_mm, margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        s, t = np.asarray(s_mm, np.float64), np.asarray(t_mm, np.float64)
        r = self.outline.inside(s, t)
        size, radius = self.outline.diameter_mm, self.outline.radius_mm
        ragged = lattice_noise(t, 0.0, self.seed, 0.18 * size, octaves=2) * np.clip(4 * np.abs(t) / size - 0.2, 0, 1)
        # x is 0 at the curl's free edge and 1 on the outline, where the skin lies flat again.
        along = s / radius - FREE - 0.12 * ragged
        x = along / (np.maximum(along, 0) + np.maximum(1 - r, 0) + 1e-6)
        inside, fade = r < 1, np.clip(6 * (1 - r), 0, 1)
        skin = inside & (x >= 0)
        # Scraps of the coating still stick to the ground, most of them at the rim.
        scraps = lattice_noise(s, t, self.seed + 8, 0.13 * size, octaves=3)
        stuck = np.clip((scraps - 0.75 + 0.5 * np.clip((r - 0.55) / 0.45, 0, 1)) / 0.05, 0, 1) * (x < -0.05)
        bare = inside & (x < 0)
        sides = np.clip(1.15 * (1 - (t / (0.95 * radius)) ** 2), 0, 1)
        curl = np.clip(1 - x, 0, 1) ** 1.6 * sides * fade * (1 - 0.2 * (1 - sides) * ragged ** 2)
        gone = -self.depth_mm * np.minimum(1, 2 * fade) * (1 - 0.9 * stuck)
        d = np.where(skin, self.height_mm * curl, np.where(bare, gone, 0))
        # The ground keeps marks of the tool that prepared it, along one way, and clouds of primer and rust.
        grain = lattice_noise(s, t, self.seed + 4, 0.04 * size, octaves=2)
        brushed = lattice_noise(0.15 * s + t, 0.15 * t - s, self.seed + 6, 0.05 * size, octaves=2)
        cloud = lattice_noise(s, t, self.seed + 7, 0.3 * size, octaves=3)
        # Along the torn edge of the coating its own thickness is seen, and dust lies against it.
        brink = np.exp(-(((r - 0.955) / 0.03) ** 2))
        mottle = (1 + 0.1 * grain + 0.1 * brushed + 0.3 * cloud) * (1 - 0.35 * brink)
        tone = np.clip(self.colour * mottle[:, None], 0, 1)
        share = bare * (1 - stuck) * np.where(x < 0, np.clip(12 * (1 - r), 0.4, 1), 1)
        cover = np.concatenate((share[:, None] * tone, share[:, None]), 1)
        # A stretched skin pales and cracks where it bends, and its lifted edge is torn.
        torn = np.clip(0.6 + 0.8 * lattice_noise(0.2 * s, t, self.seed + 9, 0.06 * size, octaves=2), 0, 1)
        pale = np.where(skin, 0.2 * curl + 0.35 * torn * np.exp(-((x / 0.08) ** 2)) * sides, 0)
        return Sample(d.astype(np.float32), whitening=pale.astype(np.float32), cover=cover.astype(np.float32))


@grow.register
def _(peel: Peel, seed: int) -> Flap:
    lots = hashed(seed + 3, 2)
    colour = GROUNDS[int((0.5 + 0.4999 * lots[0]) * len(GROUNDS))] if peel.colour is None else linear(peel.colour)
    return Flap(Outline.drawn(peel.fixed("diameter_mm"), 0.28, seed), peel.fixed("depth_mm"), peel.fixed("height_mm"),
                colour, seed + 1)
