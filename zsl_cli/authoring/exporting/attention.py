"""Attention of any number of dimensions as ONNX: the exporter's own is for four (image, head,
token, width), and networks that attend within windows have five."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def translations() -> "dict[Callable[..., Any], Callable[..., Any]]":
    """What ``torch.onnx.export`` takes as ``custom_translation_table``."""
    import torch

    return {torch.ops.aten.scaled_dot_product_attention.default: _attention}


def _attention(query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
               is_causal: bool = False, scale: float | None = None,
               enable_gqa: bool = False) -> Any:
    """softmax(Q Kᵀ · scale + mask) V (Vaswani et al., 2017), over the last two dimensions."""
    from onnxscript import ir, opset18
    from onnxscript.function_libs.torch_lib.ops import nn

    op: Any = opset18
    rank = len(query.shape)
    if rank == 4 or is_causal or enable_gqa:
        return nn.aten_scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    turned = op.Transpose(key, perm=[*range(rank - 2), rank - 1, rank - 2])
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = op.MatMul(op.Mul(query, op.CastLike(op.Constant(value_float=factor), query)), turned)
    if attn_mask is not None and attn_mask.dtype == ir.DataType.BOOL:
        attn_mask = op.Where(attn_mask, op.Constant(value_float=0.0),
                             op.Constant(value_float=float("-inf")))
    if attn_mask is not None:
        scores = op.Add(scores, op.CastLike(attn_mask, scores))
    return op.MatMul(op.Softmax(scores, axis=-1), value)
