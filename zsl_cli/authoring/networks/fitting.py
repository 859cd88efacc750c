"""A state dict into a network, and what is said where it does not fit."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import adapters, classifier_layers, matching
from zsl_cli.authoring.networks.matching import Match, match
from zsl_cli.authoring.networks.weights import Weights, refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

__all__ = ["Match", "load", "match", "suggestion"]

_SECONDS = 10.0
"""How long other architectures are tried for a suggestion."""

_CHANGED = 0.5
"""The least share of keys that fit where the network is the right one, and was changed."""

Conversion = Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]
"""A library's own way from the keys and sizes of other releases to those of its network."""


def load(network: nn.Module, weights: Weights, architecture: str,
         others: Callable[[], "Iterable[tuple[str, Callable[[], nn.Module]]]"] = lambda: (),
         conversion: Conversion | None = None, *, classifier: bool = True) -> list[str]:
    """Copy weights into a network and put it into eval mode; returns notes for the user.

    The classifier takes the number of classes that the weights have; without weights for it, it is
    taken out.

    others: names and makers of architectures that may be meant instead, the likeliest first.
    conversion: tried where the weights do not fit as they are; its library's name is that of the
        architecture.
    classifier: whether there may be one.

    Raises ZslError that lists what is missing, unexpected, of another shape or not finite, and
    names the architecture that fits best.
    """
    notes = [*weights.notes]
    try:
        fit, tensors = _fit(network, weights.tensors, notes, conversion, architecture,
                            classifier=classifier)
    except ZslError as error:
        raise ZslError(f"{weights.path}: {error}") from error
    adapters.refuse_among((*fit.unexpected, *fit.elsewhere), weights.path)
    if not fit.fits:
        raise ZslError(_misfit(fit, weights, architecture, others()))
    loaded = OrderedDict((key, tensors[given]) for key, given in fit.taken.items())
    expected = network.state_dict()
    refuse_broken(loaded, weights.path)
    odd = [f"{key} ({value.dtype})" for key, value in loaded.items()
           if expected[key].is_floating_point() and not value.is_floating_point()]
    if odd:
        raise ZslError(f"{weights.path}: weights that are no real numbers: {listed(odd)}")
    if fit.others:
        notes.append(f"its network under {fit.prefix!r} is taken, not that under "
                     f"{listed([repr(other) for other in fit.others])}")
    if fit.elsewhere:
        notes.append(f"{len(fit.elsewhere)} tensors "
                     + (f"outside {fit.prefix!r}" if fit.prefix else "beside the network")
                     + f" are left aside: {listed(fit.elsewhere, 3)}")
    # Some networks ask in it for the release that their weights are of.
    loaded._metadata = getattr(expected, "_metadata", {})  # type: ignore[attr-defined]
    network.load_state_dict(loaded, strict=False)
    network.eval().requires_grad_(requires_grad=False)
    return notes


def _fit(network: nn.Module, tensors: dict[str, Tensor], notes: list[str],
         conversion: Conversion | None, architecture: str, *,
         classifier: bool) -> tuple[Match, dict[str, Tensor]]:
    """The match, with the conversion where it is of use, and the tensors that it is of."""
    def fitted(some: dict[str, Tensor], said: list[str]) -> tuple[Match, dict[str, Tensor]]:
        if classifier:
            return classifier_layers.fit(network, some, said)
        return match(network, some), some

    said: list[str] = []
    plain, same = fitted(tensors, said)
    library = architecture.partition(":")[0]
    if not plain.fits and conversion is not None:
        for prefix in _prefixes(plain.prefix, tensors):
            inside = {matching.bare(key).removeprefix(prefix): value
                      for key, value in tensors.items() if matching.bare(key).startswith(prefix)}
            try:
                converted = conversion(network, dict(inside))
            except Exception:  # of a library's code on keys that it was not written for
                continue
            done = _converted(inside, converted, library)
            if not done or match(network, converted).share <= plain.share:
                continue
            more = [done]
            found, some = fitted(converted, more)
            if found.fits:
                notes += more
                return found, some
    notes += said
    return plain, same


def _prefixes(fitting: str, tensors: dict[str, Tensor]) -> list[str]:
    """What may lie before the keys of another release: what does before this one's, nothing, and
    the names that most keys begin with."""
    found = [fitting, ""]
    keys = [matching.bare(key) for key in tensors]
    for _ in range(3):
        starts = [key.removeprefix(found[-1]).partition(".")[0] + "." for key in keys
                  if key.startswith(found[-1]) and "." in key.removeprefix(found[-1])]
        if not starts:
            break
        common = max({*starts}, key=starts.count)
        if starts.count(common) * 2 < len(keys):
            break
        found.append(found[-1] + common)
    return [*dict.fromkeys(found)]


def _converted(before: dict[str, Tensor], after: dict[str, Tensor], library: str) -> str:
    """What a conversion did, in words; nothing where it did nothing."""
    if before.keys() != after.keys():
        return (f"its weights are named otherwise than {library}'s ({listed([*before], 2)}): "
                f"converted as {library} does, {len(before)} tensors into {len(after)}")
    resized = [f"{key} from {list(before[key].shape)} to {list(value.shape)}"
               for key, value in after.items() if value.shape != before[key].shape]
    return f"resampled as {library} does: {listed(resized, 2)}" if resized else ""


def _misfit(fit: Match, weights: Weights, architecture: str,
            others: "Iterable[tuple[str, Callable[[], nn.Module]]]") -> str:
    problems = [f"{len(keys)} {what}: {listed(keys)}" for what, keys in (
        ("missing", fit.missing), ("unexpected", fit.unexpected),
        ("of another shape", fit.misshapen)) if keys]
    best = suggestion(weights.tensors, others, better_than=max(fit.share, 0.9))
    advice = f"; `architecture={best}` fits better" if best else (
        "; if it was changed in training, " + classifier_layers.REMEDY
        if fit.share >= _CHANGED and ":" in architecture else "")
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
                share = classifier_layers.fit(make(), tensors, [])[0].share
        except Exception:  # an architecture that cannot be made here is no suggestion
            continue
        if share > best_share:
            best, best_share = name, share
    return best
