"""Faults measured in published code that a method here could share (methods.md §7, peers.md 2 and 3): each is planted,
and caught by what holds of ours."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_motion as motion
import tifffile
import truth
from method_runs import made, scene_of

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.effects import Hills
from crossmodal.methods.noise import perlin
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.picture import Photograph
from crossmodal.methods.presets import names
from crossmodal.methods.regions import Area, area_of
from rgb import write_rgb

DRAWS = 400
EMPTY_PERCENT = [((0.2, 0.2), False, 0.4), ((0.3, 0.3), False, 1.9), ((0.5, 0.5), False, 5.2),
                 ((0.6, 0.6), False, 10.5), ((0.4, 0.8), True, 11.4)]
"""(threshold, signed, share of the draws that published noise leaves empty)."""


@pytest.fixture(scope="module")
def picture():
    return Photograph.of(captures.load("pot"), False)


def shares_of(canvas, make, threshold, signed):
    """(emptied, (draws,) share of the canvas that each draw takes) of published noise and of the same made sure of; an
    empty draw is refused, and never handed out."""
    published = Perlin(threshold=threshold, octaves=(0, 5), signed=signed, nonempty=False)
    scale, emptied, shares = cm.synthesis.scale_of(canvas.capture, cm.Place()), 0, []
    for seed in range(DRAWS):
        region = published.drawn(np.random.default_rng(seed), scale)
        try:
            shares.append(make(region, canvas, (0, 0), 7 * seed).inside.mean())
        except ValueError:
            emptied += 1
            sure = region.model_copy(update={"nonempty": True})
            assert make(sure, canvas, (0, 0), 7 * seed).inside.any()
    assert min(shares) > 0, "an empty region is handed out as if it were a defect"
    return emptied, np.array(shares)


@pytest.mark.parametrize(("threshold", "signed", "percent"), EMPTY_PERCENT)
def test_noise_is_as_often_empty_as_published_and_says_so(picture, threshold, signed, percent):
    small = replace(picture, shape=(48, 48), shown=np.ones((48, 48), bool))
    emptied, _ = shares_of(small, area_of, threshold, signed)
    # Of 400 draws; and the turn of the lattice is ours.
    spread = 3 * np.sqrt(percent * (100 - percent) / DRAWS) + 0.4 * percent
    assert abs(100 * emptied / DRAWS - percent) < spread, f"{100 * emptied / DRAWS:.1f} %, published {percent} %"


def test_an_empty_region_called_good_is_caught(picture):
    small = replace(picture, shape=(48, 48), shown=np.ones((48, 48), bool))

    def quiet(region, canvas, middle, seed):
        noise = perlin(canvas.shape, region.cells, region.turn_deg[0], seed)
        over = (noise > region.threshold[0]).astype(np.float32)
        return Area(over > 0, over)

    with pytest.raises(AssertionError, match="handed out"):
        shares_of(small, quiet, (0.6, 0.6), False)


def needles(method):
    """How many of forty draws cover less than the finest part that their region promises."""
    capture, few = captures.load("pot"), 0
    for seed in range(40):
        [planned] = cm.draw(capture, method, seed).defects
        try:
            field = cm.grown(capture, planned).field
        except ValueError:
            continue
        few += field.support.sum() * field.step_mm**2 < 0.98 * planned.blocks.region.finest_mm**2
    return few


def test_no_hill_is_a_needle():
    """What barely rises above a threshold is blown up to full height in all published code."""
    method = cm.method("3dsr")
    assert needles(method) == 0
    bare = method.blocks.region.model_copy(update={"nonempty": False})
    assert needles(method.model_copy(update={"blocks": method.blocks.model_copy(update={"region": bare})})) > 2


def of_whole_cells(shape, cells, turn_deg, seed):
    """Published lattices: each cell as many pixels as any other."""
    if shape[0] % cells[0] or shape[1] % cells[1]:
        raise ValueError("operands could not be broadcast together")
    rng = np.random.default_rng(seed)
    return np.kron(rng.uniform(-1, 1, cells), np.ones((shape[0] // cells[0], shape[1] // cells[1]))).astype(np.float32)


@pytest.mark.parametrize(("noise", "takes_all"), [(perlin, True), (of_whole_cells, False)])
def test_a_lattice_need_not_divide_a_picture(noise, takes_all):
    taken = []
    for shape, cells in (((64, 64), (4, 8)), ((97, 101), (4, 8)), ((120, 43), (1, 32)), ((31, 57), (32, 16))):
        try:
            taken.append(noise(shape, cells, 20.0, 3).shape == shape)
        except ValueError:
            taken.append(False)
    assert all(taken) == takes_all


def labelled_and_moved(name):
    """Of a cloud: which points an edit labels (N,), which it moves, and where all were and are."""
    scene = scene_of()
    cloud = motion.unlabelled(scene.capture)
    after = cm.imprint(cloud, made(name)[2])
    return after.labels > 0, (after.xyz_m != cloud.xyz_m).any(-1), cloud.xyz_m, after.xyz_m


def test_what_moves_is_what_is_labelled():
    """MPAS finds its labels again by where points lay, within 0.1 mm: of 56 that moved it found two."""
    labels, moved, before, after = labelled_and_moved("mpas-sphere")
    assert moved.sum() > 100
    assert labels[moved].all(), "recall"
    assert moved[labels].mean() > 0.99, "precision, but for a rim that moves by less than a float says"
    again = np.linalg.norm(after - before, axis=-1) < 1e-4
    assert (again & moved)[moved].mean() < 0.5, "found again by where they lay, half of them would be lost"


def test_every_point_moves_along_its_own_normal():
    """MPAS moves a region along its mean normal, which is wrong wherever the surface is round."""
    ball = truth.ideal("sphere", size=144).capture
    method = cm.method("mpas-sphere")
    region = method.blocks.region.model_copy(update={"length_mm": (14.0, 14.0), "width_mm": (14.0, 14.0)})
    wide = method.model_copy(update={"blocks": method.blocks.model_copy(update={"region": region}),
                                     "place": cm.Place(at_pixel=(70, 68))})
    [planned] = cm.draw(ball, wide, 1).defects
    cloud = motion.unlabelled(ball)
    way = cm.imprint(cloud, cm.grown(ball, planned)).xyz_m.astype(np.float64) - cloud.xyz_m
    far = np.linalg.norm(way, axis=-1)
    plain = far > 0.2 * far.max()
    mean = cloud.normals[plain].mean(0) / np.linalg.norm(cloud.normals[plain].mean(0))

    def least(normals):
        return np.abs((way[plain] / far[plain, None] * normals).sum(-1)).min()

    assert least(cloud.normals[plain]) > 0.999
    assert least(mean) < 0.995


def as_deep(capture, height_mm, eight_bits):
    """Largest change of depth (mm) of a dent of so many mm, seen in float32 or in 256 levels of the frame's range."""
    dent = cm.method("af3ad-dent")
    effect = dent.blocks.effect.model_copy(update={"height_mm": (height_mm, height_mm)})
    result = cm.synthesize(capture, dent.model_copy(update={"blocks": dent.blocks.model_copy(
        update={"effect": effect})}), seed=3)
    before, after = (1e3 * depth.astype(np.float64) for depth in (result.before.depth, result.after.depth))
    if eight_bits:
        low, step = before.min(), np.ptp(before) / 255
        before, after = (low + step * np.rint((depth - low) / step) for depth in (before, after))
    return float(np.abs(after - before).max())


