"""Runs as tests ask for them: a small request, and what was made of it."""

import json
from pathlib import Path

from crossmodal import datasets
from crossmodal.production import Request, produce

KINDS = ("dent", "stain")


def request(count=6, kinds=KINDS, **rest):
    return Request.of_kinds(kinds, count, seed=3, **rest)


def run(category, out, wanted=None, **rest):
    return produce(category, datasets.sources(category), out, wanted or request(), **rest)


def entries(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
