"""Scenes whose lamp is known: every shape and matter of the virtual scanner, under lamps from many sides."""

import itertools
from dataclasses import dataclass

import numpy as np
import toys
from commuting_shapes import GROUND, bar, plate

from crossmodal.capture import Capture
from crossmodal.scanner import (
    Box,
    Brushed,
    Cast,
    Cylinder,
    Lamp,
    Material,
    Painted,
    Plane,
    Sphere,
    rotation_about,
    scan,
)

FAR = 0.3
SHAPES = ("sphere", "box", "plate", "bar", "bars", "cylinder")


@dataclass(frozen=True, eq=False)
class Found:
    """A scene, the lamp that lit it, and what was estimated: error in degrees, confidence 0 to 1."""

    shape: str
    matter: str
    capture: Capture
    lamp: Lamp
    error_deg: float
    confidence: float


def matters(seed: int) -> dict[str, Material]:
    """One of each matter (linear albedo, texture, gloss), its texture drawn by ``seed``."""
    return {"plain": Material((0.45, 0.43, 0.40)),
            "cast": Material((0.45, 0.43, 0.40), Cast(seed=seed)),
            "brushed": Material((0.33, 0.33, 0.34), Brushed(seed=seed)),
            "painted": Material((0.08, 0.22, 0.30), Painted(seed=seed)),
            "glossy": Material((0.40, 0.20, 0.15), Cast(contrast=0.05, seed=seed), specular=0.25, shininess=30)}


def lamp(rng: np.random.Generator) -> Lamp:
    """A lamp on the camera's side, 15 to 65 degrees off its axis, with more or less sky."""
    off, around = np.deg2rad(rng.uniform(15, 65)), rng.uniform(0, 2 * np.pi)
    ambient = rng.uniform(0.15, 0.45)
    direction = np.sin(off) * np.cos(around), np.sin(off) * np.sin(around), -np.cos(off)
    return Lamp(direction, ambient=ambient, diffuse=1 - ambient)


def shapes(name: str) -> tuple:
    """The scene's shapes, in metres before the camera; the last is what they lie on."""
    wall = Plane((0, 0, FAR + 0.03), (0, 0, -1))
    if name == "sphere":
        return Sphere((0, 0, FAR + 0.015), 0.015), wall
    if name == "box":
        return Box((0, 0, FAR + 0.012), (0.013, 0.009, 0.008), rotation_about((1, 0.7, 0), 34)), wall
    if name == "cylinder":
        return Cylinder((0, 0, FAR + 0.015), (0.94, 0.34, 0), 0.012), wall
    if name == "bars":
        return (Cylinder((-0.009, 0, FAR + 0.009), (0.2, 1, 0.15), 0.006),
                Cylinder((0.009, 0, FAR + 0.009), (-0.6, 1, 0.1), 0.006), wall)
    shape = plate() if name == "plate" else bar()
    return shape.mesh, shape.ground


def found(shape: str, matter: str, seed: int, size: int = 160) -> Found:
    """Scan one scene under a lamp drawn by ``seed`` and compare the lamp with the estimate."""
    names = SHAPES.index(shape), list(matters(0)).index(matter)
    rng = np.random.default_rng((seed, *names))
    lit = lamp(rng)
    made, material = shapes(shape), matters(int(rng.integers(1 << 16)))[matter]
    capture = scan(made, toys.toy_camera(size, FAR, 0.25 * 176 / size), lit,
                   (*(material,) * (len(made) - 1), GROUND), samples=1, name=f"{shape} {matter} {seed}")
    light = capture.surface.light
    cosine = float(np.clip(np.asarray(light.direction) @ lit.direction, -1, 1))
    return Found(shape, matter, capture, lit, float(np.degrees(np.arccos(cosine))), light.confidence)


def survey(seeds=(0, 1, 2)) -> list[Found]:
    """Every shape in every matter under a lamp each."""
    return [found(*one) for one in itertools.product(SHAPES, matters(0), seeds)]


def told(rows: list[Found]) -> str:
    """A table: share relit, median error, and in bins of confidence the share within 15 degrees."""
    error, sure = np.array([r.error_deg for r in rows]), np.array([r.confidence for r in rows])
    lines = [f"{len(rows)} scenes: {np.mean(sure >= 0.3):.0%} relit, error median {np.median(error):.1f} deg, "
             f"p90 {np.percentile(error, 90):.1f}"]
    for low, high in itertools.pairwise((0, 0.2, 0.5, 0.8, 0.95, 1.01)):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            lines.append(f"confidence {low:4.2f} to {min(high, 1):4.2f}: {inside.sum():3d} scenes, error median "
                         f"{np.median(error[inside]):5.1f} deg, {np.mean(error[inside] <= 15):.0%} within 15")
    for name in SHAPES:
        inside = np.array([r.shape == name for r in rows])
        lines.append(f"{name:9s} confidence {np.median(sure[inside]):.2f}, error {np.median(error[inside]):.1f}"
                     f" to {error[inside].max():.1f} deg")
    return "\n".join(lines)


if __name__ == "__main__":
    print(told(survey()))
