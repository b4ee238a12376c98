"""Independent truth: ideal surfaces with closed-form charts, and a ray cast that meets them displaced.

Nothing here reads what imprint did. A defect is its field over (s, t) in mm; on a plane, a sphere and a cylinder
(s, t) of any point has a closed form, so that the displaced surface is {p : h(p) = d(s(p), t(p))} and the first
point of a pixel's ray on it is found by marching and bisection in float64.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from hypothesis import strategies as st
from toys import LAMP, MATERIAL, PLAIN

from crossmodal.camera import Camera
from crossmodal.capture import Capture
from crossmodal.defects import grow
from crossmodal.edit import Sample
from crossmodal.scanner import Cylinder, Lamp, Material, Plane, Sphere, rotation_about, scan


def _frame(normal, heading):
    """Tangent axes (s, t) with normal × s = t, exactly orthonormal."""
    normal = normal / np.linalg.norm(normal)
    s = heading - (heading @ normal) * normal
    s = s / np.linalg.norm(s)
    return s, np.cross(normal, s)


@dataclass(frozen=True)
class FlatChart:
    """A plane through ``anchor`` (3,) m with unit ``normal``; s along ``heading``."""

    anchor: np.ndarray
    normal: np.ndarray
    heading: np.ndarray

    def sth(self, p):
        """(s, t, h) mm (..., 3) of points (..., 3) m: exact, by projection."""
        s, t = _frame(self.normal, self.heading)
        q = (p - self.anchor) * 1e3
        return np.stack((q @ s, q @ t, q @ (self.normal / np.linalg.norm(self.normal))), -1)

    def hit(self, rays):
        """(z, cosine of the slant) of the undisturbed surface along rays (..., 3) scaled to z = 1."""
        n = self.normal / np.linalg.norm(self.normal)
        down = rays @ n
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (self.anchor @ n) / down
        cosine = -down / np.linalg.norm(rays, axis=-1)
        return np.where((z > 0) & (cosine > 0), z, np.nan), cosine


@dataclass(frozen=True)
class BallChart:
    """A sphere about ``centre`` (3,) m; geodesic polar coordinates about ``anchor``."""

    centre: np.ndarray
    radius: float
    anchor: np.ndarray
    heading: np.ndarray

    def sth(self, p):
        """(s, t, h) mm: arc length along great circles from the anchor, and height above the sphere."""
        n = (self.anchor - self.centre) / np.linalg.norm(self.anchor - self.centre)
        s, t = _frame(n, self.heading)
        q = p - self.centre
        r = np.linalg.norm(q, axis=-1)
        u = q / r[..., None]
        a, b = u @ s, u @ t
        across = np.hypot(a, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            stretch = np.where(across > 0, np.arctan2(across, u @ n) / across, 1.0)
        mm = self.radius * 1e3
        return np.stack((a * stretch * mm, b * stretch * mm, (r - self.radius) * 1e3), -1)

    def hit(self, rays):
        a = (rays * rays).sum(-1)
        b = rays @ self.centre
        with np.errstate(invalid="ignore"):
            root = np.sqrt(b * b - a * (self.centre @ self.centre - self.radius**2))
        return (b - root) / a, root / (self.radius * np.sqrt(a))


@dataclass(frozen=True)
class TubeChart:
    """An endless cylinder about ``centre`` along ``axis``; unrolled, which is its exact isometry."""

    centre: np.ndarray
    axis: np.ndarray
    radius: float
    anchor: np.ndarray
    heading: np.ndarray

    def sth(self, p):
        """(s, t, h) mm on the unrolled cylinder."""
        axis = self.axis / np.linalg.norm(self.axis)
        out = self.anchor - self.centre
        out = out - (out @ axis) * axis
        out = out / np.linalg.norm(out)
        side = np.cross(axis, out)
        s, t = _frame(out, self.heading)
        q = p - self.centre
        arc = self.radius * np.arctan2(q @ side, q @ out) * 1e3
        along = ((p - self.anchor) @ axis) * 1e3
        r = np.hypot(q @ side, q @ out)
        return np.stack((along * (axis @ s) + arc * (side @ s), along * (axis @ t) + arc * (side @ t),
                         (r - self.radius) * 1e3), -1)

    def hit(self, rays):
        axis = self.axis / np.linalg.norm(self.axis)
        flat = rays - (rays @ axis)[..., None] * axis
        c = self.centre - (self.centre @ axis) * axis
        a, b = (flat * flat).sum(-1), flat @ c
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt(b * b - a * (c @ c - self.radius**2))
            z = (b - root) / a
            cosine = root / (self.radius * np.linalg.norm(rays, axis=-1))
        return z, cosine


@dataclass(frozen=True)
class Seen:
    """What each pixel's ray meets, all (H, W): z m, displacement mm there, whether the defect's support is met,
    (s, t) mm, and the undisturbed z. Where no support can be met, the undisturbed surface stands."""

    z: np.ndarray
    displacement_mm: np.ndarray
    support: np.ndarray
    st_mm: np.ndarray
    z_before: np.ndarray

    @property
    def hit(self):
        return np.isfinite(self.z)


def extreme_mm(field, across: int = 160) -> float:
    """A bound on |displacement|, mm: a tenth above the largest of a grid of samples."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = (g.ravel() for g in np.meshgrid(np.linspace(s0, s1, across), np.linspace(t0, t1, across)))
    return 1.1 * float(np.abs(field.sample(s, t).displacement_mm).max())


