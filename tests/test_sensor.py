"""The sensor that a capture's own depth tells of: its grid, grain, blur and blindness, and what they do to defects."""

from dataclasses import replace

import numpy as np
import pytest
import toys
from test_laws_real import read

import crossmodal as cm
from crossmodal.captures import load, names
from crossmodal.normals import fitted_planes
from crossmodal.planes import local_planes
from crossmodal.sensor import IdealSensor
from crossmodal.synthesis import grown
from depth.floor import DepthFloor
from depth.sensor import FOURTH, DepthSensor, measure_sensor

TOYS = {"plane": toys.plane, "tilted": lambda: toys.tilted_plane(40), "sphere": toys.sphere,
        "cylinder": toys.cylinder, "step": toys.step, "box": toys.box}


def bend(z):
    """Fourth differences (h, w) along rows."""
    return sum(k * z[:, i:z.shape[1] - 4 + i].astype(np.float64) for i, k in enumerate(FOURTH))


def imprinted(capture, spec, seed, sensor):
    """The same defect by one sensor or another; None is the capture's own."""
    plan = cm.synthesize(capture, spec, seed=seed).plan
    return cm.imprint(capture, [grown(capture.surface, planned) for planned in plan.defects], plan, sensor=sensor)


def smoothed_map(sigma, noise_m=2e-6, shape=(300, 300)):
    grain = DepthSensor(np.empty(0, np.float32), noise_m, sigma, np.inf).grain(shape, np.random.default_rng(1))
    return np.float32(0.1) + grain


@pytest.mark.parametrize("name", TOYS)
def test_a_clean_capture_has_an_ideal_sensor(name):
    capture = TOYS[name]()
    assert capture.surface.sensor.depth.ideal
    seen, ideal = (imprinted(capture, cm.Dent(diameter_mm=6, depth_mm=0.4), 3, sensor)
                   for sensor in (None, IdealSensor()))
    assert seen.masks.depth.any()
    assert seen.after.points.tobytes() == ideal.after.points.tobytes()


@pytest.mark.parametrize("sigma", [0.0, 0.8, 1.1, 1.6])
def test_blur_and_strength_of_noise_are_found_again(sigma):
    z = smoothed_map(sigma)
    linked = np.ones((*z.shape, 2), bool)
    sensor = measure_sensor(z, linked, DepthFloor(2e-6, 0.0, 0.1), 1e-3)
    assert sensor.blur_px == pytest.approx(sigma, abs=0.15)
    assert bend(z).std() / np.sqrt((FOURTH**2).sum()) == pytest.approx(2e-6, rel=0.05)


def test_what_is_smoothed_stays_behind_a_step():
    sensor = DepthSensor(np.empty(0, np.float32), 1e-6, 1.2, np.inf)
    before = np.full((20, 20), 0.3, np.float32)
    before[:, 10:] = 0.32
    after = before.copy()
    after[:, 8:10] += np.float32(1e-3)
    out = sensor.spread(after, before, np.full((20, 20), 2e-3, np.float32))
    assert (out[:, 10:] == before[:, 10:]).all()
    assert (out[:, :8] == before[:, :8]).all()
    assert (out[:, 8:10] > before[:, 8:10]).all()
    assert (out[:, 8:10] <= after[:, 8:10]).all()
    nearer = out[10, 9] - before[10, 9], out[10, 8] - before[10, 8]
    assert nearer[0] > nearer[1]  # beyond the step there is nothing still to average with


def test_a_grid_with_gaps_is_completed():
    levels = np.arange(500, 900).astype(np.float32) / np.float32(1e3)
    held = np.delete(levels, [50, 51, 200])
    z = np.tile(np.repeat(held, 4), (40, 1))
    sensor = measure_sensor(z, np.ones((*z.shape, 2), bool), DepthFloor(1e-4, 1e-3, 0.7), 1e-3)
    assert np.isin(np.round(levels * 1e3), np.round(sensor.levels_m * 1e3)).all()
    assert np.isin(held, sensor.levels_m).all()
    assert (sensor.rounded(z) == z).all()


