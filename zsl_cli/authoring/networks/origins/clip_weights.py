"""What weights of a dual encoder in OpenAI's layout say of it: its dimensions, and which of two
activations it was trained with."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import matching, vetting
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_OPENAIS = ("input_resolution", "context_length", "vocab_size")
"""Numbers that only OpenAI's own archives have among their weights."""

_QUICK = re.compile(r"1\.70[12]")  # of x · sigmoid(1.702 x)
_FACT = "quick_gelu"
_SUFFIX = "-quickgelu"
_BASIC = {"vision_cfg": {"image_size", "layers", "width", "patch_size", "head_width"},
          "text_cfg": {"context_length", "vocab_size", "width", "heads", "layers"}}


def read_archive(path: Path, *, trust: bool | None) -> Weights:
    """The weights in a TorchScript archive, whose code is not run; OpenAI's are such ones. Raises
    ZslError."""
    script = vetting.load_torchscript(path, trust=trust)
    tensors = {key: value.detach() for key, value in script.state_dict().items()}
    facts: dict[str, Any] = {}
    if is_dual(tensors):
        code = str(getattr(script, "inlined_graph", ""))
        quick, exact = _QUICK.search(code) is not None, "aten::gelu" in code
        if quick != exact:
            facts[_FACT] = quick
    return Weights(path, (path,), tensors, facts, notes=(
        "a TorchScript archive: its weights are taken, and not its code",))


def is_dual(tensors: dict[str, Tensor]) -> bool:
    """Whether these are both towers in OpenAI's layout."""
    keys = {matching.bare(key) for key in tensors}
    return {"token_embedding.weight", "positional_embedding", "text_projection", "ln_final.weight",
            "logit_scale", "visual.conv1.weight"} <= keys


def names(open_clip: Any, weights: Weights) -> list[str]:
    """The architectures of OpenCLIP that have the dimensions of these weights."""
    found = _dimensions({matching.bare(key): value for key, value in weights.tensors.items()})
    quick = _is_quick(weights)
    fitting = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if {*config} - {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"} or any(
                {*config[part]} - basic for part, basic in _BASIC.items()):
            continue
        vision, text = config["vision_cfg"], config["text_cfg"]
        own = (config["embed_dim"], vision["image_size"], _list(vision["layers"]), vision["width"],
               vision.get("patch_size"), text["context_length"], text["vocab_size"], text["width"],
               text["layers"])
        if own == found and quick in (None, bool(config.get("quick_gelu"))):
            fitting.append(name)
    return fitting


def name_of(open_clip: Any, weights: Weights) -> str:
    """The one architecture of OpenCLIP that these weights are of. Raises ZslError where that is
    not certain."""
    found = names(open_clip, weights)
    if len(found) == 1:
        return found[0]
    options = listed([f"`architecture=open_clip:{name}`" for name in sorted(found, reverse=True)])
    raise ZslError(f"{weights.path}: a dual encoder in OpenAI's layout; " + (
        f"its weights fit {options}, and do not say whether they are for GELU or, as OpenAI's own, "
        "for QuickGELU: give one of them" if found else
        "name the architecture of OpenCLIP that it is with `architecture=open_clip:NAME`"))


def activation(open_clip: Any, weights: Weights, name: str, config: dict[str, Any],
               ) -> tuple[str, bool, Weights]:
    """The name of the architecture with the activation that the weights were trained with, whether
    QuickGELU has to be forced on it, and the weights with a word on it.

    A wrong one gives no error and other numbers: weights do not differ in it.
    """
    own, wanted = bool(config.get("quick_gelu")), _is_quick(weights)
    if wanted is None:
        wanted = _published(open_clip, weights.path.name, name)
    plain = name.removesuffix(_SUFFIX)
    twins = {plain, plain + _SUFFIX} <= {*open_clip.list_models()}
    kinds = {True: "QuickGELU", False: "GELU"}
    if wanted is None:
        note = (f"its weights do not say whether they are for GELU or QuickGELU: {kinds[own]} is "
                f"taken, as `architecture=open_clip:{name}` says") if twins else ""
    else:
        note = (f"its weights are for {kinds[wanted]}, and open_clip:{name} is for {kinds[own]}: "
                f"{kinds[wanted]} is taken") if wanted != own else ""
    noted = replace(weights, notes=(*weights.notes, note)) if note else weights
    if wanted is None or wanted == own:
        return name, False, noted
    if twins:
        return plain + _SUFFIX * wanted, False, noted
    if not wanted:
        raise ZslError(f"{weights.path}: {note[:note.index(':')]}; name another architecture")
    return name, True, noted


def convert(open_clip: Any, model: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What OpenCLIP does to weights of other layouts, and to position embeddings for images of
    another size."""
    tensors = open_clip.convert.convert_state_dict(model, tensors)
    if "positional_embedding" in tensors and not hasattr(model, "positional_embedding"):
        tensors = open_clip.model.convert_to_custom_text_state_dict(tensors)
    for name in ("logit_scale", "logit_bias"):
        own = getattr(model, name, None)
        if name in tensors and own is not None and tensors[name].numel() == own.numel():
            tensors[name] = tensors[name].reshape(own.shape)
    with torch.inference_mode():
        open_clip.model.resize_pos_embed(tensors, model)
    return tensors


def _is_quick(weights: Weights) -> bool | None:
    """Whether they were trained with QuickGELU; None where they do not say it."""
    if _FACT in weights.facts:
        return bool(weights.facts[_FACT])
    keys = {matching.bare(key) for key in weights.tensors}
    return True if {*_OPENAIS} <= keys else None


def _published(open_clip: Any, file: str, name: str) -> bool | None:
    """What OpenCLIP has noted of the published weights whose file this is."""
    plain = name.removesuffix(_SUFFIX)
    said = {bool(one.get("quick_gelu")) for model in (plain, plain + _SUFFIX)
            for tag in open_clip.list_pretrained_tags_by_model(model)
            if (one := open_clip.get_pretrained_cfg(model, tag))
            and one.get("url", "").rsplit("/", 1)[-1] == file}
    return said.pop() if len(said) == 1 else None


def _dimensions(tensors: dict[str, Tensor]) -> tuple[Any, ...] | None:
    """Embedding, image size, layers, width and patch of the image's tower; context, vocabulary,
    width and layers of the text's; as OpenAI's own code takes them from weights."""
    def layers(prefix: str) -> int:
        below = {key.removeprefix(prefix).partition(".")[0] for key in tensors
                 if key.startswith(prefix)}
        return len(below)

    try:
        text = (tensors["positional_embedding"].shape[0], *tensors["token_embedding.weight"].shape,
                layers("transformer.resblocks."))
        stem = tensors["visual.conv1.weight"].shape
        image: tuple[Any, ...]
        if "visual.proj" in tensors:
            places = tensors["visual.positional_embedding"].shape[0]
            image = (round((places - 1) ** 0.5) * stem[-1],
                     [layers("visual.transformer.resblocks.")], stem[0], stem[-1])
        else:
            places = tensors["visual.attnpool.positional_embedding"].shape[0]
            image = (round((places - 1) ** 0.5) * 32,
                     [layers(f"visual.layer{number}.") for number in range(1, 5)],
                     tensors["visual.layer1.0.conv1.weight"].shape[0], None)
        return (tensors["text_projection"].shape[1], *image, *text)
    except (KeyError, IndexError):
        return None


def _list(layers: Any) -> list[int]:
    return [*layers] if isinstance(layers, tuple | list) else [layers]
