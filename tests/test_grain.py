"""Grain does not tell the inside of a mask from its outside; and grain is kept, scaled and hidden as it should be."""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import grain
import numpy as np
import pytest
import toys
from laws_agreement import check_L5, doctored
from test_laws_real import CABLES, SCENES, read

import crossmodal as cm
import rgb as rgb_room
from depth.sensor import DepthSensor

FAMILIES = {"cable_gland": (CABLES, 9.0), "mosd": (SCENES, 50.0)}
ALIKE = 0.60  # area under the curve, up to which a classifier has learnt nothing to speak of
FOUND = 0.70


def wanted(wide_mm):
    """Defects large against a patch; corrosion and burn have a texture of their own that is finer than that."""
    return {"dent": cm.Dent(diameter_mm=wide_mm, depth_mm=wide_mm / 15),
            "bump": cm.Bump(diameter_mm=wide_mm, height_mm=wide_mm / 15),
            "stain": cm.Stain(diameter_mm=wide_mm), "wear": cm.Wear(diameter_mm=wide_mm),
            "blister": cm.Blister(diameter_mm=wide_mm, height_mm=wide_mm / 15),
            "contamination": cm.Contamination(diameter_mm=wide_mm, form="blob")}


@lru_cache(maxsize=4)
def made(shared, family, kinds, plain=False):
    """{kind: [results of one capture, ...]}; plain leaves a photograph's grain out."""
    names, wide_mm = FAMILIES[family]
    out = {kind: [] for kind in kinds}
    for seed, name in enumerate(names):  # each capture has draws of its own
        capture = read(shared, family, name)
        if plain:
            capture = capture.replaced()
            capture.__dict__["surface"] = without_grain(capture.surface)
        for kind in kinds:
            try:
                out[kind].append(cm.synthesize(capture, wanted(wide_mm)[kind], seed=seed))
            except ValueError:  # no room for it on this object
                continue
    return out


def without_grain(surface):
    return replace(surface, grain=rgb_room.NO_GRAIN)


def auc(results, modality, spoilt=lambda result: result):
    """Over {kind: results}, of one modality, captures kept apart."""
    captures = {}
    for of_kind in results.values():
        for result in of_kind:
            pairs = grain.pairs(spoilt(result), modality, np.random.default_rng(0))
            if pairs is not None:
                captures.setdefault(result.before.name, []).append(pairs)
    assert len(captures) >= 3, "too few captures to train on"
    return grain.auc_of(list(captures.values()))


@pytest.mark.parametrize("modality", ["rgb", "depth"])
@pytest.mark.parametrize("family", FAMILIES)
def test_grain_does_not_tell_inside_from_outside(shared, family, modality):
    results = made(shared, family, tuple(wanted(1.0)))
    found = auc(results, modality)
    print(f"{family}, {modality}: AUC {found:.3f}")
    for kind, of_kind in results.items():
        if modality == "rgb" or kind != "stain":
            try:
                print(f"  {kind} {auc({kind: of_kind}, modality):.3f}")
            except AssertionError:
                continue
    assert found <= ALIKE


def spoil(result, how):
    """A result whose grain inside its mask is wrong, in both modalities."""
    rgb, z = result.after.rgb.astype(np.float32), result.after.depth
    known = np.where(np.isfinite(z), z, np.float32(np.nanmedian(z)))
    # The scanner's own grain lies far beneath the relief of its objects: it takes twelve times as much to show.
    soft = cv2.GaussianBlur(rgb, (0, 0), 1.0), cv2.GaussianBlur(known, (0, 0), 2.0)
    if how == "blurred":
        rgb, known = soft
    elif how == "too strong":
        own = result.before.surface.sensor.depth.grain(z.shape, np.random.default_rng(5))
        rgb, known = 4 * rgb - 3 * soft[0], known + 12 * own
    elif how == "white noise":
        rng = np.random.default_rng(5)
        rgb = rgb + rng.normal(0, 3, rgb.shape)
        known = known + rng.normal(0, 8e-3 * result.before.surface.floor_mm, z.shape).astype(np.float32)
    rgb = np.where(result.masks.rgb[..., None], np.clip(np.rint(rgb), 0, 255).astype(np.uint8), result.after.rgb)
    points = result.after.points.copy()
    inside = result.masks.depth & np.isfinite(z)
    points[..., 2][inside] = known[inside]
    return doctored(result, rgb=rgb, points=points)