def test_a_hundredth_of_a_millimetre_survives():
    """EasyNet and BridgeNet pass depth through eight bits: a level of it is tens of such steps."""
    capture = scene_of().capture
    asked = max(0.01, Hills(height_mm=(0.01, 0.01)).drawn(np.random.default_rng(0), cm.synthesis.scale_of(
        capture, cm.Place())).height_mm[0])
    assert asked < 0.02
    assert as_deep(capture, asked, False) == pytest.approx(asked / np.cos(np.radians(30)), rel=0.1)
    assert not 0.5 * asked < as_deep(capture, asked, True) < 5 * asked, "a level is none of it, or ten times as much"


def test_metres_and_millimetres_make_the_same_defect(tmp_path):
    """GLFM's heights are 3.75 mm of a file in metres and 3750 mm of the same file in millimetres."""
    capture = captures.load("pot")
    xyz = np.where(capture.valid[..., None], capture.points, 0)
    write_rgb(tmp_path / "0.png", capture.rgb)
    heights = {}
    for unit, factor in (("m", 1), ("mm", 1000)):
        values = (factor * xyz.astype(np.float64)).astype(np.float32)
        tifffile.imwrite(tmp_path / f"{unit}.tiff", values, photometric="minisblack", planarconfig="contig")
        read = cm.read_capture(tmp_path / "0.png", tmp_path / f"{unit}.tiff", unit=unit)
        result = cm.synthesize(replace(read, name="same"), cm.method("glfm"), seed=4)
        heights[unit] = float(np.nanmax(np.abs(result.displacement_mm)))
    assert heights["m"] == pytest.approx(heights["mm"], rel=1e-3)
    per_point = {unit: 300 * (factor * 1e-3 * capture.surface.mm_per_pixel) ** 2 * 1e3 / factor
                 for unit, factor in (("m", 1), ("mm", 1000))}  # k · d² · 100, as published
    assert per_point["mm"] == pytest.approx(1000 * per_point["m"])


