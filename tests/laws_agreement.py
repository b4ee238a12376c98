"""L3, L4, L5 and L9 as checks of a result, the specs they are tried on, and results doctored against them."""

from dataclasses import dataclass, replace

import numpy as np
import truth
from hypothesis import strategies as st
from scipy.ndimage import binary_closing, binary_opening

import crossmodal as cm

RAY_PX = 1e-3  # L1's tolerance: the round trip through a measured ray is exact


@st.composite
def specs(draw, kinds=("dent", "bump", "scratch", "stain"), narrowest=1.2):
    """Specs with sizes that a capture of 0.25 mm a pixel can show, shallow to deep."""
    kind = draw(st.sampled_from(kinds))
    across = draw(st.floats(3, 9))
    share = draw(st.sampled_from((0.01, 0.04, 0.1, 0.2)))
    if kind == "dent":
        return cm.Dent(diameter_mm=across, depth_mm=share * across)
    if kind == "bump":
        return cm.Bump(diameter_mm=across, height_mm=share * across)
    if kind == "scratch":
        width = draw(st.floats(narrowest, 2.5))
        return cm.Scratch(length_mm=max(1.6 * across, 5 * width), width_mm=width, depth_mm=share * width)
    return cm.Stain(diameter_mm=across)


@dataclass(frozen=True)
class Doctored:
    """A result with some of its parts replaced: what a planted violation looks like."""

    result: object
    parts: dict

    def __getattr__(self, name):
        return self.parts[name] if name in self.parts else getattr(self.result, name)


def doctored(result, *, rgb=None, points=None, **parts):
    if rgb is not None or points is not None:
        parts["after"] = result.after.replaced(rgb=result.after.rgb if rgb is None else rgb,
                                               points=result.after.points if points is None else points)
    return Doctored(result, parts)


def same_bits(a, b):
    """(H, W) bool: pixels whose arrays agree bit for bit."""
    word = {1: np.uint8, 4: np.uint32}[a.dtype.itemsize]
    same = np.ascontiguousarray(a).view(word) == np.ascontiguousarray(b).view(word)
    return same.all(-1) if same.ndim == 3 else same


def check_L3(result):
    """After synthesis every valid point still lies on its own pixel's measured ray, and depth is its z."""
    before, after = result.before, result.after
    valid = after.valid
    assert (np.isfinite(after.points).all(-1) == valid).all()
    assert np.isnan(after.points[~valid]).all()
    assert after.depth.tobytes() == np.ascontiguousarray(after.points[..., 2]).tobytes()
    assert after.camera is before.camera
    moved = valid & ~same_bits(before.points, after.points)  # what kept its bits kept its pixel
    at = after.camera.project(after.points[moved].astype(np.float64))
    grid = np.argwhere(moved)[:, ::-1]
    was = before.camera.project(before.points[moved].astype(np.float64))
    own = np.where(before.valid[moved][:, None], was, grid)  # a point that appears lies on the fitted ray
    assert np.abs(at - own).max(initial=0) <= RAY_PX, "a point left its pixel's ray"
    in_pixel = np.abs(own - grid).max(-1) <= 0.5 - RAY_PX
    assert (np.abs(at - grid).max(-1) <= 0.5)[in_pixel].all(), "a point left its pixel"
    return int((result.masks.points & valid).sum())


def asked_of(result):
    """The specs that a result's plan was grown from; what was lifted has none."""
    return [planned.spec for planned in result.plan.defects if planned.source == "grown"]


