"""Options that several commands share, and what the command line says of each."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Folder to write.")]
Seed = Annotated[int, typer.Option("--seed", help="0 is a seed; the same seed gives the same bytes.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, for machines.")]
Unit = Annotated[str | None, typer.Option("--unit", help="Unit of the files' numbers: m, mm, um or inch.")]
Intrinsics = Annotated[Path | None, typer.Option(
    "--intrinsics", help="Camera file: RealSense, ROS camera_info, Open3D, BOP, HALCON, or plain fx fy cx cy.")]
DepthScale = Annotated[float | None, typer.Option("--depth-scale", help="Metres a count of depth.")]
Viewpoint = Annotated[str | None, typer.Option(
    "--viewpoint", help="x,y,z in the file's unit from where an open cloud without normals was seen.")]
MmPerPixel = Annotated[float | None, typer.Option(
    "--mm-per-pixel", help="Take pictures alone, of flat parts unless --depth-model says otherwise.")]
DepthModel = Annotated[str | None, typer.Option(
    "--depth-model", help="Their depth as a transformers model guesses it: a folder, or the id of one in its cache.")]
ReliefMm = Annotated[float | None, typer.Option("--relief-mm", help="From the nearest to the farthest that it sees.")]
Vlm = Annotated[str | None, typer.Option("--vlm", help=(
    "A vision-language model that says what the text means on each capture: a folder, the id of one in the hub's "
    "cache, or endpoint ($CROSSMODAL_VLM_BASE_URL)."))]
OrGrammar = Annotated[bool, typer.Option("--or-grammar", help="Where the model has no answer, the grammar's.")]
TextEncoder = Annotated[str | None, typer.Option(
    "--encoder", help="A text encoder for words that no lexicon knows: a folder, or the id of one in its cache.")]
Format = Annotated[str | None, typer.Option(
    "--format", help="What to write (crossmodal formats); mvtec3d, or mvtec2d of pictures alone.")]
WhereText = Annotated[str | None, typer.Option(
    "--where", help="Keep to what --locator finds by this: 'the logo'; with --prompt, beside the places it says.")]
Locator = Annotated[str | None, typer.Option(
    "--locator", help="A transformers model: CLIPSeg, Grounding DINO, OWL-ViT; a folder, or an id in its cache.")]
Segmenter = Annotated[str | None, typer.Option("--segmenter", help="SAM 2, to outline what the locator boxes.")]
MESH_OR_SOURCE = ("A dataset root, a category, a folder of captures, of clouds or of a rig's views, one capture (.pcd, "
                  ".ply or rgb.png+xyz.tiff), cloud (.ply, .pcd, .xyz, .txt, .asc, .npy) or mesh (.stl, .obj, .ply, "
                  ".glb).")
SOURCE = "A dataset root, a category, a folder of captures or clouds, one capture or cloud."
