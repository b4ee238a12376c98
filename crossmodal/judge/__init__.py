"""Of several draws of one recipe the best: by what is measured on it, by an image-text model, or by whatever answers.

Models were tried small and of random weights, built from their configurations; no real checkpoint was.
"""

from crossmodal.judge.best import Best, Judge, best_of
from crossmodal.judge.choice import Choice
from crossmodal.judge.judges import answers, before_after, measures, reads

__all__ = ["Best", "Choice", "Judge", "answers", "before_after", "best_of", "measures", "reads"]
