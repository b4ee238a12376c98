"""How well relief is read from shading: python tests/benchmarks/shading_table.py [draws].

Dents and bumps of three profiles on planes, cylinders and balls, of five matters, under lamps drawn anew, rendered by
the virtual scanner from meshes; of the picture after, ``lift`` gets the colours alone, and it finds the light itself.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import lights
import toys

from crossmodal.capture import Capture
from crossmodal.scanner import Cylinder, Lamp, Mesh, Plane, Sphere, rotation_about, scan
from crossmodal.shading import REFUSED, relief_from_shading
from rgb.shading import to_linear, to_srgb

FAR = 0.3
PROFILES = {"bowl": lambda x: x**2, "flat": lambda x: (y := np.minimum(1.6 * x, 1)) ** 2 * (3 - 2 * y),
            "steep": lambda x: x**1.5}
OBLIQUE, FRONTAL = (20, 60), (0, 8)


@dataclass(frozen=True, eq=False)
class Body:
    """A plane, a cylinder or a ball whose nearest point is at FAR, turned; (s, t) mm run along its surface."""

    name: str
    radius_m: float
    turn: np.ndarray

    def at(self, s, t):
        """Points (m) and unit normals (..., 3)."""
        s, t = s * 1e-3, t * 1e-3
        if self.name == "plane":
            points, normals = np.stack((s, t, 0 * s), -1), np.broadcast_to((0, 0, -1.0), (*s.shape, 3))
        else:
            far = np.abs(s) if self.name == "cylinder" else np.hypot(s, t)
            across = np.sinc(far / self.radius_m / np.pi) / self.radius_m
            rest = 0 * t if self.name == "cylinder" else t * across
            normals = np.stack((s * across, rest, -np.cos(far / self.radius_m)), -1)
            points = normals * self.radius_m + (0, 0, self.radius_m)
            if self.name == "cylinder":
                points[..., 1] = t
        return points @ self.turn.T + (0, 0, FAR), normals @ self.turn.T

    def chart(self, points):
        """(s, t) mm of points (..., 3) m."""
        x, y, z = np.moveaxis((points - (0, 0, FAR)) @ self.turn, -1, 0)
        if self.name == "plane":
            return x * 1e3, y * 1e3
        turned = np.arctan2(np.hypot(x, 0 if self.name == "cylinder" else y), self.radius_m - z)
        stretch = 1e3 * self.radius_m * turned / np.maximum(np.hypot(x, 0 if self.name == "cylinder" else y), 1e-12)
        return x * stretch, y * 1e3 if self.name == "cylinder" else y * stretch


@dataclass(frozen=True)
class Relief:
    """height_mm: + a bump, - a dent; half axes and middle in mm."""

    height_mm: float
    axes: tuple[float, float]
    turn: float
    middle: tuple[float, float]
    profile: str

    def __call__(self, s, t):
        x, y = s - self.middle[0], t - self.middle[1]
        c, n = np.cos(self.turn), np.sin(self.turn)
        square = ((c * x + n * y) / self.axes[0]) ** 2 + ((c * y - n * x) / self.axes[1]) ** 2
        return self.height_mm * PROFILES[self.profile](np.maximum(1 - square, 0))


def mesh(body: Body, relief, half_mm: float, step_mm: float = 0.2) -> Mesh:
    def at(s, t):
        points, normals = body.at(s, t)
        return points + 1e-3 * relief(s, t)[..., None] * normals

    n = int(2 * half_mm / step_mm) + 1
    s, t = np.meshgrid(*2 * (np.linspace(-half_mm, half_mm, n),))
    normal = np.cross(at(s, t + 0.01) - at(s, t - 0.01), at(s + 0.01, t) - at(s - 0.01, t))
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.ravel() for part in (i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]))
    return Mesh(at(s, t).reshape(-1, 3), np.concatenate((np.stack((a, b, c), 1), np.stack((b, d, c), 1))),
                (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).reshape(-1, 3))


def drawn(seed: int, off_deg: tuple[float, float], stain: bool) -> tuple[str, Capture, np.ndarray, np.ndarray]:
    """What it is, the capture before, the picture after and the true relief (H, W) mm, or where the stain is."""
    rng = np.random.default_rng((77, seed))
    name, matter = ("plane", "cylinder", "sphere")[int(rng.integers(3))], list(lights.matters(0))[int(rng.integers(5))]
    radius = rng.uniform(0.02, 0.035)
    body = Body(name, radius, rotation_about((*rng.normal(size=2), 0.3), rng.uniform(-20, 20)))
    size, sign = rng.uniform(2.5, 6.5), (-1, 1)[int(rng.integers(2))]
    middle = rng.uniform(0, 5), rng.uniform(-5, 0)
    relief = Relief(sign * size * rng.uniform(0.06, 0.25), (size, size * rng.uniform(0.6, 1)), rng.uniform(0, np.pi),
                    middle, tuple(PROFILES)[int(rng.integers(3))])
    off, round_ = np.deg2rad(rng.uniform(*off_deg)), rng.uniform(0, 2 * np.pi)
    ambient = rng.uniform(0.15, 0.45)
    lamp = Lamp((np.sin(off) * np.cos(round_), np.sin(off) * np.sin(round_), -np.cos(off)), ambient, 1 - ambient)
    # A plane alone tells no light, and a cylinder half of it: other things in the picture do.
    beside = {"plane": [Sphere((-0.012, -0.011, FAR - 0.004), 0.007),
                        Cylinder((0.014, 0.012, FAR - 0.002), (0.3, 1, 0.1), 0.005, 0.016)],
              "cylinder": [Plane((0, 0, FAR + 2 * radius), (0, 0, -1))] + (
                  [Sphere((-0.013, 0.013, FAR - 0.002), 0.005)] if rng.random() < 0.6 else []),
              "sphere": [Plane((0, 0, FAR + 2 * radius), (0, 0, -1))]}[name]
    half_mm = {"plane": 30, "cylinder": 1450 * radius, "sphere": 1300 * radius}[name]
    material, camera = lights.matters(int(rng.integers(1 << 16)))[matter], toys.toy_camera(160, FAR, 0.25)
    before, after = (scan([mesh(body, one, half_mm), *beside], camera, lamp, material)
                     for one in (lambda s, t: 0 * s, relief))
    s, t = body.chart(before.points.astype(np.float64))
    on = np.linalg.norm(before.points - body.at(s, t)[0], axis=-1) < 1e-4
    true, rgb = np.where(on, relief(s, t), 0.0), after.rgb
    if stain:
        gain = ((0.5, 0.5, 0.5), (0.7, 0.45, 0.3))[seed % 2]
        share = np.abs(true / relief.height_mm)[..., None]
        rgb = to_srgb((to_linear(before.rgb) * (1 - share * (1 - np.array(gain)))).astype(np.float32))
    return f"{matter} {name} {'stain' if stain else 'dent' if sign < 0 else 'bump'}", before, rgb, true


def measured(draws: int, off_deg, stain: bool) -> Iterator[tuple[str, float, float, float]]:
    """What it is, confidence, correlation with the true relief, and how high it came out against it."""
    for seed in range(draws):
        what, before, rgb, true = drawn(seed, off_deg, stain)
        mask = cv2.dilate((true != 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        found = relief_from_shading(before.surface, before.rgb, rgb, mask)
        got, want = found.relief_mm[mask], true[mask]
        alike = float(np.corrcoef(got, want)[0, 1]) if got.any() else 0.0
        yield what, found.confidence, alike, float(got @ want / (want @ want))


def main(draws: int) -> None:
    for title, off_deg, stain in (("oblique lamps", OBLIQUE, False), ("lamps by the camera", FRONTAL, False),
                                  ("stains, no relief", OBLIQUE, True)):
        rows = list(measured(draws, off_deg, stain))
        kept = [row for row in rows if row[1] >= REFUSED]
        print(f"{title}: {len(rows)} draws, {len(kept)} lifted, {len(rows) - len(kept)} refused")
        for word, some in (("all", rows), ("lifted", kept)):
            if some and not stain:
                alike, high = (np.array([row[k] for row in some]) for k in (2, 3))
                print(f"  {word}: sign right {(high > 0).mean():.1%}, correlation median {np.median(alike):.2f}, "
                      f"mean {alike.mean():.2f}, at least 0.8 in {(alike >= 0.8).mean():.1%}, "
                      f"height {np.median(high):.2f} of the true one")
        for what, sure, alike, high in kept:
            if stain or alike < 0.8:
                print(f"  {what}: confidence {sure:.2f}, correlation {alike:.2f}, height {high:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
