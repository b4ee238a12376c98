"""The laws that need no truth, on every real capture at hand: MVTec 3D-AD's cable gland and the mOSD scenes."""

from functools import lru_cache

import numpy as np
import pytest
import truth
from laws_agreement import check_gt, check_L3, check_L4, check_L5, check_L9, doctored, through_cloud
from laws_scale import outline_mm, requested
from test_laws_replay import check_identity, check_L10, faded

import crossmodal as cm
from crossmodal.camera import residual

CABLES = [*(f"train/good/{n:03d}" for n in range(8)),
          *(f"test/{kind}/000" for kind in ("good", "bent", "cut", "hole", "thread"))]
SCENES = [*(f"learn{n}" for n in (0, 4, 18, 20, 34, 36, 40, 44)), *(f"test{n}" for n in (0, 6, 18, 33, 39, 42))]
REAL = [("cable_gland", name) for name in CABLES] + [("mosd", name) for name in SCENES]


@lru_cache(maxsize=1)
def read(shared, source, name):
    if source == "mosd":
        return cm.read_capture(shared / "data/mosd" / f"{name}.pcd")
    folder = shared / "data/mvtec3d_sample/cable_gland" / name.rsplit("/", 1)[0]
    number = name.rsplit("/", 1)[1]
    return cm.read_capture(folder / "rgb" / f"{number}.png", folder / "xyz" / f"{number}.tiff")


@pytest.fixture(params=REAL, ids=lambda p: f"{p[0]}-{p[1].replace('/', '-')}")
def capture(request, shared):
    source, name = request.param
    if not (shared / "data" / {"mosd": "mosd", "cable_gland": "mvtec3d_sample"}[source]).is_dir():
        pytest.skip(f"no {source} in {shared}")
    return read(shared, source, name)


@lru_cache(maxsize=1)
def check_L2_as_measured(capture):
    """L2 of a real sensor: depth is z, and points project into their pixels as well as the sensor's own do (its
    flying points, under 2 %, may not); the residual that the camera fit reports is that of the points."""
    assert capture.depth.tobytes() == np.ascontiguousarray(capture.points[..., 2]).tobytes()
    off = np.abs(capture.camera.project(capture.points.astype(np.float64)) - capture.camera.pixel_grid()).max(-1)
    off = off[capture.valid]
    assert np.median(off) <= 0.05
    assert (off > 0.5).mean() <= 0.02
    fit = residual(capture.camera, capture.points)
    assert 0 <= fit.median_px <= 0.1
    return off.size


