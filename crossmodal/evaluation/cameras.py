"""Every valid point in its own pixel: under the shipped, a fitted, and the other samples' camera."""

import math
from dataclasses import dataclass, field

import numpy as np

from crossmodal.camera import Camera, CameraFit, fit_camera
from crossmodal.datasets.intrinsics import read_camera
from crossmodal.evaluation.arrays import Arrays
from crossmodal.evaluation.plausible import SHIPPED_PX
from crossmodal.evaluation.report import Figure, Ledger
from crossmodal.evaluation.samples import Sample, find_above

FITTED_PX = 1.0
REFIT_PX = 0.1  # and half as much again as the sample that the camera was fitted to
STEADY_PX = 0.5
OUT_OF_VIEW_PX = 1e6


@dataclass
class Cameras:
    """The camera of each group of samples, fitted once and refitted where a sample does not agree with it."""

    fitted: dict[tuple, CameraFit] = field(default_factory=dict)
    shipped: dict[object, Camera | str] = field(default_factory=dict)
    offsets: dict[tuple, list[tuple[str, np.ndarray]]] = field(default_factory=dict)

    def measure(self, arrays: Arrays) -> tuple[list[Figure], Camera | None]:
        """The figures of one sample, and the camera that fits it best (None where none can be fitted)."""
        if arrays.points is None:
            return [], None
        points = arrays.points
        valid = np.isfinite(points[..., 2])
        if valid.sum() < 50:
            return [
                Figure(
                    "own pixel, fitted camera, p99",
                    None,
                    f"only {int(valid.sum())} valid points; a camera needs 50",
                )
            ], None
        figures = []
        shipped = self._shipped(arrays.sample, points.shape[:2])
        if isinstance(shipped, str):
            figures.append(Figure("own pixel, shipped camera, p99", None, shipped))
            shipped = None
        elif shipped is not None:
            away = _offsets(shipped, points, valid)
            middle, p99 = _summary(away)
            fault = None
            if middle > SHIPPED_PX:
                fault = f"points are {middle:.1f} px (median) off: the calibration is of another camera"
            figures.append(Figure("own pixel, shipped camera, p99", p99, fault))
        group = (str(arrays.sample.root), _category(arrays.sample), points.shape[:2])
        if group not in self.fitted:
            self.fitted[group] = fit_camera(points, shipped)
        camera, usual = self.fitted[group].camera, self.fitted[group].p99_px
        away = _offsets(camera, points, valid)
        self.offsets.setdefault(group, []).append((arrays.sample.name, np.median(away, axis=0)))
        p99 = _summary(away)[1]
        if p99 > max(REFIT_PX, 1.5 * usual):
            for start in (camera, None):
                if start is None and p99 <= FITTED_PX:
                    break
                own = fit_camera(points, start).camera
                own_p99 = _summary(_offsets(own, points, valid))[1]
                if own_p99 < p99:
                    camera, p99 = own, own_p99
        fault = None
        if not p99 <= FITTED_PX:
            fault = f"under the best camera 1 % of the points are {p99:.2f} px or more from their own pixels"
        figures.append(Figure("own pixel, fitted camera, p99", p99, fault))
        return figures, camera

    def close(self, ledger: Ledger) -> None:
        """Judge, once all samples were seen, whether one of them stands a pixel beside the others."""
        for found in self.offsets.values():
            if len(found) < 3:
                continue
            offsets = np.array([offset for _, offset in found])
            centre = np.median(offsets, axis=0)
            distance = np.linalg.norm(offsets - centre, axis=1)
            if np.mean(distance < STEADY_PX) < 2 / 3:
                ledger.notes["same camera throughout"] = "the samples do not share one camera"
                continue
            for (name, _), away, offset in zip(found, distance, offsets - centre, strict=True):
                fault = None
                if away > 1.0:
                    fault = (
                        f"its points sit {offset[0]:+.1f}, {offset[1]:+.1f} px (column, row) from the other "
                        "samples': rgb and xyz are shifted against each other"
                    )
                ledger.add(name, Figure("same camera throughout", float(away), fault))

    def _shipped(self, sample: Sample, shape):
        path = find_above(sample, "calibration/camera_parameters.json")
        if path is None:
            return None
        if path not in self.shipped:
            try:
                self.shipped[path] = read_camera(path)
            except ValueError as error:
                self.shipped[path] = f"{path} is no HALCON calibration ({error})"
        camera = self.shipped[path]
        if isinstance(camera, Camera) and (camera.height, camera.width) != shape:
            return f"the calibration is {camera.height}x{camera.width}, but the capture {shape[0]}x{shape[1]}"
        return camera


def _category(sample):
    parts = sample.folder.split("/")
    lowered = [part.lower() for part in parts]
    for split in ("train", "validation", "val", "test"):
        if split in lowered:
            return "/".join(parts[: lowered.index(split)])
    return sample.folder


def _offsets(camera, points, valid):
    """(N, 2) float64: projected minus own pixel, column and row; OUT_OF_VIEW_PX where it is out of view."""
    rows, columns = np.nonzero(valid)
    away = camera.project(points[rows, columns]) - np.stack((columns, rows), -1)
    return np.where(np.isfinite(away), away, OUT_OF_VIEW_PX)


def _summary(away):
    distance = np.hypot(away[:, 0], away[:, 1])
    ordered = np.partition(distance, (len(distance) // 2, math.ceil(0.99 * (len(distance) - 1))))
    return float(ordered[len(distance) // 2]), float(ordered[math.ceil(0.99 * (len(distance) - 1))])


def reprojection(camera: Camera, points: np.ndarray) -> np.ndarray:
    """(H, W) float64 px: how far each point of (H, W, 3) projects from its pixel; NaN where invalid."""
    rows, columns = np.nonzero(np.isfinite(points[..., 2]))
    away = camera.project(points[rows, columns]) - np.stack((columns, rows), -1)
    distance = np.full(points.shape[:2], np.nan)
    distance[rows, columns] = np.hypot(away[:, 0], away[:, 1])
    return distance