def drawn_by(draw):
    """What each of six seeds draws."""
    return [draw(seed).defects[0].model_dump_json(include={"blocks", "anchor_m", "texture_seed"}) for seed in range(6)]


@pytest.mark.parametrize("name", names())
def test_every_seed_draws_its_own_numbers_and_no_other_generator_is_touched(name):
    """DA-Gen draws σ and λ once a process, as default arguments; MPAS and AF3AD draw from numpy's global state."""
    capture, method, shared = captures.load("pot"), cm.method(name), np.random.mtrand._rand

    def numbers():
        return shared.get_state()[1].tobytes(), shared.get_state()[2]

    before = numbers()
    first = drawn_by(lambda seed: cm.draw(capture, method, seed))
    assert numbers() == before
    shared.random_sample()
    assert numbers() != before, "who draws from the global generator is seen"
    assert drawn_by(lambda seed: cm.draw(capture, method, seed)) == first
    assert len(set(first)) == 6
    assert len(set(drawn_by(lambda seed: cm.draw(capture, method, 0)))) == 1, "as if of a default argument"


DEAD = re.compile(r"\bimgaug\b|\bnp\.(?:bool|int|float|object)\b"
                  r"|\bnp\.random\.(?!default_rng|Generator|SeedSequence|PCG64)")
"""imgaug is unmaintained and breaks on NumPy 2, as do these names; numpy's global generator knows no seed of ours."""


def test_nothing_dead_is_leant_on():
    root = Path(cm.__file__).parents[1]
    for package in ("crossmodal", "rgb", "depth", "pointcloud"):
        for path in (root / package).rglob("*.py"):
            assert not DEAD.search(path.read_text(encoding="utf-8")), path
    for planted in ("import imgaug.augmenters as iaa", "mask.astype(np.bool)", "np.random.seed(3)", "np.random.rand()"):
        assert DEAD.search(planted)


def test_the_sign_of_a_bulge_is_judged():
    """Half of AF3AD's ridges go in: a frame turned round is a bulge turned inside out."""
    _, result, _ = made("af3ad-bulge")
    agreement.check_L9(result, "out")
    with pytest.raises(AssertionError):
        agreement.check_L9(agreement.doctored(result, points=2 * result.before.points - result.after.points), "out")


def test_a_wall_about_a_blob_is_caught():
    """EasyNet puts the noise's own value in place of the depth: half of its height stands at the very border."""
    capture = captures.load("pot")
    [planned] = cm.draw(capture, cm.method("easynet"), 4).defects
    d = np.abs(cm.grown(capture, planned).field.displacement_mm)
    rim = (d > 0) & cv2.dilate((d == 0).astype(np.uint8), np.ones((3, 3))).astype(bool)
    walled = np.where(d > 0, 0.5 * d.max() + 0.5 * d, 0)
    assert np.median(d[rim]) < 0.25 * d.max()
    assert np.median(walled[rim]) > 0.5 * d.max()
