"""The surface that a cloud's points lie on: planes, outward normals, edges and scale, measured once a cloud."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

import rgb as rgb_room
from crossmodal.axes import Axes, spans_mm
from crossmodal.capture import read_only
from crossmodal.clouds.cloud import Cloud
from crossmodal.ground import GRAZING
from pointcloud import orient

UNSURE = 0.05  # share of a closed cloud's points, beside which both sides are mixed up, that is too much
CROSSED = 0.02  # share of neighbours whose given normals are opposite on one sheet, that is too much
FOLD = 0.8  # cosine of the turn (37°) between neighbours' normals on an edge
ON_EDGE = 3  # neighbours that must say so
GAP = np.deg2rad(150)  # in the ring of neighbours about a point, at an open rim
OFFSET = 0.3  # of their middle from it, in shares of their reach
MOST_SEEN = 0.25  # of a closed body's area, on average over all sides (Cauchy)
WAY_OUT = "say --viewpoint x,y,z from where it was seen, or give it normals that point outwards"


@dataclass(frozen=True, eq=False)
class CloudSurface:
    """Geometry derived from one cloud; nothing here hangs on any plan.

    xyz_m: (N, 3) float64; smoothed_m: (N, 3) float64, on the plane through their neighbours
    normals: (N, 3) float64, unit, outwards or to the viewer; near: (N, k) int32, neighbours
    area_mm2: (N,) float64 that each point stands for; usable: (N,) bool, points whose side is sure
    faced: (N,) bool, points that were seen well enough to carry a defect
    colours: (N, 3) uint8 or None; closed: whether it encloses a volume; warnings: what is odd about it
    """

    xyz_m: np.ndarray
    smoothed_m: np.ndarray
    normals: np.ndarray
    near: np.ndarray
    area_mm2: np.ndarray
    usable: np.ndarray
    faced: np.ndarray
    noise_mm: float
    colours: np.ndarray | None
    closed: bool
    warnings: tuple[str, ...] = ()

    camera = None
    """No view: an edit that was grown here is looked up wherever it is seen."""

    @classmethod
    def of(cls, cloud: Cloud) -> "CloudSurface":
        """Analyse a cloud. Raises ValueError where nothing tells which side is out."""
        xyz = cloud.xyz_m - cloud.xyz_m.mean(0)  # far from the origin, squares would swallow what is small
        found = orient.planes(xyz)
        usable = faced = np.ones(len(cloud), bool)
        closed, warnings = False, ()
        if cloud.normals is not None:
            normals, warnings = _given(cloud, xyz, found)
        elif cloud.viewpoint_m is not None:
            normals = orient.turned_to(cloud.xyz_m, found.normals, np.array(cloud.viewpoint_m))
            normals = orient.sharpened(xyz, found.near, normals)
            sight = np.array(cloud.viewpoint_m) - cloud.xyz_m
            faced = np.einsum("ni,ni->n", normals, sight) > GRAZING * np.linalg.norm(sight, axis=1)
        else:
            normals, usable = _closed(cloud, xyz, found)
            closed = True
        smoothed = cloud.xyz_m - found.above[:, None].astype(np.float64) * found.normals
        noise_mm = 1.4826e3 * float(np.median(np.abs(found.above)))
        return cls(cloud.xyz_m, read_only(smoothed), read_only(normals), read_only(found.near),
                   read_only(1e6 * found.area), read_only(usable), read_only(faced), noise_mm, cloud.rgb, closed,
                   warnings)

    @cached_property
    def tree(self):
        from scipy.spatial import cKDTree

        return cKDTree(self.xyz_m)

    @cached_property
    def spacing_mm(self) -> float:
        """Mean distance of points: the root of the area that each stands for, median."""
        return float(np.sqrt(np.median(self.area_mm2)))

    @property
    def mm_per_pixel(self) -> float:
        """What a picture's pixel would be."""
        return self.spacing_mm

    @property
    def floor_mm(self) -> float:
        """What of relief drowns in the points' own noise."""
        return self.noise_mm

    @cached_property
    def object_mm(self) -> float:
        """How large the object is: the root of the area that is seen of it from one side, in millimetres."""
        return float(np.sqrt(self.area_mm2.sum() * (MOST_SEEN if self.closed else 1.0)))

    @cached_property
    def spans_mm(self) -> tuple[float, float]:
        """Of all points (see axes.spans_mm)."""
        return spans_mm(self.smoothed_m)

    @cached_property
    def axes(self) -> Axes:
        """The plane that the object lies in, and its long axis."""
        if not self.closed:
            return Axes.of(self.xyz_m[None], self.normals[None], np.ones((1, len(self.xyz_m)), bool))
        # A closed body's normals sum up to nothing; it lies on the plane that it is flattest against.
        some = self.xyz_m[:: max(1, len(self.xyz_m) // 20_000)]
        flat = np.linalg.eigh(np.cov((some - some.mean(0)).T))[1][:, 0]
        flat *= np.sign(flat[np.argmax(np.abs(flat))])
        normals = np.broadcast_to(flat, self.xyz_m.shape)
        return Axes.of(self.xyz_m[None], normals[None], np.ones((1, len(self.xyz_m)), bool))

    @cached_property
    def rim(self) -> np.ndarray:
        """(N,) bool: points where the surface ends; a closed one ends nowhere."""
        if self.closed:
            return np.zeros(len(self.xyz_m), bool)
        found = _open_ring(self.xyz_m, self.normals, self.near, GAP, OFFSET)
        return found & (found[self.near].sum(1) >= ON_EDGE)

    @cached_property
    def edge(self) -> np.ndarray:
        """(N,) bool: points on a fold, or where the surface ends."""
        return self.rim | _folded(self.normals, self.near, FOLD, ON_EDGE)

    @cached_property
    def crest(self) -> np.ndarray:
        """(N,) bool: points of edges that stand out, from which a piece can break; a valley's are none."""
        middle = self.xyz_m[self.near].mean(1) - self.xyz_m
        return self.rim | (self.edge & (np.einsum("ni,ni->n", middle, self.normals) < 0))

    @cached_property
    def clear_mm(self) -> np.ndarray:
        """(N,) float32: how far each point is from an edge, in a straight line; no more than the object is large."""
        edge = np.flatnonzero(self.edge)
        if not len(edge):
            return np.full(len(self.xyz_m), 0.5 * self.object_mm, np.float32)
        from scipy.spatial import cKDTree

        far = cKDTree(self.xyz_m[edge]).query(self.xyz_m)[0]
        return np.minimum(1e3 * far, 0.5 * self.object_mm).astype(np.float32)

    @cached_property
    def white(self) -> float:
        """Linear light in which the cloud's colours show a white surface."""
        if self.colours is None:
            return 1.0
        brightest = rgb_room.to_linear(np.ascontiguousarray(self.colours[::4].max(-1)[:, None, None])).ravel()
        return float(np.clip(np.percentile(brightest, 98) / 0.8, 0.1, 1.0))

    @cached_property
    def own_colour(self) -> tuple[float, float, float] | None:
        """The object's median linear colour where white matter is 1; None without colours."""
        if self.colours is None:
            return None
        median = np.median(self.colours[::2], axis=0).astype(np.uint8)
        linear = np.minimum(rgb_room.to_linear(median[None, None])[0, 0] / self.white, 1)
        return tuple(float(x) for x in linear)


def _given(cloud, xyz, found):
    """The file's normals, those that are missing from the planes; refused where they are of both sides."""
    normals = cloud.normals.astype(np.float64)
    missing = ~normals.any(1)
    if missing.any():
        around = normals[found.near[missing]].sum(1)
        side = np.where(np.einsum("ni,ni->n", found.normals[missing], around) < 0, -1.0, 1.0)
        normals[missing] = side[:, None] * found.normals[missing]
    steps = xyz[found.near[:, 0]] - xyz
    flat = np.abs(np.einsum("ni,ni->n", steps, found.normals)) < 0.3 * np.linalg.norm(steps, axis=1)
    crossed = flat & (np.einsum("ni,ni->n", normals, normals[found.near[:, 0]]) < -0.5)
    if crossed.mean() > CROSSED:
        raise ValueError(f"{cloud.name or 'the cloud'} has normals that point to both sides of its surface "
                         f"({100 * crossed.mean():.0f} % of neighbours); turn them to one side, or leave them out and "
                         "say --viewpoint x,y,z")
    volume = (found.area * np.einsum("ni,ni->n", normals, xyz)).sum()
    if volume < 0 and orient.is_closed(xyz, -normals, found.area):
        return normals, ("the normals of this closed cloud point into it, as of a room seen from within: "
                         "a dent is pressed away from its inside",)
    return normals, ()


def _closed(cloud, xyz, found):
    normals, piece = orient.turned_alike(xyz, found.near, found.normals)
    normals = orient.turned_outwards(xyz, normals, piece, found.area)
    name = cloud.name or "the cloud"
    if not orient.is_closed(xyz, normals, found.area):
        raise ValueError(f"{name} is open, or too sparse for its thin walls, so that nothing tells which side of it is "
                         f"out; {WAY_OUT}")
    usable = orient.sure(xyz, found.near, normals)
    if (~usable).mean() > UNSURE:
        raise ValueError(f"{name} has walls thinner than its points are apart ({100 * (~usable).mean():.0f} % of "
                         f"it), so that nothing tells which side is out; {WAY_OUT}")
    return orient.sharpened(xyz, found.near, normals), usable


@njit(cache=True, nogil=True)
def _folded(normals, near, cosine, least):
    out = np.zeros(len(normals), np.bool_)
    for i in range(near.shape[0]):
        turned = 0
        for m in range(near.shape[1]):
            j = near[i, m]
            if (normals[i, 0] * normals[j, 0] + normals[i, 1] * normals[j, 1]
                    + normals[i, 2] * normals[j, 2]) < cosine:
                turned += 1
        out[i] = turned >= least
    return out


@njit(cache=True, nogil=True)
def _open_ring(xyz, normals, near, gap, offset):
    """(N,) bool: points about which the neighbours leave a wide gap, and lie all to one side."""
    n, k = near.shape
    out = np.zeros(n, np.bool_)
    angle = np.empty(k)
    for i in range(n):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        # Any two directions in the plane will do.
        ax, ay, az = (0.0, -nz, ny) if abs(nx) < 0.6 else (-nz, 0.0, nx)
        length = np.sqrt(ax * ax + ay * ay + az * az)
        ax, ay, az = ax / length, ay / length, az / length
        bx, by, bz = ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax
        u = v = reach = 0.0
        for m in range(k):
            j = near[i, m]
            dx, dy, dz = xyz[j, 0] - xyz[i, 0], xyz[j, 1] - xyz[i, 1], xyz[j, 2] - xyz[i, 2]
            p, q = dx * ax + dy * ay + dz * az, dx * bx + dy * by + dz * bz
            angle[m] = np.arctan2(q, p)
            u, v, reach = u + p, v + q, max(reach, np.sqrt(p * p + q * q))
        if np.sqrt(u * u + v * v) < offset * k * reach:
            continue
        angle.sort()
        widest = angle[0] + 2 * np.pi - angle[k - 1]
        for m in range(1, k):
            widest = max(widest, angle[m] - angle[m - 1])
        out[i] = widest > gap
    return out