def check_L4(result, cloud, pixels):
    """The cloud's labels project onto the depth mask (for colour alone: onto gt), to one pixel.

    cloud: the capture's cloud after imprint; pixels (N, 2): where each point was measured.
    """
    camera = result.after.camera
    labelled = cloud.labels > 0
    onto = result.masks.depth & ~result.masks.effects
    if not onto.any():
        onto = result.gt
    assert labelled.any()
    floor = result.before.surface.floor_mm
    moved = np.linalg.norm(cloud.xyz_m[labelled].astype(np.float64)
                           - result.before.points[pixels[labelled, 1], pixels[labelled, 0]], axis=-1) * 1e3
    at = np.rint(camera.project(cloud.xyz_m[labelled].astype(np.float64))).astype(int)
    inside = ((at >= 0) & (at < (camera.width, camera.height))).all(-1)
    # What sank behind the near rim of its own cavity is labelled, but the picture sees the rim.
    behind = np.zeros(len(at), bool)
    first = result.after.depth[at[inside, 1], at[inside, 0]]
    behind[inside] = cloud.xyz_m[labelled][inside, 2] - first > 3e-3 * floor
    seen = inside & ~behind
    inside[inside] &= np.isfinite(first)  # nor does it see what lands where nothing is measured
    seen &= inside
    landed, plainly = np.zeros(result.gt.shape, bool), np.zeros(result.gt.shape, bool)
    landed[at[inside, 1], at[inside, 0]] = True
    # A soft rim below the floor is labelled, for it was moved, but no picture of this sensor outlines it.
    # Nor one that only the middle of a groove narrower than its pixels rises above: they see its mean.
    shown = seen & ((moved > 3 * floor) | (not result.masks.depth.any()))
    plainly[at[shown, 1], at[shown, 0]] = True
    # A sliver of a fold covers the middle of no pixel: as many labels may stand where nothing is drawn.
    few = max(3, 5e-4 * labelled.sum())
    # On a slanted surface a point's noise along its ray shifts its place by as much again.
    noise = int(np.ceil(2 * floor / result.before.surface.mm_per_pixel - 0.05))
    assert (plainly & ~truth.grown_by(result.gt, 1 + noise)).sum() <= few, "labels lie beyond the ground truth"
    # Relief is at least five floors deep where it is plain, so that its rim below one is a third of its radius at most.
    rim = 2 + int(np.ceil(0.35 * np.sqrt(result.gt.sum() / np.pi)))
    # A warp rises as slowly as its arc is wide, and beside hills that are plain a method may have one below the floor:
    # of both, what is plain has been judged above.
    made = any(planned.source == "made" for planned in result.plan.defects)
    if not made and not any(spec.extent == "global" for spec in asked_of(result)):
        # What sank behind a rim that hides it shows nowhere in the picture.
        showing = np.zeros(result.gt.shape, bool)
        showing[at[seen, 1], at[seen, 0]] = True
        about = truth.grown_by(result.gt, rim)
        assert not (showing & ~about).any(), "labels lie beyond the defect's rim"
        astray = ~about[at[inside, 1], at[inside, 0]]
        assert astray.sum() <= 0.1 * labelled.sum(), "labels that nothing shows lie beyond the defect's rim"
    came = np.zeros(result.gt.shape, bool)
    came[pixels[labelled, 1], pixels[labelled, 0]] = True
    left = np.zeros(result.gt.shape, bool)
    left[pixels[:, 1], pixels[:, 0]] = True
    came |= result.before.valid & ~left  # a point that is gone cannot carry its label
    # Where a fold spreads the labels, the surface between them is still one. And as noise carries a point over the
    # outline, so it carries one out of it: of a thin mark on a slant, a whole pixel's width.
    spread = binary_closing(np.pad(landed | came, 4), iterations=3)[4:-4, 4:-4] | landed | came
    assert (onto & ~truth.grown_by(spread, 1 + noise)).sum() <= few, "the mask holds what no label projects onto"
    deep = np.zeros(result.gt.shape, bool)
    plain = seen & (moved > 10 * floor)
    deep[at[plain, 1], at[plain, 0]] = True
    assert (deep & ~truth.grown_by(onto)).sum() <= few, "a labelled point lies off the mask"
    return int(labelled.sum())


def check_L4_removed(result, left):
    """Of a part that is gone and moves nothing no point is left to label: the points that are missing in the cloud are
    those of the pixels that lost their surface, to one pixel.

    left: (P, 2) the pixels of the points that are left
    """
    stays = np.zeros(result.gt.shape, bool)
    stays[left[:, 1], left[:, 0]] = True
    missing, gone = result.before.valid & ~stays, np.isnan(result.displacement_mm) & result.before.valid
    assert missing.any()
    plain = binary_opening(missing, np.ones((2, 2)))  # what is narrower passes between the pixels
    # As of labels: noise carries points over the outline, and the last of a tip covers the middle of no pixel.
    near = 1 + int(np.ceil(2 * result.before.surface.floor_mm / result.before.surface.mm_per_pixel - 0.05))
    astray = plain & ~truth.grown_by(gone, near), gone & ~truth.grown_by(missing, near)
    assert astray[0].sum() <= 3, "points are missing where the picture has lost nothing"
    assert astray[1].sum() <= 3, "points are left where the surface is gone"
    return int(missing.sum())


