"""Jobs: which defects go into which captures, made by any number of workers or shards, interrupted or not."""

from crossmodal.production.division import Division, divide
from crossmodal.production.loop import Summary
from crossmodal.production.request import Request, Shard
from crossmodal.production.run import produce

__all__ = ["Division", "Request", "Shard", "Summary", "divide", "produce"]
