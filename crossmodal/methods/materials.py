"""Procedural pictures of materials, for a region that wants a foreign texture and has no folder of them: what a texture
bank shows (wood, stone, gravel, cloth, rust, mesh, bark and so on), in the colours that such matter has."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit

from crossmodal.texture import hash_at, hashed, lattice_noise

GRAIN = 0.04  # of a picture's side, that a material's features are about as wide as
LIGHTER, WARMER = 0.35, 0.05  # how far one piece of a material differs from another, in full and from red to blue


class Material(NamedTuple):
    """tones: of (u, v) (h, w) in widths of a feature, u along its grain, and a seed, (h, w) from 0 dark to 1 light;
    colours: sRGB of its darkest, middle and lightest."""

    tones: Callable
    colours: tuple[tuple[int, int, int], ...]


def material(shape: tuple[int, int], box: tuple[slice, slice], seed: int) -> np.ndarray:
    """(rows, columns, 3) uint8: the box of a picture (h, w) of a material that belongs to a seed. It shows as large a
    piece on any number of cells."""
    numbers = 0.5 + 0.5 * hashed(seed, 5)
    made_of = MATERIALS[min(int(len(MATERIALS) * numbers[0]), len(MATERIALS) - 1)]
    # Every other cell, and one about the box: it has no detail as fine as a cell.
    spans = [(span.start // 2 - 1, (span.stop + 1) // 2 + 1) for span in box]
    grain, turn = 0.5 * GRAIN * 2 ** (2 * numbers[1] - 1) * max(shape), np.pi * numbers[2]
    y, x = (np.arange(*span, dtype=np.float64) / grain for span in spans)
    y, x = y[:, None], x[None, :]
    u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    colours = np.array(made_of.colours) * (1 + LIGHTER * (numbers[3] - 0.6))
    colours = colours * (1 + WARMER * (2 * numbers[4] - 1) * np.array((1, 0, -1)))
    coarse = _coloured(made_of.tones(u, v, seed + 1), np.clip(colours, 0, 250))
    fine = cv2.resize(coarse, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    kept = tuple(slice(span.start - 2 * low, span.stop - 2 * low) for span, (low, _) in zip(box, spans, strict=True))
    return np.ascontiguousarray(fine[kept])


def _noise(u, v, seed, octaves=1):
    return lattice_noise(u, v, seed, 1.0, octaves)


def _sand(u, v, seed):
    return 0.5 + 0.25 * _noise(u / 6, v / 6, seed) + 0.5 * _noise(2 * u, 2 * v, seed + 9, 2)


def _granite(u, v, seed):
    inner, _, own = _pebbles(1.6 * u, 1.6 * v, seed)
    return 0.15 + 0.7 * own + 0.3 * _noise(u, v, seed + 9, 3) - 0.1 * (inner < 0.1)


def _gravel(u, v, seed):
    inner, far, own = _pebbles(0.5 * u, 0.5 * v, seed)
    round_ = np.minimum(1, 3.5 * inner)
    return round_ * (0.45 + 0.5 * own - 0.35 * far) + 0.2 * _noise(2 * u, 2 * v, seed + 9, 2)


def _cork(u, v, seed):
    inner, _, own = _pebbles(0.8 * u, 0.8 * v, seed)
    specks = _noise(u, v, seed + 9, 2)
    return 0.35 + 0.45 * own + 0.15 * np.minimum(1, 6 * inner) + 0.25 * specks - 0.6 * (specks > 0.42)


def _cracked(u, v, seed):
    inner, _, own = _pebbles(0.35 * u + 0.3 * _noise(u, v, seed + 5), 0.35 * v, seed)
    return (0.55 + 0.2 * own) * np.minimum(1, 12 * inner + 0.1) + 0.12 * _noise(u, v, seed + 9, 3)


def _marble(u, v, seed):
    veins = np.abs(_noise(u / 5, v / 5, seed, 4))
    return np.minimum(1, 0.25 + 2.6 * veins) - 0.25 + 0.2 * _noise(u / 9, v / 9, seed + 9, 2)


def _wood(u, v, seed):
    rings = 0.7 * v + 1.5 * _noise(u / 14, v / 5, seed, 2)
    late = rings - np.floor(rings)
    late = np.minimum(late, 5 * (1 - late))  # what grows late is dark, and ends in winter
    return 0.85 - 0.65 * late**3 - 0.1 * late + 0.35 * _noise(u / 7, 4 * v, seed + 9, 2)


def _bark(u, v, seed):
    ridges = 1 - np.abs(_noise(u / 5, 0.8 * v, seed, 3)) * 2.2
    return 0.75 * np.maximum(ridges, 0) + 0.25 * _noise(u, v, seed + 9, 3)


def _brushed(u, v, seed):
    return 0.5 + 0.35 * _noise(u / 30, 3 * v, seed, 2) + 0.2 * _noise(u / 12, v / 9, seed + 9)


def _fibres(u, v, seed):
    strands = [1 - 3 * np.abs(_noise((c * u + s * v) / 6, 1.5 * (c * v - s * u), seed + k))
               for k, (c, s) in enumerate(((1.0, 0.0), (0.5, 0.866), (-0.5, 0.866)))]
    return 0.3 + 0.5 * np.maximum.reduce([*strands, np.zeros(u.shape)]) + 0.2 * _noise(u / 4, v / 4, seed + 9, 2)


def _woven(u, v, seed):
    """Threads over one and under one, each of its own thickness and tone."""
    u, v = u + 0.25 * _noise(u / 5, v / 5, seed), v + 0.25 * _noise(u / 5, v / 5, seed + 5)
    i, j = np.floor(u), np.floor(v)
    over = (i + j) % 2 == 0
    across, along = np.where(over, v - j, u - i) - 0.5, np.where(over, u - i, v - j) - 0.5
    own = _noise(np.where(over, 17 * j, 31 * i), np.zeros(u.shape), seed + 7)
    return (1 - 3 * across * across) * (1 - 1.6 * along * along) * (0.8 + 0.2 * own) + 0.2 * _noise(
        2 * u, 2 * v, seed + 9)


def _ribbed(u, v, seed):
    ribs = 0.5 * v + 0.1 * _noise(u / 4, v / 4, seed)
    inner = np.abs(ribs - np.floor(ribs) - 0.5)
    return 0.9 - 2.8 * inner * inner + 0.25 * _noise(u, 2 * v, seed + 9, 2)


def _mesh(u, v, seed):
    """Wires before the dark."""
    p, q = 0.6 * u, 0.6 * v
    off = np.abs(p - np.floor(p) - 0.5), np.abs(q - np.floor(q) - 0.5)
    wire = np.maximum(1 - (4 * np.minimum(*off)) ** 2, 0)
    return 0.85 * wire + 0.15 * _noise(u, v, seed + 9, 2)


def _blotched(u, v, seed):
    """Rust or lichen over what it grows on."""
    grown = np.clip(0.5 + 5 * (_noise(u / 5, v / 5, seed, 4) - 0.05), 0, 1)
    fine = _noise(1.5 * u, 1.5 * v, seed + 9, 3)
    return grown * (0.3 + 0.45 * fine) + (1 - grown) * (0.85 + 0.15 * fine)


MATERIALS = (
    Material(_sand, ((120, 100, 74), (172, 150, 116), (214, 196, 164))),
    Material(_sand, ((96, 94, 90), (146, 143, 137), (190, 187, 180))),  # concrete
    Material(_granite, ((44, 43, 44), (126, 122, 119), (210, 205, 198))),
    Material(_granite, ((62, 46, 42), (146, 112, 100), (198, 178, 166))),
    Material(_gravel, ((34, 31, 28), (116, 109, 99), (194, 188, 178))),
    Material(_gravel, ((40, 32, 26), (134, 110, 86), (200, 182, 156))),
    Material(_cork, ((74, 50, 32), (158, 119, 82), (200, 168, 130))),
    Material(_cracked, ((52, 44, 38), (188, 183, 172), (222, 218, 208))),  # old paint
    Material(_cracked, ((40, 28, 22), (104, 74, 54), (140, 108, 84))),  # leather
    Material(_cracked, ((58, 46, 36), (142, 122, 98), (180, 162, 138))),  # dry mud
    Material(_marble, ((84, 84, 86), (196, 193, 188), (228, 226, 222))),
    Material(_marble, ((158, 160, 152), (62, 70, 64), (36, 42, 38))),  # green-black, with light veins
    Material(_wood, ((84, 58, 36), (142, 106, 70), (188, 152, 110))),
    Material(_wood, ((44, 32, 25), (86, 63, 47), (126, 99, 77))),
    Material(_wood, ((146, 112, 70), (196, 164, 118), (224, 200, 160))),
    Material(_bark, ((34, 29, 25), (82, 72, 62), (130, 120, 107))),
    Material(_bark, ((40, 44, 28), (88, 92, 60), (136, 138, 100))),  # with moss
    Material(_brushed, ((88, 90, 92), (140, 142, 144), (200, 202, 204))),
    Material(_brushed, ((98, 82, 54), (152, 132, 92), (202, 186, 148))),  # brass
    Material(_fibres, ((150, 142, 128), (196, 190, 178), (232, 229, 222))),  # paper
    Material(_fibres, ((46, 46, 48), (92, 91, 92), (144, 142, 140))),  # felt
    Material(_fibres, ((66, 56, 34), (140, 122, 80), (196, 180, 134))),  # straw
    Material(_woven, ((92, 82, 68), (170, 158, 138), (220, 212, 196))),  # linen
    Material(_woven, ((24, 30, 46), (66, 81, 108), (128, 140, 160))),  # denim
    Material(_woven, ((58, 44, 28), (140, 114, 78), (190, 166, 126))),  # jute
    Material(_ribbed, ((50, 47, 44), (110, 104, 98), (168, 162, 154))),
    Material(_ribbed, ((70, 52, 34), (148, 118, 84), (196, 170, 134))),  # cardboard
    Material(_mesh, ((18, 18, 19), (96, 97, 98), (190, 191, 192))),
    Material(_blotched, ((66, 36, 24), (136, 78, 46), (150, 148, 144))),  # rust on steel
    Material(_blotched, ((40, 40, 36), (124, 124, 96), (152, 147, 139))),  # lichen on stone
)


def _pebbles(u, v, seed):
    """Of cells about scattered points (Worley 1996), each (h, w): how far inside its border, how far from its middle,
    and its own tone, 0 to 1."""
    return _cells(np.ascontiguousarray(u), np.ascontiguousarray(v), int(seed) & 0x7FFFFFFF)


@njit(cache=True, nogil=True)
def _cells(u, v, seed):
    i0, j0 = int(np.floor(v.min())) - 1, int(np.floor(u.min())) - 1
    rows, columns = int(np.floor(v.max())) + 2 - i0, int(np.floor(u.max())) + 2 - j0
    points = np.empty((rows, columns, 3))
    for a in range(rows):
        for b in range(columns):
            points[a, b, 0] = a + 0.5 + 0.45 * hash_at(a + i0, b + j0, seed)
            points[a, b, 1] = b + 0.5 + 0.45 * hash_at(a + i0, b + j0, seed + 1)
            points[a, b, 2] = 0.5 + 0.5 * hash_at(a + i0, b + j0, seed + 2)
    inner, middle, own = np.empty(u.shape), np.empty(u.shape), np.empty(u.shape)
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            y, x = v[i, j] - i0, u[i, j] - j0
            a0, b0 = int(y), int(x)
            first, second, tone = 9.0, 9.0, 0.0
            for a in range(a0 - 1, a0 + 2):
                for b in range(b0 - 1, b0 + 2):
                    far = (points[a, b, 0] - y) ** 2 + (points[a, b, 1] - x) ** 2
                    if far < first:
                        first, second, tone = far, first, points[a, b, 2]
                    elif far < second:
                        second = far
            inner[i, j], middle[i, j], own[i, j] = np.sqrt(second) - np.sqrt(first), np.sqrt(first), tone
    return inner, middle, own


@njit(cache=True, nogil=True)
def _coloured(tones, colours):
    """(h, w, 3) uint8 for tones (h, w) from 0 to 1: from the first of three colours (3, 3) to the last."""
    out = np.empty((*tones.shape, 3), np.uint8)
    for i in range(tones.shape[0]):
        for j in range(tones.shape[1]):
            x = min(max(tones[i, j], 0.0), 1.0)
            lower, upper = min(2 * x, 1.0), max(2 * x - 1, 0.0)
            for c in range(3):
                out[i, j, c] = np.uint8(colours[0, c] + lower * (colours[1, c] - colours[0, c])
                                        + upper * (colours[2, c] - colours[1, c]) + 0.5)
    return out
