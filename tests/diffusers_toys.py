"""Inpainting pipelines of random weights, small enough to run in a test, saved as a hub would give them."""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

BLOCKS = {"block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4}
UNET = {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "cross_attention_dim": 16,
        "attention_head_dim": 4, **BLOCKS}


def tokenizer(folder: Path) -> CLIPTokenizer:
    """Of single letters."""
    folder.mkdir()
    letters = [f"{c}{end}" for end in ("", "</w>") for c in "abcdefghijklmnopqrstuvwxyz0123456789.,-"]
    words = [*letters, "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def text_config(**more) -> CLIPTextConfig:
    return CLIPTextConfig(vocab_size=80, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                          num_attention_heads=2, max_position_embeddings=77, projection_dim=16, bos_token_id=78,
                          eos_token_id=79, pad_token_id=79, **more)


def vae() -> AutoencoderKL:
    return AutoencoderKL(down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
                         latent_channels=4, sample_size=16, **BLOCKS)


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def save_sd(folder: Path) -> Path:
    """Stable Diffusion's inpainting pipeline: a UNet of nine channels."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(sample_size=16, in_channels=9, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                **UNET)
    StableDiffusionInpaintPipeline(vae(), CLIPTextModel(text_config()), tokenizer(folder.with_name("words")), unet,
                                   scheduler(), None, None, requires_safety_checker=False).save_pretrained(folder)
    return folder


def save_plain_sd(folder: Path) -> Path:
    """The same of four channels, as ControlNets are trained on, declared without inpainting."""
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(1)
    unet = UNet2DConditionModel(sample_size=16, in_channels=4, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                **UNET)
    StableDiffusionPipeline(vae(), CLIPTextModel(text_config()), tokenizer(folder.with_name("plain_words")), unet,
                            scheduler(), None, None, requires_safety_checker=False).save_pretrained(folder)
    return folder


def save_control(folder: Path) -> Path:
    """A ControlNet whose last layers say something, as an untrained one's do not."""
    torch.manual_seed(2)
    net = ControlNetModel(in_channels=4, conditioning_embedding_out_channels=(8, 16), **UNET)
    with torch.no_grad():
        for block in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
            block.weight.normal_(std=0.3)
    net.save_pretrained(folder)
    return folder


def save_xl(folder: Path) -> Path:
    """Stable Diffusion XL's inpainting pipeline, of two text encoders."""
    torch.manual_seed(3)
    unet = UNet2DConditionModel(sample_size=16, in_channels=9, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                addition_embed_type="text_time", addition_time_embed_dim=8,
                                projection_class_embeddings_input_dim=16 + 6 * 8, **UNET | {"cross_attention_dim": 32})
    words = tokenizer(folder.with_name("xl_words"))
    StableDiffusionXLInpaintPipeline(vae(), CLIPTextModel(text_config()), CLIPTextModelWithProjection(text_config()),
                                     words, words, unet, scheduler()).save_pretrained(folder)
    return folder
