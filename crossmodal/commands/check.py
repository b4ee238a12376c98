"""crossmodal check: do the modalities of a dataset agree, or a run's clouds with what they were made from?"""

import json as js
from pathlib import Path

from crossmodal.datasets.mvtec3d_writer import plain
from crossmodal.formats.clouds import of_clouds


def run(dataset: Path, source: Path | None, json: bool) -> int:
    """Print the report and return its exit code."""
    from crossmodal.evaluation.agreement import check
    from crossmodal.evaluation.cloud_agreement import check_clouds

    report = (check if of_clouds(dataset) is None else check_clouds)(dataset, source)
    print(js.dumps(plain(report.to_json())) if json else "\n".join(report.lines()))
    return report.exit_code
