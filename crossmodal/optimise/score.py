"""How much a picture reads like a text: anything differentiable, or an image-text model of `transformers`.

Tried on small models of random weights, built from their configurations, on a CPU; on no real checkpoint.
"""

from typing import Protocol

from crossmodal.weights import device_of, weights, whole, worded


class Score(Protocol):
    """A picture (1, 3, H, W), a torch tensor of sRGB from 0 to 1, and a text → a torch scalar, more for a better match,
    through which a gradient flows to the picture."""

    def __call__(self, picture, text: str): ...


class ClipScore:
    """Cosine between what a CLIP or SigLIP says of a picture and of a text (Radford et al. 2021, Zhai et al. 2023).

    model: a folder with a model of `transformers` for both, its tokenizer and image processor, or the id of one in its
        cache; none is fetched. Errors: ValueError, one line, where a library or the weights are missing.
    """

    def __init__(self, model: str, device: str = "cpu"):
        with weights(model, "an image-text model with its tokenizer and image processor", "vlm"):
            import torch  # noqa: F401
            from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

            self._net = whole(AutoModel.from_pretrained(model, local_files_only=True, output_loading_info=True)).eval()
            self._tokens = worded(AutoTokenizer.from_pretrained(model, local_files_only=True))
            processor = AutoImageProcessor.from_pretrained(model, local_files_only=True)
            size = self._net.config.vision_config.image_size
            longest = self._net.config.text_config.max_position_embeddings
        self._net.requires_grad_(False).to(device_of(device))
        self._size, self._longest, self._device = size, longest, device
        self._mean, self._spread = processor.image_mean, processor.image_std

    def __call__(self, picture, text: str):
        import torch

        tokens = self._tokens(text, padding="max_length", truncation=True, max_length=self._longest,
                              return_tensors="pt").to(self._device)
        picture = picture.to(self._device)
        seen = torch.nn.functional.interpolate(picture, (self._size, self._size), mode="bicubic", antialias=True,
                                               align_corners=False).clip(0, 1)
        mean, spread = (seen.new_tensor(x)[:, None, None] for x in (self._mean, self._spread))
        said = self._net(**tokens, pixel_values=(seen - mean) / spread)
        return torch.nn.functional.cosine_similarity(said.image_embeds, said.text_embeds)[0]
