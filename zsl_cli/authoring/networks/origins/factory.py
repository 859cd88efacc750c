"""A user's own network: ``package.module:factory``."""

import importlib
import sys
from pathlib import Path
from typing import Any

from torch import nn

from zsl_cli.authoring.networks import assumed, data_configs, fitting
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.weights import Weights, refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing


def read(weights: Weights, spec: str) -> Network:
    """The network that calling ``factory()`` of ``package.module`` makes, with these weights.

    The module is imported from the current folder or from where Python finds modules; naming it
    is the user's leave to run it. Raises ZslError.
    """
    network = _make(spec)
    notes = fitting.load(network, weights, spec)
    return _described(network, spec, weights, notes)


def of_module(weights: Weights) -> Network:
    """The network that a trusted pickle has made. Raises ZslError."""
    network = weights.module
    assert network is not None
    refuse_broken(weights.tensors, weights.path)
    network.eval().requires_grad_(requires_grad=False)
    kind = type(network)
    return _described(network, f"{kind.__module__}.{kind.__qualname__}", weights,
                      [*weights.notes])


def _described(network: nn.Module, name: str, weights: Weights, notes: list[str]) -> Network:
    network_input = _input(network)
    unsaid = None
    if network_input is None:
        network_input = Input(Preprocessing(224))
        unsaid = assumed.of(network_input, "nothing says it; as for ImageNet")
    return Network(name, network, network_input, weights.files, assumed=unsaid,
                   notes=tuple(notes))


def _make(spec: str) -> nn.Module:
    module_name, _, function_name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        attribute: Any = importlib.import_module(module_name)
        for part in function_name.split("."):
            attribute = getattr(attribute, part)
        network = attribute()
    except Exception as error:  # the user's code
        raise ZslError(f"`architecture={spec}`: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise ZslError(f"`architecture={spec}`: it returns a {type(network).__name__}, not a "
                       "torch.nn.Module")
    return network


def _input(network: nn.Module) -> Input | None:
    """What timm's networks know of their input, if this is one of them."""
    config = getattr(network, "pretrained_cfg", None)
    if not isinstance(config, dict) or not {"input_size", "mean", "std", "crop_pct"} <= {*config}:
        return None
    return data_configs.of_timm({"interpolation": "bicubic", **config})
