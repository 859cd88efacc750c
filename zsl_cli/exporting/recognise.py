"""What a checkpoint is, and the network in it."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.exporting import vetting, weights
from zsl_cli.exporting.network import InputOptions, Network
from zsl_cli.exporting.origins import (
    factory,
    huggingface,
    lite0,
    open_clip,
    own,
    programs,
    timm,
    torchvision,
)
from zsl_cli.exporting.weights import Weights

FORMS = (f"{lite0.NAME}, timm:NAME, torchvision:NAME, open_clip:NAME or package.module:factory")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_IN_A_FOLDER = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json", "open_clip_model.safetensors",
                "open_clip_pytorch_model.bin")
_WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".pt2")


@dataclass(frozen=True)
class Hints:
    """What a user says of a checkpoint.

    architecture: one of FORMS; None for what the checkpoint itself says.
    input: how its input is prepared.
    tokenizer: a ``tokenizer.json`` for a text tower that comes without one.
    trust: run the code that a pickle brings.
    """

    architecture: str | None = None
    input: InputOptions = field(default_factory=InputOptions)
    tokenizer: Path | None = None
    trust: bool = False


def recognise(checkpoint: Path, hints: Hints) -> Network:
    """The network of a checkpoint: a file of weights, a program, or a folder that holds either
    with its configuration. Raises ZslError."""
    if not checkpoint.exists():
        raise ZslError(f"{checkpoint}: no such file or folder")
    network = (_from_folder if checkpoint.is_dir() else _from_file)(checkpoint, hints)
    return replace(network, input=hints.input.over(network.input))


def _from_folder(folder: Path, hints: Hints) -> Network:
    if hints.architecture is None:
        config_file = folder / "config.json"
        if (folder / open_clip.CONFIG).is_file():
            return _of_open_clip(_weights_in(folder, hints), folder / open_clip.CONFIG, hints)
        config = _json(config_file) if config_file.is_file() else {}
        if huggingface.describes(config):
            return huggingface.read(folder, config, hints.tokenizer)
        if "architecture" in config:
            return timm.read_folder(_weights_in(folder, hints), config_file, hints.input)
    return _from_file(_the_file_in(folder), hints)


def _from_file(path: Path, hints: Hints) -> Network:
    kind = vetting.kind_of(path)
    if kind == "program":
        return programs.read_program(path, hints.input, trust=hints.trust)
    if kind == "torchscript":
        return programs.read_torchscript(path, hints.input, trust=hints.trust)
    found = weights.read(path, trust=hints.trust)
    if own.is_own(found):
        return own.read(found, lambda inner, name: _named(inner, name, hints))
    if hints.architecture is not None:
        return _named(found, hints.architecture, hints)
    if found.module is not None:
        return factory.of_module(found)
    if _beside(found, open_clip.CONFIG):
        return _of_open_clip(found, path.parent / open_clip.CONFIG, hints)
    if "architecture" in _beside(found, "config.json"):
        return timm.read_folder(found, path.parent / "config.json", hints.input)
    if lite0.fits(found):
        return lite0.read(found)
    raise ZslError(f"{path}: its weights do not say which network they belong to; name it with "
                   f"--arch {FORMS}{_guess(found)}")


def _named(found: Weights, name: str, hints: Hints) -> Network:
    """The network of an ``--arch``."""
    library, colon, model = name.partition(":")
    if name == lite0.NAME:
        return lite0.read(found)
    if colon and library == "timm":
        beside = _beside(found, "config.json")
        same = str(beside.get("architecture")) == model.partition(".")[0]
        return timm.read(found, model, hints.input, beside if same else None)
    if colon and library == "torchvision":
        return torchvision.read(found, model)
    if colon and library == "open_clip":
        return open_clip.read(found, model, hints.input, hints.tokenizer)
    if _FACTORY.fullmatch(name):
        return factory.read(found, name)
    raise ZslError(f"unknown architecture {name!r}; it is named as {FORMS}")


def _beside(found: Weights, name: str) -> dict[str, Any]:
    """A configuration that lies beside a file of weights."""
    file = found.path.parent / name
    return _json(file) if file.is_file() else {}


def _of_open_clip(found: Weights, config_file: Path, hints: Hints) -> Network:
    return open_clip.read(found, config_file.parent.name, hints.input, hints.tokenizer,
                          config_file)


def _guess(found: Weights) -> str:
    """What the training program noted, or what fits."""
    noted = found.facts.get("arch")
    if isinstance(noted, str) and re.fullmatch(r"[\w.]+", noted):
        return f"; it was trained as {noted!r} (timm:{noted} or torchvision:{noted})"
    for library in (timm, torchvision):
        best = library.guess(found.tensors)
        if best:
            return f"; --arch {best} fits"
    return ""


def _weights_in(folder: Path, hints: Hints) -> Weights:
    return weights.read(_the_file_in(folder), trust=hints.trust)


def _the_file_in(folder: Path) -> Path:
    """The one file of weights in a folder."""
    for name in _IN_A_FOLDER:
        if (folder / name).is_file():
            return folder / name
    found = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHT_FILES)
    if len(found) != 1:
        raise ZslError(f"{folder}: {len(found)} files of weights in it"
                       + (f" ({', '.join(path.name for path in found[:5])}); name one of them"
                          if found else ", and no config.json"))
    return found[0]


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ZslError(f"{file}: not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise ZslError(f"{file}: an object is expected")
    return found
