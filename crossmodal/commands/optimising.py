"""What crossmodal optimise takes; what it does is in crossmodal.commands.optimise, imported when run."""

from pathlib import Path
from typing import Annotated

import typer

from crossmodal.commands.options import DepthScale, Intrinsics, Json, Out, Seed, Unit


def optimise(
    capture: Annotated[str, typer.Argument(help="A .pcd, rgb.png+xyz.tiff, or rgb/NNN.png in a tree.")],
    text: Annotated[str, typer.Argument(help="What its picture shall read as.")], out: Out,
    score: Annotated[str, typer.Option("--score", help="A CLIP or SigLIP: a folder, or the id of one in the cache.")],
    start: Annotated[Path | None, typer.Option(
        "--start", help="A recipe of one defect, whose ranges are bounds, or a plan (.json); else the text.")] = None,
    steps: Annotated[int, typer.Option("--steps", help="Steps uphill.")] = 120,
    device: Annotated[str, typer.Option("--device", help="Torch's name of where to compute.")] = "cpu",
    seed: Seed = 0, json: Json = False,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None,
) -> int:
    """Move one defect's sizes, place and colours until its picture reads more like a text to an image-text model."""
    from crossmodal.commands.optimise import run
    from crossmodal.datasets.source import Reading

    return run(capture, text, out, score, start, steps, seed, device, Reading(unit, intrinsics, depth_scale), json)
