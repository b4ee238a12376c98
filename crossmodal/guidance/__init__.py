"""Text: what it asks for as a Recipe, whether a Result is what was asked, and sentences about a Result.

Everything that a person, the grammar or a model says becomes a Recipe by the same validation.
"""

from crossmodal.guidance.asked import asked_and_got
from crossmodal.guidance.captions import captions
from crossmodal.guidance.encoder import Encoder
from crossmodal.guidance.prompt import Understood, prompt, understand
from crossmodal.guidance.schema import schema
from crossmodal.guidance.sense import sensible

__all__ = ["Encoder", "Understood", "asked_and_got", "captions", "prompt", "schema", "sensible", "understand"]
