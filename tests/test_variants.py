"""What a kind's options add obeys the laws too: each runs as if it were a kind of its own, by what it then does."""

import numpy as np
import pytest
import test_catalogue as catalogue
import truth

import crossmodal as cm
from crossmodal.defects import grow
from crossmodal.defects.pressed import CAVITY, PILED


class Variant:
    """A kind with some options given, to be called and asked as its class is."""

    def __init__(self, spec, **options):
        self.spec, self.options = spec, options
        self.extent, self.sizes, self.effect = spec.extent, spec.sizes, spec(**options).does

    def __call__(self, **sizes):
        return self.spec(**self.options, **sizes)


VARIANTS = {
    "sharp dent": Variant(cm.Dent, shoulders="sharp"),
    "plastic dent": Variant(cm.Dent, plastic=True),
    "sharp plastic dent": Variant(cm.Dent, plastic=True, shoulders="sharp"),
    "sharp bump": Variant(cm.Bump, shoulders="sharp"),
    "field of pits": Variant(cm.Pit, count=7, diameter_mm=18, depth_mm=1),
    "blistered burn": Variant(cm.Burn, blistered=True, diameter_mm=12, severity=1),
    "ring": Variant(cm.Stain, form="ring"),
    "blot": Variant(cm.Stain, form="blot"),
    "run": Variant(cm.Stain, form="drip", diameter_mm=12),
    "wet blot": Variant(cm.Stain, form="blot", wet=True),
    "chip to the ground": Variant(cm.Chip, colour=(190, 160, 120)),
}
# A film's own light adds to the picture, and so does a tight skin's: no gain of colour takes it back.
ADDS_LIGHT = {("L15", "wet blot")}


@pytest.fixture(autouse=True)
def as_kinds(monkeypatch):
    for name, variant in VARIANTS.items():
        monkeypatch.setitem(catalogue.KINDS, name, variant)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("law", catalogue.LAWS)
def test_options_obey_every_law_that_speaks_of_what_they_do(law, name):
    variant = VARIANTS[name]
    if law in catalogue.SILENT[variant.extent, variant.effect] or (law, name) in ADDS_LIGHT:
        return
    if law == "L11" and "diameter_mm" in variant.options:
        return  # too large for two on one capture
    catalogue.judge(law, variant, name)


@pytest.mark.parametrize(("effect", "spec"), [("both", cm.Dent(plastic=True)), ("in", cm.Dent()),
                                              ("out", cm.Burn(blistered=True)), ("appearance", cm.Burn())])
def test_a_spec_says_what_it_does(effect, spec):
    assert spec.does == effect


@pytest.mark.parametrize("shoulders", ["smooth", "sharp"])
@pytest.mark.parametrize("seed", range(4))
def test_the_ring_brings_up_its_share_of_what_was_pressed_in(shoulders, seed):
    dent = cm.Dent(diameter_mm=10, depth_mm=1, plastic=True, shoulders=shoulders).drawn(np.random.default_rng(0))
    field = grow(dent, seed)
    s, t = (axis.ravel() for axis in np.meshgrid(*2 * [np.linspace(-7, 7, 561)]))
    d = field.sample(s, t).displacement_mm.astype(np.float64)
    up, down = d[d > 0].sum(), -d[d < 0].sum()
    assert up == pytest.approx(PILED * down, rel=0.3)  # uneven along its run, and within an outline that is no circle
    assert (d[field.outline.inside(s, t) < 0.9 * CAVITY] <= 0).all()


def test_volume_is_what_the_depth_map_lost():
    """On a plane seen from above, mm³ are pixels' areas times their change in depth."""
    scene = truth.ideal("plane", 0, 35, size=168)
    for spec in (cm.Dent(diameter_mm=9, depth_mm=0.8), cm.Bump(diameter_mm=9, height_mm=0.8), cm.Dent(plastic=True)):
        place = cm.Place(at_pixel=(84, 84))
        result = cm.synthesize(scene.capture, cm.Recipe(defects=(spec,), place=place), seed=2)
        moved = 1e3 * (result.after.depth.astype(np.float64) - result.before.depth)
        seen = float((np.abs(moved) * scene.capture.surface.pixel_area_mm2).sum())
        assert result.measured[0].volume_mm3 == pytest.approx(seen, rel=0.05)


def test_a_wet_film_mirrors_the_lamp_and_a_dry_one_does_not():
    """Where the lamp's mirror image is, what is wet is brighter than what is dry; far from it, darker."""
    from crossmodal.scanner import showcase

    capture = showcase()
    surface, light = capture.surface, np.array(capture.surface.light.direction)
    towards = -surface.smoothed / np.linalg.norm(surface.smoothed, axis=-1, keepdims=True)
    half = light + towards
    cosine = np.nan_to_num(np.einsum("ijk,ijk->ij", surface.normals, half / np.linalg.norm(half, axis=-1)[..., None]))
    cosine[~surface.foreground] = 0
    row, column = np.unravel_index(cosine.argmax(), cosine.shape)
    wet, dry = (cm.synthesize(capture, cm.Recipe(defects=(cm.Stain(diameter_mm=10, form="blot", wet=state),),
                                                 place=cm.Place(at_pixel=(column, row))), seed=3)
                for state in (True, False))
    brighter = wet.after.rgb.astype(int) - dry.after.rgb
    assert brighter[row, column].min() > 10
    dull = wet.gt & (cosine < 0.9)
    assert not dull.any() or brighter[dull].mean() < 0
    assert wet.after.points.tobytes() == capture.points.tobytes()
