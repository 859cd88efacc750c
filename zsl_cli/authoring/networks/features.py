"""Where in a network its features are: what goes into the classifier, or any node by name."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree

from zsl_cli.authoring.networks import several_heads
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import reason

_CLOSE = 1e-3
"""How far apart, relatively, two ways through a network may be."""


@dataclass(frozen=True)
class Features:
    """A network cut at its features.

    body: normalised pixels ``[n, 3, S, S]`` → features ``[n, F]``.
    width: F.
    classifier: the linear layer ``[C, F]`` over the features, if there is one.
    where: what was taken, for people.
    classifier_name: where in the network the classifier was, if it was taken out of it.
    kernel: what the shape of its weight had behind ``[C, F]`` there: a convolution of one pixel
        over pooled features is the same as a linear layer.
    """

    body: nn.Module
    width: int
    classifier: nn.Linear | None
    where: str
    classifier_name: str = ""
    kernel: tuple[int, ...] = ()

    def state_dict(self, network: nn.Module) -> dict[str, Tensor]:
        """The weights of the network that was cut, as they are now, the classifier's among
        them."""
        state = dict(network.state_dict())
        if self.classifier is not None and self.classifier_name:
            for name, value in self.classifier.state_dict().items():
                state[f"{self.classifier_name}.{name}"] = value.reshape(
                    *value.shape, *(self.kernel if name == "weight" else ()))
        return {name: value.detach().clone() for name, value in state.items()}


class OneTensor(nn.Module):
    """A network whose output is one tensor ``[n, F]``, whatever it wraps it in."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → ``[n, F]``."""
        return pooled(first_tensor(self.network(pixels)), "the network's output")


class AtNode(nn.Module):
    """A network up to one of its modules."""

    def __init__(self, network: nn.Module, name: str) -> None:
        """Raises ZslError when there is no module of this name."""
        super().__init__()
        modules = dict(network.named_modules())
        if name not in modules:
            from difflib import get_close_matches

            close = get_close_matches(name, modules, n=5, cutoff=0.3)
            raise ZslError(f"`feature_node={name}`: the network has no such module"
                           + (f"; near it: {', '.join(close)}" if close else ""))
        self.network = network
        self.name = name
        self._caught: list[Tensor] = []
        modules[name].register_forward_hook(
            lambda _module, _given, output: self._caught.append(first_tensor(output)))

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → ``[n, F]``."""
        self._caught.clear()
        self.network(pixels)
        if not self._caught:
            raise ZslError(f"`feature_node={self.name}`: the network does not use this module")
        caught = pooled(self._caught[-1], f"`feature_node={self.name}`")
        self._caught.clear()  # a tensor of a trace must not outlive it
        return caught


def first_tensor(output: Any) -> Tensor:
    """The logits or the embedding among what a network returns."""
    found = _named(output, Tensor)
    if found is None:
        found = next((value for value in _values(output) if isinstance(value, Tensor)), None)
    if found is not None:
        return found
    raise ZslError(f"the network returns a {type(output).__name__}, and zsl wants a tensor; name "
                   "a module that gives one with `feature_node`")


def _named(output: Any, kind: type) -> Any:
    """What a network returns itself, or by one of the names that libraries have for its result."""
    if isinstance(output, kind):
        return output
    for name in ("logits", "image_embeds", "pooler_output", "out"):
        part = output.get(name) if isinstance(output, dict) else getattr(output, name, None)
        if isinstance(part, kind):
            return part
    return None


def _values(output: Any) -> list[Any]:
    """The parts of what a network returns."""
    if isinstance(output, dict):
        return [*output.values()]
    return [*output] if isinstance(output, tuple | list) else []


def pooled(maps: Tensor, what: str) -> Tensor:
    """``[n, F]`` as it is; feature maps ``[n, F, h, w]`` by their mean."""
    if maps.ndim == 4:
        return maps.mean((2, 3))
    if maps.ndim != 2:
        raise ZslError(f"{what} is {list(maps.shape)}; features must be [n, F] or [n, F, h, w]: "
                       "name another module with `feature_node`")
    return maps


def of_logits(cut: Features) -> Features:
    """A network whose output are class logits that no one layer gives (two heads, or a convolution
    and what follows it), each logit its class's own feature."""
    classifier = nn.Linear(cut.width, cut.width, bias=False).requires_grad_(requires_grad=False)
    nn.init.eye_(classifier.weight)
    return Features(cut.body, cut.width, classifier, "output, its class logits")


