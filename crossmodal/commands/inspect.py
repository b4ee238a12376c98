"""crossmodal inspect: what a source holds, what was assumed, and what looks wrong."""

import json as js
from pathlib import Path

from crossmodal.datasets import Reading
from crossmodal.datasets.clouds import cloud_sources
from crossmodal.datasets.mvtec3d_writer import plain


def run(source: str, reading: Reading, most: int, json: bool) -> int:
    """Print the report; 1 where something looks wrong."""
    from crossmodal.evaluation.inspection import inspect, lines, to_json

    if most < 1:
        raise ValueError(f"--most must be at least 1, but got {most}")
    if Path(source).exists() and (clouds := cloud_sources(source)):
        return _clouds(clouds, reading, most, json)
    sets = inspect(source, reading, most)
    print(js.dumps(plain(to_json(sets))) if json else _printed(lines(sets)))
    return 1 if any(one.findings() for one in sets) else 0


def _clouds(found, reading, most, json) -> int:
    from crossmodal.evaluation.cloud_inspection import inspect_clouds, told

    looks = inspect_clouds(found, reading, most)
    faults = sum(len(look.faults) for look in looks)
    if json:
        print(js.dumps(plain({"clouds": len(found), "looks": [vars(look) for look in looks]})))
    else:
        print(_printed([f"{len(found)} clouds alone, {len(looks)} looked at",
                        *(line for look in looks for line in told(look)),
                        f"{faults} finding{'' if faults == 1 else 's'}" if faults else "nothing looks wrong"]))
    return 1 if faults else 0


def _printed(lines) -> str:
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