def test_surface_turned_away_gets_no_return():
    sensor = DepthSensor(np.empty(0, np.float32), 1e-6, 0.0, 5.0)
    z = np.full((20, 20), 0.3, np.float32)
    z[:, 8:12] += np.arange(1, 5, dtype=np.float32) * np.float32(0.3 * 1e-3 * 8)
    z[:, 12:] = 0.35
    blind = sensor.blind(z, 1e-3)
    assert blind[:, 8:11].all()
    assert not blind[:, :7].any()
    assert not blind[:, 13:].any()


def on_the_grid(capture, seed, spec):
    result = cm.synthesize(capture, spec, seed=seed)
    changed = result.masks.depth & result.after.valid
    levels = capture.surface.sensor.depth.levels_m
    assert np.isin(result.after.depth[changed], levels).all()
    assert (np.abs(result.after.depth[changed] * 1e3 - np.round(result.after.depth[changed] * 1e3)) < 1e-3).all()
    return int(changed.sum())


@pytest.mark.parametrize("name", ["learn0", "learn20", "learn44", "test0", "test33"])
def test_changed_depth_lies_on_the_grid_of_a_kinect(shared, name):
    capture = read(shared, "mosd", name)
    assert sum(on_the_grid(capture, seed, cm.Bump(diameter_mm=40, height_mm=10)) for seed in range(3)) > 100


@pytest.mark.parametrize("name", names())
def test_changed_depth_lies_on_the_grid_of_the_shipped_captures(name):
    assert sum(on_the_grid(load(name), seed, cm.Bump(diameter_mm=40, height_mm=10)) for seed in range(3)) > 100


def test_a_scratch_is_no_sharper_than_the_scanner_sees(shared):
    capture = read(shared, "cable_gland", "train/good/000")
    spec = cm.Scratch(length_mm=10, width_mm=0.8, depth_mm=0.15)
    assert capture.surface.sensor.depth.blur_px > 0.8
    sharp = sharpness(capture, spec, 7, IdealSensor())
    soft = sharpness(capture, spec, 7, replace(capture.surface.sensor, softens=True))
    print(f"fourth difference, scratch over background: {sharp:.1f} ideal, {soft:.1f} by its sensor")
    assert soft < 0.7 * sharp


def sharpness(capture, spec, seed, sensor):
    """Median |fourth difference| inside a defect's depth mask, over that of the same pixels before."""
    result = imprinted(capture, spec, seed, sensor)
    inside = result.masks.depth[:, 2:-2]
    after, before = np.abs(bend(result.after.depth))[inside], np.abs(bend(capture.depth))[inside]
    return np.nanmedian(after) / np.nanmedian(before)


@pytest.mark.parametrize("stride", [2, 3])
def test_fitted_planes_of_neighbours_agree(stride):
    """Each looks at every stride-th pixel only; together they look at all, and differ by less noise than alone."""
    y, x = np.indices((60, 60), np.float64)
    rays = np.stack(((x - 30) / 500, (y - 30) / 500, np.ones_like(x)), -1)
    true = rays / (rays @ np.array((0.3, -0.2, 1.0)))[..., None]
    z = true[..., 2] + np.random.default_rng(0).normal(0, 1e-3, x.shape)
    points, linked = (rays * z[..., None]).astype(np.float32), np.ones((60, 60, 2), bool)
    window = (10, 50), (12, 48)
    _, smoothed = local_planes(points, linked, 2 * stride, stride, *window)
    _, alone = fitted_planes(points, linked, 2 * stride, stride, *window)
    off, off_alone = (p[..., 2] - true[10:50, 12:48, 2] for p in (smoothed, alone))
    assert np.abs(np.diff(off, axis=1)).mean() < 0.5 * np.abs(np.diff(off_alone, axis=1)).mean()
    assert np.abs(off).mean() <= np.abs(off_alone).mean()
    flat, _ = local_planes(true.astype(np.float32), linked, 2 * stride, stride, *window)
    assert np.abs(flat @ np.array((0.3, -0.2, 1.0)) + np.linalg.norm((0.3, -0.2, 1.0))).max() < 1e-4
