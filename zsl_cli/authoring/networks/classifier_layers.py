"""A network's classifier as the weights have it: another number of classes, none, or one that
fine-tuning has put in its place."""

import re

from torch import Tensor, nn

from zsl_cli.authoring.networks.matching import Match, bare, match
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

REMEDY = ("name a function that makes the network as it was trained, with "
          "`architecture=package.module:factory`")

Layer = nn.Linear | nn.Conv2d

_HEAD = re.compile(r"(?:.+\.)?(?:head|fc|classifier|cls_head|classification_head|linear|1)")
"""What people call a layer that they put behind a network."""


def fit(network: nn.Module, tensors: dict[str, Tensor],
        notes: list[str]) -> tuple[Match, dict[str, Tensor]]:
    """The match after the network was given the weights' classifier, and the tensors, keyed as the
    match has them. Raises ZslError for a classifier of several layers in place of one."""
    found = _with_channels(network, match(network, tensors), tensors)
    layers = _layers(network)
    if found.fits or not layers:
        return found, tensors
    tensors = _in_place(network, tensors, found, layers, notes)
    tensors = _behind(tensors, match(network, tensors), layers, notes)
    given = _given(found.prefix, tensors)
    for name, layer in layers.items():
        weight = given.get(f"{name}.weight")
        shaped = None if weight is None else _reshaped(weight, layer)
        if weight is not None and shaped is not None:
            tensors[_key(found.prefix, f"{name}.weight", tensors)] = shaped
            _set(network, name, layer, len(weight), bias=f"{name}.bias" in given)
            network.num_classes = len(weight)  # type: ignore[assignment]
    found = match(network, tensors)
    own = {f"{name}.{part}" for name in layers for part in ("weight", "bias")}
    if found.missing and own >= {*found.missing} and not (
            found.unexpected or found.misshapen
            or any(f"{name}.weight" in given for name in layers)):
        for name in layers:
            network.set_submodule(name, nn.Identity())
        network.num_classes = 0  # type: ignore[assignment]
        notes.append(f"no weights for the classifier {' and '.join(layers)}: the network ends "
                     "before it")
        found = match(network, tensors)
    return found, tensors


def _with_channels(network: nn.Module, found: Match, tensors: dict[str, Tensor]) -> Match:
    """The match after the first convolution was given the channels that the weights have."""
    name, first = next(((name, module) for name, module in network.named_modules()
                        if isinstance(module, nn.Conv2d)), ("", None))
    if first is None or not name or f"{name}.weight" not in found.misshapen or first.groups > 1:
        return found
    given, own = tensors[found.taken[f"{name}.weight"]].shape, first.weight.shape
    if len(given) != 4 or own[1] != 3 or (given[0], *given[2:]) != (own[0], *own[2:]):
        return found
    network.set_submodule(name, nn.Conv2d(
        given[1], first.out_channels, first.kernel_size, first.stride, first.padding,  # type: ignore[arg-type]
        first.dilation, bias=first.bias is not None, device=first.weight.device))  # type: ignore[arg-type]
    return match(network, tensors)


def classes(network: nn.Module) -> int | None:
    """How many classes the output of a library's classification network has a logit of; none after
    its classifier was taken out."""
    known = getattr(network, "num_classes", None)
    if not isinstance(known, int):
        known = next((_outputs(layer) for layer in _layers(network).values()), None)
    return known or None


def _layers(network: nn.Module) -> dict[str, Layer]:
    """The layers that give class logits, by name: the last linear one, and others of as many
    outputs; of a network without any, its last convolution."""
    modules = {name: module for name, module in network.named_modules() if name}
    last = next((module for kind in (nn.Linear, nn.Conv2d) for module in reversed(modules.values())
                 if isinstance(module, kind)), None)
    if not isinstance(last, Layer):
        return {}
    classes = _outputs(last)
    wanted = getattr(network, "num_classes", None) == classes
    found = {name: module for name, module in modules.items() if module is last or (
        wanted and isinstance(module, type(last)) and _outputs(module) == classes
        and any(part.lower() in ("head", "head_dist", "fc", "classifier") for part in
                name.split(".")))}
    return {name: module for name, module in found.items() if isinstance(module, Layer)}


def _outputs(layer: Layer) -> int:
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def _inputs(layer: Layer) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


