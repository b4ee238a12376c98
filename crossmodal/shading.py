"""Relief from shading: the heights that a change of a picture's brightness stands for, and how far to trust them.

Under the light that the capture itself is found to stand in, a surface pushed by h along its normal n faces
n' = (n - grad h)/|n - grad h|, and the picture's brightness is multiplied by shading(n')/shading(n) and by what became
of its matter. h is the smooth field, flat with zero slope at the region's rim, that says so best (Gauss and Newton on
a thin plate; linearised as by Pentland 1990, with a clamped rim in place of his periodic one). Matter's lightness is
taken to change along with its colour, for shading has none, and where the picture grows darker or lighter as a whole:
along the light the rises and falls of shading cancel, for what goes down must come up again before the rim.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

import rgb as rgb_room
from crossmodal.bending import bends, dual, slopes
from crossmodal.surface import Surface
from rgb.estimate import DOUBTFUL_DEG
from rgb.light import DARKEST, EVEN_SKY, Light, harmonics

MARGIN = 4  # px around the region that are held flat
MOST = 30_000  # pixels solved for; a larger region is solved on every second, third, ... of them
TURNS, TRUSTING = 12, 6  # in the first turns everyone is heard
STEEP = 0.3  # slope that a relief usually has; over the region's radius, its usual curvature
FAINTEST = 0.02  # of brightness: what a camera's rounding leaves open
NOISE = 0.05  # of brightness: texture that slid along with the relief
LOOSE = 0.003  # weight of one pixel's bending against its brightness: neighbours bend alike, and count as few
MATTER = 0.5  # usual change of the matter's lightness
BROAD = 0.25  # of the region's radius: over so much a change counts as a whole
MOST_CHANGE = 1.0  # of brightness: what goes beyond lies in a highlight, and counts as this
HIGHLIGHT = 0.9  # the most that a highlight can be of what is seen
GREY = 0.05  # sine squared of the angle to white below which a matter's colour does not tell its highlights apart
DIM, BLOWN = 0.004, 0.98  # linear light between which a pixel tells of its shading
REFUSED = 0.5  # confidence below which nothing is lifted
CLOSED = 3  # px: changed pixels so near each other are of one relief, up to its own outline


@dataclass(frozen=True, eq=False)
class ShapedRelief:
    """relief_mm: (H, W) float32, + out of the surface, 0 outside the region
    confidence: 0 to 1: light x explained x told
    light: how well the lamp's side of the surface is known; explained: the relief's share in what explains the change
    of brightness, beside a change of matter (Shapley 1953); told: how much worse it would do turned inside out
    """

    relief_mm: np.ndarray
    light: float
    explained: float
    told: float

    @property
    def confidence(self) -> float:
        return self.light * self.explained * self.told

    @property
    def why(self) -> str:
        """What its confidence suffers from most, in a few words."""
        return min(((self.light, "which side the light comes from is not known well enough"),
                    (self.explained, "it reads as a change of matter more than of shape"),
                    (self.told, "the same relief turned inside out would look alike in this light")))[1]


def shaped_by_shading(surface: Surface, before: np.ndarray, after: np.ndarray, changed: np.ndarray,
                      mask: np.ndarray | None, asked: str) -> tuple[np.ndarray, float]:
    """The relief (H, W) float32 mm inside a mask, or about the changed pixels where none is given, and its confidence.

    before, after: (H, W, 3) uint8; changed, mask: (H, W) bool; asked: "shading"
    Errors: ValueError, one line: another word was asked for, or the confidence is too low to say.
    """
    if asked != "shading":
        raise ValueError(f'relief in a word must be "shading", but got {asked!r}')
    found = relief_from_shading(surface, before, after, _whole(changed) if mask is None else mask)
    if found.confidence < REFUSED:
        raise ValueError(f"the shading tells this relief with a confidence of {found.confidence:.2f} only "
                         f"({found.why}); give the relief itself, as a profile or a height map")
    return found.relief_mm, round(found.confidence, 6)


def relief_from_shading(surface: Surface, before: np.ndarray, after: np.ndarray, region: np.ndarray) -> ShapedRelief:
    """The relief in a region (H, W) bool that changes the picture before into after, (H, W, 3) uint8 both."""
    flat = np.zeros(region.shape, np.float32)
    light = surface.light
    if light.confidence * (light.diffuse + np.abs(light.sky).max()) <= 0:
        return ShapedRelief(flat, 0.0, 1.0, 1.0)
    if not region.any():
        return ShapedRelief(flat, 1.0, 0.0, 1.0)
    rows, columns = _window(region)
    window = np.s_[rows[0]:rows[1], columns[0]:columns[1]]
    seen = _Seen.of(surface, before, after, region, window)
    if seen is None:
        return ShapedRelief(flat, 1.0, 0.0, 1.0)
    height, weight = _solved(light, seen)
    alone, together, inverse = (_misfit(light, seen, field, weight) for field in (0 * height, height, -height))
    whole = max(_square(seen.told - 1.0), 1e-12)
    by_relief = _square(seen.told - _shaded(light, seen, height)[0])
    explained = ((whole - by_relief) + (alone - together)) / (2 * whole)
    told = 1.0 - together / max(inverse, 1e-12)
    flat[window] = seen.spread(height)
    return ShapedRelief(flat, _known(light, seen), float(np.clip(explained, 0, 1)), float(np.clip(told, 0, 1)))


def _whole(changed):
    """(H, W) bool: what changed pixels enclose; a relief leaves the light alone between its two sides."""
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CLOSED + 1, 2 * CLOSED + 1))
    grown = cv2.dilate(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), near)
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        cv2.drawContours(grown, [cv2.convexHull(outline)], -1, 1, cv2.FILLED)
    return grown.astype(bool)


def _window(region):
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    return ((max(0, int(rows[0]) - MARGIN), min(region.shape[0], int(rows[-1]) + 1 + MARGIN)),
            (max(0, int(columns[0]) - MARGIN), min(region.shape[1], int(columns[-1]) + 1 + MARGIN)))


@dataclass(frozen=True, eq=False)
class _Seen:
    """The region as equations: n pixels tell, m heights are asked for.

    normals: (n, 3); across, along: (n, 3) per mm, what a difference of one mm a pixel in h adds to grad h
    slope: two (n, m) differences of heights a pixel; bend: (q, m) second differences, in 1/mm
    told: (n,) lightness after over before; matter: (n, 3) what a change of matter adds to it
    shape, inside: of the coarse window; fine: its size in pixels; stride: pixels a node
    """

    normals: np.ndarray
    across: np.ndarray
    along: np.ndarray
    slope: tuple
    bend: sp.csr_matrix
    told: np.ndarray
    matter: np.ndarray
    inside: np.ndarray
    fine: np.ndarray
    pixel_mm: float
    stride: int

    @property
    def count(self) -> int:
        return int(self.inside.sum())

    @property
    def radius_mm(self) -> float:
        return float(np.sqrt(self.count / np.pi) * self.pixel_mm)

    @classmethod
    def of(cls, surface, before, after, region, window) -> "_Seen | None":
        fine = region[window]
        stride = int(np.ceil(np.sqrt(np.count_nonzero(fine) / MOST)))
        was, now = (_coarse(rgb_room.to_linear(np.ascontiguousarray(picture[window])), stride)
                    for picture in (before, after))
        points = surface.smoothed[window][::stride, ::stride].astype(np.float64) * 1e3
        normals = surface.normals[window][::stride, ::stride].astype(np.float64)
        inside = fine[::stride, ::stride] & np.isfinite(normals[..., 0])
        inside[[0, -1]] = inside[:, [0, -1]] = False
        if surface.light.specular > 0:
            was = was - _highlight(surface.light, points, normals, was)
            now = now - _white(was, now)
        across, along, whole = dual(points, surface.linked[window][::stride, ::stride])
        lightest, darkest = np.maximum(was, now).max(-1), np.minimum(was, now).max(-1)
        tells = inside & whole & (darkest > DIM) & (lightest < BLOWN)
        if np.count_nonzero(tells) < 30:
            return None
        change = np.log(np.maximum(now[tells], DIM / 4) / np.maximum(was[tells], DIM / 4))
        lightness = now[tells].sum(-1) / was[tells].sum(-1)
        hue = change - change.mean(-1, keepdims=True)
        changed = np.zeros(inside.shape)
        changed[tells] = np.abs(lightness - 1.0)
        broad = cv2.GaussianBlur(changed, (0, 0), BROAD * np.sqrt(np.count_nonzero(inside) / np.pi))[tells]
        matter = np.stack((broad / max(broad.max(), FAINTEST), hue[:, 0] - hue[:, 1], hue[:, 2] - hue[:, 1]), -1)
        pixel_mm = surface.mm_per_pixel * stride
        number = np.full(inside.shape, -1)
        number[inside] = np.arange(np.count_nonzero(inside))
        slope = tuple(sp.csr_matrix(op[tells.ravel()]) for op in slopes(number))
        return cls(normals[tells], across[tells], along[tells], slope, bends(number) / pixel_mm**2, lightness, matter,
                   inside, fine, pixel_mm, stride)

    def spread(self, height):
        """(h, w) float32: heights on the window's own pixels, 0 outside the region."""
        out = np.zeros(self.inside.shape, np.float32)
        out[self.inside] = height
        if self.stride > 1:
            at = np.indices(self.fine.shape, np.float32) / self.stride
            out = cv2.remap(out, at[1], at[0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(self.fine, out, np.float32(0))


def _highlight(light, points, normals, seen):
    """(h, w, 1) linear light of the lamp's own highlight in what is seen (h, w, 3); never all of it."""
    view = points / np.linalg.norm(points, axis=-1, keepdims=True)
    half = np.array(light.direction) - view
    half /= np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-9)
    lobe = np.nan_to_num(np.maximum((normals * half).sum(-1, keepdims=True), 0)) ** light.shininess
    return np.minimum(light.specular * lobe, HIGHLIGHT * seen.min(-1, keepdims=True))


def _white(matter, seen):
    """(h, w, 1) white light in what is seen (h, w, 3) beside light of the matter's own colour, which a shape leaves
    alone (the dichromatic model, Shafer 1985); none beside grey."""
    own, both = np.maximum((matter * matter).sum(-1), 1e-9), matter.sum(-1)
    white = (seen.sum(-1) - both * (seen * matter).sum(-1) / own) / (3.0 - both**2 / own + GREY)
    return np.clip(white[..., None], 0, HIGHLIGHT * seen.min(-1, keepdims=True))


def _coarse(linear, stride):
    """Linear light averaged over what a node stands for, and a little more: rounding and grain are not shape."""
    return cv2.GaussianBlur(linear, (0, 0), 0.8 * stride)[::stride, ::stride].astype(np.float64)


def _shaded(light: Light, seen: _Seen, height):
    """Shading after over before (n,), and its derivatives by the differences across and along."""
    h_u, h_v = (op @ height for op in seen.slope)
    tilted = seen.normals - h_u[:, None] * seen.across - h_v[:, None] * seen.along
    length = np.linalg.norm(tilted, axis=1, keepdims=True)
    normal = tilted / length
    shade, was = _shading(light, normal), _shading(light, seen.normals)
    rise = _rise(light, normal)
    rise -= (rise * normal).sum(1, keepdims=True) * normal
    rise /= -length * was[:, None]
    return shade / was, (rise * seen.across).sum(1), (rise * seen.along).sum(1)


def _shading(light, normals):
    shade = light.ambient + light.diffuse * np.maximum(normals @ np.array(light.direction), 0)
    if light.sky != EVEN_SKY:
        shade = shade + harmonics(normals) @ np.array(light.sky)
    return np.maximum(shade, DARKEST)


def _rise(light, normals):
    """(n, 3) derivative of the shading by the normal."""
    lamp = np.array(light.direction)
    x, y, z, xx, yy, zz, yz, zx, xy = light.sky
    bend = np.array(((2 * xx, xy, zx), (xy, 2 * yy, yz), (zx, yz, 2 * zz)))
    return light.diffuse * (normals @ lamp > 0)[:, None] * lamp + np.array((x, y, z)) + normals @ bend


def _solved(light, seen: _Seen):
    """Heights (m,) in mm, and how far each pixel is heard (n,)."""
    height, weight, matter = np.zeros(seen.count), np.ones(len(seen.told)), np.zeros(3)
    changed = np.abs(seen.told - 1.0) > FAINTEST
    smooth = seen.bend.T @ seen.bend * LOOSE * (seen.radius_mm / STEEP) ** 2
    for turn in range(TURNS):
        said, by_u, by_v = _shaded(light, seen, height)
        gain = 1.0 + seen.matter @ matter
        jacobian = sp.diags(gain * by_u) @ seen.slope[0] + sp.diags(gain * by_v) @ seen.slope[1]
        columns = seen.matter * said[:, None]
        told = weight / NOISE**2
        rows = jacobian.T.multiply(told).tocsr()
        wanted = seen.told - said + jacobian @ height  # the part of matter cancels
        lu = splu((rows @ jacobian + smooth).tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        # What matter explains is eliminated (Schur's complement): its few columns touch every height.
        by_matter = rows @ columns
        solved = lu.solve(np.column_stack((rows @ wanted, by_matter)))
        own = columns.T * told
        left = own @ columns - by_matter.T @ solved[:, 1:] + np.eye(3) / MATTER**2
        matter = np.linalg.solve(left, own @ wanted - by_matter.T @ solved[:, 0])
        height = solved[:, 0] - solved[:, 1:] @ matter
        error = seen.told - _shaded(light, seen, height)[0] * (1.0 + seen.matter @ matter)
        if turn >= TRUSTING and changed.any():
            spread = max(1.25 * float(np.abs(error[changed]).mean()), NOISE)
            weight = 1.0 / (1.0 + (error / (3 * spread)) ** 2) ** 2
    return height, weight


def _misfit(light, seen, height, weight) -> float:
    """Mean square of what a relief and the best matter with it leave over."""
    said = _shaded(light, seen, height)[0]
    columns = seen.matter * said[:, None]
    own = columns.T * (weight / NOISE**2)
    matter = np.linalg.solve(own @ columns + np.eye(3) / MATTER**2, own @ (seen.told - said))
    return _square(seen.told - said - columns @ matter)


def _square(change) -> float:
    return float((np.minimum(np.abs(change), MOST_CHANGE) ** 2).mean())


def _known(light, seen) -> float:
    """How far the side that the lamp is on is known: doubt about its direction against how far off the normal it is.

    The confidence of a light halves where its direction is open by DOUBTFUL_DEG (see rgb.estimate); read backwards.
    """
    doubt = DOUBTFUL_DEG * np.sqrt(1 / max(light.confidence, 1e-6) - 1)
    normal = seen.normals.mean(0)
    off = np.degrees(np.arccos(np.clip(normal @ np.array(light.direction) / np.linalg.norm(normal), -1, 1)))
    return float(1 / (1 + (doubt / max(off, 1e-6)) ** 2))
