"""A vision-language model that sees a capture says what a text means on it: a Recipe with places, and nothing else.

Its answer goes through the validation, the clamping and the messages of a person's recipe. Tried on small models of
random weights and on a server of this project's own tests; on no real checkpoint and no real endpoint.
"""

from crossmodal.vlm.answer import Answer, Refused, Unusable, read_answer
from crossmodal.vlm.asking import ask, recipe_from
from crossmodal.vlm.offered import offered
from crossmodal.vlm.question import Question
from crossmodal.vlm.strip import strip
from crossmodal.vlm.told import Told

__all__ = ["Answer", "Question", "Refused", "Told", "Unusable", "ask", "offered", "read_answer", "recipe_from", "strip"]