def cast(chart, field, camera: Camera, steps: int = 240) -> Seen:
    """First hits of every pixel's ray with the surface displaced by a field, by marching and bisection."""
    rays = camera.ray_map().astype(np.float64)
    z0, cosine = chart.hit(rays)
    reach = extreme_mm(field) * 1e-3
    with np.errstate(invalid="ignore"):
        span = reach / np.maximum(cosine, 0.12)
    at = chart.sth(rays * np.nan_to_num(z0, nan=1.0)[..., None])
    s0, s1, t0, t1 = field.bounds_mm
    slack = 1e3 * span * 1.2 + 1e-6
    near = (np.isfinite(z0) & (at[..., 0] > s0 - slack) & (at[..., 0] < s1 + slack)
            & (at[..., 1] > t0 - slack) & (at[..., 1] < t1 + slack))
    z, d, where = z0.copy(), np.zeros(z0.shape), at[..., :2].copy()
    support = np.zeros(z0.shape, bool)
    r, k = rays[near], span[near]
    if len(r):
        if reach > 0:
            z[near] = _first(chart, field, r, z0[near] - k, z0[near] + k, steps)
        landed = chart.sth(r * z[near][:, None])
        sample = field.sample(landed[:, 0], landed[:, 1])
        d[near], where[near], support[near] = sample.displacement_mm, landed[:, :2], sample.support
        if sample.underside_mm is not None:
            beneath = landed[:, 2] < 0.5 * sample.underside_mm
            d[near] = np.where(beneath, 0, np.clip(landed[:, 2], sample.underside_mm, sample.displacement_mm))
            support[near] &= ~beneath
    return Seen(z, d, support, where, z0)


def _gap(chart, field, p):
    return height_over_mm(field, chart.sth(p))


def height_over_mm(field, sth):
    """How far (...) chart points (..., 3) stand outside a displaced surface, mm, along the normal of the undisturbed
    one; matter that hangs over the surface is a body between its underside and its top."""
    sample = field.sample(sth[..., 0].ravel(), sth[..., 1].ravel())
    h = sth[..., 2]
    top = sample.displacement_mm.reshape(h.shape).astype(np.float64)
    if sample.underside_mm is None:
        return h - top
    under = sample.underside_mm.reshape(h.shape).astype(np.float64)
    return np.where(under > 0, np.minimum(h, np.maximum(h - top, under - h)), h - top)


