"""Run the benchmarks and print their tables: python tests/benchmarks/table.py [pytest arguments]."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main([str(Path(__file__).parent), "--benchmark-quiet", "-p", "no:xdist", *sys.argv[1:]]))
