"""What makes a method's matter believable, as far as numbers can tell."""

import cv2
import numpy as np
import pytest
import toys

import crossmodal as cm
from crossmodal.methods.contents import AMONG
from crossmodal.methods.materials import MATERIALS, material
from crossmodal.methods.textures import augmented
from crossmodal.texture import hashed

SIDE = 128
WHOLE = np.s_[0:SIDE, 0:SIDE]
SEEDS = range(120)


@pytest.fixture(scope="module")
def pieces():
    return {seed: material((SIDE, SIDE), WHOLE, seed) for seed in SEEDS}


def saturation(picture):
    """(h, w): how far a picture's colours are from grey, 0 to 1, in parts of white."""
    return np.ptp(picture.astype(int), axis=-1) / 255


def test_materials_have_the_colours_and_the_contrast_of_matter(pieces):
    """No candy: nothing near a pure hue, none is violet, and none is flat."""
    for picture in pieces.values():
        colourful = saturation(picture)
        assert np.quantile(colourful, 0.99) < 0.5
        red, green, blue = picture.reshape(-1, 3).mean(0)
        assert green > min(red, blue) - 6, "violet is no colour of stone, wood or cloth"
        assert 3 < picture.mean(-1).std() < 80


def test_no_two_seeds_are_alike_and_many_materials_come(pieces):
    few = np.stack([cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).astype(float).ravel()
                    for picture in pieces.values()])
    apart = np.abs(few[:, None] - few[None]).mean(-1) + 99 * np.eye(len(few))
    assert apart.min() > 2
    drawn = {int(len(MATERIALS) * (0.5 + 0.5 * hashed(seed, 1)[0])) for seed in SEEDS}
    assert len(drawn) > 0.9 * len(MATERIALS)


def test_coarse_parts_of_materials_are_the_strongest(pieces):
    """As in photographs, whose amplitude falls with frequency: white noise would look like a broken screen."""
    fades, far = np.hanning(SIDE), np.hypot(*np.meshgrid(*2 * (np.fft.fftfreq(SIDE) * SIDE,)))

    def falls(pictures):
        lights = [(light - light.mean()) / light.std() for light in (picture.mean(-1) for picture in pictures)]
        mean = np.mean([np.abs(np.fft.fft2(light * fades[:, None] * fades)) for light in lights], 0)
        low, high = (mean[(far >= a) & (far < 2 * a)].mean() for a in (6, 32))
        return low / high

    assert falls(pieces.values()) > 2.5
    assert falls(np.random.default_rng(1).random((20, SIDE, SIDE, 3))) < 1.2


def test_a_material_is_as_large_on_finer_cells():
    for seed in range(12):
        coarse = material((SIDE, SIDE), WHOLE, seed)
        fine = material((3 * SIDE, 3 * SIDE), np.s_[0:3 * SIDE, 0:3 * SIDE], seed)
        small = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        one, other = (cv2.GaussianBlur(picture, (0, 0), 4).astype(float).ravel() for picture in (coarse, small))
        assert np.abs(one - other).mean() < 0.25 * np.abs(one - np.median(other)).mean() + 2


@pytest.mark.parametrize("box", [np.s_[0:SIDE, 0:SIDE - 1], np.s_[17:90, 40:41], np.s_[64:128, 3:77]])
def test_a_part_of_a_material_is_a_part_of_the_whole(pieces, box):
    for seed in range(12):
        assert np.array_equal(material((SIDE, SIDE), box, seed), pieces[seed][box])


def test_natural_augmenters_leave_a_material_its_hues(pieces):
    def hue(picture):
        red, green, blue = picture.reshape(-1, 3).mean(0)
        return np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)

    turned = {"natural": [], "ten": []}
    for seed, picture in pieces.items():
        if saturation(picture).mean() > 0.12:
            for name, off in turned.items():
                other = hue(augmented(picture, 3, seed, AMONG[name])) - hue(picture)
                off.append(abs(np.angle(np.exp(1j * other))))
    assert len(turned["ten"]) > 20
    assert np.max(turned["natural"]) < 0.3
    assert np.quantile(turned["ten"], 0.75) > 1


@pytest.mark.parametrize("seed", range(3))
def test_a_burn_mark_is_charred_in_the_middle_and_singed_about_it(seed):
    capture = toys.plane()
    result = cm.synthesize(capture, cm.method("cutout"), seed=seed)
    left = result.after.rgb[result.gt].astype(float) / result.before.rgb[result.gt]
    far = cv2.distanceTransform(result.gt.astype(np.uint8), cv2.DIST_L2, 5)[result.gt]
    middle, rim = left[far > 0.7 * far.max()], left[far <= 1.5]
    assert middle.mean() < 0.45
    assert rim.mean() > 0.75, "a burn mark has no edge as if it were cut out"
    singed = left[(left.mean(-1) > 0.5) & (left.mean(-1) < 0.9)]
    assert singed[:, 0].mean() > singed[:, 2].mean() + 0.05, "what is singed turns brown"
    assert result.masks.depth.sum() == 0