def _first(chart, field, rays, near, far, steps):
    share = np.linspace(0, 1, steps + 1)
    found = np.empty(len(rays))
    for a in range(0, len(rays), 4000):
        part = slice(a, a + 4000)
        r, lo, hi = rays[part], near[part], far[part]
        zs = lo[:, None] + (hi - lo)[:, None] * share
        inside = _gap(chart, field, r[:, None] * zs[..., None]) <= 0
        assert not inside[:, 0].any(), "the march starts inside the surface"
        assert inside.any(1).all(), "the march never meets the surface"
        k = inside.argmax(1)
        i = np.arange(len(r))
        out, into = zs[i, k - 1], zs[i, k]
        for _ in range(44):
            middle = 0.5 * (out + into)
            under = _gap(chart, field, r * middle[:, None]) <= 0
            into, out = np.where(under, middle, into), np.where(under, out, middle)
        found[part] = into
    return found


def grown_by(mask, pixels: int = 1):
    """A mask (H, W) dilated by so many pixels, diagonals included."""
    for _ in range(pixels):
        wide = np.pad(mask, 1)
        across = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
        mask = across[:-2] | across[1:-1] | across[2:]
    return mask


def boundary_band(mask):
    """(H, W) bool: pixels of a true mask, or beside it, that have a neighbour of the other kind."""
    return grown_by(mask) & grown_by(~mask)


def pixel_area_mm2(chart, camera: Camera, z):
    """(H, W) mm² of undisturbed surface behind each pixel, from the closed form's slant (pinhole)."""
    rays = camera.ray_map()
    _, cosine = chart.hit(rays)
    return (z * 1e3) ** 2 / (camera.fx * camera.fy) / (cosine * np.linalg.norm(rays, axis=-1))


def feret_mm(st):
    """The largest extent (mm) of chart points (N, 2) in any direction."""
    turns = np.linspace(0, np.pi, 361)[:-1]
    along = st @ np.stack((np.cos(turns), np.sin(turns)))
    return float(np.ptp(along, axis=0).max())


def slope_of(chart, field, camera: Camera, seen: Seen, eps_m: float = 2e-7):
    """How fast each ray enters the displaced surface, and how fast the displacement changes along it.

    Returns (per mm of z, per mm of z), (H, W) float64: what an error on the surface costs in depth there.
    """
    rays = camera.ray_map()
    z = np.nan_to_num(seen.z, nan=1.0)
    gaps, ds = [], []
    for e in (-eps_m, eps_m):
        p = rays * (z + e)[..., None]
        sth = chart.sth(p)
        gaps.append(height_over_mm(field, sth))
        ds.append(field.sample(sth[..., 0].ravel(), sth[..., 1].ravel()).displacement_mm.reshape(z.shape).astype(float))
    step = 2 * eps_m * 1e3
    return (gaps[0] - gaps[1]) / step, np.abs(ds[1] - ds[0]) / step