def _reshaped(weight: Tensor, layer: Layer) -> Tensor | None:
    """A layer's weight of another number of classes; None for one of another layer. A linear layer
    and a convolution of one pixel are the same."""
    wanted = layer.weight.shape[1:]
    if weight.ndim < 2 or weight.shape[1] != wanted[0] or (
            weight[0].numel() != wanted.numel()):
        return None
    return weight.reshape(len(weight), *wanted)


def _set(network: nn.Module, name: str, layer: Layer, classes: int, *, bias: bool) -> None:
    """Put a layer of so many classes in a layer's place."""
    if _outputs(layer) == classes and (layer.bias is not None) == bias:
        return
    if isinstance(layer, nn.Linear):
        network.set_submodule(name, nn.Linear(layer.in_features, classes, bias=bias,
                                              device=layer.weight.device))
        return
    network.set_submodule(name, nn.Conv2d(
        layer.in_channels, classes, layer.kernel_size, layer.stride, layer.padding,  # type: ignore[arg-type]
        bias=bias, device=layer.weight.device))


def _given(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {bare(key).removeprefix(prefix): value for key, value in tensors.items()
            if bare(key).startswith(prefix)}


def _key(prefix: str, name: str, tensors: dict[str, Tensor]) -> str:
    return next(key for key in tensors if bare(key) == prefix + name)


def _in_place(network: nn.Module, tensors: dict[str, Tensor], found: Match,
              layers: dict[str, Layer], notes: list[str]) -> dict[str, Tensor]:
    """The tensors, those of one layer that lies where the classifier was (``fc.1`` where ``fc``
    was) by its name."""
    given = _given(found.prefix, tensors)
    tensors = dict(tensors)
    for name, layer in layers.items():
        root = _root(network, name)
        if f"{name}.weight" in given or not {*found.missing} <= {
                f"{one}.{part}" for one in layers for part in ("weight", "bias")}:
            continue
        there = {key: value for key, value in given.items() if key.startswith(f"{root}.")}
        matrices = [key for key, value in there.items() if key.endswith("weight")
                    and _reshaped(value, layer) is not None]
        if not there:
            continue
        new = matrices[0].removesuffix(".weight") if matrices else ""
        if len(matrices) != 1 or {*there} - {f"{new}.weight", f"{new}.bias"}:
            raise ZslError(f"its classifier {root} has other layers ({listed(sorted(there), 4)}), "
                           "and weights do not say what lies between them; " + REMEDY
                           + ", or take them out of the file, for the features before them")
        notes.append(f"{new} is its classifier, in the place of {name}; what else was put there "
                     "has no weights (dropout), and is taken to do nothing")
        for part in ("weight", "bias"):
            if f"{new}.{part}" in there:
                tensors[f"{found.prefix}{name}.{part}"] = tensors.pop(
                    _key(found.prefix, f"{new}.{part}", tensors))
    return tensors


def _behind(tensors: dict[str, Tensor], found: Match, layers: dict[str, Layer],
            notes: list[str]) -> dict[str, Tensor]:
    """The tensors, a layer that lies behind the network (``head`` beside ``backbone.``) by the name
    of the classifier that the network has none of."""
    name, layer = next(iter(layers.items()))
    mine = [f"{name}.weight", f"{name}.bias"]
    weights = [key for key in found.elsewhere if key.endswith(".weight")]
    if len(layers) > 1 or len(weights) != 1 or not found.prefix or f"{name}.weight" not in (
            found.missing) or not {*mine} >= {*found.missing} or found.misshapen:
        return tensors
    there = weights[0].removesuffix(".weight")
    if not _HEAD.fullmatch(there) or {*found.elsewhere} - {f"{there}.weight", f"{there}.bias"} or (
            tensors[weights[0]].ndim != 2 or _reshaped(tensors[weights[0]], layer) is None):
        return tensors
    notes.append(f"{there}, behind {found.prefix!r}, is its classifier; what else lies between the "
                 "two has no weights (dropout), and is taken to do nothing")
    moved = {f"{there}.{part}": f"{found.prefix}{name}.{part}" for part in ("weight", "bias")}
    return {moved.get(key, key): value for key, value in tensors.items()}


def _root(network: nn.Module, name: str) -> str:
    """The outermost module above a layer that has no other weights."""
    keys = [*network.state_dict()]
    own = {f"{name}.weight", f"{name}.bias"}
    root = name
    while (above := root.rpartition(".")[0]) and all(
            key in own for key in keys if key.startswith(f"{above}.")):
        root = above
    return root
