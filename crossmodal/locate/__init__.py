"""Where: what a model, or a person, points at in a picture becomes a region of the surface that defects are drawn on.

Tried on small models of random weights, built from their configurations, and on stand-ins; on no real checkpoint.
"""

from crossmodal.locate.find import locate
from crossmodal.locate.region import Box, Mask, Point, Region, lifted
from crossmodal.locate.where import Where

__all__ = ["Box", "Mask", "Point", "Region", "Where", "lifted", "locate"]
