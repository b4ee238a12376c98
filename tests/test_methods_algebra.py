"""Regions made of regions hold what sets do, and their relief is their parts'; each law with a fault planted."""


import numpy as np
import pytest
from block_runs import drawn, laid_out, method, region_of

from crossmodal.methods.algebra import Both, Either, Not, Without
from crossmodal.methods.kernels import Kernel
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.regions import Clump, Ellipse, Rectangle, area_of
from crossmodal.methods.unbounded import Half


def test_operators_are_the_kinds_that_yaml_has():
    p, r, e, c = Perlin(), Rectangle(), Ellipse(), Clump()
    assert p & ~r == region_of(kind="without", parts=[{"kind": "perlin"}, {"kind": "rectangle"}])
    assert (p | r) & e == region_of(kind="and", parts=[
        {"kind": "or", "parts": [{"kind": "perlin"}, {"kind": "rectangle"}]}, {"kind": "ellipse"}])
    assert p & r & e == Both(parts=(p, r, e)) == p & (r & e)
    assert p | r | e == Either(parts=(p, r, e)) == p | (r | e)
    assert p & ~r & ~e == p & ~(r | e) == ~r & p & ~e == Without(parts=(p, r, e))
    assert p & ~r & e & ~c == Without(parts=(Both(parts=(p, e)), r, c))
    assert ~~p == p
    assert ~p & ~r == ~(p | r) == Not(part=Either(parts=(p, r)))
    assert ~p | ~r == ~(p & r)
    assert p & ~r != p & r


@pytest.mark.parametrize("space", ["surface", "pixels"])
def test_regions_of_regions_hold_what_sets_do(space):
    canvas, middle = laid_out(space)
    a, b = drawn(Ellipse(length_mm=30, width_mm=22)), drawn(Rectangle(area_percent=1.2, aspect=1.5))
    c = drawn(Half(fades_mm=3))
    in_a, in_b, in_c = (area_of(part, canvas, middle, 3).inside for part in (a, b, c))
    for region, want in ((a & b, in_a & in_b), (a | b, in_a | in_b), (a & ~b, in_a & ~in_b), (a & c, in_a & in_c),
                         (a & ~c & ~b, in_a & ~in_c & ~in_b), (~b, canvas.known & ~in_b)):
        area = area_of(region, canvas, middle, 3)
        assert (area.inside == want).all(), region.kind
        assert np.abs(area.profile).max() == pytest.approx(1)
        assert not area.profile[~want].any()
    both = Both(parts=(a, Not(part=b)))
    assert (area_of(both, canvas, middle, 3).profile == area_of(a & ~b, canvas, middle, 3).profile).all()


def check_hills_of_noise(own, joint):
    """Inside both, relief is the noise's own but for one factor."""
    at = joint.inside & (own.profile > 0.2)
    ratio = joint.profile[at] / own.profile[at]
    assert at.sum() > 50
    assert np.ptp(ratio) < 1e-4 * ratio.max()


def test_hills_of_noise_stay_hills_of_that_noise():
    canvas, middle = laid_out()
    noise = drawn(Perlin(diameter_mm=60, octaves=(2, 2), threshold=0.2))
    level = drawn(Kernel(length_mm=60, width_mm=60, form="hard"))
    own, joint = area_of(noise, canvas, middle, 3), area_of(noise & level, canvas, middle, 3)
    check_hills_of_noise(own, joint)
    with pytest.raises(AssertionError):  # a shoulder for each blob, whatever the noise is there
        check_hills_of_noise(own, area_of(drawn(Ellipse(length_mm=60, width_mm=60)) & noise, canvas, middle, 3))


@pytest.mark.parametrize("region", [{"kind": "half"}, {"kind": "not", "part": {"kind": "ellipse"}}, {
    "kind": "or", "parts": [{"kind": "ellipse"}, {"kind": "facing"}]}, {"kind": "and", "parts": [
        {"kind": "half"}, {"kind": "facing"}]}])
def test_what_has_no_end_is_no_region_by_itself(region):
    with pytest.raises(ValueError, match="where another one may lie"):
        method(region=region)
