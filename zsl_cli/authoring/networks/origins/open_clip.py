"""Dual encoders of OpenCLIP."""

import json
import logging
import re
import tempfile
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import (
    assumed,
    configurations,
    data_configs,
    fitting,
    published,
    tokenization,
)
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Assumed, Input, Network, Original, TextTower, scale
from zsl_cli.authoring.networks.origins import clip_weights
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.embedding import tokenizer_files
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import reason

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TRIED = ["dog", "a photo of a great white shark.", ""]
CONFIG = "open_clip_config.json"
_OF_WEIGHTS = ("mean", "std", "interpolation", "resize_mode", "fill_color")
"""What OpenCLIP notes of the preprocessing of each of its published weights."""


class ImageTower(nn.Module):
    """Normalised pixels ``[n, 3, S, S]`` → ``[n, D]``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """The image's place in the common space, not yet of unit length."""
        return self.model.encode_image(pixels)


class Text(nn.Module):
    """Token ids ``[n, L]`` → ``[n, D]``, the text's place in the common space, not yet of unit
    length; by OpenCLIP's own ``encode_text``, which takes full contexts alone."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        """``[n, L]`` → ``[n, D]``."""
        return self.model.encode_text(ids)


class ShortText(Text):
    """The same for the original CLIP's causal text tower, of as many tokens as there are: what
    stands behind the end-of-text token is not looked at, and most labels are a few words."""

    def forward(self, ids: Tensor) -> Tensor:
        """``[n, l]``, l at most L → ``[n, D]``."""
        model, tokens = self.model, ids.shape[1]
        # Slices of the full tables would tie the exporter to the number of tokens of its example.
        places = model.positional_embedding.index_select(0, torch.arange(tokens))
        later = torch.full((tokens, tokens), float("-inf"), dtype=places.dtype).triu(1)
        states = model.ln_final(model.transformer(
            model.token_embedding(ids) + places, attn_mask=later))
        end = torch.arange(tokens) == ids.argmax(dim=1, keepdim=True)
        pooled = (states * end[:, :, None]).sum(dim=1)
        projection = model.text_projection
        if projection is None:
            return pooled
        return projection(pooled) if isinstance(projection, nn.Module) else pooled @ projection


@alone()
def read_folder(weights: Weights, config_file: Path, options: InputOptions,
                tokenizer: Path | None) -> Network:
    """The dual encoder that an ``open_clip_config.json`` describes. Raises ZslError."""
    model = configurations.read(config_file).get("model_cfg")
    if not isinstance(model, dict):
        raise ZslError(f"{config_file}: not a configuration of OpenCLIP (no model_cfg)")
    for part in model.values():  # they ask for weights to start from, and we have them all
        for name in ("timm_model_pretrained", "hf_model_pretrained"):
            if isinstance(part, dict):
                part.pop(name, None)
    configurations.vet(model, config_file)
    # No name of OpenCLIP's own, and none with a colon, which would lead to a hub.
    name = re.sub(r"[^\w.-]", "-", config_file.parent.resolve().name) + "-folder"
    with tempfile.TemporaryDirectory() as folder:  # OpenCLIP knows configurations by their file
        file = Path(folder) / f"{name}.json"
        file.write_text(json.dumps(model), encoding="utf-8")
        _open_clip(name).add_model_config(file)
    return read(weights, name, options, tokenizer, config_file)


@alone()
def read(weights: Weights, name: str, options: InputOptions, tokenizer: Path | None,
         config_file: Path | None = None) -> Network:
    """The dual encoder ``open_clip:NAME`` with these weights.

    tokenizer: a ``tokenizer.json``, where OpenCLIP would fetch one over the network.
    config_file: the ``open_clip_config.json`` beside a checkpoint, for its preprocessing.

    Raises ZslError.
    """
    open_clip = _open_clip(name)
    name, quick, weights = clip_weights.activation(
        open_clip, weights, name, open_clip.get_model_config(name) or {})
    model = _create(open_clip, name, options.size, force_quick_gelu=quick)
    notes = fitting.load(model, weights, f"open_clip:{name}", classifier=False,
                         conversion=partial(clip_weights.convert, open_clip))
    prepared = _prepared(open_clip, model, name, weights.path.name, config_file)
    length = int(model.context_length)
    tokens = _tokenizer(name, length, tokenizer, config_file)
    module = _text_tower(model, tokens)
    fixed = not isinstance(module, ShortText)
    if fixed:
        tokens.enable_padding(**{**(tokens.padding or {}), "length": length})
    return Network(
        f"open_clip:{name}", ImageTower(model), prepared.input, weights.files,
        assumed=prepared.assumed, original=_original(open_clip, model, prepared.settings),
        text=TextTower(module, tokens, length, fixed, published.TEMPLATES["clip"]),
        **scale(model), notes=tuple(notes))


def _tokenizer(name: str, length: int, file: Path | None,
               config_file: Path | None) -> "Tokenizer":
    """The tokenizer that the user gives, that lies beside the checkpoint, or OpenCLIP's own."""
    if file is None and config_file and (config_file.parent / "tokenizer.json").is_file():
        file = config_file.parent / "tokenizer.json"
    if file is not None:
        return tokenization.from_file(file, length, fixed=False,
                                      clean=tokenization.open_clip_clean_mode(name))
    tokens = tokenization.from_open_clip(name, length, fixed=False)
    tokenization.check(tokens, tokenization.reference_of_open_clip(name))
    return tokens


