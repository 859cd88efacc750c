"""Weights from files, without running anything that the files hold."""

import argparse
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

import torch
from torch import Tensor, nn

from zsl_cli.errors import ZslError
from zsl_cli.support import extras
from zsl_cli.support.manifests import is_plain_name
from zsl_cli.support.wording import listed, reason

WRAPPERS = ("state_dict_ema", "model_ema", "ema_state_dict", "state_dict", "model_state_dict",
            "model", "module", "net", "network")
"""Where training programs put a state dict, averaged weights first: they are the better ones."""

_LONGEST_NAME = 500  # characters, of a class and its module
_PICKLES = 5  # before the numbers, in a file that is no archive: torch/serialization.py
_HARMLESS: list[Any] = [argparse.Namespace]  # a training program's options; a plain container


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
    if path.suffix == ".safetensors":
        return Weights(path, (path,), _safetensors(path))
    content = _pickle(path, trust)
    if isinstance(content, nn.Module):
        return Weights(path, (path,), content.state_dict(), module=content)
    return _unwrapped(path, content)


def tensors_in(path: Path, *, trust: bool | None = False) -> dict[str, Tensor]:
    """The tensors of a PyTorch file that may also be one bare tensor. Raises ZslError."""
    if not path.is_file():
        raise ZslError(f"{path}: no such file")
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
    with path.open("rb") as file:
        start = file.read(40)
    if not start:
        raise ZslError(f"{path}: cannot be read as a checkpoint: the file is empty")
    if start.startswith(b"version https://git-lfs"):
        raise ZslError(f"{path}: cannot be read as a checkpoint: a pointer of Git LFS, not the "
                       "file; fetch it with git lfs pull")
    if start.lstrip()[:1] == b"<":
        raise ZslError(f"{path}: cannot be read as a checkpoint: a web page; download it again")
    if not trust and _has_odd_names(path):
        raise ZslError(f"{path}: cannot be read as a checkpoint: it is damaged, or no file of "
                       "PyTorch's")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_HARMLESS):
            warnings.simplefilter("ignore")
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


def _has_odd_names(path: Path) -> bool:
    """Whether a pickle names a class at such a length that torch would look for minutes at its own
    message about it; or is none, as far as it is looked at."""
    if tarfile.is_tarfile(path):  # a layout of 2017
        return False
    with path.open("rb") as file:
        pickles: list[IO[bytes]] = [file] * _PICKLES
        try:
            if _is_zip(path):
                pickles = [io.BytesIO(torch._C.PyTorchFileReader(file).get_record("data.pkl"))]
        except Exception:  # of which torch.load says more
            return False
        try:
            return any(code.name == "GLOBAL" and len(argument or "") > _LONGEST_NAME
                       for one in pickles for code, argument, _ in pickletools.genops(one))
        except (ValueError, LookupError, OverflowError, MemoryError):
            return True


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
    while isinstance(content, dict):
        inner = [key for key in WRAPPERS if isinstance(content.get(key), dict | nn.Module)]
        if not inner:
            break
        facts |= {key: value for key, value in content.items() if key not in inner}
        if len(inner) > 1:
            notes.append(f"its {inner[0]} is taken, not {' or '.join(inner[1:])}")
        content = content[inner[0]]
    if isinstance(content, nn.Module):
        return Weights(path, (path,), content.state_dict(), facts, content, tuple(notes))
    tensors = {key: value for key, value in content.items()
               if isinstance(value, Tensor)} if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(key, str) for key in tensors):
        raise ZslError(f"{path}: no state dict in it (a dictionary of tensors is expected)")
    facts |= {key: value for key, value in content.items() if key not in tensors}
    return Weights(path, (path,), tensors, facts, notes=tuple(notes))


def refuse_broken(tensors: dict[str, Tensor], source: Path) -> None:
    """Raise ZslError for NaN or infinite weights."""
    broken = [key for key, value in tensors.items() if value.is_floating_point()
              and not math.isfinite(value.sum(dtype=torch.float64).item())
              and not torch.isfinite(value).all()]
    if broken:
        raise ZslError(f"{source}: {len(broken)} of its tensors hold NaN or infinity: "
                       f"{listed(broken)}; take an earlier checkpoint of that training")
