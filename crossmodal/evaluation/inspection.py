"""inspect: what a source holds, set by set, what was assumed to read it, and what looks wrong."""

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from crossmodal.datasets import Reading, Source, sources
from crossmodal.evaluation.look import Look, look_at
from crossmodal.evaluation.report import Finding

PLAIN = 4.0  # an alignment less above chance says nothing
SHIFTED_PX, BETTER = 8.0, 1.5  # the shadow beside an outline moves its best fit by up to 6 px on aligned captures
MOST = 12


@dataclass(frozen=True)
class Set:
    """Captures that lie together and are coded alike, and the looks at those of them that were read."""

    name: str
    captures: int
    files: tuple[str, str]
    looks: tuple[Look, ...]

    def shift_px(self) -> tuple[float, float] | None:
        """(column, row) that depth should move by to fit its pictures, where most looks say so; else (0, 0).

        None where the pictures do not tell.
        """
        plain = [one.aligned for one in self.looks if one.aligned is not None and one.aligned.plain >= PLAIN]
        if not plain:
            return None
        off = [one for one in plain if np.hypot(one.columns, one.rows) > SHIFTED_PX and one.gain > BETTER]
        if 2 * len(off) <= len(plain):
            return 0.0, 0.0
        return float(median(one.columns for one in off)), float(median(one.rows for one in off))

    def findings(self) -> list[Finding]:
        """Everything that looks wrong; what several captures say, but for its numbers, once with their number."""
        said: dict[str, list[tuple[str, str]]] = {}
        for look in self.looks:
            for fault in look.faults:
                said.setdefault(re.sub(r"\d[\d.e+-]*", "#", fault), []).append((look.name, fault))
        found = [Finding("looks wrong", f"{of[0][0]}{f' and {len(of) - 1} more' if len(of) > 1 else ''}", of[0][1])
                 for of in said.values()]
        if shift := self.shift_px():
            if shift != (0.0, 0.0):
                found.append(Finding("looks wrong", self.name,
                                     f"outlines of depth fit the picture {shift[0]:+.0f}, {shift[1]:+.0f} px (column, "
                                     "row) away: is depth aligned to colour?"))
        return found


def inspect(source: str | Path, reading: Reading | None = None, most: int = MOST) -> list[Set]:
    """Look at up to `most` captures of every set below a source, spread over it. Errors: as datasets.sources."""
    groups: dict[tuple, list[Source]] = {}
    for one in sources(source):
        place = one.path.rpartition("/")[0] if one.rgb.parent != one.geometry.parent or one.rgb == one.geometry else ""
        key = place or ".", one.coding, one.rgb.suffix.lower(), one.geometry.suffix.lower()
        groups.setdefault(key, []).append(one)
    return [Set(place, len(held), (f"{held[0].rgb.parent.name}/*{rgb}", f"{held[0].geometry.parent.name}/*{geometry}"),
                tuple(look_at(one, reading or Reading()) for one in _spread(held, most)))
            for (place, _, rgb, geometry), held in groups.items()]


def _spread(held, most):
    return [held[i] for i in sorted({round(k) for k in np.linspace(0, len(held) - 1, min(most, len(held)))})]


def to_json(sets: list[Set]) -> dict:
    """Plain values for json.dumps (numpy's among them; see mvtec3d_writer.plain)."""
    return {"sets": [{
        "name": one.name, "captures": one.captures, "files": list(one.files), "read": len(one.looks),
        "shift_px": one.shift_px(), "findings": [vars(found) for found in one.findings()],
        "looks": [_look(look) for look in one.looks]} for one in sets],
        "findings": sum(len(one.findings()) for one in sets)}


def _look(look: Look) -> dict:
    camera = None if look.camera is None else {
        name: getattr(look.camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height", "model")
    } | {"distortion": list(look.camera.distortion)}
    aligned = None if look.aligned is None else vars(look.aligned)
    return vars(look) | {"camera": camera, "aligned": aligned}


def lines(sets: list[Set]) -> list[str]:
    """The report for people: one block a set, the most telling numbers first."""
    out = []
    for one in sets:
        rgb, geometry = one.files
        read = [look for look in one.looks if look.z_m is not None]
        out.append(f"{one.name}: {one.captures} captures, {rgb if rgb == geometry else f'{rgb} + {geometry}'}, "
                   f"{len(one.looks)} read")
        if read:
            out += [f"  {word:<14}{text}" for word, text in _told(one, read)]
        out += [f"  looks wrong: {found.sample}: {found.reason}" for found in one.findings()]
    total = sum(len(one.findings()) for one in sets)
    return [*out, "nothing looks wrong" if not total else f"{total} finding{'s' * (total > 1)}"]


def _told(one: Set, read):
    def middle(name):
        held = [value for look in read if (value := getattr(look, name)) is not None]
        return median(held) if held else None

    sizes = _all(f"{look.size[0]}x{look.size[1]}" for look in read)
    yield "holds", f"{_all(look.holds for look in read)}, {sizes} pixels"
    yield "unit", _all(f"{_length(look.unit_m)}: {look.unit_why}" for look in read)
    void = {code: median(look.void[code] for look in read) for code in read[0].void}
    yield "not measured", ", ".join(f"{100 * share:.1f} % {code}" for code, share in void.items() if share) or "nothing"
    yield "depth", (f"{min(look.z_m[0] for look in read):.4g} to {max(look.z_m[2] for look in read):.4g} m, "
                    f"median {median(look.z_m[1] for look in read):.4g} m")
    yield "camera", _all(look.given for look in read)
    if any(look.camera for look in read):
        yield "", _camera(read, middle("given_px"), middle("fitted_px"))
        yield "a pixel", f"{middle('mm_per_pixel'):.3g} mm wide"
    yield "noise", f"{middle('noise_mm'):.2g} mm" + (f", in steps of {middle('quantum_mm'):.2g} mm"
                                                     if middle("quantum_mm") else "")
    shift = one.shift_px()
    yield "on colour", "the pictures do not tell" if shift is None else (
        "yes" if shift == (0.0, 0.0) else f"{shift[0]:+.0f}, {shift[1]:+.0f} px away")


def _camera(read, given_px, fitted_px):
    camera = next(look.camera for look in read if look.camera)
    text = f"fx {camera.fx:.1f} fy {camera.fy:.1f} cx {camera.cx:.1f} cy {camera.cy:.1f}"
    if fitted_px is None:
        return text
    return text + f", fitted to {fitted_px:.2g} px" + (f"; the given one is {given_px:.2g} px off"
                                                       if given_px is not None else "")


def _length(metres):
    return f"{metres:g} m" if metres >= 1 else f"{metres * 1e3:g} mm"


def _all(texts) -> str:
    return " | ".join(dict.fromkeys(texts))
