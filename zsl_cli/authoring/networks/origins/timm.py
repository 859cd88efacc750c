"""Image networks of timm, with timm's own record of how their input was prepared."""

import argparse
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import classifier_layers, configurations, fitting
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.origins import timm_weights
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.vocabulary.label import Label

_FITS = {"center": "crop", "squash": "squash", "border": "pad"}


@alone()
def read(weights: Weights, name: str, options: InputOptions,
         config: dict[str, Any] | None = None) -> Network:
    """The network ``timm:NAME`` with these weights.

    config: the ``config.json`` that timm writes beside a checkpoint; its preprocessing goes
        before that which timm knows for the name.

    Raises ZslError.
    """
    timm = _timm(name)
    wanted = (config or {}).get("pretrained_cfg") or {}
    size = _image_size(options, {**wanted, **_trained_with(weights)})
    make = partial(_create, timm, name, size)
    told = timm_weights.trained(weights, make)
    if size is None and "img_size" in told:
        weights, options = timm_weights.noted(weights, told), replace(
            options, size=told["img_size"])
        make = partial(_create, timm, name, options.size)
    if "in_chans" in told:
        make = partial(make, in_chans=told["in_chans"])
    network = make()
    notes = fitting.load(network, weights, f"timm:{name}", lambda: _others(timm, name),
                         timm_weights.conversion(timm, make))
    known: Any = network.pretrained_cfg
    asked = _trained_with(weights)
    if options.size:
        asked["input_size"] = (3, options.size, options.size)
    elif not asked and not wanted:
        notes.append("preprocessing as timm knows it for the name; say otherwise with `size`, "
                     "`crop`, `mean`, `std` and `interpolation`")
    config = timm.data.resolve_data_config(asked, pretrained_cfg={**known, **wanted})
    return Network(f"timm:{name}", network, input_of(config), weights.files,
                   classes=_classes(wanted), logits=classifier_layers.classes(network),
                   notes=tuple(notes),
                   license=wanted.get("license"))


def read_folder(weights: Weights, config_file: Path, options: InputOptions) -> Network:
    """The network that a ``config.json`` of timm describes. Raises ZslError."""
    config = configurations.read(config_file)
    args = config.get("model_args") or {}
    if args:
        raise ZslError(f"{config_file}: it was made with the arguments {args}, which zsl does not "
                       "pass on; name a function that makes it with "
                       "`architecture=package.module:factory`")
    return read(weights, str(config["architecture"]), options, config)


def _trained_with(weights: Weights) -> dict[str, Any]:
    """What timm's training program noted of the input."""
    noted = weights.facts.get("args")
    facts = vars(noted) if isinstance(noted, argparse.Namespace) else noted
    if not isinstance(facts, dict):
        return {}
    return {name: facts[name] for name in ("img_size", "input_size", "mean", "std", "crop_pct",
                                           "interpolation", "crop_mode")
            if facts.get(name) is not None}


def input_of(config: dict[str, Any]) -> Input:
    """How timm's transform for evaluation prepares an image. Raises ZslError."""
    _, height, width = config["input_size"]
    if height != width:
        raise ZslError(f"it takes images of {height} x {width}, and zsl only square ones; give "
                       "`size`")
    if config.get("crop_mode", "center") not in _FITS:
        raise ZslError(f"unknown crop mode {config['crop_mode']!r} in its data configuration")
    interpolation = config.get("interpolation", "bicubic")
    return Input(
        Preprocessing(height, crop=height / math.floor(height / config["crop_pct"]),
                      interpolation="bicubic" if interpolation == "random" else interpolation,
                      fit=_FITS[config.get("crop_mode", "center")]),
        mean=tuple(255 * float(value) for value in config["mean"]),
        std=tuple(255 * float(value) for value in config["std"]))


def _timm(name: str) -> Any:
    purpose = f"`architecture=timm:{name}`"
    library("timm.data", purpose)
    return library("timm", purpose)


def _image_size(options: InputOptions, wanted: dict[str, Any]) -> int | None:
    if options.size:
        return options.size
    if wanted.get("img_size"):
        return int(wanted["img_size"])
    return wanted["input_size"][-1] if "input_size" in wanted else None


def _create(timm: Any, name: str, size: int | None, **more: Any) -> nn.Module:
    # A name with a colon or a slash would lead to a hub or a folder.
    if not re.fullmatch(r"[\w.-]+", name) or not timm.is_model(name):
        known = [*timm.list_models(), *timm.list_pretrained()]
        from difflib import get_close_matches

        raise ZslError(f"timm has no model {name!r}; near it: "
                       + (", ".join(get_close_matches(name, known, n=5)) or "none"))
    if size is not None:  # transformers are built for one size; convolutions take any
        try:
            return timm.create_model(name, img_size=size, **more)
        except (TypeError, AssertionError):
            pass
    return timm.create_model(name, **more)


def _classes(wanted: dict[str, Any]) -> tuple[Label, ...] | None:
    """The labels that a timm configuration names, ids apart from names where it has both."""
    names = wanted.get("label_names")
    if not isinstance(names, list):
        return None
    spoken = wanted.get("label_descriptions") or {}
    return tuple(Label(str(name), str(spoken.get(name, name) if isinstance(spoken, dict)
                                      else name)) for name in names)


@alone()
def guess(tensors: dict[str, Tensor]) -> str | None:
    """The ``timm:NAME`` that a state dict fits, if timm is installed and one is found soon."""
    try:
        timm = _timm("")
    except ZslError:
        return None
    return fitting.suggestion(tensors, _others(timm, "resnet"), better_than=0.9)


def _others(timm: Any, name: str) -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """Models of timm, those of a similar name first, then one of each family."""
    family = name.split(".", maxsplit=1)[0].split("_", maxsplit=1)[0].rstrip("0123456789")
    names = timm.list_models()
    near = [other for other in names if other.startswith(family)]
    families: dict[str, str] = {}
    for other in names:
        families.setdefault(other.split("_")[0], other)
    for other in [*near, *families.values()]:
        yield f"timm:{other}", partial(timm.create_model, other, pretrained=False)
