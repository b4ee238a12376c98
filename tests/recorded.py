"""Replies of language models as they were recorded, and the recipe that the plainest of them says."""

from pathlib import Path

REPLIES = Path(__file__).parent / "replies"
SCRATCH = {"defects": [{"kind": "scratch", "length_mm": 12.0, "place": {"near": "centre"}}]}