def find(network: nn.Module, example: Tensor, source: str = "auto", node: str | None = None,
         width: int | None = None) -> Features:
    """Cut a network at its features.

    example: normalised pixels ``[2, 3, S, S]``.
    source: ``penultimate``, what goes into the last linear layer; ``output``, what comes out of
        the network; ``auto``, the first of these that there is and that has the ``width`` which
        a projection wants.
    node: a module's name (of a graph: a node's), instead.

    Raises ZslError when there is nothing of the kind, or when the network does not run.
    """
    graph = network if isinstance(network, fx.GraphModule) else None
    # An exported program cannot be put into eval mode, a copy of its graph can.
    whole = OneTensor(network if graph is None else _cut(graph, _returned(graph)))
    try:
        with torch.inference_mode():
            if node is not None:
                body = (OneTensor(_cut(graph, _node(graph, node))) if graph is not None
                        else AtNode(network, node))
                return Features(body, body(example).shape[1], None, f"node {node}")
            output = whole(example)
            penultimate = None if source == "output" else (
                _before_last_linear_node(graph, example, output) if graph is not None
                else _before_last_linear(whole, example, output)
                or _before_several_heads(network, example))
    except ZslError:
        raise
    except Exception as error:  # whatever a foreign network's forward raises
        channels = _channels(network)
        raise ZslError(
            f"the network takes {channels} channels, and a photo has three" if channels not in
            (None, example.shape[1]) else f"the network does not run on an image of "
            f"{list(example.shape[1:])}: {reason(error)}") from error
    at_output = Features(whole, output.shape[1], None, "output")
    if source == "output" or (penultimate is None and source == "auto"):
        return at_output
    if penultimate is None:
        raise ZslError("no linear layer gives the network's output, so its penultimate features "
                       "are not found; name the module that gives them with `feature_node`, or "
                       "take its output with `features_from=output`")
    if source == "auto" and width == at_output.width != penultimate.width:
        return _restored(penultimate, at_output)
    return penultimate


def _channels(network: nn.Module) -> int | None:
    """How many channels the first convolution takes, if there is one."""
    return next((module.in_channels for module in network.modules()
                 if isinstance(module, nn.Conv2d)), None)


def takes_grey(network: nn.Module) -> bool:
    """Whether a network takes pictures of one channel."""
    return _channels(network) == 1


def _restored(penultimate: Features, at_output: Features) -> Features:
    """The network's output again, after its classifier was taken out."""
    assert penultimate.classifier is not None
    return Features(nn.Sequential(penultimate.body, penultimate.classifier), at_output.width,
                    None, "output")


def _before_last_linear(whole: OneTensor, example: Tensor, output: Tensor) -> Features | None:
    """The network without the linear layer whose output is the network's own; a convolution of
    pooled features is one."""
    caught: dict[str, Tensor] = {}
    layers = {name: module for name, module in whole.network.named_modules()
              if isinstance(module, nn.Linear | nn.Conv2d)}
    hooks = [module.register_forward_hook(
        lambda _module, _given, result, name=name: caught.__setitem__(name, _without_sides(result)))
        for name, module in layers.items()]
    whole(example)
    for hook in hooks:
        hook.remove()
    for name in reversed(caught):
        if caught[name].shape == output.shape and torch.equal(caught[name], output):
            layer = layers[name]
            if not name:  # the network is nothing but a linear layer
                return None
            whole.network.set_submodule(name, nn.Identity())
            features, linear = _without_failing(whole, example), _as_linear(layer)
            if features is not None and features.shape[1] == linear.in_features and _close(
                    linear(features), output):
                return Features(whole, linear.in_features, linear, f"penultimate, input of {name}",
                                name, tuple(layer.weight.shape[2:]))
            whole.network.set_submodule(name, layer)
    return None


def _without_failing(whole: OneTensor, example: Tensor) -> Tensor | None:
    """What a network gives without one of its layers; None where what follows can't do without: two
    heads, say, whose mean was the same as each for this example."""
    try:
        return whole(example)
    except Exception:
        return None


