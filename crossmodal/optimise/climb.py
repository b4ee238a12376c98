"""Uphill on a score: the numbers of a plan and its colours, moved together."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from crossmodal.capture import Capture, read_only
from crossmodal.optimise.moves import COLOUR, Moves, moves, shares, widened
from crossmodal.optimise.score import Score
from crossmodal.plan import Grown, PackedArray, Painted, Plan
from crossmodal.recipe import Recipe
from crossmodal.synthesis import draw, replay, scale_of
from crossmodal.weights import one_thread

NET = 8  # numbers a side of a tint's net
RATE = 0.12  # Adam's (Kingma & Ba 2015), in logits of a share of each range; it falls to nothing by the last step
TINT_RATE = 0.01  # of the net, half way: what shape and one colour can explain is left to them
PLACE_PACE = 0.3  # of heading and place against sizes: else they run off before the size fits
LOOKED = 20  # steps after which PyTorch3D is asked again what each pixel sees


@dataclass(frozen=True, eq=False)
class Optimised:
    """What was found.

    plan: replays to it, in all modalities; start: what it was begun from
    scores: of the pictures on the way, the first of the start; the plan is of the best
    imprinted: the score of the start and of the plan as ``imprint`` shows them, with all that a gradient does not see
    pictures: the start and the best as they were scored, (2, h, w, 3) uint8
    """

    plan: Plan
    start: Plan
    scores: tuple[float, ...]
    imprinted: tuple[float, float]
    pictures: np.ndarray


def optimise(capture: Capture, what: Recipe | Plan, text: str, score: Score, steps: int = 150, seed: int = 0,
             free: Collection[str] | None = None, device: str = "cpu",
             told: Callable[[int, int], None] | None = None) -> Optimised:
    """Raise a score of a text by moving one planned defect's numbers and colours, within the bounds of its spec.

    Where it may lie is asked of the start alone: the anchor moves by a quarter of the defect's narrow side at most. A
    pattern of colour can pass for shading, so a picture tells depth less surely than size; it moves last. Run on a CPU
    alone so far.

    what: a recipe of one defect, whose ranges are the bounds, or a plan of one, whose numbers may go as far as the
        catalogue's own for the capture, and at least to their half and their double
    free: of its sizes, "turn_deg", "along_mm", "across_mm" and "colour"; None is all that the kind has
    device: torch's, for the picture (the score brings its own); told: is given the step and steps as it goes
    The same arguments give the same plan on one machine. Errors: ValueError, one line: torch or PyTorch3D is missing,
    there is not one defect, or none that can be optimised, a score is not finite.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, but got {steps}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or above, but got {seed}")
    if isinstance(what, Plan) and what.light is not None:
        capture = capture.lit_by(what.light.light())
    start, free_moves = _start(capture, what, seed, free)
    torch, local, picture = _tools(capture, free_moves, device)
    with one_thread(), torch.inference_mode(False), torch.enable_grad():
        climber = _Climber(torch, free_moves, local.tints, free is None or COLOUR in free, _net(start), device)
        scores, best = [], None
        for step in range(steps + 1):
            values, net = climber.numbers()
            if step % LOOKED == 0:
                picture.look(values)
            shown = picture(values, net)
            value = score(shown, text)
            scores.append(float(value.detach()))
            if not np.isfinite(scores[-1]):
                raise ValueError(f"the score of step {step} is {scores[-1]}; it must be finite")
            if best is None or scores[-1] > best[0]:
                best = scores[-1], values.detach().cpu().numpy(), _array(net), _bytes(shown)
            if step == 0:
                first = _bytes(shown)
            if step < steps:
                climber.up(value, 0.5 * (1 + np.cos(np.pi * step / steps)))
            if told is not None:
                told(step, steps)
        found = free_moves.placed(best[1], local.patch)
        if best[2] is not None:
            found = Painted(**{**dict(found), "source": "painted"}, tint=PackedArray.of(best[2]))
        plan = start.model_copy(update={"defects": (found,)})
        with torch.no_grad():
            seen = tuple(float(score(_tensor(torch, local.shown(replay(capture, one).after.rgb), device), text))
                         for one in (start, plan))
    return Optimised(plan, start, tuple(scores), seen, read_only(np.stack((first, best[3]))))


