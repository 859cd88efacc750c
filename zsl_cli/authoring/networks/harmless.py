"""What a checkpoint may hold beside tensors without being code: numbers and arrays of NumPy's, and
the containers that training programs keep their options in.

NumPy's are made for what they are. Of the others nothing is needed here, so that each name stands
for an empty dictionary, or list: nothing is imported for it, and nothing of theirs runs.
"""

import argparse
import re
from collections import OrderedDict
from collections.abc import Iterable
from pickle import UnpicklingError
from types import SimpleNamespace
from typing import Any

import numpy as np

_PLAIN = "biufcSUmM"  # kinds of dtypes without objects, and without parts
_OPTIONS = re.compile(
    r"pathlib\.\w*Path|pathlib\._local\.\w*Path|collections\.(?:defaultdict|deque)"
    r"|builtins\.(?:bool|bytes|complex|dict|float|frozenset|int|list|object|range|slice|str|tuple)"
    r"|datetime\.(?:date|datetime|time|timedelta|timezone)|decimal\.Decimal|uuid\.UUID"
    r"|typing\.\w+|torch\.torch_version\.TorchVersion"
    r"|(?:omegaconf|easydict|yacs|addict|ml_collections|fvcore\.common\.config|mmengine\.config"
    r"|mmcv\.utils\.config|lightning_fabric|lightning_utilities|lightning|pytorch_lightning"
    r"|transformers\.training_args|transformers\.trainer_utils)\.[\w.]+")


class _Nothing:
    """Stands for what is not needed: an empty dictionary, which a pickle may fill."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return OrderedDict()


class _NoItems:
    """The same of what a pickle appends to."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return []


def of(names: Iterable[str]) -> list[Any]:
    """What ``torch.serialization.safe_globals`` takes for those of some names that are harmless.

    names: with their modules, ``numpy.dtype`` for one.
    """
    found = {name.replace("__builtin__.x", "builtins.").replace("__builtin__", "builtins")
             for name in names}  # xrange, of Python 2, as which a pickle has range
    options = [(type("Nothing", (_NoItems if name == "collections.deque" else _Nothing,), {}), name)
               for name in found if _OPTIONS.fullmatch(name)]
    return [argparse.Namespace, SimpleNamespace, np.ndarray, *_DTYPES, *options,
            *((function, f"{module}.{name}") for module, name, function in _NUMPY)]


def _dtype(*arguments: Any) -> "np.dtype[Any]":
    """``numpy.dtype``, of plain numbers and texts alone."""
    made = np.dtype(*arguments)
    if made.kind not in _PLAIN:
        raise UnpicklingError("an array of a class or of objects, and not of numbers")
    return made


def _array(kind: Any, *_: Any) -> "np.ndarray[Any, Any]":
    """What NumPy makes before it fills an array; it has no size yet."""
    if kind is not np.ndarray:
        raise UnpicklingError("an array of a class, and not of numbers")
    return np.empty(0, np.int8)


def _scalar(dtype: "np.dtype[Any]", content: Any = b"") -> Any:
    """A number of NumPy's from its bytes."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in _PLAIN:
        raise UnpicklingError("a number of a class, and not of NumPy's own")
    content = content.encode("latin-1") if isinstance(content, str) else content
    return np.frombuffer(content, dtype, 1)[0]


_DTYPES = tuple({type(np.dtype(code)) for code in np.typecodes["All"]
                 if np.dtype(code).kind in _PLAIN})
_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")  # before and since NumPy 2
_NUMPY: tuple[tuple[str, str, Any], ...] = (
    ("numpy", "dtype", _dtype), *((module, "_reconstruct", _array) for module in _MODULES),
    *((module, "scalar", _scalar) for module in _MODULES))
