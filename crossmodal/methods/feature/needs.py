"""PyTorch, which false features need, asked for in one line."""

try:
    import torch
except ImportError as error:
    raise ImportError("feature-space methods need PyTorch: pip install 'crossmodal-anomaly[torch]'") from error

__all__ = ["torch"]
