"""Which tensor of a state dict belongs to which weight of a network: by the keys, whatever training
programs have put before them and into them."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

NOT_LEARNED = re.compile(r"(num_batches_tracked|position_ids|relative_position_index|"
                         r"relative_coords_table|attn_mask|n_averaged|total_ops|total_params|"
                         r"^(?:module\.)?(?:input_resolution|context_length|vocab_size))$")
"""Buffers that networks compute themselves; some versions save them and some do not."""

_AROUND = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
                     "_forward_module"})
"""What DataParallel, torch.compile, FSDP, activation checkpointing and Lightning put around a
module, of which a network has many."""

_INSIDE = _AROUND | {"model", "backbone", "net", "network", "base_model"}
"""What people put around one, too; part of some networks' own names."""

_BESIDE = re.compile(r"(?:momentum_|target_|online_)?(?:decoder|predictor|projector|prototypes|"
                     r"projection_head|dino_head|ibot_head|dino_loss|ibot_patch_loss|queue)"
                     r"(?:_\w+)?(?:\..*)?|(?:.*\.)?mask_token|lm_head\..*|(?:AuxLogits|aux[12])\..*")
"""What training has beside the network: what a masked autoencoder paints the picture with (He et
al., 2022), heads for self-supervised losses, and auxiliary classifiers (Szegedy et al., 2015)."""

_AVERAGED = re.compile(r"(?:model_)?ema|ema_\w+|\w+_ema|teacher\w*|swa_\w+|averaged_model")
_MOMENTUM = re.compile(r"encoder_k|key_encoder|momentum\w*|\w+_momentum|target\w*")
_NEARLY = 0.9


@dataclass(frozen=True)
class Match:
    """How a state dict fits a network.

    prefix: before every key that fits.
    taken: the network's key → that of the state dict.
    others: other prefixes under which as much fits.
    missing, misshapen: of the network's keys. unexpected, elsewhere: of the state dict's.
    """

    prefix: str
    taken: dict[str, str]
    missing: list[str]
    unexpected: list[str]
    misshapen: list[str]
    elsewhere: list[str]
    others: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether every weight of the network has its tensor, and the other way round."""
        return not (self.missing or self.unexpected or self.misshapen)

    @property
    def fitting(self) -> int:
        """How many keys go together, in their shapes, too."""
        return len(self.taken) - len(self.misshapen)

    @property
    def share(self) -> float:
        """Of all keys of both sides, those that go together, 0 to 1."""
        wrong = len(self.missing) + len(self.unexpected) + len(self.misshapen)
        return self.fitting / max(self.fitting + wrong, 1)


def match(network: nn.Module, tensors: dict[str, Tensor]) -> Match:
    """Compare a network's keys and shapes with those of a state dict.

    A prefix such as ``module.`` or ``model.backbone.`` before every key is found, and what wraps
    parts of the network is passed over; tensors that lie outside belong to something else (a loss,
    another head) and are ``elsewhere``. Of two networks in one state dict an averaged one is taken
    before another, and one that training follows before its momentum encoder.

    Raises ZslError for several of which nothing says which one is meant.
    """
    first = _match(network, tensors, _AROUND)
    if first.fits:
        return first
    second = _match(network, tensors, _INSIDE)
    return second if second.share > first.share else first


def is_beside(key: str) -> bool:
    """Whether a tensor belongs to what training has beside a network."""
    return _BESIDE.fullmatch(key) is not None


def bare(key: str, around: frozenset[str] = _AROUND) -> str:
    """A key without what wraps modules."""
    *parts, last = key.split(".")
    return ".".join([*(part for part in parts if part not in around), last])


def _match(network: nn.Module, tensors: dict[str, Tensor], around: frozenset[str]) -> Match:
    expected = network.state_dict()
    own = _bared(expected, around)
    names = {short: key for key, short in own.items()}
    given = _bared(tensors, around)
    counts: Counter[str] = Counter()
    for short in given.values():
        parts = short.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in names and not NOT_LEARNED.search(short):
                counts["".join(part + "." for part in parts[:start])] += 1
    learned = sum(not NOT_LEARNED.search(key) for key in expected)
    prefix, others = _prefix(counts, learned, given, tensors)
    inside = {short.removeprefix(prefix): key for key, short in given.items()
              if short.startswith(prefix)}
    taken = {key: inside[short] for short, key in names.items() if short in inside}
    strange = [key for short, key in inside.items()
               if short not in names and not NOT_LEARNED.search(key)]
    beside = {key for key in strange
              if is_beside(given[key].removeprefix(prefix))
              or any(given[key].startswith(other) for other in others if other)}
    return Match(
        prefix, taken,
        missing=[key for key in expected if key not in taken and not NOT_LEARNED.search(key)],
        unexpected=[key for key in strange if key not in beside],
        misshapen=[key for key, value in expected.items()
                   if key in taken and tensors[taken[key]].shape != value.shape],
        elsewhere=[key for key, short in given.items() if not NOT_LEARNED.search(key)
                   and (key in beside or not short.startswith(prefix))],
        others=others)


def _bared(keys: Iterable[str], around: frozenset[str]) -> dict[str, str]:
    """Keys → the same without wrappers, as far as they stay different ones."""
    short = {key: bare(key, around) for key in keys}
    count = Counter(short.values())
    return {key: one if count[one] == 1 else key for key, one in short.items()}


def _prefix(counts: Counter[str], learned: int, given: dict[str, str],
            tensors: dict[str, Tensor]) -> tuple[str, tuple[str, ...]]:
    """The prefix under which the network lies, and others under which it lies as well."""
    most = max(counts.values(), default=0)
    whole = sorted((prefix for prefix, count in counts.items() if count == most), key=len)
    if len(whole) < 2 or most < _NEARLY * learned:
        return (whole[0] if whole else ""), ()
    ranks = {prefix: _rank(prefix) for prefix in whole}
    best = [prefix for prefix in whole if ranks[prefix] == min(ranks.values())]
    if len(best) > 1 and not all(_same(best[0], one, given, tensors) for one in best[1:]):
        raise ZslError("several networks of this kind lie in it, under "
                       f"{listed([repr(one) for one in best])}; save the one that is meant alone")
    return best[0], tuple(one for one in whole if one != best[0])


def _rank(prefix: str) -> int:
    parts = prefix.split(".")
    if any(_AVERAGED.fullmatch(part) for part in parts):
        return 0
    return 2 if any(_MOMENTUM.fullmatch(part) for part in parts) else 1


def _same(one: str, other: str, given: dict[str, str], tensors: dict[str, Tensor]) -> bool:
    """Whether the same tensors lie under two prefixes."""
    a, b = ({short.removeprefix(prefix): tensors[key] for key, short in given.items()
             if short.startswith(prefix)} for prefix in (one, other))
    shared = a.keys() & b.keys()
    return bool(shared) and all(torch.equal(a[key], b[key]) for key in shared)
