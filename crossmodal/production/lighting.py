"""Which light a run's captures stand in: their own estimate, one for all of a rig, or what the user says."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from crossmodal.capture import Capture
from crossmodal.datasets import Source, load
from crossmodal.flat import UPPER_LEFT, lamp
from crossmodal.lighting import pool_light, same_camera
from crossmodal.production.request import Request
from rgb.light import Light

MANY = 24
"""Captures that a light is pooled from: more hardly tell more."""


def shared_light(sources: Sequence[Source], request: Request) -> Light | None:
    """The light that a category's captures share, or None where each is left to its own picture.

    Found before any work starts, from the good captures listed and nothing else, so that every worker, shard and
    resumed run finds the same one.
    """
    if sources[0].view and not isinstance(request.light, str):
        raise ValueError("each view of a rig has axes of its own; say the light in its rig.json, not by --light")
    if request.light == "own" or sources[0].view:
        return None
    good = sorted((source for source in sources if source.kind == "good"), key=lambda source: source.path)
    if len(good) > MANY:
        good = [good[i] for i in np.linspace(0, len(good) - 1, MANY).round().astype(int)]
    if request.reading.flat:
        return lamp(UPPER_LEFT if request.light == "pooled" else request.light)
    said = None if request.light == "pooled" else np.array(request.light)
    if said is None and len(good) < 2:
        return None
    captures = _of_one_camera(good, request)
    first = next(captures, None)
    return None if first is None else pool_light(chain((first,), captures), said)


def _of_one_camera(good, request) -> Iterator[Capture]:
    """Captures one at a time; one that cannot be read, or is by another camera than the first, tells nothing."""
    first = None
    for source in good:
        try:
            capture = load(source, request.reading)
        except (ValueError, OSError):
            continue
        first = first or capture
        if capture.valid.any() and same_camera(first, capture):
            yield capture


def stood_in(capture: Capture, light: Light | None) -> Capture:
    """The capture in the light it shares, where the lamp's direction is less in doubt than by its own picture.

    One picture's own fit explains more of that picture, wherever the lamp is, so that confidences do not compare.
    """
    if light is None or light.doubt_deg >= capture.surface.light.doubt_deg:
        return capture
    return capture.lit_by(light)
