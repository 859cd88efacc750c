"""A state dict into a network: under which prefix it fits, and what does not fit."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks.weights import Weights, refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_SECONDS = 10.0
"""How long other architectures are tried for a suggestion."""

_NOT_LEARNED = re.compile(r"(num_batches_tracked|position_ids|relative_position_index|"
                          r"attn_mask|n_averaged|total_ops|total_params)$")
"""Buffers that networks compute themselves; some versions save them and some do not."""


@dataclass(frozen=True)
class Match:
    """How a state dict fits a network: the keys that do not, and how many do, and after which
    prefix."""

    prefix: str
    fitting: int
    missing: list[str]
    unexpected: list[str]
    misshapen: list[str]
    elsewhere: list[str]

    @property
    def fits(self) -> bool:
        """Whether every weight of the network has its tensor, and the other way round."""
        return not (self.missing or self.unexpected or self.misshapen)

    @property
    def share(self) -> float:
        """Of all keys of both sides, those that go together, 0 to 1."""
        wrong = len(self.missing) + len(self.unexpected) + len(self.misshapen)
        return self.fitting / max(self.fitting + wrong, 1)


def match(network: nn.Module, tensors: dict[str, Tensor]) -> Match:
    """Compare a network's keys and shapes with those of a state dict.

    A prefix such as ``module.`` or ``model.backbone.`` before every key is found; tensors that
    lie outside it belong to something else (a loss, another head) and are ``elsewhere``.
    """
    expected = network.state_dict()
    prefixes: Counter[str] = Counter()
    for key in tensors:
        parts = key.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in expected:
                prefixes["".join(part + "." for part in parts[:start])] += 1
    prefix = max(prefixes, key=lambda name: (prefixes[name], -len(name)), default="")
    inside = {key.removeprefix(prefix): value for key, value in tensors.items()
              if key.startswith(prefix)}
    return Match(
        prefix, sum(key in inside and inside[key].shape == value.shape
                    for key, value in expected.items()),
        missing=[key for key in expected if key not in inside and not _NOT_LEARNED.search(key)],
        unexpected=[key for key in inside if key not in expected
                    and not _NOT_LEARNED.search(key)],
        misshapen=[key for key, value in expected.items()
                   if key in inside and inside[key].shape != value.shape],
        elsewhere=[key for key in tensors if not key.startswith(prefix)
                   and not _NOT_LEARNED.search(key)])


def load(network: nn.Module, weights: Weights, architecture: str,
         others: Callable[[], "Iterable[tuple[str, Callable[[], nn.Module]]]"] = lambda: (),
         ) -> list[str]:
    """Copy weights into a network and put it into eval mode; returns notes for the user.

    The last linear layer takes the number of classes that the weights have; without weights for
    it, it is taken out.

    others: names and makers of architectures that may be meant instead, the likeliest first.

    Raises ZslError that lists what is missing, unexpected, of another shape or not finite, and
    names the architecture that fits best.
    """
    notes = [*weights.notes]
    fit = _with_classes_of(network, weights.tensors, notes)
    if not fit.fits:
        raise ZslError(_misfit(fit, weights, architecture, others()))
    tensors = {key.removeprefix(fit.prefix): value for key, value in weights.tensors.items()
               if key.startswith(fit.prefix)}
    expected = network.state_dict()
    tensors = {key: value for key, value in tensors.items() if key in expected}
    refuse_broken(tensors, weights.path)
    odd = [f"{key} ({value.dtype})" for key, value in tensors.items()
           if expected[key].is_floating_point() and not value.is_floating_point()]
    if odd:
        raise ZslError(f"{weights.path}: weights that are no real numbers: {listed(odd)}")
    if fit.elsewhere:
        notes.append(f"{len(fit.elsewhere)} tensors outside {fit.prefix!r} are left aside: "
                     f"{listed(fit.elsewhere, 3)}")
    network.load_state_dict(tensors, strict=False)
    network.eval().requires_grad_(requires_grad=False)
    return notes


def _with_classes_of(network: nn.Module, tensors: dict[str, Tensor], notes: list[str]) -> Match:
    """The match after the last linear layer was given the weights' number of classes."""
    fit = match(network, tensors)
    name, last = next(((name, module) for name, module in reversed(list(network.named_modules()))
                       if isinstance(module, nn.Linear)), ("", None))
    if not name or last is None or fit.fits:
        return fit
    own = {f"{name}.weight", f"{name}.bias"}
    weight = tensors.get(f"{fit.prefix}{name}.weight")
    bias = f"{fit.prefix}{name}.bias" in tensors
    if weight is None and own >= set(fit.missing):
        network.set_submodule(name, nn.Identity())
        notes.append(f"no weights for the classifier {name}: the network ends before it")
    elif weight is not None and weight.ndim == 2 and weight.shape[1] == last.in_features:
        network.set_submodule(name, nn.Linear(last.in_features, len(weight), bias=bias))
    else:
        return fit
    return match(network, tensors)


def _misfit(fit: Match, weights: Weights, architecture: str,
            others: "Iterable[tuple[str, Callable[[], nn.Module]]]") -> str:
    problems = [f"{len(keys)} {what}: {listed(keys)}" for what, keys in (
        ("missing", fit.missing), ("unexpected", fit.unexpected),
        ("of another shape", fit.misshapen)) if keys]
    best = suggestion(weights.tensors, others, better_than=max(fit.share, 0.9))
    advice = f"; `architecture={best}` fits better" if best else ""
    return f"{weights.path}: these weights are not {architecture}'s; {'; '.join(problems)}{advice}"


def suggestion(tensors: dict[str, Tensor],
               others: "Iterable[tuple[str, Callable[[], nn.Module]]]",
               better_than: float = 0.5) -> str | None:
    """The name of the architecture that a state dict fits best, its class count aside."""
    best, best_share = None, better_than
    until = time.monotonic() + _SECONDS
    for name, make in others:
        if time.monotonic() > until or best_share == 1:
            break
        try:
            with torch.device("meta"):
                share = _with_classes_of(make(), tensors, []).share
        except Exception:  # an architecture that cannot be made here is no suggestion
            continue
        if share > best_share:
            best, best_share = name, share
    return best