def check_L5(before, after, masks):
    """Outside a modality's mask it is bit-identical; what is masked in depth is masked in points."""
    assert (masks.rgb | same_bits(before.rgb, after.rgb)).all(), "colour changed outside masks.rgb"
    assert (masks.depth | same_bits(before.depth, after.depth)).all(), "depth changed outside masks.depth"
    assert (masks.points | same_bits(before.points, after.points)).all(), "points changed outside masks.points"
    assert not (masks.depth & ~masks.points).any()
    assert (masks.union == (masks.rgb | masks.depth | masks.points)).all()
    assert not (masks.effects & ~masks.union).any()
    return int(masks.union.sum())


def check_told(result):
    """Of one defect: where a modality's mask is, its bits differ: nothing is called changed that is as it was."""
    before, after, masks = result.before, result.after, result.masks
    assert len(result.plan.defects) == 1, "of several, a later one may put back what an earlier one changed"
    assert not (masks.rgb & same_bits(before.rgb, after.rgb)).any(), "masks.rgb holds colours that are as they were"
    assert not (masks.depth & same_bits(before.depth, after.depth)).any(), "masks.depth holds depth that is as it was"
    assert not (masks.points & same_bits(before.points, after.points)).any(), "masks.points holds points as they were"
    return int(masks.union.sum())


def check_gt(result):
    """gt is union minus effects, closed over the field's support; instances and displacement speak of it alone."""
    direct = result.masks.union & ~result.masks.effects
    assert not (direct & ~result.gt).any(), "a directly changed pixel is not in gt"
    assert not (result.gt & result.masks.effects).any(), "gt holds a secondary effect"
    assert ((result.instances > 0) == result.gt).all()
    moved = np.nan_to_num(result.displacement_mm, nan=1.0) != 0
    assert not (moved & ~(result.gt | result.masks.effects)).any(), "displaced outside gt"
    return int(result.gt.sum())


def check_L9(result, effect):
    """For purely ``in`` (or ``out``) kinds no first hit moves the other way, and none is displaced the other way;
    where surface was removed, none comes nearer and none is displaced outwards."""
    sign = {"in": 1.0, "out": -1.0, "remove": 1.0, "add": -1.0}[effect]
    if effect == "remove":
        return check_L9_removed(result)
    both = result.before.valid & result.after.valid
    dz = sign * (result.after.depth.astype(np.float64) - result.before.depth)
    assert dz[both].min() >= 0, "a first hit moved the other way"
    d = -sign * result.displacement_mm[np.isfinite(result.displacement_mm)]
    assert d.min() >= 0, "a point was displaced the other way"
    return int((dz[both] > 0).sum())


def check_L9_removed(result):
    """What is gone shows nothing or something farther; a rim stands out by no more than its field does."""
    gone = np.isnan(result.displacement_mm)
    assert gone.any(), "nothing is gone"
    closer = result.after.depth.astype(np.float64) < result.before.depth
    assert not closer[gone].any(), "something nearer is seen where the surface is gone"
    highest = truth.field_of(result.plan.defects[0]).highest_mm
    assert np.nanmax(result.displacement_mm) <= highest * (1 + 1e-6), "the rim stands out too far"
    return int(gone.sum())


def through_cloud(capture, edits):
    """The capture's cloud after imprint, and the pixel of every point that is left."""
    cloud, pixels = capture.cloud()
    cloud = replace(cloud, normals=capture.normals[pixels[:, 1], pixels[:, 0]])
    after = cm.imprint(cloud, edits)
    return after, pixels if len(after) == len(cloud) else pixels[left_of(cloud, edits)]


def left_of(cloud, edits):
    """(N,) bool: the points that an edit, or several that do not meet, leave standing."""
    left = np.ones(len(cloud), bool)
    for edit in edits if isinstance(edits, (list, tuple)) else (edits,):
        sample = edit(cloud.xyz_m.astype(np.float64), cloud.normals)
        if sample.removed is not None:
            left &= ~sample.removed
    return left
