"""The grain of a photograph: what its camera and its compression lay over the picture, and how soft its edges are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit

from rgb.noise import ROUNDING
from rgb.shading import level_table, linear_table

REACH = 1.5  # sigma in pixels of the mean that grain is told from
TALLEST = 3.0  # deviations of the quieter places, beyond which a residual of light is the picture's own
FRINGE = 4.0  # the same for colour, of light's limit: fringes of the demosaicing stand higher than it and tell nothing
EVENEST = 1.5  # times as many neighbours of one level as chance has, beyond which to hold them makes terraces
QUIET = 0.05  # place of the sample's power among all pieces of the picture; the stronger ones hold texture
SEEN = 2.0  # deviations of the noise, beyond which a sample's residual is the picture's own
TILE = 16  # pixels; a sample of so many columns is laid over matter again and again
HELD = 0.75  # levels, less than which do not part neighbours that chance gave one level
LEAST = 1.9  # roundings: a picture with less grain than this is as clean as its levels allow
SCALED = 0.35, 3.0  # how far grain is weakened or strengthened with the light that it lies on
LEAST_BLUR = 0.35  # pixels; the area of a pixel alone spreads an edge by 0.29
WIDEST_BLUR = 1.2
_BAND, _BANDS, _STEP = 16, 10, 16
_ENOUGH, _EDGE, _LINES = 100, 40, 120  # samples of a level; levels that an edge jumps by
_FOURTH = np.array((1.0, -4.0, 6.0, -4.0, 1.0)) / 70**0.5
_MODEST = 0.79  # lower quartile of the means that white noise has over a window, against their mean
_FINE = 16  # parts of a level


@dataclass(frozen=True, eq=False)
class Grain:
    """limit: levels that grain may reach, 0 where a picture has none
    noise: its deviation in levels where nothing but noise is
    strength: (256,) float32, its deviation at each level
    blur_px: sigma of the Gaussian that spreads the sharpest edges of the picture, 0 if nothing does
    sample: (16, 16, 3) uint8, a quiet part of the picture; rest: the same, float32, that grain alone in
        units of its strength
    held: (3,) float32, levels, less than which do not part neighbours of one level
    """

    limit: float
    noise: float
    strength: np.ndarray
    blur_px: float
    sample: np.ndarray
    rest: np.ndarray
    held: np.ndarray

    def smooth(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (h, w, 3) uint8 without their grain, float32 levels; edges and texture taller than it stay."""
        mean = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), REACH, borderType=cv2.BORDER_REFLECT_101)
        return _smooth(pixels, mean, self.limit, FRINGE * self.limit)

    def spread(self, gain: np.ndarray, plain: np.ndarray) -> np.ndarray:
        """What multiplies a scene's light, (h, w, c) float32, as softly as the camera saw that light.

        plain: (c,) float32, the gain that changes nothing; where nothing changes nearby it stays exactly that
        """
        if not self.blur_px:
            return gain
        kernel = cv2.getGaussianKernel(5, self.blur_px, cv2.CV_32F)
        return cv2.sepFilter2D(gain - plain, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE) + plain

    def light(self, smooth: np.ndarray) -> np.ndarray:
        """Linear light of levels that are not whole, float32 of one shape."""
        return linear_table(_FINE)[(smooth * np.float32(_FINE) + np.float32(0.5)).astype(np.int32)]

    def laid(self, pixels: np.ndarray, smooth: np.ndarray, touched: np.ndarray, linear: np.ndarray,
             hidden: np.ndarray, source: np.ndarray):
        """A new picture under the grain that its places had: (h, w, 3) uint8, and by how many levels the picture
        beneath changed, (h, w) float32.

        smooth: of the pixels; linear: (n, 3) float32, new light of the n touched (h, w) bool pixels;
        hidden: (h, w) float32, share of a pixel that other matter covers; that has the sample's grain, not its place's
        """
        return _laid(pixels, smooth, touched, linear, hidden, source, self.sample, self.rest, self.held, self.strength,
                     linear_table(_FINE), level_table())


NO_GRAIN = Grain(0.0, 0.0, np.ones(256, np.float32), 0.0, np.zeros((_BAND, TILE, 3), np.uint8),
                 np.zeros((_BAND, TILE, 3), np.float32), np.full(3, HELD, np.float32))