class _Climber:
    """Free numbers as logits between their bounds, and Adam."""

    def __init__(self, torch, free: Moves, tints, colour: bool, net, device):
        def held(array):
            return torch.as_tensor(np.array(array), dtype=torch.float64, device=device)

        self._torch, self._by_ratio = torch, held(free.by_ratio).bool()
        logs = np.where(free.by_ratio, np.log(np.where(free.by_ratio, free.low, 1)), free.low), np.where(
            free.by_ratio, np.log(np.where(free.by_ratio, free.high, 1)), free.high)
        self._low, self._high = held(logs[0]), held(logs[1])
        self._pace = held(np.where([name in free.planned.spec.sizes for name in free.names], 1.0, PLACE_PACE))
        self._at = (held(_logit(shares(free))) / self._pace).requires_grad_()
        self._dark, self._light = (held(np.log(gain)) for gain in tints)
        self._net = None
        self._kept = None if colour or (net == 1).all() else held(net)
        if colour:
            share = (np.log(net) - np.log(tints[0])) / (np.log(tints[1]) - np.log(tints[0]))
            self._net = held(_logit(np.clip(share, 0.01, 0.99))).requires_grad_()
            self._whole = held(np.zeros(3)).requires_grad_()
        parts = [self._at, self._whole, self._net] if colour else [self._at]
        self._adam = torch.optim.Adam([{"params": [one]} for one in parts])

    def numbers(self):
        """The numbers (k,) and the net (NET, NET, 3), or None, as they stand."""
        torch = self._torch
        values = self._low + (self._high - self._low) * torch.sigmoid(self._pace * self._at)
        values = torch.where(self._by_ratio, values.exp(), values)
        if self._net is None:
            return values, self._kept
        return values, (self._dark + (self._light - self._dark) * torch.sigmoid(self._net + self._whole)).exp()

    def up(self, value, share: float) -> None:
        """One step uphill of a score, at a share of the full rate."""
        rates = RATE * share, RATE * share, 4 * TINT_RATE * share * (1 - share)
        for group, rate in zip(self._adam.param_groups, rates, strict=False):
            group["lr"] = rate
        self._adam.zero_grad()
        (-value).backward()
        self._adam.step()


def _start(capture: Capture, what: Recipe | Plan, seed: int, free) -> tuple[Plan, Moves]:
    """The plan to begin from, and what of it may move how far."""
    plan = draw(capture, what, seed) if isinstance(what, Recipe) else what
    if len(plan.defects) != 1 or not isinstance(plan.defects[0], Grown) or (
            isinstance(what, Recipe) and len(what.defects) != 1):
        raise ValueError("one defect of the catalogue can be optimised at a time; give a recipe or a plan of one")
    if plan.frame != "camera":
        raise ValueError(f"the plan is in the {plan.frame} frame; move it to the capture's camera first (plan.moved)")
    planned = plan.defects[0]
    if isinstance(what, Recipe):
        asked, place = what.defects[0], what.defects[0].place or what.place
        scale = scale_of(capture, place)
        ranges, stays = asked.model_copy(update={"place": None}), place.at_pixel is not None
    else:
        from crossmodal.place import Place

        scale = scale_of(capture, Place())
        ranges, stays = widened(planned.spec, scale), False
    return plan, moves(planned, ranges, scale, capture.surface, free, stays)


def _tools(capture, free: Moves, device):
    """torch, the Local and its Picture. Raises ValueError, one line, where a library is missing."""
    from crossmodal.scanner.renderers import needed

    torch = needed("torch", "pytorch3d")
    needed("pytorch3d.renderer.mesh.rasterize_meshes", "pytorch3d")
    from crossmodal.optimise.local import local
    from crossmodal.optimise.picture import Picture

    about = local(capture, free)
    return torch, about, Picture(about, free, device)


def _net(plan: Plan) -> np.ndarray:
    planned = plan.defects[0]
    return planned.tint.array() if isinstance(planned, Painted) else np.ones((NET, NET, 3), np.float32)


def _logit(share):
    return np.log(share / (1 - share))


def _array(net):
    return None if net is None else net.detach().cpu().numpy().astype(np.float32)


def _bytes(picture) -> np.ndarray:
    return (picture[0].detach().cpu().permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def _tensor(torch, linear, device):
    from crossmodal.optimise.picture import srgb

    return srgb(torch.as_tensor(linear, device=device)).permute(2, 0, 1)[None]