@pytest.mark.parametrize("how", ["blurred", "too strong", "white noise"])
@pytest.mark.parametrize("modality", ["rgb", "depth"])
def test_wrong_grain_is_found(shared, modality, how):
    """Planted: the classifier tells it at once."""
    results = made(shared, "cable_gland", tuple(wanted(1.0)))
    results = {kind: results[kind] for kind in ("dent", "bump")}
    found = auc(results, modality, lambda result: spoil(result, how))
    print(f"{how}, {modality}: AUC {found:.3f}")
    assert found > FOUND


def test_colours_without_grain_are_found(shared):
    """Planted: matter that is laid on as smooth as it was computed."""
    found = auc(made(shared, "cable_gland", ("contamination", "wear"), plain=True), "rgb")
    print(f"no grain: AUC {found:.3f}")
    assert found > 0.8


@dataclass(frozen=True)
class Photo:
    """A smooth picture (h, w, 3) float32 levels, and what a camera of known noise and softness makes of it."""

    scene: np.ndarray
    pixels: np.ndarray


def photo(sigma=2.0, blur_px=0.0, seed=0, size=200):
    rng = np.random.default_rng(seed)
    y, x = np.indices((size, size), np.float32)
    scene = 120 + 30 * np.sin(x / 40)[..., None] + 20 * np.cos(y / 55)[..., None] * np.ones(3, np.float32)
    for k in range(20, size, 40):
        scene[:, k:k + 20] += 50 * ((k // 20) % 4 == 1)
    if blur_px:
        scene = cv2.GaussianBlur(scene, (0, 0), blur_px)
    noisy = scene + rng.normal(0, sigma, scene.shape) if sigma else scene
    return Photo(scene, np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


EVERYWHERE = np.ones((200, 200), bool)
STILL = np.stack(np.indices(EVERYWHERE.shape, np.float32), -1)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_noise_is_measured_and_taken_off(sigma):
    shot = photo(sigma)
    found = rgb_room.measure_grain(shot.pixels, EVERYWHERE)
    assert found.noise == pytest.approx(np.hypot(sigma, 0.29), rel=0.2)
    left = (found.smooth(shot.pixels) - shot.scene)[5:-5, 5:-5]
    assert np.median(np.abs(left)) < 0.45 * np.median(np.abs(shot.pixels - shot.scene))


def test_a_clean_picture_has_no_grain():
    assert rgb_room.measure_grain(photo(0.0).pixels, EVERYWHERE).limit == 0
    for toy in (toys.plane(), toys.sphere(), toys.box()):
        found = rgb_room.measure_grain(toy.rgb, toy.surface.foreground)
        assert (found.limit, found.blur_px) == (0, 0)


@pytest.mark.parametrize("blur_px", [0.6, 0.9])
def test_softness_of_edges_is_measured(blur_px):
    found = rgb_room.measure_grain(photo(1.0, blur_px).pixels, EVERYWHERE).blur_px
    assert found == pytest.approx(blur_px, abs=0.2)
    assert rgb_room.measure_grain(photo(1.0).pixels, EVERYWHERE).blur_px == 0


def laid(shot, factor, hidden=0.0):
    found = rgb_room.measure_grain(shot.pixels, EVERYWHERE)
    smooth = found.smooth(shot.pixels)
    linear = (found.light(smooth) * np.float32(factor)).reshape(-1, 3)
    return found.laid(shot.pixels, smooth, EVERYWHERE, linear, np.full(EVERYWHERE.shape, hidden, np.float32), STILL)


def test_light_that_does_not_change_gives_the_photograph_back():
    shot = photo()
    out, changed = laid(shot, 1.0)
    assert out.tobytes() == shot.pixels.tobytes()
    assert changed.max() == 0
    near, changed = laid(shot, 1.002)
    assert np.abs(near.astype(int) - shot.pixels).max() <= 1
    assert changed.max() < 0.5


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.4])
def test_relit_light_keeps_its_grain(factor):
    """As strong as the photograph's own, for this one's noise is alike at all levels."""
    shot = photo()
    out, _ = laid(shot, factor)
    fourth = np.abs(np.diff(out.astype(float), 4, axis=0))
    before = np.abs(np.diff(shot.pixels.astype(float), 4, axis=0))
    assert np.median(fourth) == pytest.approx(np.median(before), rel=0.15)


def moved(shot, y_px, x_px, whole=True):
    """The photograph seen so far off, its coarse light interpolated; unless whole, its grain is left where it was."""
    found = rgb_room.measure_grain(shot.pixels, EVERYWHERE)
    smooth = found.smooth(shot.pixels)
    light = np.array([[1, 0, x_px], [0, 1, y_px]], np.float32)
    linear = cv2.warpAffine(found.light(smooth), light, (200, 200), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                            borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)
    source = STILL + np.array((y_px, x_px), np.float32) if whole else STILL
    return found.laid(shot.pixels, smooth, EVERYWHERE, linear, np.zeros(EVERYWHERE.shape, np.float32), source)[0]


@pytest.mark.parametrize("by", [(0.4, -0.4), (1.5, 0.3), (-2.3, 1.7)])
def test_grain_moves_with_its_surface_and_loses_nothing(by):
    """By whole pixels: what stands out of its surroundings is what stood out of its own, and as strong."""
    shot = photo(2.0)
    out = moved(shot, *by)
    row, column = (int(np.floor(b + 0.5)) for b in by)
    rolled = np.roll(shot.pixels, (-row, -column), (0, 1))
    assert alike(out, rolled) > 0.85
    inner = np.s_[10:-10, 10:-10]
    before, after = (np.abs(np.diff(x[inner].astype(float), 4, axis=0)) for x in (rolled, out))
    assert np.median(after) == pytest.approx(np.median(before), rel=0.1)
    if row or column:  # planted: grain that stays on the screen
        assert alike(moved(shot, *by, whole=False), rolled) < 0.5


def alike(one, other):
    """Correlation of what stands out of its surroundings in two pictures, away from edges."""
    rest = [(x.astype(np.float32) - cv2.GaussianBlur(x.astype(np.float32), (0, 0), 1.5))[10:-10, 10:-10].ravel()
            for x in (one, other)]
    return np.corrcoef(*(x[np.abs(rest).max(0) < 6] for x in rest))[0, 1]


def test_an_edge_under_matter_does_not_show_through():
    shot = photo(1.0)
    found = rgb_room.measure_grain(shot.pixels, EVERYWHERE)
    smooth = found.smooth(shot.pixels)
    mud = np.full((200 * 200, 3), 0.05, np.float32)
    out, _ = found.laid(shot.pixels, smooth, EVERYWHERE, mud, np.ones(EVERYWHERE.shape, np.float32), STILL)
    columns = out[..., 1].astype(float).mean(0)
    assert np.ptp(columns) <= 8
    assert out[..., 1].std() > 0.5  # but noise does


def test_what_is_not_touched_keeps_its_bits(shared):
    capture = read(shared, "mosd", "learn20")
    result = cm.synthesize(capture, cm.Contamination(diameter_mm=40), seed=3)
    check_L5(result.before, result.after, result.masks)
    again = cm.replay(capture, result.plan)
    assert again.after.rgb.tobytes() == result.after.rgb.tobytes()


def grain_where_worn(noise_m):
    """How strong depth's high-pass residual is where ribs were worn off, against that of the noise itself."""
    flat = toys.plane()
    x = np.indices(flat.shape, np.float32)[1]
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.normal(0, noise_m, flat.shape), (0, 0), 1.0)
    capture = cm.Capture.from_depth(flat.rgb, (flat.depth + 1.5e-4 * np.sin(x / 3) + noise).astype(np.float32),
                                    flat.camera, "ribs")
    result = cm.synthesize(capture, cm.Wear(diameter_mm=24, depth_mm=0.2), seed=4)
    places = np.argwhere(cv2.erode(result.gt.astype(np.uint8), np.ones((25, 25), np.uint8)))
    rest = [np.std(grain.patches(z, places) @ grain._REST) for z in (result.after.depth, noise)]
    return rest[0] / rest[1]


@pytest.mark.parametrize("noise_m", [1e-5, 3e-5])
def test_what_is_worn_flat_keeps_the_sensors_grain(noise_m, monkeypatch):
    """Relief goes; what the sensor lays over it does not. Planted: it goes too."""
    assert grain_where_worn(noise_m) == pytest.approx(1, abs=0.25)
    monkeypatch.setattr(DepthSensor, "passed", lambda *_: 0.0)
    assert grain_where_worn(noise_m) < 0.65
