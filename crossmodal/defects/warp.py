"""The whole object out of shape: bent over a line across it, or twisted about its long axis."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from crossmodal.defects.spec import Scale, Size, Spec, Turn, grow
from crossmodal.edit import Sample

SLACK = 1.005  # of an extent: what another view sees beyond the rim that one view saw


class Bend(Spec):
    """An end of the object lifted, as a plate or a bar that was bent over an edge and kept the bend."""

    extent: ClassVar = "global"
    effect: ClassVar = "warp"
    at: ClassVar = "axis"
    sizes: ClassVar = ("length_mm", "width_mm", "angle_deg", "diameter_mm")

    kind: Literal["bend"] = "bend"
    length_mm: Size | None = None
    """From the line of the bend to the end that it lifts."""
    width_mm: Size | None = None
    """Of the object along that line, as it is found there."""
    angle_deg: Turn | None = None
    """Between the two parts."""
    diameter_mm: Size | None = None
    """Of the circle whose arc joins the two parts."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return 0.3 * scale.long_mm, 0.6 * scale.long_mm
        if name == "width_mm":
            return scale.wide_mm, scale.wide_mm
        if name == "angle_deg":
            return scale.turn_deg(self.length_mm[0], 4.0, 12.0)
        whole = 2 * self.length_mm[0] / np.deg2rad(self.angle_deg[1])
        return 0.1 * whole, 0.6 * whole


class Twist(Spec):
    """The object turned ever farther about its long axis, as a plate that was wrung; one of its long sides stays."""

    extent: ClassVar = "global"
    effect: ClassVar = "warp"
    at: ClassVar = "axis"
    sizes: ClassVar = ("length_mm", "width_mm", "angle_deg")

    kind: Literal["twist"] = "twist"
    length_mm: Size | None = None
    """Of the twisted part, up to the object's end."""
    width_mm: Size | None = None
    """Of the object across its axis, as it is found there."""
    angle_deg: Turn | None = None
    """That the end has turned."""

    def usual(self, name: str, scale: Scale) -> tuple[float, float]:
        if name == "length_mm":
            return 0.6 * scale.long_mm, 0.9 * scale.long_mm
        if name == "width_mm":
            return scale.wide_mm, scale.wide_mm
        return scale.turn_deg(self.width_mm[0], 6.0, 14.0)


@dataclass(frozen=True, eq=False)
class Bent:
    """An arc from the line of the bend on, then its tangent; angle in radians."""

    length_mm: float
    width_mm: float
    angle: float
    radius_mm: float

    def height_mm(self, s_mm, t_mm):
        foot = self.radius_mm * np.sin(self.angle)
        arc = self.radius_mm - np.sqrt(self.radius_mm**2 - np.clip(s_mm, 0, foot) ** 2)
        return arc + np.maximum(s_mm - foot, 0) * np.tan(self.angle)


@dataclass(frozen=True, eq=False)
class Twisted:
    """Sections turn about the side that stays, in proportion to the way along the axis; angle in radians."""

    length_mm: float
    width_mm: float
    angle: float

    def height_mm(self, s_mm, t_mm):
        side = t_mm + 0.5 * SLACK * self.width_mm
        return side * np.tan(self.angle * np.clip(s_mm / self.length_mm, 0, 1))


@dataclass(frozen=True, eq=False)
class Warp:
    """A height over the object's own plane that begins at s = 0 and lasts to its end."""

    shape: Bent | Twisted

    @property
    def bounds_mm(self):
        half = 0.5 * SLACK * self.shape.width_mm
        return 0.0, SLACK * self.shape.length_mm, -half, half

    @property
    def finest_mm(self):
        return min(self.shape.length_mm, self.shape.width_mm)

    @property
    def reach_mm(self):
        _, s, _, t = self.bounds_mm
        return float(np.hypot(s, t))

    @property
    def deepest_mm(self):
        return max(0.0, -float(self._corners.min()))

    @property
    def highest_mm(self):
        return max(0.0, float(self._corners.max()))

    @property
    def _corners(self):
        _, s, t0, t1 = self.bounds_mm
        return self.shape.height_mm(np.array((s, s)), np.array((t0, t1)))

    def near(self, s_mm, t_mm, margin_mm):
        _, s, _, t = self.bounds_mm
        return (s_mm > -margin_mm) & (s_mm < s + margin_mm) & (np.abs(t_mm) < t + margin_mm)

    def sample(self, s_mm, t_mm) -> Sample:
        _, s, _, t = self.bounds_mm
        inside = (s_mm > 0) & (s_mm <= s) & (np.abs(t_mm) <= t)
        height = np.where(inside, self.shape.height_mm(s_mm, t_mm), 0.0)
        return Sample(height.astype(np.float32))


@grow.register
def _(bend: Bend, seed: int) -> Warp:
    return Warp(Bent(bend.fixed("length_mm"), bend.fixed("width_mm"), float(np.deg2rad(bend.fixed("angle_deg"))),
                     0.5 * bend.fixed("diameter_mm")))


@grow.register
def _(twist: Twist, seed: int) -> Warp:
    return Warp(Twisted(twist.fixed("length_mm"), twist.fixed("width_mm"),
                        float(np.deg2rad(twist.fixed("angle_deg")))))
