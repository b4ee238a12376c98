"""Appearance from text: diffusion inpainting inside a mask, lifted to the surface so that every modality shows it."""

from crossmodal.inpaint.models import Model, Sampling
from crossmodal.inpaint.paint import Inpainted, inpaint

__all__ = ["Inpainted", "Model", "Sampling", "inpaint"]
