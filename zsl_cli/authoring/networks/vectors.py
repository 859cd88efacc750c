"""Arithmetic of vectors that graphs of images and of texts share."""

from torch import Tensor


def unit(vectors: Tensor) -> Tensor:
    """``[n, D]`` scaled to unit length (torch's own normalize expands, which the shape inference
    of ONNX Runtime's quantiser does not follow)."""
    return vectors / vectors.square().sum(dim=1, keepdim=True).clamp_min(1e-24).sqrt()
