"""Text: what it asks for as a Recipe, whether a Result is what was asked, and sentences about a Result.

Everything that a person, the grammar or a model says becomes a Recipe by the same validation.
"""

from crossmodal.guidance.prompt import Understood, prompt, understand

__all__ = ["Understood", "prompt", "understand"]