def measure_grain(pixels: np.ndarray, inside: np.ndarray) -> Grain:
    """The grain of sRGB pixels, uint8 (H, W, 3), within (H, W) bool; measured on 12 bands of rows.

    Fourth differences both ways see noise but no smooth texture; where they find no more than rounding, there is
    none. Where they do, grain is what differs from the mean around, up to the limit: noise, the demosaicing's lattice,
    the compression's blocks.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"rgb must be uint8 (H, W, 3), but got {pixels.dtype} {pixels.shape}")
    blur = _edge_blur(pixels)
    bands = [(pixels[s:s + _BAND], inside[s:s + _BAND] & _unclipped(pixels[s:s + _BAND]))
             for s in np.unique(np.linspace(0, max(0, len(pixels) - _BAND), _BANDS).astype(int))]
    noise = _roughness(bands)
    if noise < LEAST * ROUNDING:
        return replace(NO_GRAIN, blur_px=blur)
    mean = [cv2.GaussianBlur(band.astype(np.float32), (0, 0), REACH) for band, _ in bands]
    rest, levels = (np.concatenate([part[chosen][::2] for part, (_, chosen) in zip(parts, bands, strict=True)])
                    for parts in ([band - m for (band, _), m in zip(bands, mean, strict=True)], mean))
    quiet = np.concatenate([cv2.blur((band[..., 1] - m[..., 1]) ** 2, (7, 7))[chosen][::4]
                            for (band, chosen), m in zip(bands, mean, strict=True)])
    limit = TALLEST * float(np.sqrt(np.quantile(quiet, 0.25)))
    bins = (levels.ravel() / _STEP).astype(np.int64)
    count = np.bincount(bins, minlength=256 // _STEP)
    power = np.bincount(bins, np.clip(rest.ravel(), -limit, limit).astype(np.float64) ** 2, 256 // _STEP)
    known = count >= _ENOUGH
    if not known.any():
        return replace(NO_GRAIN, blur_px=blur)
    middles = (np.arange(256 // _STEP) + 0.5) * _STEP
    strength = np.interp(np.arange(256), middles[known], np.sqrt(power[known] / count[known]))
    strength = np.maximum(strength, ROUNDING).astype(np.float32)
    return _sampled(Grain(limit, noise, strength, blur, NO_GRAIN.sample, NO_GRAIN.rest, _held(bands)), bands)


def _held(bands) -> np.ndarray:
    """(3,) float32: HELD, times how much more neighbours there are of one level than chance has. Of differences that
    spread smoothly about 0, half as many are 0 as are ±1; a camera that smooths runs of pixels leaves more.
    """
    steps = np.concatenate([np.abs(np.diff(band.astype(np.int16), axis=1))[chosen[:, 1:] & chosen[:, :-1]]
                            for band, chosen in bands])
    none, one = ((steps == k).sum(0) for k in (0, 1))
    return (HELD * np.clip(2 * none / np.maximum(one, 1), 1, EVENEST)).astype(np.float32)


def _sampled(grain, bands) -> Grain:
    """With the piece of all bands with nearly the least texture for a sample; none if none is whole."""
    pieces = []
    for band, chosen in bands:
        smooth = grain.smooth(band)
        rest = band - smooth
        most = SEEN * grain.noise
        light = np.clip(rest[..., 1:2], -most, most)
        rest = light + np.clip(rest - rest[..., 1:2], -FRINGE * most, FRINGE * most)
        rest /= grain.strength[(smooth + 0.5).astype(np.int64)]
        pieces += [(band[:, c:c + TILE], rest[:, c:c + TILE]) for c in range(0, band.shape[1] - TILE + 1, TILE)
                   if len(band) == _BAND and chosen[:, c:c + TILE].all()]
    if not pieces:
        return grain
    order = np.argsort([float((rest**2).mean()) for _, rest in pieces], kind="stable")
    sample, rest = pieces[order[int(QUIET * len(order))]]
    return replace(grain, sample=np.ascontiguousarray(sample), rest=np.ascontiguousarray(rest))


def _unclipped(band):
    return ((band > 2) & (band < 253)).all(-1)


def _roughness(bands) -> float:
    """Deviation of white noise that would give the fourth differences of the quieter quarter, largest channel."""
    found = []
    for band, chosen in bands:
        whole = cv2.erode(chosen.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(bool)[2:-2]
        bend = np.abs(cv2.sepFilter2D(band.astype(np.float32), -1, _FOURTH, _FOURTH))
        found.append(cv2.blur(bend, (9, 3))[2:-2][whole][::2])
    found = np.concatenate(found)
    return float(1.2533 / _MODEST * np.quantile(found, 0.25, axis=0).max()) if len(found) >= _ENOUGH else 0.0


def _edge_blur(pixels) -> float:
    """Sigma of the sharper quarter of the edges: of a blurred step, one pixel takes erf(1 / (sigma sqrt(8)))."""
    from scipy.special import erfinv

    green = pixels[..., 1].astype(np.int16)
    shares = np.concatenate([_steps(lines[np.unique(np.linspace(0, len(lines) - 1, _LINES).astype(int))])
                             for lines in (green, green.T)])
    if len(shares) < _ENOUGH:
        return 0.0
    sharp = min(float(np.quantile(shares, 0.75)), 0.9999)
    sigma = 1 / (8**0.5 * float(erfinv(sharp)))
    return 0.0 if sigma < LEAST_BLUR else min(sigma, WIDEST_BLUR)


@njit(cache=True, nogil=True)
def _steps(lines):
    """Of each run of lines (n, m) int16 that rises or falls by an edge: the share of its largest step."""
    out = np.empty(lines.size, np.float32)
    n = 0
    for row in lines:
        start = 0
        largest = 0
        for k in range(1, len(row)):
            step, before = row[k] - row[k - 1], row[k - 1] - row[start]
            if step == 0 or (before != 0 and (step > 0) != (before > 0)):
                if abs(before) >= _EDGE and k - 1 - start <= 10:
                    out[n] = largest / abs(before)
                    n += 1
                start, largest = k - 1, abs(step)
                if step == 0:
                    start = k
            else:
                largest = max(largest, abs(step))
    return out[:n]


@njit(cache=True, nogil=True)
def _smooth(pixels, mean, limit, fringe):
    """Pixels less what they stand out of their mean by: in green up to a limit, in the other two against green."""
    h, w, _ = pixels.shape
    out = np.empty((h, w, 3), np.float32)
    for i in range(h):
        for j in range(w):
            green = pixels[i, j, 1] - mean[i, j, 1]
            light = min(max(green, -limit), limit)
            out[i, j, 1] = pixels[i, j, 1] - light
            for c in (0, 2):
                colour = pixels[i, j, c] - mean[i, j, c] - green
                out[i, j, c] = pixels[i, j, c] - light - min(max(colour, -fringe), fringe)
            for c in range(3):
                out[i, j, c] = min(max(out[i, j, c], 0.0), 255.0)
    return out


@njit(cache=True, nogil=True)
def _laid(pixels, smooth, touched, linear, hidden, source, sample, rest, held, strength, light, levels):
    h, w = touched.shape
    out = pixels.copy()
    changed = np.zeros((h, w), np.float32)
    n = 0
    top = len(levels) - 1
    tall, wide, _ = sample.shape
    for i in range(h):
        for j in range(w):
            if not touched[i, j]:
                continue
            cover = hidden[i, j]
            si, sj = _nearest(source, i, j, h, w)
            for c in range(3):
                new = levels[int(min(max(linear[n, c], 0.0), 1.0) * top + 0.5)]
                # Through the same tables, so that light that did not change gives the pixel back.
                here = levels[int(light[int(smooth[i, j, c] * _FINE + 0.5)] * top + 0.5)]
                old = levels[int(light[int(smooth[si, sj, c] * _FINE + 0.5)] * top + 0.5)]
                own = pixels[si, sj, c] - smooth[si, sj, c]
                scale = min(max(strength[int(new + 0.5)] / strength[int(old + 0.5)], SCALED[0]), SCALED[1])
                # What stands out of a place that matter hides does not show through it.
                value = pixels[si, sj, c] + (new - old) + scale * (1 - cover) * own - own
                value += cover * strength[int(new + 0.5)] * rest[i % tall, j % wide, c]
                level = int(min(max(value, 0.0), 255.0) + 0.5)
                # Neighbours that were of one level stay of one as long as light and noise part them no further.
                for y, x in ((i, j - 1), (i - 1, j)):
                    if y < 0 or x < 0 or not touched[y, x] or abs(value - out[y, x, c]) >= held[c]:
                        continue
                    if cover < 0.5:
                        sy, sx = _nearest(source, y, x, h, w)
                        same = pixels[sy, sx, c] == pixels[si, sj, c]
                    else:
                        same = sample[y % tall, x % wide, c] == sample[i % tall, j % wide, c]
                    if same:
                        level = out[y, x, c]
                        break
                out[i, j, c] = level
                changed[i, j] = max(changed[i, j], abs(new - here))
            n += 1
    return out, changed


@njit(cache=True, nogil=True, inline="always")
def _nearest(source, i, j, h, w):
    return (min(max(int(source[i, j, 0] + 0.5), 0), h - 1), min(max(int(source[i, j, 1] + 0.5), 0), w - 1))
