"""Slope and bending of heights on a window's pixels, as sparse equations; heights outside those asked for are 0."""

import numpy as np
import scipy.sparse as sp


def dual(points: np.ndarray, linked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From points (h, w, 3) and links (h, w, 2): across, along (h, w, 3), the vectors by which differences a column and
    a row make a gradient, and where the surface goes on to all sides, (h, w) bool."""
    v, u = (np.gradient(points, axis=axis) for axis in (0, 1))
    uu, vv, uv = ((a * b).sum(-1) for a, b in ((u, u), (v, v), (u, v)))
    area = uu * vv - uv * uv
    with np.errstate(invalid="ignore", divide="ignore"):
        across = (vv[..., None] * u - uv[..., None] * v) / area[..., None]
        along = (uu[..., None] * v - uv[..., None] * u) / area[..., None]
    whole = np.zeros(area.shape, bool)
    whole[1:-1, 1:-1] = (linked[1:-1, 1:-1].all(-1) & linked[1:-1, :-2, 0] & linked[:-2, 1:-1, 1])
    return across, along, whole & np.isfinite(across).all(-1) & np.isfinite(along).all(-1)


def _differences(number, terms):
    """(h·w, m) sparse: at every pixel the sum of factor · height over terms (rows, columns, factor); none is 0."""
    h, w = number.shape
    padded = np.pad(number, 1, constant_values=-1)
    at = np.arange(h * w)
    row, column, value = [], [], []
    for down, right, factor in terms:
        of = padded[1 + down:1 + down + h, 1 + right:1 + right + w].ravel()
        row.append(at[of >= 0])
        column.append(of[of >= 0])
        value.append(np.full(len(row[-1]), factor))
    shape = h * w, int(number.max()) + 1
    return sp.csr_matrix((np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape)


def slopes(number: np.ndarray) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Half differences of neighbours, across and along: two (h·w, m); number: (h, w) int of each height, -1 none."""
    return (_differences(number, ((0, 1, 0.5), (0, -1, -0.5))), _differences(number, ((1, 0, 0.5), (-1, 0, -0.5))))


def bends(number: np.ndarray) -> sp.csr_matrix:
    """The bending of a thin plate that is clamped where no height is asked for: (3·h·w, m) second differences."""
    twist = tuple((down, right, 0.25 * down * right * 2**0.5) for down in (-1, 1) for right in (-1, 1))
    return sp.vstack([_differences(number, terms) for terms in (
        ((0, 1, 1.0), (0, 0, -2.0), (0, -1, 1.0)), ((1, 0, 1.0), (0, 0, -2.0), (-1, 0, 1.0)), twist)], "csr")
