"""crossmodal check: do the modalities of a dataset agree?"""

import json as js
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import plain


def run(dataset: Path, source: Path | None, json: bool) -> int:
    """Print the report and return its exit code."""
    from crossmodal.evaluation.agreement import check

    report = check(dataset, source)
    print(js.dumps(plain(report.to_json())) if json else "\n".join(report.lines()))
    return report.exit_code
