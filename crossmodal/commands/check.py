"""crossmodal check: do the modalities of a dataset agree?"""

import json as js
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import plain


def run(dataset: Path, source: Path | None, json: bool) -> int:
    """Print the report and return its exit code."""
    from crossmodal.evaluation.agreement import check

    run = dataset / "run.json"
    if run.is_file() and _of_clouds(run):
        raise ValueError(f"{dataset} holds clouds alone, and check compares modalities; replay its manifest.jsonl to "
                         "see whether it holds the same bytes")
    report = check(dataset, source)
    print(js.dumps(plain(report.to_json())) if json else "\n".join(report.lines()))
    return report.exit_code


def _of_clouds(run: Path) -> bool:
    try:
        record = js.loads(run.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("clouds") is True
