"""How the content of a region meets what was there."""

from dataclasses import replace
from functools import singledispatch
from typing import Annotated, Literal

import cv2
import numpy as np
from numba import njit
from pydantic import Field
from scipy.fft import dctn, idctn, next_fast_len

from crossmodal.defects.spec import Share, Size
from crossmodal.methods.block import Block, Choice, fixed
from crossmodal.methods.canvas import Canvas, box_of
from crossmodal.methods.contents import Laid
from crossmodal.methods.regions import Area

HARD = 0.01  # of a cell: a border as wide is none
SMOOTHINGS = 4  # at each level of the membrane


class Blend(Block):
    """How much of the content is seen, and what of its colours and relief."""


class Hard(Blend):
    """All of it, up to the region's border."""

    kind: Literal["hard"] = "hard"


class Alpha(Blend):
    """Some of it, through the whole region (DRAEM's 1 − β)."""

    kind: Literal["alpha"] = "alpha"
    opacity: Share = (0.2, 1.0)


class Feather(Blend):
    """All of it, but less and less towards the border."""

    kind: Literal["feather"] = "feather"
    width_mm: Size = ("1%", "2%")


class Poisson(Blend):
    """Its gradients, joined to what is at the border (Pérez et al. 2003): colours and relief alike."""

    kind: Literal["poisson"] = "poisson"
    unsaid = ("laws", "gradients")
    gradients: Literal["content", "stronger"] = "content"
    """The content's alone (OpenCV's normal clone), or from cell to cell the stronger of its own and the ground's (mixed
    clone), so that what is plain there shows through what is smooth here."""


class OneOf(Choice, Blend):
    """One of several blends (REB's feather, now and then)."""

    of: tuple["AnyBlend", ...] = Field(min_length=1)


AnyBlend = Annotated[Hard | Alpha | Feather | Poisson | OneOf, Field(discriminator="kind")]
OneOf.model_rebuild()


@singledispatch
def blended(blend: Blend, canvas: Canvas, area: Area, content: Laid) -> tuple[np.ndarray, Laid]:
    """(share (h, w) float32 of the content that is seen, the content as it is seen)."""
    raise TypeError(f"nothing blends by {type(blend).__name__}")


@blended.register
def _(blend: Hard, canvas, area, content):
    return area.weight, content


@blended.register
def _(blend: Alpha, canvas, area, content):
    return area.weight * np.float32(fixed(blend.opacity)), content


