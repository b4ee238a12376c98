"""Appearance from text: diffusion inpainting inside a mask, lifted to the surface so that every modality shows it."""

from crossmodal.inpaint.paint import Inpainted, inpaint
from crossmodal.inpaint.models import Model, Sampling

__all__ = ["Inpainted", "Model", "Sampling", "inpaint"]
