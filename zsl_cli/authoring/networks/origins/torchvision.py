"""Classification networks of torchvision, with the preprocessing of their published weights."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import fitting
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing


@alone()
def read(weights: Weights, name: str) -> Network:
    """The network ``torchvision:NAME`` with these weights. Raises ZslError."""
    models = _models(name)
    known = models.list_models(module=models)
    if name not in known:
        from difflib import get_close_matches

        raise ZslError(f"torchvision has no classification network {name!r}; near it: "
                       + (", ".join(get_close_matches(name, known, n=5)) or "none"))
    network = models.get_model(name, weights=None)
    notes = fitting.load(network, weights, f"torchvision:{name}",
                         lambda: _others(models, name, known))
    entry, note = _published(models, name, weights.path.name)
    return Network(f"torchvision:{name}", network, _input(entry), weights.files,
                   notes=(*notes, *note))


@alone()
def guess(tensors: dict[str, Tensor]) -> str | None:
    """The ``torchvision:NAME`` that a state dict fits, if torchvision is installed."""
    try:
        models = _models("")
    except ZslError:
        return None
    others = _others(models, "resnet", models.list_models(module=models))
    return fitting.suggestion(tensors, others, better_than=0.9)


def _models(name: str) -> Any:
    return library("torchvision.models", f"`architecture=torchvision:{name}`")


def _published(models: Any, name: str, file: str) -> tuple[Any, list[str]]:
    """The published weights whose file this is, or else the default ones: several trainings of
    a network differ in their preprocessing."""
    entries = list(models.get_model_weights(name))
    for entry in entries:
        if entry.url.rsplit("/", 1)[-1] == file:
            return entry, []
    entry = models.get_model_weights(name).DEFAULT
    if len(entries) > 1:
        return entry, [f"preprocessing as for {entry}; say otherwise with `size`, `crop`, `mean`, "
                       "`std` and `interpolation`"]
    return entry, []


def _input(entry: Any) -> Input:
    preset = entry.transforms()
    size, resized = preset.crop_size[0], preset.resize_size[0]
    return Input(Preprocessing(size, crop=min(size / resized, 1.0),
                               interpolation=preset.interpolation.value),
                 mean=tuple(255 * value for value in preset.mean),
                 std=tuple(255 * value for value in preset.std))


def _others(models: Any, name: str, known: list[str],
            ) -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    family = name.split("_", maxsplit=1)[0].rstrip("0123456789")
    for other in sorted(known, key=lambda other: not other.startswith(family)):
        yield f"torchvision:{other}", partial(models.get_model, other, weights=None)