def _text_tower(model: Any, tokens: "Tokenizer") -> Text:
    """The tower for short texts, if it gives what ``encode_text`` gives for full ones."""
    own, short = Text(model), ShortText(model)
    if getattr(model, "attn_mask", None) is None:
        return own
    ids = torch.tensor([one.ids for one in tokenizer_files.encode(
        tokens, _TRIED, Path("tokenizer.json"))])
    full = nn.functional.pad(ids, (0, int(model.context_length) - ids.shape[1]))
    with torch.inference_mode():
        try:
            same = torch.allclose(short(ids), own(full), rtol=1e-3, atol=1e-5)
        except (AttributeError, RuntimeError, TypeError):
            return own  # another tower than the one that ShortText knows
    return short if same else own


def name_of(weights: Weights) -> str:
    """The architecture of weights in OpenAI's layout. Raises ZslError where they do not say it."""
    with alone():
        return clip_weights.name_of(_open_clip("NAME"), weights)


def _open_clip(name: str) -> Any:
    return library("open_clip", f"`architecture=open_clip:{name}`")


def _create(open_clip: Any, name: str, size: int | None, **more: Any) -> Any:
    if name not in open_clip.list_models():
        from difflib import get_close_matches

        raise ZslError(f"OpenCLIP has no model {name!r}; near it: " + (", ".join(
            get_close_matches(name, open_clip.list_models(), n=5)) or "none"))
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it says there that it starts with no weights
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return open_clip.create_model(name, load_weights=False, pretrained_text=False,
                                          force_image_size=size, **more)
    except Exception as error:  # among others, a text tower that it would download
        raise ZslError(f"OpenCLIP cannot make {name} here: {reason(error)}") from error
    finally:
        logging.getLogger().setLevel(level)


@dataclass(frozen=True)
class _Prepared:
    """OpenCLIP's settings of a transform, and what they say."""

    settings: dict[str, Any]
    input: Input
    assumed: Assumed | None


def _prepared(open_clip: Any, model: Any, name: str, file: str,
              config_file: Path | None) -> _Prepared:
    """What the file beside the weights says of the preprocessing, or what OpenCLIP has noted of
    those weights for this architecture whose file this is, or of all of them."""
    base = dict(model.visual.preprocess_cfg)
    if config_file is not None:
        said = configurations.read(config_file)
        own = said.get("preprocess_cfg")
        found = data_configs.read_open_clip(said, base["size"], config_file) if isinstance(
            own, dict) else None
        if found is not None and own is not None:
            known = {**base, **data_configs.OPEN_CLIP_DEFAULTS,
                     **{key: value for key, value in own.items() if value is not None}}
            return _Prepared(known, *found)
        why = f"{config_file.name} does not say it; as OpenCLIP does by itself"
    else:
        noted = [config for tag in open_clip.list_pretrained_tags_by_model(name)
                 if (config := open_clip.get_pretrained_cfg(name, tag))]
        mine = [one for one in noted if file in (one.get("url", "").rsplit("/", 1)[-1],)]
        said_of = {key: [one.get(key) for one in mine or noted] for key in _OF_WEIGHTS}
        base |= {key: values[0] for key, values in said_of.items()
                 if values and values[0] is not None and all(
                     value == values[0] for value in values)}
        if mine:
            return _Prepared(base, data_configs.of_open_clip(base), None)
        differ = any(value != values[0] for values in said_of.values() for value in values)
        why = ("nothing beside the weights says it; as " + (
            f"OpenCLIP has it for {name}, whose published weights differ in it" if differ else
            f"for all weights that OpenCLIP knows for {name}" if noted else
            f"OpenCLIP has it for {name}"))
    prepared = data_configs.of_open_clip(base)
    return _Prepared(base, prepared, assumed.of(prepared, why))


def _original(open_clip: Any, model: Any, settings: dict[str, Any]) -> Original:
    """OpenCLIP's own pipeline."""
    transform = open_clip.transform
    return Original(
        f"open_clip {open_clip.__version__}",
        transform.image_transform_v2(transform.PreprocessCfg(**settings), is_train=False),
        model.encode_image)
