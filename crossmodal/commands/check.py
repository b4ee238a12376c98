"""crossmodal check: do the modalities of a dataset agree?"""

import json as js
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.formats.clouds import of_clouds


def run(dataset: Path, source: Path | None, json: bool) -> int:
    """Print the report and return its exit code."""
    from crossmodal.evaluation.agreement import check

    if of_clouds(dataset) is not None:
        raise ValueError(f"{dataset} holds clouds alone, and check compares modalities; replay its manifest.jsonl to "
                         "see whether it holds the same bytes")
    report = check(dataset, source)
    print(js.dumps(plain(report.to_json())) if json else "\n".join(report.lines()))
    return report.exit_code
