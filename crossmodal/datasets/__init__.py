"""Formats in and out, one file a format: list what a folder holds, then read one capture at a time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crossmodal.camera import residual
from crossmodal.capture import Capture, Rig
from crossmodal.datasets import alone, bop, layouts, mvtec3d, pairs, pcd, views
from crossmodal.datasets.decode import depth_m, points_m
from crossmodal.datasets.intrinsics import Calibration, checked_size, read_calibration
from crossmodal.datasets.names import COLOUR, MVTEC_CAMERA
from crossmodal.datasets.raw import Raw, read_depth_values, read_raw
from crossmodal.datasets.rig import is_rig, load_rig
from crossmodal.datasets.source import Reading, Source

READERS = (views.listed, layouts.listed, bop.listed, mvtec3d.listed, pairs.listed, pcd.listed)
"""Each lists the captures of a folder, or nothing; the first that finds any has it."""

_KNOWN = ("an MVTec 3D-AD tree, rgb/ (or color/) with xyz/, ply/ or depth/, folders with rgb.png and xyz.tiff, "
          "a BOP dataset, a rig.json with views, or .pcd or .ply scenes; synthesize takes pictures alone with "
          "--mm-per-pixel")
_WORST_FIT_PX = 2.0


def sources(root: str | Path, reading: Reading | None = None) -> list[Source]:
    """What a dataset root, a category, a folder of captures or one capture holds, without reading a pixel.

    One capture is a .pcd, ``rgb.png+xyz.tiff``, or a picture in rgb/ with its partner in xyz/ or depth/. A reading with
    mm_per_pixel takes pictures alone.
    Errors: ValueError or OSError, one line: nothing there, nothing known, a missing partner.
    """
    text, root = str(root), Path(root)
    if reading is not None and reading.mm_per_pixel is not None:
        return plainly_named(alone.sources(root))
    if root.name in ("", ".."):  # names of folders above tell splits and categories
        root = root.resolve()
    if root.is_dir():
        try:
            found = next(filter(None, (listed(root) for listed in READERS)), None)
        except ValueError:  # what is wrong with it may be that it is no folder of captures at all
            layouts.refuse(root)
            raise
        if found:
            return plainly_named(found)
        layouts.refuse(root)
        raise ValueError(f"{root} holds no captures that are known; give {_KNOWN}")
    if root.is_file() and root.suffix.lower() in pcd.SUFFIXES:
        return [pcd.scene(root)]
    if root.is_file() and root.parent.name.lower() in COLOUR:
        return [source for source in sources(root.parent.parent) if source.rgb == root]
    if not root.exists() and "+" in text:
        rgb, _, geometry = text.partition("+")
        return [pairs.pair(Path(rgb), Path(geometry))]
    if root.is_file():
        raise ValueError(f"{root} is no capture by itself; give {root}+xyz.tiff, a .pcd, or a folder")
    raise FileNotFoundError(f"{root} does not exist; check the path")


def plainly_named(found: list) -> list:
    """The same sources. Raises ValueError for a name that no manifest could hold."""
    # A name goes into manifests, which are UTF-8.
    for source in found:
        if not source.path.isascii():
            try:
                source.path.encode()
            except UnicodeEncodeError:
                shown = source.path.encode(errors="backslashreplace").decode()
                raise ValueError(f"{shown} has a name that is not UTF-8; give the file another name") from None
    return found


def find(root: str | Path, path: str) -> Source:
    """The capture that a manifest names by its path relative to root. Raises ValueError if there is none."""
    for source in sources(root):
        if source.path == path:
            return source
    raise ValueError(f"{root} has no capture {path}; give the source that the plan was made from")


def load(source: Source, reading: Reading | None = None) -> Capture:
    """Read one capture, its camera refined on its own points, its encoding kept.

    Errors: ValueError or OSError, one line that names the file, what is wrong and the way out.
    """
    reading = reading or Reading()
    if is_rig(source, reading):
        return load_rig(source, reading).views[0]
    if source.view:
        return views.load_view(source, reading)
    if source.coding == alone.CODING:
        return alone.load(source, reading)
    if source.coding == layouts.CODING:
        return layouts.load(source, reading)
    raw = read_raw(source)
    if raw.values.ndim == 3:
        return _from_xyz(source, reading, raw)
    calibration = calibration_of(source, reading, raw)
    if calibration is None:
        raise ValueError(f"{source.geometry} is depth without a camera; "
                         "say --intrinsics FILE (fx fy cx cy width height)")
    z, encoding = depth_m(source.geometry, raw.values, reading.unit_m, calibration.depth_unit_m)
    return Capture.from_depth(raw.rgb, z, calibration.camera, source.path, encoding)


def read_capture(rgb: str | Path, geometry: str | Path | None = None, *, unit: str | None = None,
                 intrinsics: str | Path | None = None) -> Capture:
    """One capture: ``read_capture("rgb/000.png", "xyz/000.tiff")``, or ``read_capture("scene.pcd")``.

    geometry: organised xyz TIFF in metres, or depth (16-bit PNG in mm, TIFF or NPY in m) with intrinsics.
    unit: m, mm, um or inch. Errors: as load.
    """
    reading = Reading(unit, None if intrinsics is None else Path(intrinsics))
    if geometry is not None:
        return load(pairs.pair(Path(rgb), Path(geometry)), reading)
    found = sources(rgb)
    if len(found) != 1:
        raise ValueError(f"{rgb} holds {len(found)} captures; read them with read_captures")
    return load(found[0], reading)


def read_captures(folder: str | Path, *, unit: str | None = None,
                  intrinsics: str | Path | None = None) -> Iterator[Capture]:
    """Every capture of any known layout, one at a time. Errors: as load, when its turn comes."""
    reading = Reading(unit, None if intrinsics is None else Path(intrinsics))
    return (load(source, reading) for source in sources(folder))


def calibration_of(source: Source, reading: Reading, raw: Raw) -> Calibration | None:
    """What the camera file says that the user gave, or else the one that was found beside the capture.

    Errors: ValueError: it cannot be read, or is for images of another size.
    """
    path = reading.intrinsics or source.calibration
    if path is None:
        return None
    calibration = read_calibration(path, raw.rgb.shape, source.rgb.stem)
    checked_size(calibration.camera, path, raw.rgb.shape, source.rgb)
    return calibration


def _from_xyz(source, reading, raw):
    points, encoding = points_m(source.geometry, raw.values, reading.unit_m)
    try:
        calibration = calibration_of(source, reading, raw)
    except ValueError:  # points say by themselves what a file does that happens to lie near
        if reading.intrinsics is not None or source.calibration.as_posix().endswith(MVTEC_CAMERA):
            raise
        calibration = None
    try:
        camera = None if calibration is None else calibration.camera
        capture = Capture.from_points(raw.rgb, points, camera, source.path, encoding)
    except ValueError as error:
        raise ValueError(f"{source.geometry}: {error}") from None
    fit = residual(capture.camera, points)
    if not fit.median_px < _WORST_FIT_PX:
        raise ValueError(f"{source.geometry}: points lie {fit.median_px:.0f} px from their own pixels; "
                         "export them organised and in the camera's axes (+x right, +y down, +z forward)")
    return capture


def read_rig(source: str | Path, *, unit: str | None = None) -> Rig:
    """One object as the rig.json beside it says: a Rig of its views (see crossmodal.datasets.views), or of two cameras
    (see crossmodal.datasets.rig): colour, with depth aligned to it, and depth. Errors: as load; ValueError where there
    is no rig.json.
    """
    found, reading = sources(source), Reading(unit)
    if found[0].view:
        return views.load_views([one for one in found if one.split != "train"], reading)
    if len(found) != 1 or not is_rig(found[0], reading):
        raise ValueError(f"{source} is no single capture with a rig.json beside it; give one that is")
    return load_rig(found[0], reading)


def renamed(source: Source, path: str) -> Source:
    """The same capture under another name."""
    return replace(source, path=path)


__all__ = ["READERS", "Reading", "Source", "calibration_of", "find", "load", "read_capture", "read_captures",
           "read_depth_values", "read_rig", "renamed", "sources"]