@blended.register
def _(blend: Feather, canvas, area, content):
    far = cv2.distanceTransform(np.pad(area.inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    width = max(fixed(blend.width_mm), HARD * canvas.step_mm)
    return area.weight * np.clip(far * canvas.step_mm / width, 0, 1).astype(np.float32), content


@blended.register
def _(blend: Poisson, canvas, area, content):
    inside, known = area.inside, canvas.known
    ground, laid = _stacked(canvas, content), _stacked(content, content)
    if blend.gradients == "stronger":
        seen = ground.copy()
        if content.known is not None:
            inside, known = inside & content.known, known & content.known
        box = box_of(inside, 1)
        seen[box] += stronger(ground[box], laid[box], inside[box], known[box], _rim(inside, canvas.known)[box])
    else:
        seen = laid + membrane(ground - laid, _rim(inside, known))
    relief = None if content.relief_mm is None else np.ascontiguousarray(seen[..., 3])
    return area.weight, replace(content, colours=np.maximum(seen[..., :3], 0), relief_mm=relief)


def _stacked(of, content: Laid) -> np.ndarray:
    """(h, w, 3 or 4) float32: colours, and relief if the content has some."""
    return np.ascontiguousarray(of.colours if content.relief_mm is None else np.dstack((of.colours, of.relief_mm)))


def _rim(inside, known) -> np.ndarray:
    """(h, w) bool: the cells beside a region."""
    return cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~inside & known


def stronger(ground: np.ndarray, laid: np.ndarray, inside: np.ndarray, known: np.ndarray,
             rim: np.ndarray) -> np.ndarray:
    """(h, w, c) float32: how far off the ground (h, w, c) that lies which changes from cell to cell as the ground does
    or as what is laid (h, w, c), whichever changes more, and is the ground at the rim (h, w) bool of a region (h, w)
    bool (Pérez et al. 2003, eq. 13).

    known: (h, w) bool, the cells between which what is laid may be the stronger
    """
    sources = np.zeros_like(ground)
    for axis in (0, 1):
        first, second = ((slice(None),) * axis + (part,) for part in (slice(-1), slice(1, None)))
        own, other = ground[second] - ground[first], laid[second] - laid[first]
        links = (inside[first] | inside[second]) & known[first] & known[second]
        more = np.where(links[..., None] & (np.abs(other) > np.abs(own)), other - own, np.float32(0))
        sources[first] += more
        sources[second] -= more
    if not sources.any():
        return sources
    # Mirrored at its ends, as a canvas is; where the region does not reach one, it may as well lie farther off.
    shape = [n if last.any() else next_fast_len(n, real=True)
             for n, last in zip(inside.shape, (inside[-1], inside[:, -1]), strict=True)]
    down, across = (2 * np.cos(np.pi * np.arange(n) / n) - 2 for n in shape)
    waves = (down[:, None] + across).astype(np.float32)[..., None]
    waves[0, 0] = 1  # of the mean, which is free
    off = idctn(dctn(sources, s=shape, axes=(0, 1)) / waves, axes=(0, 1))[:len(inside), :inside.shape[1]]
    return off + membrane(-off, rim)


def membrane(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(h, w, c) float32 that is as smooth as can be and meets values (h, w, c) where (h, w) bool says: the harmonic
    fill that Poisson's equation asks for, coarse to fine."""
    if min(at.shape) <= 4:
        known = values[at]
        mean = known.mean(0) if len(known) else np.zeros(values.shape[2], np.float32)
        return np.where(at[..., None], values, mean).astype(np.float32)
    held = np.where(at[..., None], values, 0).astype(np.float32)
    half = (at.shape[1] + 1) // 2, (at.shape[0] + 1) // 2
    share = cv2.resize(at.astype(np.float32), half, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(held, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
    coarse = membrane(coarse / np.maximum(share, 1e-6)[..., None], share > 0)
    out = cv2.resize(coarse, at.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(values.shape)
    return _relaxed(out, held, at, SMOOTHINGS)


@njit(cache=True, nogil=True)
def _relaxed(out, held, at, times):
    """(h, w, c) float32 held where (h, w) bool says, and elsewhere the mean of its four neighbours, so many times."""
    h, w, channels = out.shape
    last = np.empty((h, w + 2, channels), np.float32)  # with a column beyond either border, as at the border
    for i in range(h):
        for j in range(w + 2):
            k = min(max(j - 1, 0), w - 1)
            last[i, j] = held[i, k] if at[i, k] else out[i, k]
    mean = np.empty(w * channels, np.float32)
    for _ in range(times):
        rows, above = last.reshape(h, -1), last[0].copy().ravel()
        for i in range(h):
            here = rows[i].copy()
            _mean_of_four(mean, above[channels:], here, here[2 * channels:], rows[min(i + 1, h - 1), channels:])
            above = here
            for j in range(w):
                if not at[i, j]:
                    for c in range(channels):
                        last[i, j + 1, c] = mean[j * channels + c]
            last[i, 0], last[i, w + 1] = last[i, 1], last[i, w]
    return last[:, 1:-1]


@njit(cache=True, nogil=True)
def _mean_of_four(out, up, left, right, down):
    quarter = np.float32(0.25)
    for k in range(len(out)):
        out[k] = quarter * up[k] + quarter * left[k] + quarter * right[k] + quarter * down[k]
