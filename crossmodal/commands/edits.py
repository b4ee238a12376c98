"""What lift, inpaint and optimise take; what each does is in the module of its name, imported when run."""

from pathlib import Path
from typing import Annotated

import typer

from crossmodal.commands.options import DepthScale, Intrinsics, Json, Out, Seed, Unit


def lift(
    capture: Annotated[str, typer.Argument(help="A .pcd, rgb.png+xyz.tiff, or rgb/NNN.png in a tree.")],
    out: Out,
    rgb: Annotated[Path | None, typer.Option("--rgb", help="Its picture with a defect in it.")] = None,
    depth: Annotated[Path | None, typer.Option("--depth", help="Its depth with a defect in it.")] = None,
    points: Annotated[Path | None, typer.Option("--points", help="Its xyz or PCD with a defect.")] = None,
    mask: Annotated[Path | None, typer.Option("--mask", help="Where the edit counts.")] = None,
    relief: Annotated[str | None, typer.Option(
        "--relief", help="Relief of an edited picture: dent, bump, shading, or a height map (mm, TIFF).")] = None,
    depth_mm: Annotated[float | None, typer.Option("--depth-mm", help="How deep a dent.")] = None,
    height_mm: Annotated[float | None, typer.Option("--height-mm", help="How high a bump.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="What to call the defect.")] = "lifted",
    ply: Annotated[bool, typer.Option("--ply", help="Also points/NNN.ply with labels.")] = False,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None, json: Json = False,
) -> int:
    """Carry a defect that was made in one modality to all the others."""
    from crossmodal.commands.lift import run
    from crossmodal.datasets.source import Reading

    return run(capture, out, rgb=rgb, depth=depth, points=points, mask=mask, relief=relief,
               depth_mm=depth_mm, height_mm=height_mm, kind=kind, ply=ply,
               reading=Reading(unit, intrinsics, depth_scale), json=json)


def inpaint(
    capture: Annotated[str, typer.Argument(help="A .pcd, rgb.png+xyz.tiff, rgb/NNN.png in a tree, or a rig's folder.")],
    out: Out,
    model: Annotated[str, typer.Option("--model", help="A diffusers pipeline: its folder, or its id in the cache.")],
    text: Annotated[str | None, typer.Argument(help="What to paint; of a plan or recipe, its own words.")] = None,
    mask: Annotated[Path | None, typer.Option("--mask", help="Where to paint.")] = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="JSON of defects to make first and paint on.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="YAML of defects to make first and paint on.")] = None,
    control: Annotated[str | None, typer.Option("--control", help="A ControlNet for depth; fed our edit's.")] = None,
    relief: Annotated[str | None, typer.Option(
        "--relief", help="Relief of what was painted: dent, bump, shading, or a height map (mm, TIFF).")] = None,
    depth_mm: Annotated[float | None, typer.Option("--depth-mm", help="How deep a dent.")] = None,
    height_mm: Annotated[float | None, typer.Option("--height-mm", help="How high a bump.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="0 is a seed; on a CPU the same seed gives the same bytes.")] = 0,
    steps: Annotated[int, typer.Option("--steps", help="Of the model's sampling.")] = 30,
    strength: Annotated[float, typer.Option("--strength", help="1 forgets what was there; less keeps some.")] = 1.0,
    guidance: Annotated[float, typer.Option("--guidance", help="How closely to keep to the text.")] = 7.5,
    negative: Annotated[str, typer.Option("--negative", help="What not to paint.")] = "",
    device: Annotated[str, typer.Option("--device", help="Of torch: cpu, cuda.")] = "cpu",
    offload: Annotated[bool, typer.Option("--offload", help="Keep parts in main memory until their turn.")] = False,
    kind: Annotated[str, typer.Option("--kind", help="What to call the defect.")] = "inpainted",
    ply: Annotated[bool, typer.Option("--ply", help="Also points/NNN.ply with labels.")] = False,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None, json: Json = False,
) -> int:
    """Paint a defect from words by a diffusion model, and show it in every modality and view."""
    from crossmodal.commands.inpaint import run
    from crossmodal.datasets.source import Reading
    from crossmodal.inpaint.models import Model, Sampling

    return run(capture, text, out, mask=mask, plan=plan, recipe=recipe, model=Model(model, control, device, offload),
               sampling=Sampling(seed, steps, strength, guidance, negative), relief=relief, depth_mm=depth_mm,
               height_mm=height_mm, kind=kind, ply=ply, reading=Reading(unit, intrinsics, depth_scale), json=json)


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
