"""Weights from files, without running anything that the files hold."""

import io
import json
import math
import pickletools
import re
import tarfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import file_kinds, harmless
from zsl_cli.errors import ZslError
from zsl_cli.support import extras
from zsl_cli.support.manifests import is_plain_name
from zsl_cli.support.wording import listed, reason

_AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict",
             "ema_model_state_dict", "ema_model", "ema", "params_ema", "swa_state_dict",
             "swa_model", "averaged_model", "teacher", "teacher_state_dict", "target_encoder")
WRAPPERS = (*_AVERAGED, "state_dict", "model_state_dict", "model_state", "net_state_dict",
            "model_weights", "model", "module", "net", "network", "student", "params", "weights",
            "backbone", "encoder")
"""Where training programs put a state dict, averaged weights first: they are the better ones. A
teacher's are the average of its student's (Tarvainen and Valpola, 2017; Caron et al., 2021)."""

_DEEPEST = 6  # wrappers around a state dict
_LONGEST_NAME = 500  # characters, of a class and its module
_PICKLES = 5  # before the numbers, in a file that is no archive: torch/serialization.py


@dataclass(frozen=True)
class Weights:
    """What a checkpoint holds.

    path: what the user named.
    files: the files that were read.
    tensors: by name.
    facts: what else lay around them: plain numbers, texts and containers.
    module: a whole network, from a pickle that the user trusts.
    notes: what was chosen among several things.
    """

    path: Path
    files: tuple[Path, ...]
    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)
    module: nn.Module | None = None
    notes: tuple[str, ...] = ()


def read(path: Path, *, trust: bool | None = False) -> Weights:
    """The tensors of a ``.safetensors`` file, of a PyTorch file, or of a sharded checkpoint's
    index. Pickles are read with ``weights_only=True``: tensors and plain containers, no code.

    trust: read pickles that hold more, which runs whatever code is in them; None where nobody can
        ask for that, so that no message speaks of it.

    Raises ZslError.
    """
    if not path.is_file():
        raise ZslError(f"{path}: no such file" + (" (a folder)" if path.is_dir() else ""))
    if path.name.endswith(".index.json"):
        return _sharded(path, trust)
    file_kinds.refuse_other(path)
    if file_kinds.is_safetensors(path) or (path.suffix == ".safetensors" and not _is_zip(path)):
        return Weights(path, (path,), _safetensors(path))
    content = _pickle(path, trust)
    if isinstance(content, nn.Module):
        return Weights(path, (path,), content.state_dict(), module=content)
    return _unwrapped(path, content)


def tensors_in(path: Path, *, trust: bool | None = False) -> dict[str, Tensor]:
    """The tensors of a PyTorch file that may also be one bare tensor. Raises ZslError."""
    if not path.is_file():
        raise ZslError(f"{path}: no such file")
    file_kinds.refuse_other(path)
    content = _pickle(path, trust)
    if isinstance(content, Tensor):
        return {"": content.detach()}
    return _unwrapped(path, content).tensors


def _safetensors(path: Path) -> dict[str, Tensor]:
    with extras.needed("export", "a .safetensors checkpoint"):
        from safetensors.torch import load_file
    try:
        return load_file(path)
    except Exception as error:  # its reader raises one class of its own for all damage
        raise ZslError(f"{path}: cannot be read as safetensors: {error}") from error


def _pickle(path: Path, trust: bool | None) -> Any:
    names = set() if trust else _names(path)
    if names is None:
        raise ZslError(f"{path}: cannot be read as a checkpoint: it is damaged, or no file of "
                       "PyTorch's")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(harmless.of(names)):
            warnings.simplefilter("ignore")
            if path.suffix == ".safetensors":  # by which torch would tell what it is
                return torch.load(io.BytesIO(path.read_bytes()), map_location="cpu",
                                  weights_only=not trust)
            return torch.load(path, map_location="cpu", weights_only=not trust,
                              mmap=_is_zip(path))
    except UnpicklingError as error:
        if not trust and not _wants_code(error):  # torch answers with a page on its own defaults
            raise ZslError(f"{path}: cannot be read as a checkpoint: it is damaged, or no file of "
                           "PyTorch's") from error
        if trust:
            raise ZslError(f"{path}: cannot be read as a checkpoint: {reason(error)}") from error
        raise ZslError(
            f"{path}: holds more than tensors ({_what(error)}), and zsl runs no code from a "
            "checkpoint; save its state_dict() alone" + ("" if trust is None else ", or, if you "
            "trust whoever made the file, give `trust_pickle`")) from error
    except MemoryError as error:  # of a damaged file, too, which claims to be larger than it is
        raise ZslError(f"{path}: cannot be read as a checkpoint: there is not enough memory for "
                       "what it says that it holds") from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        raise ZslError(f"{path}: cannot be read as a checkpoint: {reason(error)}") from error


