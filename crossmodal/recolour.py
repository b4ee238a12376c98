"""The picture after an edit: the old colours where their surface is now seen, in the new light, beneath new matter."""

import cv2
import numpy as np
from numba import njit

import rgb as rgb_room
from crossmodal.see import Seen

HIGHLIGHT = 0.8  # share of a pixel's light that may be the lamp's mirror image
DIM = 0.02  # linear light of a highlight that tells whether the surface shines
APART = 1.5  # pixels of the old picture between neighbours of the new one that tell of an edge between them
OPAQUE = 0.995  # share of a pixel that is all of it
WHITE = 1.5  # broken matter scatters more than the brightest channel of what it was


def recoloured(pixels: np.ndarray, seen: Seen, white: float, backdrop: np.ndarray | None,
               grain: rgb_room.Grain, worn_px: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The window's colours (h, w, 3) uint8 after the edit: the old picture where its surface is now seen, times
    the gain, in linear light, under the grain that each place had; and by how many levels the picture beneath its
    grain changed, (h, w). A pixel that neither moved nor changed its light keeps its bits.

    white: linear light of a white surface; backdrop: (h, w, 3) uint8, what is seen where the surface is gone, if known
    worn_px: how wide relief is whose shading goes where it was worn
    """
    revealed = np.isnan(seen.displacement_mm)
    gain = _as_soft(seen.gain, revealed if backdrop is not None else None, grain)
    if grain.limit:
        smooth = grain.smooth(pixels)
        linear, faded = _faded(grain.light(smooth), seen.worn, worn_px)
        touched, linear = _softened(linear, *_relit(linear, seen.source, gain, white, faded), seen.source, grain)
        hidden = gain[..., -1] if gain.shape[2] >= 8 else np.zeros(touched.shape, np.float32)
        out, changed = grain.laid(pixels, smooth, touched, linear, np.ascontiguousarray(hidden), seen.source)
    else:
        out = np.array(pixels)
        linear, faded = _faded(rgb_room.to_linear(pixels), seen.worn, worn_px)
        touched, linear = _softened(linear, *_relit(linear, seen.source, gain, white, faded), seen.source, grain)
        _placed(out, touched, rgb_room.to_srgb(linear))
        changed = largest_difference(out, pixels)
    if backdrop is None:
        revealed &= seen.gain[..., 0] == 1
    if not revealed.any():
        return out, changed
    if backdrop is not None:
        out, revealed = _over(out, backdrop, revealed, grain)
    else:
        out = cv2.inpaint(out, revealed.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    changed = changed.astype(np.float32)
    changed[revealed] = largest_difference(out, pixels)[revealed]
    return out, changed


def _over(out, backdrop, revealed, grain):
    """The picture with the ground where it is revealed, parted by an edge as soft as the photograph's, and where any
    of the ground is in sight, (h, w) bool."""
    share = grain.spread(revealed.astype(np.float32)[..., None], np.zeros(1, np.float32)).reshape(revealed.shape)
    out[share >= OPAQUE] = backdrop[share >= OPAQUE]
    mixed = (share > 1 - OPAQUE) & (share < OPAQUE)
    if mixed.any():
        part = share[mixed][:, None]
        out[mixed] = rgb_room.to_srgb((1 - part) * rgb_room.to_linear(out[mixed]) + part * rgb_room.to_linear(
            backdrop[mixed]))
    return out, share > 1 - OPAQUE


def _as_soft(gain, gone, grain) -> np.ndarray:
    """The gain as softly as the photograph shows any edge; what is gone and seen through spreads none of its own."""
    plain = np.zeros(gain.shape[2], np.float32)
    plain[:3] = 1
    if gone is not None and gone.any():
        gain = np.where(gone[..., None], plain, gain)
    return grain.spread(gain, plain)


def largest_difference(one, other) -> np.ndarray:
    """(h, w) uint8 of two pictures; cv2 takes |a − b| of bytes without a detour through wider integers."""
    red, green, blue = cv2.split(cv2.absdiff(one, np.ascontiguousarray(other)))
    return cv2.max(cv2.max(red, green), blue)


def _faded(linear, worn, width_px):
    """Linear light (h, w, 3) without the shading of relief narrower than width_px, as far as it is worn (h, w), and
    where it is, (h, w) bool. Texture within three pixels is no shading, and stays.
    """
    if worn is None:
        return linear, np.zeros(linear.shape[:2], bool)
    side = 2 * max(1, round(0.25 * width_px)) + 1
    coarse = cv2.blur(cv2.blur(linear, (side, side)), (side, side))
    shade = cv2.blur(linear, (3, 3)) - coarse
    return np.maximum(linear - worn[..., None] * shade, 0), worn > 0


def _softened(before, touched, linear, source, grain):
    """Touched pixels (h, w) and their linear light (n, 3), with edges that the picture had not, where one surface now
    ends before another, as soft as those that it had; before: the old light, (h, w, 3).
    """
    if not grain.blur_px:
        return touched, linear
    edge = _new_edges(source)
    if not edge.any():
        return touched, linear
    after = before.copy()
    _placed(after, touched, linear)
    soft = grain.spread(after, np.zeros(3, np.float32))
    edge = cv2.dilate(edge.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    after[edge] = soft[edge]
    touched = touched | edge
    return touched, after[touched]


@njit(cache=True, nogil=True)
def _new_edges(source):
    """(h, w) bool: pixels next to one that sees a place of the old picture (h, w, 2) more than APART pixels off."""
    h, w = source.shape[:2]
    out = np.zeros((h, w), np.bool_)
    for i in range(h):
        for j in range(w):
            for a, b in ((1, 0), (0, 1)):
                if i + a < h and j + b < w:
                    y = source[i + a, j + b, 0] - source[i, j, 0]
                    x = source[i + a, j + b, 1] - source[i, j, 1]
                    if abs(y - a) > APART or abs(x - b) > APART:
                        out[i, j] = out[i + a, j + b] = True
    return out


@njit(cache=True, nogil=True)
def _relit(linear, source, gain, white_level, faded):
    """Linear colours (n, 3) of the touched pixels (h, w) bool, all of the faded (h, w) among them: moved ones by Keys'
    cubic convolution (1981)."""
    h, w, channels = gain.shape
    matter, glossy = channels >= 8, channels in (6, 10)
    touched = np.zeros((h, w), np.bool_)
    out = np.empty((h * w, 3), np.float32)
    n = 0
    wy, wx, columns = np.empty(4), np.empty(4), np.empty(4, np.uintp)
    for i in range(h):
        for j in range(w):
            y, x = source[i, j, 0], source[i, j, 1]
            shifted = abs(y - i) > 0.02 or abs(x - j) > 0.02
            white = gain[i, j, 3]
            hidden = gain[i, j, channels - 1] if matter else 0.0
            shone, shines = (gain[i, j, 4], gain[i, j, 5]) if glossy else (0.0, 0.0)
            plain = (gain[i, j, 0] == 1.0 and gain[i, j, 1] == 1.0 and gain[i, j, 2] == 1.0 and white == 0.0
                     and hidden == 0.0 and shone == 0.0 and shines == 0.0)
            if not shifted and plain and not faded[i, j]:
                continue
            touched[i, j] = True
            if shifted:
                ya, xa = int(np.floor(y)), int(np.floor(x))
                _keys(y - ya, wy)
                _keys(x - xa, wx)
                for b in range(4):
                    columns[b] = min(max(xa + b - 1, 0), w - 1)
                red = green = blue = 0.0
                for a in range(4):
                    row = np.uintp(min(max(ya + a - 1, 0), h - 1))
                    for b in range(4):
                        weight, column = wy[a] * wx[b], columns[b]
                        red += weight * linear[row, column, 0]
                        green += weight * linear[row, column, 1]
                        blue += weight * linear[row, column, 2]
                out[n, 0], out[n, 1], out[n, 2] = max(red, 0.0), max(green, 0.0), max(blue, 0.0)
            else:
                for c in range(3):
                    out[n, c] = linear[i, j, c]
            # A highlight is no colour of the surface: it goes, and comes where it belongs now. No more of it goes
            # than is there, and a spot that never shone as the lobe says does not begin to.
            taken = min(shone, HIGHLIGHT * min(out[n, 0], out[n, 1], out[n, 2]))
            given = shines * (taken / shone) if shone > DIM else shines
            for c in range(3):
                out[n, c] = (out[n, c] - taken) * gain[i, j, c] + given
            if white > 0.0:
                scattered = WHITE * max(out[n, 0], out[n, 1], out[n, 2])
                for c in range(3):
                    out[n, c] += white * (scattered - out[n, c])
            if hidden > 0.0:
                for c in range(3):
                    out[n, c] = (1.0 - hidden) * out[n, c] + white_level * gain[i, j, channels - 4 + c]
            n += 1
    return touched, out[:n]


@njit(cache=True, nogil=True)
def _placed(out, where, colours):
    """Write colours (n, 3) one after another where (h, w) says so."""
    n = 0
    for i in range(where.shape[0]):
        for j in range(where.shape[1]):
            if where[i, j]:
                for c in range(3):
                    out[i, j, c] = colours[n, c]
                n += 1


@njit(cache=True, nogil=True, inline="always")
def _keys(f, out):
    out[0] = ((-0.5 * f + 1.0) * f - 0.5) * f
    out[1] = (1.5 * f - 2.5) * f * f + 1.0
    out[2] = ((-1.5 * f + 2.0) * f + 0.5) * f
    out[3] = (0.5 * f - 0.5) * f * f