def _before_several_heads(network: nn.Module, example: Tensor) -> Features | None:
    """The same for heads whose mean is the network's output."""
    heads = several_heads.names(network)
    if not heads:
        return None
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    found = several_heads.merged(network, noise)
    if found is None:
        return None
    body, layer = found
    return Features(body, layer.in_features, layer, f"penultimate, input of {' and '.join(heads)}")


def _without_sides(output: Tensor) -> Tensor:
    """Feature maps of one pixel as ``[n, F]``."""
    return output.flatten(1) if output.ndim == 4 and output.shape[2:] == (1, 1) else output


def _as_linear(layer: nn.Linear | nn.Conv2d) -> nn.Linear:
    """A convolution, of one pixel and all channels at once, as the linear layer that it is."""
    if isinstance(layer, nn.Linear):
        return layer
    weight = layer.weight.detach().flatten(1)
    linear = nn.Linear(weight.shape[1], len(weight), bias=layer.bias is not None)
    linear.weight = nn.Parameter(weight, requires_grad=False)
    if layer.bias is not None:
        linear.bias = nn.Parameter(layer.bias.detach(), requires_grad=False)
    return linear


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= _CLOSE * b.abs().max().clamp_min(1e-6))


def _node(graph: fx.GraphModule, name: str) -> fx.Node:
    for node in graph.graph.nodes:
        if node.name == name:
            return node
    names = [node.name for node in graph.graph.nodes if node.op == "call_function"]
    raise ZslError(f"`feature_node={name}`: the program has no such node; its last ones are "
                   + ", ".join(names[-10:]))


def _cut(graph: fx.GraphModule, at: fx.Node) -> fx.GraphModule:
    """A copy of a program that returns what one of its nodes gives."""
    copy = fx.Graph()
    known: dict[fx.Node, fx.Node] = {}
    for node in graph.graph.nodes:
        if node.op == "output":
            continue
        known[node] = copy.node_copy(node, lambda n: known[n])
        if node is at:
            break
    copy.output(known[at])
    module = fx.GraphModule(graph, copy)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _returned(graph: fx.GraphModule) -> fx.Node:
    """The node whose value a program returns; of several the one of a known name, or a linear layer
    over another one, or the first."""
    last = next(node for node in reversed(graph.graph.nodes) if node.op == "output")
    nodes = last.all_input_nodes
    if not nodes:
        raise ZslError("the program returns nothing that it computes")
    spec = getattr(getattr(graph.graph._codegen, "pytree_info", None), "out_spec", None)
    flat = last.args[0] if isinstance(last.args[0], tuple | list) else ()
    if len(nodes) > 1 and spec is not None and len(flat) == spec.num_leaves:
        named = _named(_pytree.tree_unflatten([*flat], spec), fx.Node)
        if named is not None:
            return named
    return next((node for node in nodes if node.target is torch.ops.aten.linear.default
                 and node.args[0] in nodes), nodes[0])


def _before_last_linear_node(graph: fx.GraphModule, example: Tensor,
                             output: Tensor) -> Features | None:
    """The same for a program: its last ``aten.linear``, if nothing follows it."""
    returned = _returned(graph)
    if returned.target is not torch.ops.aten.linear.default:
        return None
    features, weight, *rest = returned.args
    parameters = [_parameter(graph, node) for node in (weight, *rest) if node is not None]
    if not isinstance(features, fx.Node) or not all(
            isinstance(value, Tensor) for value in parameters):
        return None
    layer = nn.Linear(parameters[0].shape[1], parameters[0].shape[0], bias=len(parameters) > 1)
    layer.weight = nn.Parameter(parameters[0].detach(), requires_grad=False)
    if len(parameters) > 1:
        layer.bias = nn.Parameter(parameters[1].detach(), requires_grad=False)
    body = OneTensor(_cut(graph, features))
    if not _close(layer(body(example)), output):
        return None
    return Features(body, layer.in_features, layer, f"penultimate, input of {returned.name}")


def _parameter(graph: fx.GraphModule, node: Any) -> Any:
    if not isinstance(node, fx.Node) or node.op != "get_attr":
        return None
    value: Any = graph
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return value