def _names(path: Path) -> set[str] | None:
    """What a pickle names of Python's. None where a name has such a length that torch would look
    for minutes at its own message about it, or where it is no pickle as far as it is looked at."""
    found: set[str] = set()
    if tarfile.is_tarfile(path):  # a layout of 2017
        return found
    with path.open("rb") as file:
        pickles: list[IO[bytes]] = [file] * _PICKLES
        try:
            if _is_zip(path):
                pickles = [io.BytesIO(torch._C.PyTorchFileReader(file).get_record("data.pkl"))]
        except Exception:  # of which torch.load says more
            return found
        try:
            for one in pickles:
                for code, argument, _ in pickletools.genops(one):
                    if code.name == "GLOBAL":
                        found.add(str(argument).replace(" ", ".", 1))
        except (ValueError, LookupError, OverflowError, MemoryError):
            return None
    return None if any(len(name) > _LONGEST_NAME for name in found) else found


def _wants_code(error: Exception) -> bool:
    """Whether a pickle was refused for what it would run, and not for being none."""
    return any(word in str(error) for word in ("GLOBAL", "class", "function", "REDUCE"))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _what(error: Exception) -> str:
    """What a pickle asks for, out of torch's long message."""
    text = str(error)
    named = re.search(r"(?:GLOBAL|class|function) ([\w.]+\.[\w.]+)", text)
    if named:
        return named[1].rstrip(".")
    _, _, rest = text.partition("WeightsUnpickler error: ")
    return rest.strip().splitlines()[0] if rest.strip() else reason(error)


def _sharded(index: Path, trust: bool | None) -> Weights:
    """All parts of a checkpoint that was cut into several files."""
    parts = parts_of(index)
    names = sorted(set(parts.values()))
    tensors: dict[str, Tensor] = {}
    for name in names:
        tensors.update(read(index.parent / name, trust=trust).tensors)
    if missing := [key for key in parts if key not in tensors]:
        raise ZslError(f"{index}: the parts lack {listed(missing)}")
    return Weights(index, (index, *(index.parent / name for name in names)), tensors)


