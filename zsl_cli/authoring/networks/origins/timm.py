"""Image networks of timm, with timm's own record of how their input was prepared."""

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import (
    assumed,
    classifier_layers,
    configurations,
    data_configs,
    fitting,
)
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Network, Original
from zsl_cli.authoring.networks.origins import timm_weights
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import reason, shown
from zsl_cli.vocabulary.names.label import Label

_OF_THE_FACTORY = ("checkpoint_path", "cache_dir", "scriptable", "exportable", "no_jit",
                   "features_only")
"""Arguments of ``timm.create_model`` that do not describe a network."""


def describes(config: dict[str, Any]) -> bool:
    """Whether a ``config.json`` is one of timm, or that of a network of timm's in transformers."""
    return "architecture" in config and config.get("model_type") in (None, "timm_wrapper")


@alone()
def read(weights: Weights, name: str, options: InputOptions, config_file: Path | None = None,
         ) -> Network:
    """The network ``timm:NAME`` with these weights.

    config_file: the ``config.json`` that timm writes beside a checkpoint; its preprocessing goes
        before that which timm knows for the name.

    Raises ZslError.
    """
    timm = _timm(name)
    config = configurations.read(config_file) if config_file else {}
    said = data_configs.pretrained_cfg_of(config, config_file) if config_file else {}
    noted = _trained_with(weights)
    asked = {key: value for key, value in noted.items() if value is not None}
    size = _image_size(options, {**said, **asked})
    arguments = _arguments(config, config_file)
    make = partial(_create, timm, name, size, **arguments)
    told = timm_weights.trained(weights, make)
    if size is not None:
        told.pop("img_size", None)
    weights = timm_weights.noted(weights, told)
    size = told.pop("img_size", size)
    if size and not options.size:
        options = replace(options, size=size)
    make = partial(_create, timm, name, size, **{**arguments, **told})
    network = make()
    notes = fitting.load(network, weights, f"timm:{name}", lambda: _others(timm, name),
                         timm_weights.conversion(timm, make))
    known: Any = network.pretrained_cfg
    if options.size:
        asked["input_size"] = (3, options.size, options.size)
    if options.crop:
        asked["crop_pct"] = options.crop
    resolved = timm.data.resolve_data_config(asked, pretrained_cfg={**known, **said})
    prepared = data_configs.of_timm(resolved)
    unsaid = [option for key, option in data_configs.TIMM_OPTIONS.items()
              if key not in said and key not in asked and not noted]
    return Network(
        f"timm:{name}", network, prepared, weights.files, classes=_classes(said),
        logits=classifier_layers.classes(network), notes=tuple(notes), license=said.get("license"),
        assumed=assumed.of(prepared, f"no file says it; as timm knows it for {name}", unsaid),
        original=Original(f"timm {timm.__version__}", timm.data.create_transform(
            **resolved, is_training=False), network))


def read_folder(weights: Weights, config_file: Path, options: InputOptions) -> Network:
    """The network that a ``config.json`` of timm describes. Raises ZslError."""
    config = configurations.read(config_file)
    if "model_type" in config:  # transformers' would follow it
        configurations.vet(config, config_file)
    return read(weights, str(config["architecture"]), options, config_file)


def _arguments(config: dict[str, Any], file: Path | None) -> dict[str, Any]:
    """What timm has noted of how the network was made, without what could lead elsewhere."""
    arguments = config.get("model_args") or {}
    if not isinstance(arguments, dict):
        raise ZslError(f"{file}: model_args: an object is expected")
    if file is not None:
        configurations.vet({"model_args": arguments}, file)
    if type(config.get("num_classes")) is int:
        arguments = {"num_classes": config["num_classes"], **arguments}
    return {name: tuple(value) if isinstance(value, list) else value
            for name, value in arguments.items()
            if name not in _OF_THE_FACTORY and not name.startswith("pretrained")}


def _trained_with(weights: Weights) -> dict[str, Any]:
    """What timm's training program noted of the input; without a value for what it took as timm
    knows it for the name."""
    noted = weights.facts.get("args")
    facts = vars(noted) if isinstance(noted, argparse.Namespace) else noted
    if not isinstance(facts, dict):
        return {}
    return {name: facts[name] for name in ("img_size", "input_size", "mean", "std", "crop_pct",
                                           "interpolation", "crop_mode") if name in facts}


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


def _create(timm: Any, name: str, size: int | None, **arguments: Any) -> nn.Module:
    # A name with a colon or a slash would lead to a hub or a folder.
    if not re.fullmatch(r"[\w.-]+", name) or not timm.is_model(name):
        known = [*timm.list_models(), *timm.list_pretrained()]
        from difflib import get_close_matches

        raise ZslError(f"timm has no model {name!r}; near it: "
                       + (", ".join(get_close_matches(name, known, n=5)) or "none"))
    if size is not None:  # transformers are built for one size; convolutions take any
        try:
            return timm.create_model(name, **{**arguments, "img_size": size})
        except (TypeError, AssertionError):
            pass
    try:
        return timm.create_model(name, **arguments)
    except (TypeError, ValueError, AssertionError) as error:
        raise ZslError(f"timm cannot make {name} with the arguments {shown(str(arguments))}: "
                       f"{reason(error)}") from error


def _classes(said: dict[str, Any]) -> tuple[Label, ...] | None:
    """The labels that a timm configuration names, ids apart from names where it has both."""
    names = said.get("label_names")
    if isinstance(names, dict):  # by the row of the classifier
        rows = {int(row): name for row, name in names.items()}
        names = [rows[row] for row in range(len(rows))] if {*rows} == {*range(len(rows))} else None
    if not isinstance(names, list) or not names:
        return None
    spoken = said.get("label_descriptions") or {}
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
