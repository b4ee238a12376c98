"""Relief by closed form about a place: what synthesis on bare clouds is made of (AF3AD, MPAS, PO3AD, R3D-AD, GLFM)."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from crossmodal.defects.spec import MOST, Positive, Scale, Share, Size
from crossmodal.easing import eased
from crossmodal.methods.block import fixed
from crossmodal.methods.canvas import Canvas
from crossmodal.methods.regions import Area, Region, area_of, on_surface
from crossmodal.texture import hashed, lattice_noise

GAUSS = 0.35  # AF3AD's sigma, of the radius
PLATEAU = 0.6  # of the radius, that a flat spot is flat over
RIM = 0.35  # of a crater's depth, that its rim stands out
Form = Literal["cosine", "gaussian", "poly", "hard", "cone", "dome", "plateau", "crater", "ripple", "freeform", "rough"]


class Kernel(Region):
    """An ellipse along the heading, with its profile a function of how far out a place lies; 0 at its border, but that
    of a hard one, which is a step.

    AF3AD's p' = p + B·K(t)·n, in a frame whose normal is the surface's own, so that what is asked to go out goes out.
    """

    kind: Literal["kernel"] = "kernel"
    length_mm: Size = ("8%", "25%")
    width_mm: Size = ("8%", "25%")
    form: Form = "cosine"
    """A dome falls as the square of how far out: what the rank of points by their distance makes (R3D-AD, GLFM)."""
    aspect: Positive | None = None
    """Width by length, low to high, where the width is not drawn by itself."""
    sigma: Annotated[float, Field(gt=0, le=2)] = GAUSS
    """Of a Gaussian, of the radius."""
    skew: Share = (0.0, 0.0)
    """How far the middle is moved along the heading, of the half length."""

    def drawn(self, rng, scale: Scale) -> Self:
        spec = super().drawn(rng, scale)
        if spec.aspect is None:
            return spec
        return spec.model_copy(update={"width_mm": tuple(min(spec.aspect[0] * side, MOST) for side in spec.length_mm)})

    def box_mm(self):
        return fixed(self.width_mm), fixed(self.length_mm)

    @property
    def finest_mm(self):
        return min(self.box_mm()) * {"ripple": 0.2, "freeform": 0.25, "rough": 0.15, "crater": 0.35}.get(self.form, 0.5)


@area_of.register
def _(region: Kernel, canvas: Canvas, middle, seed) -> Area:
    down, across = region.box_mm()
    y, x = canvas.about(middle)
    v, u = np.broadcast_arrays(2 * y / down, 2 * x / across)
    e = min(0.8, fixed(region.skew))
    # Seen from a middle that is moved by e, the border is still at 1.
    p = u - e * (1 - np.minimum(1, u * u + v * v))
    t = np.sqrt(p * p + v * v)
    inside = on_surface(u * u + v * v < 1, canvas)
    t = np.minimum(t, 1)
    profile = np.where(u * u + v * v < 1, _profile(region, t, np.arctan2(v, u), canvas, seed), 0)
    profile = canvas.carried(profile)
    # A kernel that lies between two cells still reaches its height.
    profile /= max(float(np.abs(profile).max()), 1e-9)
    return Area(inside, profile.astype(np.float32))


def _profile(region, t, turn, canvas, seed):
    if region.form == "gaussian":  # less its value at the border, so that it ends there
        return np.exp(-0.5 * (t / region.sigma) ** 2) - np.exp(-0.5 / region.sigma**2)
    return _PROFILES[region.form](t, turn, canvas, seed)


def _rough(t, turn, canvas, seed):
    h, w = canvas.shape
    noise = lattice_noise(*np.meshgrid(np.linspace(0, 9, w), np.linspace(0, 9, h)), seed, 1.0)
    return (0.5 + 0.5 * noise) * eased(2 * (1 - t))


_PROFILES = {
    "cosine": lambda t, turn, canvas, seed: 0.5 + 0.5 * np.cos(np.pi * t),
    "poly": lambda t, turn, canvas, seed: (1 - t * t) ** 2,
    "hard": lambda t, turn, canvas, seed: np.ones_like(t),
    "cone": lambda t, turn, canvas, seed: 1 - t,
    "dome": lambda t, turn, canvas, seed: 1 - t * t,
    "plateau": lambda t, turn, canvas, seed: eased((1 - t) / (1 - PLATEAU)),
    "crater": lambda t, turn, canvas, seed: (eased(1 - t / 0.7) - RIM * np.exp(-(((t - 0.8) / 0.1) ** 2)))
        * eased(8 * (1 - t)),
    "ripple": lambda t, turn, canvas, seed: np.cos(5 * np.pi * t) * eased(1.5 * (1 - t)),
    "freeform": lambda t, turn, canvas, seed: np.cos(4 * t + turn + np.pi * hashed(seed, 1)[0])
        * np.exp(-0.6 * t * t) * eased(2 * (1 - t)),
    "rough": _rough,
}
