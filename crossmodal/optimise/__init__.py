"""Sizes, heading, place and colours of a planned defect, moved until a picture of it reads more like a text."""

from crossmodal.optimise.climb import Optimised, optimise
from crossmodal.optimise.score import ClipScore, Score

__all__ = ["ClipScore", "Optimised", "Score", "optimise"]
