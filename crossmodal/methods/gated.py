"""Method → Plan, by way of its gate: the first draw that passes is kept."""

from collections.abc import Callable
from dataclasses import replace

from crossmodal.capture import View
from crossmodal.clouds.cloud import Cloud
from crossmodal.imprint import imprint
from crossmodal.methods.drawing import drawn_once
from crossmodal.methods.gate import Gate
from crossmodal.methods.making import begun, made
from crossmodal.methods.regions import area_of
from crossmodal.methods.spec import Method
from crossmodal.plan import Made, Plan


def drawn_by(capture: View | Cloud, method: Method, seed: int, scale_of: Callable) -> Plan:
    """Choose everything that a method leaves open.

    scale_of: (capture or cloud, place) → what percentages are of there (crossmodal.synthesis.scale_of)
    Raises ValueError where it finds no place on the capture or cloud, or where its gate refuses all draws.
    """
    gate = method.blocks.gate
    if gate is not None and (not isinstance(capture, View) or capture.rgb is None):
        raise ValueError(f"the gate of {method.name} looks at pictures; leave it out, or give a capture")
    for refused in range(1 if gate is None else gate.tries):
        plan = drawn_once(capture, method, seed, scale_of, refused)
        why = "" if gate is None else _refusal(gate, capture, plan)
        if not why:
            return plan
    raise ValueError(f"none of {gate.tries} draws of {method.name} passes its gate, of the last {why}; ask for less")


def _refusal(gate: Gate, capture, plan: Plan) -> str:
    """Why a gate refuses a plan, or nothing."""
    try:
        edits = tuple(made(capture, planned) for planned in plan.defects)
    except ValueError as error:  # one is empty
        return str(error)
    shares = [_overlap(capture, planned) for planned in plan.defects] if gate.overlap else []
    why = gate.refuses_overlap(min(shares)) if shares else ""
    return why or (gate.refuses(imprint(capture, edits, plan)) if gate.looks else "")


def _overlap(capture, planned: Made) -> float:
    """The share of a region, as it was drawn, that has the object beneath it."""
    canvas, _, middle = begun(capture, planned)
    shape = area_of(planned.blocks.region, replace(canvas, whole=True), middle, planned.texture_seed).inside
    return float((shape & canvas.on_object).sum() / shape.sum())