def sampling_deficit_mm(field, spacing_mm: float, across: int = 240) -> float:
    """How far a field leaves the straight line between samples ``spacing_mm`` apart, diagonals included: what
    no picture of that resolution can know."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.meshgrid(np.linspace(s0, s1, across), np.linspace(t0, t1, across))
    here = field.sample(s.ravel(), t.ravel()).displacement_mm.astype(float)
    worst = 0.0
    for angle in np.arange(0, np.pi, np.pi / 4):
        ds, dt = np.cos(angle) * spacing_mm / np.sqrt(2), np.sin(angle) * spacing_mm / np.sqrt(2)
        ends = [field.sample((s + k * ds).ravel(), (t + k * dt).ravel()).displacement_mm for k in (-1, 1)]
        worst = max(worst, float(np.abs(here - 0.5 * (ends[0] + ends[1])).max()))
    return worst


def amplitude_mm(field) -> float:
    return extreme_mm(field) / 1.1


def openness(field, st, across: int = 32, along: int = 64):
    """Share of ambient light (...) that a field's relief lets in at chart places (..., 2): cos² of the horizon in each
    direction, fading out over one and a half heights of the relief, by quadrature on the field itself."""
    s0, s1, t0, t1 = field.bounds_mm
    grid = np.meshgrid(np.linspace(s0, s1, 200), np.linspace(t0, t1, 200))
    d = field.sample(grid[0].ravel(), grid[1].ravel()).displacement_mm
    reach = 1.5 * float(max(0, d.max()) - min(0, d.min()))
    flat = np.asarray(st, float).reshape(-1, 2)
    here = field.sample(flat[:, 0], flat[:, 1]).displacement_mm
    shut = np.zeros(len(flat))
    for angle in np.linspace(0, 2 * np.pi, across, endpoint=False):
        worst = np.zeros(len(flat))
        for far in np.linspace(0, reach, along + 2)[1:-1]:
            there = field.sample(flat[:, 0] + far * np.cos(angle), flat[:, 1] + far * np.sin(angle)).displacement_mm
            tangent = np.maximum(0, there - here) / far
            worst = np.maximum(worst, (1 - far / reach) * tangent ** 2 / (1 + tangent ** 2))
        shut += worst / across
    return 1 - shut.reshape(np.shape(st)[:-1])


@dataclass(frozen=True, eq=False)
class Displaced:
    """A chart's surface displaced by a field, as a shape that the virtual scanner can scan."""

    chart: object
    field: object
    steps: int = 160

    def hit(self, rays, origins=None):
        if origins is not None:
            raise NotImplementedError("only rays from the camera's centre")
        rays = np.asarray(rays, float)
        flat = rays.reshape(-1, 3)
        z0, cosine = self.chart.hit(flat)
        span = extreme_mm(self.field) * 1e-3 / np.maximum(cosine, 0.12)
        at = self.chart.sth(flat * np.nan_to_num(z0, nan=1.0)[:, None])
        s0, s1, t0, t1 = self.field.bounds_mm
        slack = 1.2e3 * span + 1e-6
        near = (np.isfinite(z0) & (at[:, 0] > s0 - slack) & (at[:, 0] < s1 + slack)
                & (at[:, 1] > t0 - slack) & (at[:, 1] < t1 + slack))
        z = z0.copy()
        z[near] = _first(self.chart, self.field, flat[near], z0[near] - span[near], z0[near] + span[near], self.steps)
        return z.reshape(rays.shape[:-1])

    def normal(self, points):
        """The gradient of h − d, by central differences of 2 µm."""
        points = np.asarray(points, float)
        e = 2e-6
        g = np.stack([_gap(self.chart, self.field, points + e * axis) - _gap(self.chart, self.field, points - e * axis)
                      for axis in np.eye(3)], -1)
        return g / np.linalg.norm(g, axis=-1, keepdims=True)


def normals_of(chart, field, camera: Camera, seen: Seen):
    """((H, W, 3), (H, W, 3)) unit normals of the undisturbed and of the displaced surface at each pixel's hit."""
    rays = camera.ray_map()

    class Flat:
        bounds_mm = field.bounds_mm

        def sample(self, s, t):
            return Sample(np.zeros(len(s), np.float32))

    old, new = Displaced(chart, Flat()), Displaced(chart, field)
    return (old.normal(rays * np.nan_to_num(seen.z_before, nan=1.0)[..., None]),
            new.normal(rays * np.nan_to_num(seen.z, nan=1.0)[..., None]))


def in_shadow(chart, field, camera: Camera, seen: Seen, towards, where, reach_mm: float = 12.0):
    """(H, W) bool: pixels of ``where`` whose way to a far lamp the displaced surface crosses."""
    points = (camera.ray_map() * np.nan_to_num(seen.z, nan=1.0)[..., None])[where]
    hidden = np.zeros(len(points), bool)
    for step in np.linspace(0.02, reach_mm, 300):
        hidden |= _gap(chart, field, points + 1e-3 * step * np.asarray(towards)) < -1e-5
    out = np.zeros(where.shape, bool)
    out[where] = hidden
    return out


@dataclass(frozen=True, eq=False)
class Ideal:
    """A capture of one shape whose chart is known in closed form; ``shape`` may be moved rigidly."""

    capture: Capture
    shape: object

    def chart(self, planned):
        """The exact chart of a planned defect (anchor, heading in this camera's frame)."""
        return chart_on(self.shape, planned)

    def seen(self, planned, field=None) -> Seen:
        return cast(self.chart(planned), field or field_of(planned), self.capture.camera)

    def moved(self, T, camera: Camera | None = None) -> "Ideal":
        """The same shape after p → T p, scanned anew by the camera of this capture or another."""
        return scanned(moved_shape(self.shape, T), camera or self.capture.camera, self.capture.name)


