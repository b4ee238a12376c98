"""A field of the catalogue as a step of a gradient: what it is at the nodes, and how that changes with its numbers.

A defect has few numbers and many places, so its derivatives are taken forward, by central differences of the field
itself: every kind has them, and none is written twice. Where a kind's make changes by steps (how many pits there are),
they are the slope over the difference's width.
"""

import numpy as np
import torch

from crossmodal.optimise.moves import Moves
from crossmodal.tint import across

STEP = 4e-3
"""Of a number's range (of the logarithm of its bounds' ratio, for a length): far over float32, far under a feature."""
CHANNELS = 12
"""Displacement in mm, gain (3), white, cover (4), place in the bounds (2), inside the support."""


def sampled(moves: Moves, st_mm: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, CHANNELS) float64: the means over each node's places (n, m, 2) of the field whose numbers are values."""
    places = st_mm.reshape(-1, 2)
    st = moves.charted(values, places)
    field = moves.planned.model_copy(update={"spec": moves.spec(values)}).field()
    bounds = field.bounds_mm
    inside = (st[:, 0] > bounds[0]) & (st[:, 0] < bounds[1]) & (st[:, 1] > bounds[2]) & (st[:, 1] < bounds[3])
    sample = field.sample(st[inside, 0], st[inside, 1])
    out = np.zeros((len(places), CHANNELS))
    out[:, 1:4] = 1
    for columns, found in ((slice(0, 1), sample.displacement_mm[:, None]), (slice(1, 4), sample.albedo),
                           (slice(4, 5), None if sample.whitening is None else sample.whitening[:, None]),
                           (slice(5, 9), sample.cover), (slice(11, 12), sample.support[:, None])):
        if found is not None:
            out[inside, columns] = found
    out[:, 9], out[:, 10] = across(st[:, 0], st[:, 1], bounds)
    return out.reshape(*st_mm.shape[:2], CHANNELS).mean(1)


class Sampled(torch.autograd.Function):
    """`sampled` of a torch vector of numbers (k,) float64, with its gradient."""

    @staticmethod
    def forward(ctx, values, moves, st_mm):
        ctx.save_for_backward(values)
        ctx.of = moves, st_mm
        return torch.from_numpy(sampled(moves, st_mm, values.detach().cpu().numpy())).to(values.device)

    @staticmethod
    def backward(ctx, flow):
        values = ctx.saved_tensors[0]
        moves, st_mm = ctx.of
        here, flow_ = values.detach().cpu().numpy(), flow.detach().cpu().numpy().astype(np.float64)
        slopes = np.zeros(len(here))
        for k, (low, high) in enumerate(zip(moves.low, moves.high, strict=True)):
            step = STEP * (here[k] * np.log(high / low) if moves.by_ratio[k] else high - low)
            less, more = here.copy(), here.copy()
            less[k], more[k] = max(here[k] - step, low), min(here[k] + step, high)
            change = sampled(moves, st_mm, more) - sampled(moves, st_mm, less)
            slopes[k] = float((change * flow_).sum()) / (more[k] - less[k])
        return torch.from_numpy(slopes).to(values.device, values.dtype), None, None
