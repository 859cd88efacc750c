"""What a dual encoder's cosines become probabilities by: ``softmax(scale * cosine)`` (CLIP; Radford
et al., 2021) or ``sigmoid(scale * cosine + bias)`` (SigLIP; Zhai et al., 2023). Both numbers are
weights of the model, and most published towers lack them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import IDS
from zsl_cli.authoring.importing.completion import MASK
from zsl_cli.authoring.importing.measuring import Published
from zsl_cli.authoring.importing.towers import section
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scale:
    """scale: of cosines. bias: of the sigmoid; None for a model of the softmax, or where it is not
    known. assumed: what of it was taken for granted, in words; advice: how else it can be known."""

    scale: float
    bias: float | None = None
    assumed: tuple[str, ...] = ()
    advice: str = ""


USUAL = 100.0
"""What CLIP's training does not let the scale exceed (Radford et al., 2021, section 2.5), and where
all published ones end."""

_SIGMOID = 112.0
"""Of SigLIPs whose own number is not known: those below differ by a few per cent."""

_SIZES = {
    # logit_scale 4.764997, logit_bias -12.932437 in google/siglip-base-patch16-224
    ("base", 16, 224, 32_000): (117.330795, -12.932437),
    # 4.724453 and -16.771725 in google/siglip2-base-patch16-224
    ("base", 16, 224, 256_000): (112.668907, -16.771725),
    # logit_scale 4.7215 in webli's SO400M at 384 pixels (mlfoundations/open_clip, issue 746), the
    # bias as programs that run it have it
    ("so400m", 14, 384, 32_000): (112.33, -16.545139)}
"""Published SigLIPs, by the width of the image tower, its patches, its side and the number of
tokens: the scale and the bias of their weights, as they were read in public."""

_WIDTHS = {768: "base", 1024: "large", 1152: "so400m", 1536: "giantopt"}
_TIMM = re.compile(r"vit_(\w+?)_patch(\d+)_siglip_(\d+)")
_OUTPUTS = ("logits_per_image", "image_embeds", "text_embeds")
_BESIDE = "model.safetensors"
_NONE = 0.01  # a bias so small is none
_ADVICE = f"; say otherwise with {{}}, or put the original's {_BESIDE} beside the graphs"


def is_sigmoid(config: Mapping[str, Any]) -> bool:
    """Whether a configuration, of transformers or of OpenCLIP, is that of a SigLIP."""
    return (str(config.get("model_type", "")).startswith("siglip")
            or "init_logit_bias" in _open_clip(config))


def of_graph(graph: Published, pixels: "Mapping[str, NDArray[Any]]",
             config: Mapping[str, Any]) -> Scale | None:
    """What a graph of both towers does with its own vectors, for some pictures and texts; None
    for one that does not give all three."""
    if not {*_OUTPUTS} <= {*graph.outputs} or IDS not in graph.inputs:
        return None
    tokens = graph.inputs[IDS].shape[1]
    ids = np.arange(1, 1 + 4 * (tokens if isinstance(tokens, int) else 3)).reshape(4, -1)
    mask = {MASK: np.ones_like(ids)} if MASK in graph.inputs else {}
    logits, images, texts = graph.run({**pixels, IDS: ids, **mask}, *_OUTPUTS, alone=False)
    line = measured(logits, unit_rows(images) @ unit_rows(texts).T)
    if line is None:
        return None
    scale, bias = line
    return Scale(scale, bias if is_sigmoid(config) or abs(bias) > _NONE else None)


def measured(logits: "NDArray[np.float32]",
             cosines: "NDArray[np.float32]") -> tuple[float, float] | None:
    """Scale and bias in ``logits = scale * cosines + bias``, both ``[images, texts]``, by least
    squares; None where they lie on no such line."""
    x, y = (part.astype(np.float64).ravel() for part in (cosines, logits))
    if np.ptp(x) < 1e-4:
        return None
    scale, bias = np.polyfit(x, y, 1)
    error = np.abs(scale * x + bias - y).max()
    return (float(scale), float(bias)) if scale > 0 and error < 0.02 * np.ptp(y) else None


def of_weights(folders: Sequence[Path], config: Mapping[str, Any]) -> Scale | None:
    """What the weights of PyTorch say that lie beside the graphs; of them nothing else is read."""
    file = next((folder / _BESIDE for folder in folders if (folder / _BESIDE).is_file()), None)
    if file is None:
        return None
    try:
        from safetensors import safe_open

        with safe_open(file, "numpy") as opened:
            numbers = {name: float(np.asarray(opened.get_tensor(name)).reshape(()))
                       for name in ("logit_scale", "logit_bias") if name in opened.keys()}  # noqa: SIM118
    except Exception:  # weights that are not needed may be of any kind
        return None
    scale, bias = numbers.get("logit_scale"), numbers.get("logit_bias")
    if scale is None or not (math.isfinite(scale) and scale < 20 and math.isfinite(bias or 0)):
        return None
    return Scale(math.exp(scale), bias if is_sigmoid(config) else None)


def assumed(config: Mapping[str, Any]) -> Scale:
    """What is taken where no file says it: that of a published size, or what is usual."""
    if not is_sigmoid(config):
        return Scale(USUAL, None, (f"a logit scale of {USUAL:g}, which the files do not have",),
                     _ADVICE.format("`logit_scale`"))
    both = "`logit_scale` and `logit_bias`"
    if known := _SIZES.get(_size(config)):
        scale, bias = known
        return Scale(scale, bias, (
            f"a logit scale of {scale:g} and a logit bias of {bias:g}, those of the published "
            "SigLIP of this size; the files do not have them",), _ADVICE.format(both))
    return Scale(_SIGMOID, None, (
        f"a logit scale of {_SIGMOID:g}, which the files do not have; nor have they the logit "
        "bias, without which scores are shares among the labels and no probabilities of each",),
        _ADVICE.format(both))


def _size(config: Mapping[str, Any]) -> tuple[str, int, int, int]:
    """Of a SigLIP: width, patch, side, tokens. transformers leaves out what is usual."""
    model = _open_clip(config)
    vision, text = section(model, "vision_cfg"), section(model, "text_cfg")
    if vision and text:
        found = _TIMM.fullmatch(str(vision.get("timm_model_name")))
        width, patch, _ = found.groups() if found else ("", 0, 0)
        return (width, int(patch), _whole(vision.get("image_size"), 0),
                _whole(text.get("vocab_size"), 0))
    vision, text = section(config, "vision_config"), section(config, "text_config")
    return (_WIDTHS.get(_whole(vision.get("hidden_size"), 768), ""),
            _whole(vision.get("patch_size"), 16), _whole(vision.get("image_size"), 224),
            _whole(text.get("vocab_size"), 32_000))


def _whole(value: Any, usual: int) -> int:
    return usual if value is None else value if isinstance(value, int) else 0


def _open_clip(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return section(config, "model_cfg") or config
