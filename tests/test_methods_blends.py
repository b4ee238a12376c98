"""How a content is joined to what was there: Poisson's blend, of the content's gradients or of the stronger of both."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods.blends import Poisson, blended
from crossmodal.methods.contents import Laid
from crossmodal.methods.regions import Area
from crossmodal.plan import Plan

GRADIENTS = "content", "stronger"


def texture(seed, size=72):
    """(h, w, 4): three colours and a relief, rough and smooth at once."""
    rng = np.random.default_rng(seed)
    return sum(cv2.resize(rng.random((n, n, 4)), (size, size), interpolation=cv2.INTER_CUBIC) for n in (4, 18, size)
               ).astype(np.float32) / 3


def region(size=72):
    """(h, w) bool: a ring with a bite out of it, against the upper border."""
    y, x = np.mgrid[:size, :size] - size / 2
    far = np.hypot(0.7 * (y + 9), x)
    return (far < 25) & ~((far < 6) | ((x > 8) & (abs(y) < 4)))


def joined(ground, laid, inside, gradients, known=None, there=None):
    """(h, w, 4): the ground with a content blended in."""
    known = np.ones(inside.shape, bool) if known is None else known
    canvas = SimpleNamespace(colours=ground[..., :3], relief_mm=ground[..., 3], known=known)
    share, seen = blended(Poisson(gradients=gradients), canvas, Area(inside, inside.astype(np.float32)),
                          Laid(laid[..., :3], laid[..., 3], known=there))
    assert (share == inside).all()
    return np.where(inside[..., None], np.dstack((seen.colours, seen.relief_mm)), ground)


def solved(ground, laid, inside, gradients):
    """The same by a sparse system of a cell an equation (Pérez et al. 2003, eqs. 7, 11 and 13)."""
    index, cells = np.full(inside.shape, -1), np.argwhere(inside)
    index[inside] = np.arange(len(cells))
    matrix, right = lil_matrix((len(cells), len(cells))), np.zeros((len(cells), 4))
    for k, p in enumerate(map(tuple, cells)):
        for q in ((p[0] - 1, p[1]), (p[0] + 1, p[1]), (p[0], p[1] - 1), (p[0], p[1] + 1)):
            if not (0 <= q[0] < inside.shape[0] and 0 <= q[1] < inside.shape[1]):
                continue
            own, other = (values[p].astype(float) - values[q] for values in (ground, laid))
            right[k] += other if gradients == "content" else np.where(abs(other) > abs(own), other, own)
            matrix[k, k] += 1
            if inside[q]:
                matrix[k, index[q]] -= 1
            else:
                right[k] += ground[q]
    out = ground.copy()
    out[inside] = spsolve(matrix.tocsc(), right)
    return out


def roughness(values, inside):
    """How much each channel changes from cell to cell within a region."""
    both = inside[:, 1:] & inside[:, :-1]
    return np.abs(np.diff(values, axis=1))[both].mean(0)


def off_by(got, want, inside):
    """(mean, most) of the difference within a region."""
    off = np.abs(got - want)[inside]
    return off.mean(), off.max()


@pytest.mark.parametrize(("gradients", "mean", "most"), [("content", 0.025, 0.12), ("stronger", 0.01, 0.1)])
def test_it_solves_poissons_equation(gradients, mean, most):
    """As nearly as a membrane of a few smoothings does; the other mode is far from it."""
    ground, laid, inside = texture(0), texture(1), region()
    want = solved(ground, laid, inside, gradients)
    got = off_by(joined(ground, laid, inside, gradients), want, inside)
    assert got[0] < mean
    assert got[1] < most
    [other] = set(GRADIENTS) - {gradients}
    assert off_by(joined(ground, laid, inside, other), want, inside)[0] > 3 * mean


def test_the_stronger_keeps_a_texture_that_a_flat_content_would_wipe_out():
    ground, inside = texture(0), region()
    flat = np.full_like(ground, 0.4)
    own = roughness(ground, inside)
    assert np.array_equal(joined(ground, flat, inside, "stronger"), ground)
    assert (roughness(joined(ground, flat, inside, "content"), inside) < 0.2 * own).all()


def test_over_a_flat_ground_both_are_one():
    flat, laid, inside = np.full((72, 72, 4), 0.4, np.float32), texture(1), region()
    one, other = (joined(flat, laid, inside, gradients) for gradients in GRADIENTS)
    assert off_by(one, other, inside)[0] < 0.025
    assert (roughness(other, inside) > 0.95 * roughness(laid, inside)).all()


@pytest.mark.parametrize("gradients", GRADIENTS)
def test_what_is_there_already_changes_nothing_and_what_is_about_a_region_never_changes(gradients):
    ground, laid, inside = texture(0), texture(1), region()
    assert np.array_equal(joined(ground, ground, inside, gradients), ground)
    canvas = SimpleNamespace(colours=ground[..., :3], relief_mm=ground[..., 3], known=np.ones(inside.shape, bool))
    _, seen = blended(Poisson(gradients=gradients), canvas, Area(inside, inside.astype(np.float32)),
                      Laid(laid[..., :3], laid[..., 3]))
    rim = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~inside
    assert np.allclose(seen.colours[rim], ground[rim][:, :3], atol=1e-6), "it meets its border's own values"
    assert np.allclose(seen.relief_mm[rim], ground[rim][:, 3], atol=1e-6)


def test_where_nothing_is_known_nothing_is_stronger():
    ground, laid, inside = texture(0), texture(1), region()
    there = np.ones(inside.shape, bool)
    there[:, 50:] = False
    spoilt = np.where(there[..., None], laid, np.float32(50))
    want, got = (joined(ground, values, inside, "stronger", there=there) for values in (laid, spoilt))
    assert np.array_equal(got, want)
    assert np.array_equal(got[~there], ground[~there])
    assert off_by(joined(ground, spoilt, inside, "stronger"), want, inside & there)[0] > 1


@pytest.mark.parametrize(("moved", "mean", "most"), [((-50, -40), 2, 5), ((20, 24), 4, 10)])
def test_on_a_photograph_it_is_opencvs_mixed_clone(moved, mean, most):
    """Within a few levels in the mean, and at 19 pixels of 20: that one keeps the ground's gradients for three pixels
    along the border, and takes both of a pixel's by their difference."""
    photo = cv2.resize(captures.load("pot").rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    from_there, (r0, r1, c0, c1) = np.roll(photo, moved, (0, 1)), (110, 220, 110, 250)
    patch = np.ascontiguousarray(from_there[r0 - 2:r1 + 2, c0 - 2:c1 + 2])  # whose two outer pixels it leaves
    middle = ((c0 + c1) // 2, (r0 + r1) // 2)
    inside = np.zeros(photo.shape[:2], bool)
    inside[r0:r1, c0:c1] = True
    want = cv2.seamlessClone(patch, photo, np.full(patch.shape[:2], 255, np.uint8), middle, cv2.MIXED_CLONE)
    ground, laid = (np.dstack((picture / np.float32(255), np.zeros(inside.shape, np.float32)))
                    for picture in (photo, from_there))
    mixed, plain = (255 * np.clip(joined(ground, laid, inside, how), 0, 1)[..., :3] for how in ("stronger", "content"))
    off = np.abs(mixed - want)[inside]
    assert off.mean() < mean
    assert np.percentile(off, 95) < most
    assert off_by(plain, want, inside)[0] > 1.5 * mean


@pytest.mark.parametrize("space", ["surface", "pixels"])
def test_a_method_of_the_stronger_replays_and_keeps_more_of_what_was_there(space):
    capture, form = captures.load("pot"), cm.method("nsa", as_published=space == "pixels")
    mixed = form.model_copy(update={"blocks": form.blocks.model_copy(update={"blend": Poisson(gradients="stronger")})})
    one, other = (cm.synthesize(capture, method, seed=4) for method in (form, mixed))
    text = other.plan.model_dump_json()
    assert text.count('"gradients":"stronger"') == len(other.plan.defects)
    assert "gradients" not in one.plan.model_dump_json()
    again = cm.replay(capture, Plan.model_validate_json(text))
    assert again.after.rgb.tobytes() == other.after.rgb.tobytes()
    assert again.after.points.tobytes() == other.after.points.tobytes()
    assert not np.array_equal(one.after.rgb, other.after.rgb)
    if space == "surface":
        assert not np.array_equal(one.displacement_mm, other.displacement_mm, equal_nan=True), "relief is blended too"
    both = one.gt & other.gt
    own, content, kept = (cv2.Laplacian(seen.rgb.astype(np.float32), -1)[both].ravel()
                          for seen in (capture, one.after, other.after))
    assert np.corrcoef(own, kept)[0, 1] > np.corrcoef(own, content)[0, 1] + 0.1


def test_other_gradients_are_refused_in_one_line(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nblocks:\n  region: {kind: ellipse}\n  content: {kind: shift}\n"
                    "  blend: {kind: poisson, gradients: mixed}")
    with pytest.raises(ValueError, match=r"gradients: .*'content' or 'stronger'") as told:
        cm.method(path)
    assert "\n" not in str(told.value)
