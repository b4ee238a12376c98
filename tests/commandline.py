"""The command line as tests speak with it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def spawned(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "crossmodal", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=300, **more)


def told(capsys) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err
