"""Classification networks of torchvision, with the preprocessing of their published weights."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import assumed, classifier_layers, fitting
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Input, Network, Original
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import reason

_OLD_NAMES = (  # of the files that torchvision publishes → those of its networks
    (re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)"), r"\1\2"),
    (re.compile(r"(\.mlp)\.linear_1\."), r"\1.0."), (re.compile(r"(\.mlp)\.linear_2\."), r"\1.3."))
_PLACES = "encoder.pos_embedding"


@alone()
def read(weights: Weights, name: str, size: int | None = None) -> Network:
    """The network ``torchvision:NAME`` with these weights.

    size: of its input; by default that which the weights are of.

    Raises ZslError.
    """
    models = _models(name)
    known = models.list_models(module=models)
    if name not in known:
        from difflib import get_close_matches

        raise ZslError(f"torchvision has no classification network {name!r}; near it: "
                       + (", ".join(get_close_matches(name, known, n=5)) or "none"))
    side = size or _trained_side(weights.tensors, models.get_model_builder(name))
    try:
        network = _create(models, name, side)
    except (AssertionError, ValueError) as error:
        raise ZslError(f"torchvision cannot make {name} for {side} pixels: {reason(error)}"
                       ) from error
    notes = fitting.load(network, weights, f"torchvision:{name}",
                         lambda: _others(models, name, known), partial(_converted, side))
    entry, sure = _published(models, name, weights.path, side)
    network_input = _input(entry)
    preset: Any = entry.transforms()
    if side and network_input.preprocessing.size != side:
        network_input = replace(network_input, preprocessing=replace(
            network_input.preprocessing, size=side))
        preset.crop_size = [side]
        preset.resize_size = [round(side / network_input.preprocessing.crop)]
    if hasattr(network, "transform_input"):
        changed: Any = network
        changed.transform_input = True  # as for all weights that are published, or began as those
        if not sure:
            notes.append("its input is changed to the normalisation that the published weights of "
                         f"{name} are from; of weights that did not begin as those, give a "
                         "function that makes the network with `architecture=package.module:"
                         "factory`")
    return Network(
        f"torchvision:{name}", network, network_input, weights.files,
        logits=classifier_layers.classes(network), notes=tuple(notes),
        assumed=None if sure else assumed.of(
            network_input, f"these weights are none of those published; as for {entry}"),
        original=Original(_version(), preset, network))


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


def _create(models: Any, name: str, side: int | None) -> nn.Module:
    """The network without weights, for images of a size where it is built for one."""
    options: dict[str, Any] = {}
    if name.startswith("vit_") and side:
        options["image_size"] = side
    if name in ("inception_v3", "googlenet"):  # their auxiliary classifiers are for training alone
        options |= {"init_weights": False, "aux_logits": False}
    return models.get_model(name, weights=None, **options)


def _trained_side(tensors: dict[str, Tensor], builder: Any) -> int | None:
    """The size of the images that the position embeddings of a vision transformer are for."""
    places = next((value for key, value in tensors.items() if key.endswith(_PLACES)), None)
    patch = re.search(r"vit_\w_(\d+)$", builder.__name__)
    if places is None or places.ndim != 3 or patch is None:
        return None
    grid = round((places.shape[1] - 1) ** 0.5)
    return grid * int(patch[1]) if grid ** 2 + 1 == places.shape[1] else None


def _converted(side: int | None, network: nn.Module,
               tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The keys that torchvision's own files had in earlier releases, and position embeddings for
    images of another size."""
    for pattern, new in _OLD_NAMES:
        tensors = {pattern.sub(new, key): value for key, value in tensors.items()}
    if side and _PLACES in tensors:
        from torchvision.models.vision_transformer import interpolate_embeddings

        tensors = interpolate_embeddings(side, network.patch_size, tensors)
    return tensors


def _version() -> str:
    import torchvision

    return f"torchvision {torchvision.__version__}"


def _published(models: Any, name: str, file: Path, side: int | None) -> tuple[Any, bool]:
    """The published weights whose file this is, by its name or by the hash in that name, and True;
    or else those for images of this size, or the default ones: several trainings of a network
    differ in their preprocessing."""
    entries = list(models.get_model_weights(name))
    names = [entry.url.rsplit("/", 1)[-1] for entry in entries]
    if file.name in names:
        return entries[names.index(file.name)], True
    digest = folders.sha256(file)
    for entry, published in zip(entries, names, strict=True):
        if (begins := re.search(r"-([0-9a-f]{8,})\.pth$", published)) and (
                digest.startswith(begins[1])):
            return entry, True
    entry = models.get_model_weights(name).DEFAULT
    if side and entry.transforms().crop_size[0] != side:
        entry = next((one for one in entries if one.transforms().crop_size[0] == side), entry)
    return entry, False


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
