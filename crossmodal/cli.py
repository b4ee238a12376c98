"""The command line: what each command takes. What it does is in crossmodal.commands, imported when run."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from crossmodal.commands.edits import inpaint, lift, optimise
from crossmodal.commands.options import (
    MESH_OR_SOURCE,
    SOURCE,
    DepthModel,
    DepthScale,
    Format,
    Intrinsics,
    Json,
    Locator,
    MmPerPixel,
    OrGrammar,
    Out,
    ReliefMm,
    Seed,
    Segmenter,
    TextEncoder,
    Unit,
    Viewpoint,
    Vlm,
    WhereText,
)

app = typer.Typer(
    name="crossmodal", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Defects that RGB, depth and point cloud agree on: one surface edit in millimetres, seen by all.")


@app.command()
def demo(out: Out = Path("crossmodal-demo"), seed: Seed = 0, json: Json = False) -> int:
    """Make defects in real captures that ship with the package, and a picture of them."""
    from crossmodal.commands.demo import run

    return run(out, seed, json)


@app.command()
def synthesize(
    source: Annotated[str, typer.Argument(help=MESH_OR_SOURCE)],
    out: Out,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="YAML of what to make.")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="A recipe that ships: crossmodal presets.")] = None,
    vlm: Vlm = None, or_grammar: OrGrammar = False,
    kinds: Annotated[str | None, typer.Option("--kinds", help="dent,scratch: one a capture.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", help="In words: 'a 12 mm scratch near the rim'.")] = None,
    methods: Annotated[str | None, typer.Option(
        "--methods", "--method", help="draem,cutpaste: published ones, or a .yaml: crossmodal methods.")] = None,
    as_published: Annotated[bool, typer.Option(
        "--as-published", help="Methods with the parameters, and on the picture, of their paper.")] = False,
    where: WhereText = None, locator: Locator = None, segmenter: Segmenter = None,
    judge: Annotated[str | None, typer.Option(
        "--judge", help="Keep each sample's best draw by an image-text model, or by measures: measured.")] = None,
    best_of: Annotated[int | None, typer.Option("--best-of", help="Draws of each sample to judge; 4.")] = None,
    least: Annotated[float | None, typer.Option("--least", help="A best draw of a lower score fails.")] = None,
    encoder: TextEncoder = None,
    count: Annotated[int | None, typer.Option("--count", help="Samples in all; default one a kind.")] = None,
    seed: Seed = 0,
    origin: Annotated[str | None, typer.Option(
        "--from", help="Splits to take good captures from; default test,validation.")] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    shard: Annotated[str | None, typer.Option(
        "--shard", help="i/n: make the i-th of n parts, i from 1 to n; the last one done merges.")] = None,
    only_defects: Annotated[bool, typer.Option("--only-defects", help="Copy no good captures.")] = False,
    allow_overlap: Annotated[bool, typer.Option(
        "--allow-overlap", help="Let a capture stand in train and, with a defect, in test.")] = False,
    ply: Annotated[bool, typer.Option("--ply", help="Also points/NNN.ply with labels.")] = False,
    light: Annotated[str, typer.Option("--light", help=(
        "pooled over the captures where that is surer, own: each by its own picture, or x,y,z towards the lamp in "
        "camera axes."))] = "pooled",
    views: Annotated[int | None, typer.Option(
        "--views", help="Cameras in the ring that scans a mesh; default 12.")] = None,
    format: Format = None,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None,
    mm_per_pixel: MmPerPixel = None, depth_model: DepthModel = None, relief_mm: ReliefMm = None,
    viewpoint: Viewpoint = None, json: Json = False,
) -> int:
    """Make defects in good captures, in the layout of MVTec 3D-AD or another, with all ground truth; or in clouds."""
    from crossmodal.commands.synthesize import run
    from crossmodal.commands.wanted import Terms, Wanted, Work
    from crossmodal.datasets.source import Reading
    from crossmodal.judge import Choice
    from crossmodal.locate import Where
    from crossmodal.production import Shard
    from crossmodal.production.request import light_parsed

    wanted = Wanted(recipe, preset, _words(kinds), prompt, _words(methods), as_published, encoder, vlm, or_grammar,
                    count)
    origins = None if origin is None else tuple(name.removesuffix("/good") for name in _words(origin))
    reading = Reading(unit, intrinsics, depth_scale, mm_per_pixel, depth_model, relief_mm, _three(viewpoint))
    terms = Terms(seed, origins, only_defects, allow_overlap, ply, reading, light_parsed(light),
                  Where.said(where, locator, segmenter), Choice.said(judge, best_of, least))
    work = Work(workers, resume, None if shard is None else Shard.parsed(shard))
    return run(source, out, wanted, terms, work, format=format, views=views, json=json)


for _command in (lift, inpaint, optimise):
    app.command()(_command)


@app.command()
def replay(
    plan: Annotated[Path, typer.Argument(help="A manifest.jsonl, or the JSON of one plan.")],
    source: Annotated[str, typer.Option("--source", help=SOURCE)],
    out: Out,
    force: Annotated[bool, typer.Option("--force", help="Replay on captures whose bytes differ.")] = False,
    format: Format = None,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None,
    mm_per_pixel: MmPerPixel = None, depth_model: DepthModel = None, relief_mm: ReliefMm = None,
    viewpoint: Viewpoint = None, json: Json = False,
) -> int:
    """Make the samples of a manifest, or of one plan, again: the same bytes."""
    from crossmodal.commands.replay import run
    from crossmodal.datasets.source import Reading

    return run(plan, source, out, force=force, format=format, json=json,
               reading=Reading(unit, intrinsics, depth_scale, mm_per_pixel, depth_model, relief_mm,
                               _three(viewpoint)))


@app.command()
def formats(json: Json = False) -> int:
    """List the formats of whole datasets: what each holds, needs, and was checked against."""
    from crossmodal.commands.formats import run

    return run(json)


@app.command()
def convert(
    source: Annotated[str, typer.Argument(help="A dataset in any format that can be read.")],
    to: Annotated[str, typer.Option("--to", help="A format's name; crossmodal formats lists them.")],
    out: Out,
    origin: Annotated[str | None, typer.Option("--from", help="The source's format, if it is not seen.")] = None,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None, json: Json = False,
) -> int:
    """Write a dataset in another format, if it holds what that needs."""
    from crossmodal.commands.convert import run
    from crossmodal.datasets.source import Reading

    return run(source, to, out, origin, Reading(unit, intrinsics, depth_scale), json)


@app.command()
def plan(
    text: Annotated[str, typer.Argument(help="What to make: 'a 12 mm hairline crack from the rim'.")],
    image: Annotated[str | None, typer.Option("--image", help="A capture to plan it on.")] = None,
    where: WhereText = None, locator: Locator = None, segmenter: Segmenter = None,
    vlm: Vlm = None, or_grammar: OrGrammar = False,
    encoder: TextEncoder = None,
    seed: Seed = 0, unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None,
    json: Json = False,
) -> int:
    """Say what a text asks for, word by word, as a recipe, without making it; exit 1 if that is nothing."""
    from crossmodal.commands.plan import run
    from crossmodal.datasets.source import Reading
    from crossmodal.locate.where import Where

    return run(text, image, seed, Reading(unit, intrinsics, depth_scale), json,
               Where.said(where, locator, segmenter), vlm, or_grammar, encoder)


@app.command()
def schema() -> int:
    """Print the JSON schema of a recipe: what a person, the grammar or a model may ask for."""
    from crossmodal.commands.schema import run

    return run()


@app.command()
def check(
    dataset: Annotated[Path, typer.Argument(help="Any paired dataset, ours or not; or a run of clouds.")],
    source: Annotated[Path | None, typer.Option("--source", help="What it was made from.")] = None,
    json: Json = False,
) -> int:
    """Measure whether the modalities of a dataset agree; exit 1 on a violation, or if nothing was checked."""
    from crossmodal.commands.check import run

    return run(dataset, source, json)


@app.command()
def inspect(
    source: Annotated[str, typer.Argument(help=SOURCE)],
    most: Annotated[int, typer.Option("--most", help="Captures of each set to read.")] = 12,
    unit: Unit = None, intrinsics: Intrinsics = None, depth_scale: DepthScale = None, json: Json = False,
) -> int:
    """Say what a source holds, which unit and camera were assumed, and what looks wrong; exit 1 if anything does."""
    from crossmodal.commands.inspect import run
    from crossmodal.datasets.source import Reading

    return run(source, Reading(unit, intrinsics, depth_scale), most, json)


@app.command()
def defects(json: Json = False) -> int:
    """List the defects that can be made, and the sizes each takes."""
    from crossmodal.commands.defects import run

    return run(json)


@app.command()
def presets(json: Json = False) -> int:
    """List the recipes that ship with the package, for synthesize --preset."""
    from crossmodal.commands.presets import run

    return run(json)


@app.command()
def methods(
    json: Json = False,
    blocks: Annotated[bool, typer.Option("--blocks", help="List what a method of one's own is written with.")] = False,
) -> int:
    """List the survey's methods and others: what each changes, what it needs, and whether it runs."""
    if blocks:
        from crossmodal.commands.blocks import run
    else:
        from crossmodal.commands.methods import run
    return run(json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 done, 1 findings or partial failure, 2 usage or bad input."""
    from typer import Abort, BadParameter

    usage = BadParameter.__mro__[2]  # click's base of usage errors; typer brings click under several names
    try:
        return app(args=None if arguments is None else list(arguments), standalone_mode=False) or 0
    except usage as error:
        return _say(error.format_message(), getattr(error, "exit_code", 2)) if error.format_message() else 2
    except (Abort, KeyboardInterrupt):
        return _say("interrupted", 130)
    except ChildProcessError as error:
        return _say(error, 1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
        return 1
    except OSError as error:
        return _say(f"{error.filename}: {error.strerror}" if error.filename else error, 2)
    except ValueError as error:
        return _say(_short(error), 2)


def _short(error: ValueError) -> object:
    if hasattr(error, "error_count"):
        from crossmodal.recipe import one_line

        return one_line(error)
    return error


def _say(error: object, code: int) -> int:
    text = " ".join(str(error).split())  # a file's name may hold line ends, or a terminal's commands
    print("error:", "".join(c if c.isprintable() else "?" for c in text), file=sys.stderr)
    return code


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())


def _three(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        x, y, z = (float(word) for word in text.split(","))
    except ValueError:
        raise ValueError(f"--viewpoint must be x,y,z in the file's unit, but got {text}") from None
    if not all(abs(v) < float("inf") for v in (x, y, z)):
        raise ValueError(f"--viewpoint must be finite, but got {text}")
    return x, y, z


if __name__ == "__main__":
    sys.exit(main())
