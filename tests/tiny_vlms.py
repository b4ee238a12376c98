"""Small vision-language models of random weights, in the folders that a real one would come in."""

from pathlib import Path

WORDS = ('{"defects": [{"kind": "', "dent", "scratch", "crack", "stain", '"diameter_mm": ',
         '"length_mm": ', '"depth_mm": ', '"place": ', "}]}", "}, ", '"small"', '"near": "', "orientation_deg", "the ",
         "object")
TEMPLATE = ("{% for message in messages %}{{ message['role'] }}: {% for part in message['content'] %}"
            "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant: {% endif %}")


def tokenizer(*special: str):
    """Byte by byte, with a few words beside."""
    import tokenizers
    import transformers

    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    known = [*letters, *(word.replace(" ", "Ġ") for word in WORDS)]
    bare = tokenizers.Tokenizer(tokenizers.models.BPE({one: i for i, one in enumerate(known)}, []))
    bare.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = tokenizers.decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=bare, eos_token="<end>", pad_token="<pad>")
    made.add_special_tokens({"additional_special_tokens": [*special]})
    return made


def text_shape(words) -> dict:
    """Of a decoder's configuration."""
    return {"vocab_size": len(words), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32768,
            "bos_token_id": words.eos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id,
            "initializer_range": 0.5}


def llava(folder: Path, seed: int = 0) -> str:
    """LLaVA: a CLIP encoder before a Llama."""
    import torch
    import transformers as tf

    words = tokenizer("<image>")
    torch.manual_seed(seed)
    vision = tf.CLIPVisionConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
                                 image_size=28, patch_size=14, projection_dim=16)
    config = tf.LlavaConfig(vision_config=vision, text_config=tf.LlamaConfig(**text_shape(words)),
                            image_token_index=words.convert_tokens_to_ids("<image>"))
    pictures = tf.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = tf.LlavaProcessor(pictures, words, patch_size=14, vision_feature_select_strategy="default",
                                  num_additional_image_tokens=1, chat_template=TEMPLATE.replace("IMAGE", "<image>"))
    for part in (tf.LlavaForConditionalGeneration(config), processor):
        part.save_pretrained(folder)
    return str(folder)


def qwen(folder: Path, seed: int = 0) -> str:
    """Qwen2-VL."""
    import torch
    import transformers as tf

    words = tokenizer("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    ids = {name: words.convert_tokens_to_ids(token) for name, token in (
        ("vision_start_token_id", "<|vision_start|>"), ("vision_end_token_id", "<|vision_end|>"),
        ("image_token_id", "<|image_pad|>"), ("video_token_id", "<|video_pad|>"))}
    torch.manual_seed(seed)
    text = text_shape(words) | {"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}
    config = tf.Qwen2VLConfig(text_config=text, vision_config={
        "depth": 2, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2}, **ids)
    size = {"min_pixels": 56 * 56, "max_pixels": 112 * 112}
    template = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    processor = tf.Qwen2VLProcessor(tf.Qwen2VLImageProcessor(**size), words, tf.Qwen2VLVideoProcessor(**size),
                                    chat_template=template)
    for part in (tf.Qwen2VLForConditionalGeneration(config), processor):
        part.save_pretrained(folder)
    return str(folder)


def smol(folder: Path, seed: int = 0) -> str:
    """SmolVLM."""
    import torch
    import transformers as tf

    words = tokenizer("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    torch.manual_seed(seed)
    config = tf.SmolVLMConfig(
        vision_config={"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16,
                       "image_size": 28, "patch_size": 14},
        text_config=tf.LlamaConfig(**text_shape(words)), scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), pad_token_id=words.pad_token_id)
    size = {"do_image_splitting": False, "size": {"longest_edge": 28}, "max_image_size": {"longest_edge": 28}}
    processor = tf.SmolVLMProcessor(tf.SmolVLMImageProcessor(**size), words, tf.SmolVLMVideoProcessor(),
                                    image_seq_len=1, chat_template=TEMPLATE.replace("IMAGE", "<image>"))
    for part in (tf.SmolVLMForConditionalGeneration(config), processor):
        part.save_pretrained(folder)
    return str(folder)
