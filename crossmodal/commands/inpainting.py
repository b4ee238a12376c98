"""What crossmodal inpaint takes; what it does is in crossmodal.commands.inpaint, imported when run."""

from pathlib import Path
from typing import Annotated

import typer


def inpaint(
    capture: Annotated[str, typer.Argument(help="A .pcd, rgb.png+xyz.tiff, rgb/NNN.png in a tree, or a rig's folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
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
    unit: Annotated[str | None, typer.Option("--unit", help="Unit of the files' numbers: m, mm, um or inch.")] = None,
    intrinsics: Annotated[Path | None, typer.Option("--intrinsics", help="Camera file.")] = None,
    depth_scale: Annotated[float | None, typer.Option("--depth-scale", help="Metres a count of depth.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON value on stdout, for machines.")] = False,
) -> int:
    """Paint a defect from words by a diffusion model, and show it in every modality and view."""
    from crossmodal.commands.inpaint import run
    from crossmodal.datasets.source import Reading
    from crossmodal.inpaint.models import Model, Sampling

    return run(capture, text, out, mask=mask, plan=plan, recipe=recipe, model=Model(model, control, device, offload),
               sampling=Sampling(seed, steps, strength, guidance, negative), relief=relief, depth_mm=depth_mm,
               height_mm=height_mm, kind=kind, ply=ply, reading=Reading(unit, intrinsics, depth_scale), json=json)
