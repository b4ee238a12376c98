"""inspect, for clouds alone: what each holds, the unit that was taken, which side is out, and what looks wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmodal.datasets import Reading
from crossmodal.datasets.clouds import CloudSource, load_cloud

GRAINY = 0.2  # of the points' own spacing, from where noise hides which way the surface goes


@dataclass(frozen=True)
class CloudLook:
    """points: that are finite, of the rows of the file; extent_mm: along x, y, z; unit: of the file's numbers, and
    whether it was said; closed: None where that could not be told; faults: sentences, each with the way out."""

    name: str
    points: int = 0
    rows: int = 0
    extent_mm: tuple[float, ...] = ()
    spacing_mm: float | None = None
    noise_mm: float | None = None
    unit: str = ""
    said: bool = False
    normals: bool = False
    colours: bool = False
    closed: bool | None = None
    faults: tuple[str, ...] = ()


def inspect_clouds(found: Sequence[CloudSource], reading: Reading, most: int) -> list[CloudLook]:
    """Look at up to ``most`` clouds, spread over the source; a cloud that cannot be read is a look with its fault."""
    at = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    return [_look(found[k], reading) for k in at]


def _look(source: CloudSource, reading: Reading) -> CloudLook:
    try:
        cloud = load_cloud(source, reading)
    except (ValueError, OSError) as error:
        return CloudLook(source.path, faults=(str(error),))
    own = {"points": len(cloud), "rows": len(cloud.table), "unit": reading.unit or source.unit or "m",
           "extent_mm": tuple(float(x) for x in 1e3 * np.ptp(cloud.xyz_m, axis=0)),
           "said": bool(reading.unit or source.unit), "normals": cloud.normals is not None,
           "colours": cloud.rgb is not None}
    try:
        surface = cloud.surface
    except ValueError as error:
        return CloudLook(source.path, **own, faults=(str(error),))
    spacing = surface.mm_per_pixel
    faults = tuple(surface.warnings)
    if surface.noise_mm > GRAINY * spacing:
        faults += (f"its points stray {surface.noise_mm:.2g} mm from their surface, {spacing:.2g} mm apart: "
                   "give defects that are larger, or smooth it",)
    return CloudLook(source.path, **own, spacing_mm=float(spacing), noise_mm=float(surface.noise_mm),
                     closed=bool(surface.closed), faults=faults)


def told(look: CloudLook) -> list[str]:
    """A look in lines, as the report for captures has them."""
    lines = [look.name]
    if look.points:
        left = f" of {look.rows} rows" if look.rows != look.points else ""
        beside = [word for word, there in (("normals", look.normals), ("colours", look.colours)) if there]
        lines += [f"  points   {look.points}{left}{', with ' + ' and '.join(beside) if beside else ''}",
                  f"  unit     {look.unit}{'' if look.said else ', assumed: nothing says'}",
                  "  extent   " + " x ".join(f"{x:.4g}" for x in look.extent_mm) + " mm"]
    if look.spacing_mm is not None:
        side = "its outside is told by itself" if look.closed else "which side is out is told by normals or viewpoint"
        lines += [f"  spacing  {look.spacing_mm:.3g} mm, noise {look.noise_mm:.2g} mm",
                  f"  shape    {'closed' if look.closed else 'open'}: {side}"]
    return lines + [f"  looks wrong: {fault}" for fault in look.faults]