def field_of(planned):
    """The field that a planned defect is: the request itself."""
    return grow(planned.spec, planned.texture_seed)


def chart_on(shape, planned):
    anchor, heading = np.array(planned.anchor_m), np.array(planned.heading)
    if isinstance(shape, Plane):
        return FlatChart(anchor, np.array(shape.normal_out), heading)
    if isinstance(shape, Sphere):
        return BallChart(np.array(shape.centre), shape.radius, anchor, heading)
    return TubeChart(np.array(shape.centre), np.array(shape.axis), shape.radius, anchor, heading)


def moved_shape(shape, T):
    turn, shift = T[:3, :3], T[:3, 3]
    if isinstance(shape, Plane):
        return Plane(turn @ shape.point + shift, turn @ shape.normal_out)
    if isinstance(shape, Sphere):
        return Sphere(turn @ shape.centre + shift, shape.radius)
    return Cylinder(turn @ shape.centre + shift, turn @ shape.axis, shape.radius)


def scanned(shape, camera: Camera, name: str, material: Material | None = None, lamp: Lamp = LAMP) -> Ideal:
    return Ideal(scan(shape, camera, lamp, material or MATERIAL, name=name), shape)


LENSES = {"pinhole": ("pinhole", ()), "division": ("division", (-6.0,)),
          "brown": ("brown", (4.0, -30.0, 0.01, -0.008, 0.0))}


def camera_of(lens: str = "pinhole", size: int = 144, z_m: float = 0.3, mm_per_pixel: float = 0.25) -> Camera:
    """A camera that sees ``mm_per_pixel`` at ``z_m``; fx ≠ fy and the axis off the middle, lest they be confused."""
    focal = z_m * 1000 / mm_per_pixel
    model, distortion = LENSES[lens]
    return Camera(size, size - 8, focal, 1.04 * focal, size / 2 - 4.3, size / 2 - 1.8, model, distortion)


@lru_cache(maxsize=48)
def ideal(shape: str = "plane", tilt_deg: float = 0.0, about_deg: float = 90.0, lens: str = "pinhole",
          size: int = 144, mm_per_pixel: float = 0.25, textured: bool = True) -> Ideal:
    """A plane tilted about an axis in the picture, or a sphere or cylinder of 30 mm radius (the cylinder is turned
    by ``about_deg`` in the picture and leans by ``tilt_deg`` away from it)."""
    z = 0.3
    turn = np.radians(about_deg)
    about = np.array((np.cos(turn), np.sin(turn), 0.0))
    if shape == "plane":
        made = Plane((0, 0, z), rotation_about(about, tilt_deg) @ np.array((0.0, 0.0, -1.0)))
    elif shape == "sphere":
        made = Sphere((0.002, -0.001, z + 0.03), 0.03)
    else:
        lean = np.radians(tilt_deg)
        made = Cylinder((0, 0, z + 0.03 / np.cos(lean)),
                        (np.cos(lean) * about[0], np.cos(lean) * about[1], np.sin(lean)), 0.03)
    return scanned(made, camera_of(lens, size, z, mm_per_pixel), f"{shape} {tilt_deg:g} {about_deg:g}",
                   MATERIAL if textured else PLAIN)


def ideals(lenses=("pinhole", "division", "brown"), shapes=("plane", "sphere", "cylinder"), steepest: int = 60,
           textured: bool = True):
    """Hypothesis strategy of ideal captures: every orientation, slants to ``steepest`` degrees, every lens."""
    return st.builds(ideal, st.sampled_from(shapes), st.sampled_from([a for a in (0, 15, 30, 45, 60) if a <= steepest]),
                     st.sampled_from((0, 35, 90, 145, 180, 215, 270, 325)), st.sampled_from(lenses),
                     textured=st.just(textured)).filter(
                         lambda scene: not (isinstance(scene.shape, Cylinder) and abs(scene.shape.axis[2]) > 0.6))


def rotation(axis, degrees, shift=(0.0, 0.0, 0.0)):
    """(4, 4) rigid motion."""
    T = np.eye(4)
    T[:3, :3] = rotation_about(axis, degrees)
    T[:3, 3] = shift
    return T