def deepest_in_sight(surface, planned, field, across=160):
    """How deep (mm) a field on flat ground is seen to be from where the camera stands: a wall hides what is behind."""
    normal, along = np.array(planned.normal), np.array(planned.heading)
    view = -np.array(planned.anchor_m) / np.linalg.norm(planned.anchor_m)
    lateral = np.array((view @ along, view @ np.cross(normal, along))) / max(view @ normal, 0.05)
    s0, s1, t0, t1 = field.bounds_mm
    step = max(s1 - s0, t1 - t0) / across
    grid = np.stack(np.meshgrid(np.arange(s0, s1, step), np.arange(t0, t1, step)), -1).reshape(-1, 2)
    d = field.sample(grid[:, 0], grid[:, 1]).displacement_mm.astype(float)
    deepest_first = np.argsort(d, kind="stable")[:np.count_nonzero(d < 0.2 * d.min())]
    rises = np.linspace(0, field.deepest_mm + field.highest_mm, 80)[1:, None]
    for some in np.array_split(deepest_first, max(1, len(deepest_first) // 50)):
        there = grid[some] + rises[..., None] * lateral
        over = field.sample(there[..., 0].ravel(), there[..., 1].ravel()).displacement_mm.reshape(there.shape[:2])
        clear = (over <= d[some] + rises + 1e-3 * field.deepest_mm).all(0)
        if clear.any():
            return float(-d[some][clear].min())
    return 0.0


def highest_in_sight(surface, planned, field):
    """How far a warp lifts any point of the object: its closed form at every foreground point, mm."""
    sth = (surface.smoothed[surface.foreground] - np.array(planned.anchor_m)) * 1e3
    across = np.cross(planned.normal, planned.heading)
    return float(field.sample(sth @ np.array(planned.heading), sth @ across).displacement_mm.max())


def deepest_on_object(capture, planned):
    """How deep any point of the object is pushed that no other hides, mm: what lies at an edge may lie beyond it, or
    lean away behind it. Every point is moved by itself, and looked at through a z-buffer as coarse as its pixels."""
    surface = capture.surface
    points = surface.points[surface.foreground].astype(np.float64)
    normals = surface.normals[surface.foreground]
    pushed = cm.grown(surface, planned)(points, normals).displacement_mm
    points += 1e-3 * pushed[:, None] * normals
    column, row = np.rint(capture.camera.project(points)).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < capture.camera.width) & (row < capture.camera.height)
    first = np.full(capture.shape, np.inf)
    np.minimum.at(first, (row[inside], column[inside]), points[inside, 2])
    seen = points[inside, 2] - first[row[inside], column[inside]] < 1e-3 * surface.mm_per_pixel
    return -float(pushed[inside][seen].min())


def check_appears(capture, result, forecast):
    """Every requested defect is there with the right sign and size within the floor, or was reported as hidden.

    Returns "seen", or "hidden" for one that was reported beforehand.
    """
    [planned], [measured], [visibility] = result.plan.defects, result.measured, result.visibility
    spec, field = planned.spec, truth.field_of(planned)
    surface = capture.surface
    for name, want in requested(spec).items():
        if name != "width_mm" and spec.extent == "local":
            assert abs(getattr(measured, name) - want) <= 0.02 * want, f"{name} {getattr(measured, name)}, asked {want}"
    if any(word in sentence for sentence in forecast for word in ("below", "hidden", "hide", "only")):
        return "hidden"
    assert result.gt.any(), "nothing appears"
    assert visibility.seen_in, "nothing is seen, and nothing was said beforehand"
    pixel = surface.mm_per_pixel
    # Where the defect lies a pixel spans more than the capture's median.
    area = float(surface.pixel_area_mm2[result.gt].sum())
    if spec.effect == "add":
        # Matter does not lean as the surface does that it is seen before: what it takes up across the line of sight.
        z_mm = 1e3 * result.after.depth[result.gt & result.after.valid].astype(np.float64)
        area = float((z_mm**2).sum() / (capture.camera.fx * capture.camera.fy))
    span = float(np.sqrt(surface.pixel_area_mm2[result.gt].max()))
    allowed = 2 * span * outline_mm(field)
    # At an edge a part of the defect lies beyond the object.
    if spec.extent == "local":
        assert area - measured.area_mm2 <= allowed, f"{area:.1f} mm² for {measured.area_mm2:.1f}"
    # At an edge a part of the defect lies beyond the object; a whole object does not fill the box about it.
    assert spec.at != "object" or measured.area_mm2 - area <= allowed, f"{area:.1f} mm² for {measured.area_mm2:.1f}"
    amplitude = truth.amplitude_mm(field)
    if spec.effect == "appearance":
        assert not result.masks.points.any()
        assert "rgb" in visibility.seen_in
        return "seen"
    assert "depth" in visibility.seen_in
    if spec.effect == "remove":
        gone = np.isnan(result.displacement_mm)
        assert gone.any(), "nothing is gone"
        assert not (result.after.depth[gone] <= result.before.depth[gone]).any(), "what is behind is not farther"
        return "seen"
    d = result.displacement_mm[result.gt & np.isfinite(result.displacement_mm)]
    allowed = 0.01 * amplitude + surface.floor_mm + truth.sampling_deficit_mm(field, max(pixel, span))
    if spec.effect == "warp":
        highest = highest_in_sight(surface, planned, field)
        assert abs(d.max() - highest) <= allowed, f"{d.max():.3f} mm high, asked {highest:.3f} ± {allowed:.3f}"
        assert d.min() >= -allowed
    if spec.effect in ("in", "both"):
        want = min(requested(spec)["max_depth_mm"], deepest_in_sight(surface, planned, field))
        if spec.at == "edge":
            want = min(want, deepest_on_object(capture, planned))
        # A surface's own relief, where it goes, goes beside the asked depth.
        deeper = np.inf if spec.blunts else allowed
        assert -allowed <= -d.min() - want <= deeper, f"{-d.min():.3f} mm deep, asked {want:.3f} ± {allowed:.3f}"
    if spec.effect in ("out", "add"):
        want = requested(spec)["max_height_mm"]
        assert abs(d.max() - want) <= allowed, f"{d.max():.3f} mm high, asked {want:.3f} ± {allowed:.3f}"
    both = result.gt & result.before.valid & result.after.valid
    dz = (result.after.depth.astype(np.float64) - result.before.depth)[both]
    asked = requested(spec)
    deep, high = asked.get("max_depth_mm", 0), asked.get("max_height_mm", 0)
    if max(deep, high) > 2 * min(deep, high):
        towards = 1 if deep > high else -1
        # A coarse sensor may round a lip up to as many steps as it rounds the ground down.
        assert (towards * dz).max() >= 0.999 * np.abs(dz).max(), "the largest change has the wrong sign"
    return "seen"


@pytest.mark.parametrize("kind", [spec.model_fields["kind"].default for spec in cm.DEFECTS])
def test_laws_on_real_captures(request, capture, kind):
    [spec] = [s for s in cm.DEFECTS if s.model_fields["kind"].default == kind]
    check_L2_as_measured(capture)
    # Each capture has a seed of its own: as many places and sizes of a kind are tried as there are captures.
    seed = request.node.callspec.indices["capture"]
    result = cm.synthesize(capture, spec(), seed=seed)
    forecast = cm.forecast(capture, result.plan)
    assert forecast == result.warnings
    fate = check_appears(capture, result, forecast)
    check_L3(result)
    check_L5(result.before, result.after, result.masks)
    check_gt(result)
    if spec.effect in ("in", "out", "add", "remove"):
        check_L9(result, spec.effect)
    check_L10(capture, result)
    edit = cm.grown(capture.surface, result.plan.defects[0])
    check_identity(faded(capture, edit, 0))
    # What is narrower than a pixel passes between the points that would be labelled.
    if fate == "seen" and not any("pixels wide" in sentence for sentence in forecast):
        check_L4(result, *through_cloud(capture, edit))


def test_a_request_below_the_floor_is_reported_beforehand(shared):
    """DESIGN §4.8: on millimetre-quantised depth a hair's depth is seen in colour only, and said so."""
    capture = read(shared, "mosd", "learn0")
    for spec in (cm.Dent(diameter_mm=40, depth_mm=0.3), cm.Bump(diameter_mm=40, height_mm=0.3)):
        result = cm.synthesize(capture, spec, seed=1)
        assert cm.forecast(capture, result.plan)
        assert not result.masks.depth.any()
        assert "depth" not in result.visibility[0].seen_in


def test_what_is_missing_or_turned_is_caught(shared):
    capture = read(shared, "mosd", "learn0")
    result = cm.synthesize(capture, cm.Dent(), seed=0)
    assert check_appears(capture, result, ()) == "seen"
    for spoilt in (doctored(result, points=2 * result.before.points - result.after.points),
                   doctored(result, gt=np.zeros_like(result.gt)),
                   doctored(result, displacement_mm=np.float32(0.5) * result.displacement_mm),
                   doctored(result, gt=truth.grown_by(result.gt, 6))):
        with pytest.raises((AssertionError, ValueError)):
            check_appears(capture, spoilt, ())
