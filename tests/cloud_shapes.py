"""Clouds whose surface is known in closed form."""

import numpy as np

import crossmodal as cm

RADIUS_MM, RING_MM, TUBE_MM = 20.0, 20.0, 7.0
BOX_MM = np.array((40.0, 30.0, 12.0))


def turned(rng) -> np.ndarray:
    """(3, 3) a random rotation."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def sphere(rng, n):
    """Points mm (n, 3) strewn over a sphere, and their outward normals."""
    out = rng.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return RADIUS_MM * out, out


def box(rng, n):
    """The same for a box."""
    areas = np.array((BOX_MM[1] * BOX_MM[2], BOX_MM[0] * BOX_MM[2], BOX_MM[0] * BOX_MM[1]))
    axis = rng.choice(3, n, p=areas / areas.sum())
    side = rng.choice((-1.0, 1.0), n)
    points, out = rng.uniform(-0.5, 0.5, (n, 3)) * BOX_MM, np.zeros((n, 3))
    points[np.arange(n), axis], out[np.arange(n), axis] = 0.5 * side * BOX_MM[axis], side
    return points, out


def torus(rng, n):
    """The same for a torus."""
    tube = rng.uniform(0, 2 * np.pi, 4 * n)
    keep = rng.uniform(0, RING_MM + TUBE_MM, 4 * n) < RING_MM + TUBE_MM * np.cos(tube)
    tube, turn = tube[keep][:n], rng.uniform(0, 2 * np.pi, n)
    out = np.stack((np.cos(tube) * np.cos(turn), np.cos(tube) * np.sin(turn), np.sin(tube)), -1)
    ring = np.stack((np.cos(turn), np.sin(turn), np.zeros(n)), -1)
    return RING_MM * ring + TUBE_MM * out, out


SHAPES = (sphere, box, torus)


def plate(rng, n, side_mm=60.0, z_m=0.4, rgb=True) -> cm.Cloud:
    """A flat cloud strewn over a square that faces a viewpoint in the origin."""
    xy = rng.uniform(-0.5, 0.5, (n, 2)) * side_mm
    xyz = 1e-3 * np.column_stack((xy, np.zeros(n))) + (0, 0, z_m)
    colours = np.clip(150 + 6 * rng.normal(size=(n, 1)) + (20, 0, -20), 0, 255).astype(np.uint8)
    return cm.Cloud(xyz, colours if rgb else None, None, (0.0, 0.0, 0.0), "plate")
