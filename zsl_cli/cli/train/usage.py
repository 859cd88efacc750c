"""Which options go together: what is given and would do nothing is a mistake."""

from collections.abc import Callable
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

_RANKING = ("rank", "random", "wsabie")
_CORRECTING = ("rank", "cross-entropy", "l2")
_OWN_LABELS = ("softmax", "wsabie")  # label vectors of the training labels alone

Given = dict[str, Any]


class _Place(NamedTuple):
    """Where an option does something: in words, and of what is given."""

    words: str
    reached: Callable[[Given], bool]


def _by_gradient(given: Given) -> bool:
    return given["method"] not in ("conse", "ridge")


def _in_epochs(given: Given) -> bool:
    return _by_gradient(given) or given["finetune"] > 0


_M = _Place("a --loss that is trained in epochs", _by_gradient)
_EPOCHS = _Place("a --loss that is trained in epochs, or for --finetune", _in_epochs)
_FINETUNING = _Place("--finetune", lambda given: given["finetune"] > 0)
_RANK = _Place("--loss rank, random or wsabie", lambda given: given["method"] in _RANKING)

PLACES = {
    "margin": _RANK,
    "negatives": _RANK,
    "samples": _Place("--negatives sampled", lambda given: given["negatives"] == "sampled"),
    "direction": _Place("--loss ridge", lambda given: given["method"] == "ridge"),
    "dimension": _Place("--loss wsabie", lambda given: given["method"] == "wsabie"),
    "decay": _Place("a --loss that is trained", lambda given: given["method"] != "conse"),
    "shift": _Place("--loss rank, cross-entropy or l2 that goes on from a model's M",
                    lambda given: given["method"] in _CORRECTING and not given["from_scratch"]),
    "views": _Place("a --loss that is trained", lambda given: given["method"] != "conse"),
    "epochs": _M,
    "batch_size": _M,
    "learning_rate": _M,
    "validation": _EPOCHS,
    "patience": _Place("training that is validated",
                       lambda given: _in_epochs(given) and given["validation"] != "none"),
    "finetune_rate": _FINETUNING,
    "finetune_batch": _FINETUNING,
    "quantize": _Place("a model that is exported, without --no-export",
                       lambda given: not given["no_export"]),
}
"""Options by name → where they do something."""


def check(context: click.Context) -> None:
    """Raise click.UsageError for options that do not go together. Defaults go with all."""
    given = context.params
    flags = {param.name: param.opts[-1] for param in context.command.params}
    for name, place in PLACES.items():
        source = context.get_parameter_source(name)
        if source is not ParameterSource.DEFAULT and not place.reached(given):
            raise click.UsageError(f"{flags[name]} is for {place.words}; it would do nothing here")
    if given["validation"] == "class" and given["method"] in _OWN_LABELS:
        raise click.UsageError(f"--loss {given['method']} knows its training labels alone, so none "
                               "can be held out; give --validation image or none")