def parts_of(index: Path) -> dict[str, str]:
    """The file beside the index in which each tensor of a sharded checkpoint lies. Raises
    ZslError, for names of other files among others."""
    try:
        parts: dict[str, str] = json.loads(index.read_bytes())["weight_map"]
        names = sorted(set(parts.values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ZslError(f"{index}: not the index of a sharded checkpoint ({error})") from error
    if any(not isinstance(name, str) or not is_plain_name(name)
           or not name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in names):
        raise ZslError(f"{index}: it names files that are no parts of a checkpoint beside this "
                       "index")
    return parts


def _unwrapped(path: Path, content: Any) -> Weights:
    """Take off the layers of ``state_dict`` and ``model`` around the tensors."""
    facts: dict[str, Any] = {}
    notes = []
    for _ in range(_DEEPEST):
        inner = _inner(path, content) if isinstance(content, dict) else []
        if not inner:
            break
        taken = inner[0]
        if len(inner) > 1:
            notes.append(f"its {taken} is taken, not {' or '.join(inner[1:])}")
        elif taken not in WRAPPERS and _is_state_dict(content[taken]):
            notes.append(f"its {taken} is taken, the one state dict in it")
        notes += [f"its {key} holds weights without names, which are left aside"
                  for key in _AVERAGED if _has_nameless(content.get(key))]
        facts |= {key: value for key, value in content.items() if key not in inner}
        content = content[taken]
    if isinstance(content, nn.Module):
        return Weights(path, (path,), content.state_dict(), facts, content, tuple(notes))
    tensors = _tensors(content) if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(key, str) for key in tensors):
        raise ZslError(f"{path}: no state dict in it (a dictionary of tensors is expected)")
    facts |= {key: value for key, value in content.items() if key not in tensors}
    return Weights(path, (path,), tensors, facts, notes=tuple(notes))


def _inner(path: Path, content: dict[Any, Any]) -> list[str]:
    """The keys under which state dicts lie, that of the one to take first; none where the tensors
    lie right here. Raises ZslError for several of names that say nothing."""
    known = [key for key in WRAPPERS if _holds_weights(content.get(key))]
    others = [key for key, value in content.items() if isinstance(key, str) and key not in known
              and isinstance(value, dict) and _is_state_dict(value)]
    if known:
        return [*known, *others]
    if any(isinstance(value, Tensor) for value in content.values()):
        return []
    if len(others) > 1:
        raise ZslError(f"{path}: several state dicts in it: {listed(others)}; save the one that is "
                       "meant alone")
    return others or _around(content)


def _around(content: dict[Any, Any]) -> list[str]:
    """The one key of names that say nothing under which named weights lie deeper down; none where
    several are."""
    found = [key for key, value in content.items()
             if isinstance(key, str) and _has_state_dict(value)]
    return found if len(found) == 1 else []


def _has_state_dict(value: Any, depth: int = _DEEPEST) -> bool:
    if not isinstance(value, dict) or depth == 0:
        return False
    return _is_state_dict(value) or any(_has_state_dict(one, depth - 1) for one in value.values())


def _holds_weights(value: Any, depth: int = _DEEPEST) -> bool:
    """Whether named tensors lie in it, under wrappers that are known."""
    if isinstance(value, nn.Module):
        return True
    if not isinstance(value, dict) or depth == 0:
        return False
    return bool(_tensors(value)) or any(_holds_weights(value.get(key), depth - 1)
                                        for key in WRAPPERS)


def _is_state_dict(content: dict[Any, Any]) -> bool:
    return bool(content) and all(isinstance(key, str) and isinstance(value, Tensor)
                                 for key, value in content.items())


def _has_nameless(value: Any) -> bool:
    """Whether it is an average that was saved as a bare list of tensors."""
    return isinstance(value, dict) and any(
        isinstance(one, list) and any(isinstance(tensor, Tensor) for tensor in one)
        for one in value.values())


def _tensors(content: dict[Any, Any]) -> dict[Any, Tensor]:
    """The tensors of a dictionary, arrays of NumPy's among them."""
    return {key: _dense(value) if isinstance(value, Tensor) else torch.from_numpy(value)
            for key, value in content.items()
            if isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.ndim
                                             and value.dtype.kind in "fiub")}


def _dense(value: Tensor) -> Tensor:
    """A tensor that was pruned into a sparse one as it was."""
    return value if value.layout is torch.strided else value.to_dense()


def refuse_broken(tensors: dict[str, Tensor], source: Path) -> None:
    """Raise ZslError for NaN or infinite weights."""
    broken = [key for key, value in tensors.items() if _is_broken(key, value)]
    if broken:
        raise ZslError(f"{source}: {len(broken)} of its tensors hold NaN or infinity: "
                       f"{listed(broken)}; take an earlier checkpoint of that training")


def _is_broken(key: str, value: Tensor) -> bool:
    """Whether numbers in it are none, or infinite where that has no sense: it has in a bound that
    does not bind, and in a mask, which is added to the products of attention."""
    if not value.is_floating_point() or math.isfinite(value.sum(dtype=torch.float64).item()):
        return False
    if value.isnan().any():
        return True
    name = key.rpartition(".")[2]
    is_bound = value.numel() == 1 and ("min" in name or "max" in name)
    is_mask = value.ndim > 1 and bool((value == 0).any()) and bool(
        ((value == 0) | (value == -math.inf)).all())
    return bool(value.isinf().any()) and not is_bound and not is_mask
