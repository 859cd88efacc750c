"""What weights say of a network of timm: the size and the channels of its input; and timm's own way
from the keys and sizes of other releases to its own."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import matching
from zsl_cli.authoring.networks.weights import Weights

_TOLD = {"img_size": "its position embeddings are for {} pixels",
         "global_pool": "its last norm is that of pooled tokens: they are averaged"}
_CHUNK = re.compile(r"(^|\.)blocks\.\d+\.(\d+)\.")
_PLACES = re.compile(r"pos|rel_h$|rel_w$|relative|rpe|coords")
"""Of tensors that say where something is in a picture, and may be resampled for another size."""


def trained(weights: Weights, make: Callable[..., nn.Module]) -> dict[str, Any]:
    """Arguments of the network that its weights tell: ``img_size`` of position embeddings for
    another size than the usual one, ``in_chans`` of a first layer with other channels than three,
    ``global_pool`` of a transformer whose last norm is that of its pooled tokens.

    make: the network without weights, of arguments.
    """
    given = {matching.bare(key): value for key, value in weights.tensors.items()}
    places = _ending(given, "pos_embed")
    first = next((value for value in given.values() if value.ndim == 4), None)
    if places is None and (first is None or first.shape[1] == 3):
        return {}
    try:
        with torch.device("meta"):
            network = make()
    except Exception:  # which is said where it is made in earnest
        return {}
    found: dict[str, Any] = {}
    size = None if places is None else _side(places, network)
    if size:
        found["img_size"] = size
    own = network.state_dict()
    if "norm.weight" in own and "fc_norm.weight" not in own and (
            _ending(given, "fc_norm.weight") is not None and "norm.weight" not in {
                key.rpartition("blocks.")[2] for key in given}):
        found["global_pool"] = "avg"  # the norm after which is the last one there
    names = getattr(network, "pretrained_cfg", {}).get("first_conv") or ()
    name = names if isinstance(names, str) else next(iter(names), None)
    stem = _ending(given, f"{name}.weight") if name else None
    usual = own.get(f"{name}.weight")
    if stem is not None and usual is not None and stem.ndim == usual.ndim == 4 and (
            stem.shape[1] != usual.shape[1] == 3):
        found["in_chans"] = stem.shape[1]
    return found


def _ending(given: dict[str, Tensor], name: str) -> Tensor | None:
    return given.get(name, next((value for key, value in given.items()
                                 if key.endswith(f".{name}")), None))


def _side(places: Tensor, network: nn.Module) -> int | None:
    """The size of the images that position embeddings ``[1, tokens, d]`` are for, where it is
    another than the network's own."""
    own, patches = getattr(network, "pos_embed", None), getattr(network, "patch_embed", None)
    count, patch = (getattr(patches, name, None) for name in ("num_patches", "patch_size"))
    if not isinstance(own, Tensor) or own.ndim != 3 or places.ndim != 3 or not count or not patch:
        return None
    tokens = places.shape[1] - (own.shape[1] - count)
    side = round(max(tokens, 0) ** 0.5)
    if places.shape == own.shape or places.shape[2] != own.shape[2] or side ** 2 != tokens:
        return None
    patch = patch if isinstance(patch, tuple) else (patch, patch)
    return side * int(patch[0]) if side and patch[0] == patch[1] else None


def noted(weights: Weights, found: dict[str, Any]) -> Weights:
    """The weights, with a word on what was told by them."""
    notes = [text.format(found[name]) for name, text in _TOLD.items() if name in found]
    return replace(weights, notes=(*weights.notes, *notes))


def conversion(timm: Any, make: Callable[..., nn.Module],
               ) -> Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]:
    """What timm does to weights that its authors, or others, have published under other names or
    for other sizes.

    make: the network, of arguments.
    """
    def convert(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        if any(".pre_logits." in f".{key}" for key in tensors):
            raise ValueError("a layer that timm leaves out")
        tensors = _unchunked(tensors)
        function = _filter(timm, make)
        if function is None:
            return tensors
        try:
            converted = function(dict(tensors), network)
        except TypeError:  # some take the weights alone
            converted = function(dict(tensors))
        if strange := [key for key, value in converted.items() if key in tensors
                       and value.shape != tensors[key].shape and not _PLACES.search(key)
                       and value.numel() != tensors[key].numel()]:
            raise ValueError(f"{strange[0]} is another network's")
        return converted

    return convert


def _unchunked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Blocks that were wrapped a few at a time for training, as DINOv2's were, by their own
    numbers."""
    renamed = {key: _CHUNK.sub(r"\1blocks.\2.", key) for key in tensors}
    if len({*renamed.values()}) < len(renamed):  # they are counted anew in each stage
        return tensors
    return {renamed[key]: value for key, value in tensors.items()}


def _filter(timm: Any, make: Callable[..., nn.Module]) -> Callable[..., Any] | None:
    """The function that timm puts published weights through for a network. Its builder knows it,
    and hands it on to what loads weights: which is listened to here, and loads none."""
    builder = timm.models._builder
    load, heard = builder.load_pretrained, []

    def listen(*_: Any, filter_fn: Any = None, **__: Any) -> None:
        heard.append(filter_fn)

    builder.load_pretrained = listen
    try:
        with torch.device("meta"):
            make(pretrained=True)
    except Exception:  # of networks that cannot be made without memory
        make(pretrained=True)
    finally:
        builder.load_pretrained = load
    return heard[0] if heard else None
