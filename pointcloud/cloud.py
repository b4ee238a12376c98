"""PointCloud: points in metres and what is known at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LABELS = ("uint8", "uint16", "uint32")


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points in metres; rows of every array belong together.

    xyz_m: (N, 3) float32, finite. rgb: (N, 3) uint8 sRGB. normals: (N, 3) float32, unit, towards the viewer
    or outward. labels: (N,) uint8, uint16 or uint32. The arrays are read-only views. Errors: ValueError.
    """

    xyz_m: np.ndarray
    rgb: np.ndarray | None = None
    normals: np.ndarray | None = None
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check("xyz_m", self.xyz_m, ("float32",), None)
        n = len(self.xyz_m)
        _check("rgb", self.rgb, ("uint8",), n)
        _check("normals", self.normals, ("float32",), n)
        _check("labels", self.labels, _LABELS, n)
        for name in ("xyz_m", "normals"):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be finite, but {(~np.isfinite(values).all(1)).sum()} rows are not"
                )
        for name in ("xyz_m", "rgb", "normals", "labels"):
            values = getattr(self, name)
            if values is not None:
                view = values.view()
                view.setflags(write=False)
                object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.xyz_m)


def _check(name: str, values: np.ndarray | None, dtypes: tuple[str, ...], n: int | None) -> None:
    if values is None and n is not None:
        return
    wants = "N" if n is None else str(n)
    tail = () if name == "labels" else (3,)
    shape = f"({wants},)" if name == "labels" else f"({wants}, 3)"
    good = isinstance(values, np.ndarray) and str(values.dtype) in dtypes and values.shape[1:] == tail
    if not good or values.ndim == 0 or (n is not None and len(values) != n):
        got = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise ValueError(f"{name} must be {' or '.join(dtypes)} {shape}, but got {got}")
