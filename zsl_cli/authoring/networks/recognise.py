"""What a checkpoint is, and the network in it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import fx, nn

from zsl_cli.authoring.networks import (
    adapters,
    configurations,
    features,
    file_kinds,
    lora,
    vetting,
    weights,
)
from zsl_cli.authoring.networks.hints import Hints
from zsl_cli.authoring.networks.network import Network
from zsl_cli.authoring.networks.origins import (
    clip_weights,
    factory,
    huggingface,
    lite0,
    open_clip,
    own,
    programs,
    timm,
    torchvision,
)
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed, reason

FORMS = (f"{lite0.NAME}, timm:NAME, torchvision:NAME, open_clip:NAME or package.module:factory")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_LIBRARIES = ("timm", "torchvision", "open_clip")
_IN_A_FOLDER = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json")
_OF_OPEN_CLIP = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".pt2", ".ckpt", ".tar")


def recognise(checkpoint: Path, hints: Hints) -> Network:
    """The network of a checkpoint: a file of weights, a program, or a folder that holds either
    with its configuration. Raises ZslError."""
    for named in (checkpoint, hints.tokenizer, hints.adapter):
        if named is not None and not named.exists():
            raise ZslError(f"{named}: no such file or folder")
    if hints.tokenizer is not None:
        file_kinds.refuse_pointer(hints.tokenizer)
    try:
        network = (_from_folder if checkpoint.is_dir() else _from_file)(checkpoint, hints)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
            ValueError) as error:
        raise ZslError(f"{checkpoint}: what is said of its network is not as it should be: "
                       f"{type(error).__name__}, {reason(error)}") from error
    for module in (network.module, network.text and network.text.module):
        if isinstance(module, nn.Module) and not isinstance(module, fx.GraphModule):
            module.float()  # halves, and doubles, are for training
    if features.takes_grey(network.module):
        network = _grey(network, hints)
    network_input = hints.input.over(network.input)
    unsaid = network.assumed and network.assumed.but_for(hints.input.said)
    notes = (*network.notes, unsaid.note) if unsaid else network.notes
    return replace(network, input=network_input, assumed=unsaid, notes=notes,
                   original=network.original if network_input == network.input else None)


def _grey(network: Network, hints: Hints) -> Network:
    """A network of one channel, with one mean and one std."""
    notes = network.notes
    if len({*network.input.mean}) > 1 and None in (hints.input.mean, hints.input.std):
        notes = (*notes, "it takes grey pictures, and mean and std are known of three channels: "
                 "their averages are taken; say otherwise with `mean` and `std`")
    # The library's own pipeline makes three channels.
    return replace(network, notes=notes, original=None, input=network.input.of_grey())


def _from_folder(folder: Path, hints: Hints) -> Network:
    adapters.refuse_beside(folder)
    if (kind := file_kinds.of_folder(folder)) is not None:
        raise ZslError(f"{folder}: no weights of PyTorch in it; it is {kind}")
    network = _of_folder(folder, hints)
    return replace(network, notes=(*network.notes, *adapters.notes_below(folder, hints.adapter)))


def _of_folder(folder: Path, hints: Hints) -> Network:
    if hints.architecture is None:
        config_file = folder / "config.json"
        if (folder / open_clip.CONFIG).is_file():
            file = next((folder / name for name in _OF_OPEN_CLIP if (folder / name).is_file()),
                        None) or _the_file_in(folder)
            return open_clip.read_folder(_read(file, hints),
                                         folder / open_clip.CONFIG, hints.input, hints.tokenizer)
        config = configurations.read(config_file) if config_file.is_file() else {}
        if timm.describes(config):
            return timm.read_folder(_weights_in(folder, hints), config_file, hints.input)
        if huggingface.describes(config):
            return huggingface.read(folder, config, hints.input, hints.tokenizer, hints.adapter)
    return _from_file(_the_file_in(folder), hints)


def _from_file(path: Path, hints: Hints) -> Network:
    adapters.refuse_beside(path.parent)
    kind = vetting.kind_of(path)
    if kind in ("program", "torchscript") and hints.adapter is not None:
        raise ZslError(f"{path}: a program takes no adapter; leave `adapter` out")
    if kind == "program":
        if hints.architecture is not None:
            raise ZslError(f"{path}: a program brings its own code; leave `architecture` out")
        return programs.read_program(path, hints.input, trust=hints.trust_pickle)
    if kind == "torchscript":
        checkpoint = clip_weights.read_archive(path, trust=hints.trust_pickle)
        if hints.architecture is None and not clip_weights.is_dual(checkpoint.tensors):
            return programs.read_torchscript(path, hints.input, trust=hints.trust_pickle)
    else:
        checkpoint = _read(path, hints)
    if own.is_own(checkpoint):
        def backbone(inner: Weights, name: str, size: int) -> Network:
            if hints.architecture not in (None, name):
                raise ZslError(f"{path}: zsl's own checkpoint says what it is; leave "
                               "`architecture` out")
            if hints.architecture is None and _is_code(name):
                raise ZslError(f"{path}: it belongs to the code {name}, and zsl runs none because "
                               f"a checkpoint names it; if it is yours, give `architecture={name}`")
            sized = replace(hints.input, size=hints.input.size or size)
            return _named(inner, name, replace(hints, input=sized))

        return own.read(checkpoint, backbone)
    if hints.architecture is not None:
        return _named(checkpoint, hints.architecture, hints)
    if checkpoint.module is not None:
        return factory.of_module(checkpoint)
    return _unnamed(checkpoint, path, hints)


def _unnamed(checkpoint: Weights, path: Path, hints: Hints) -> Network:
    """The network that the configuration beside a file of weights, or its weights, tell."""
    if _beside(checkpoint, open_clip.CONFIG):
        return open_clip.read_folder(checkpoint, path.parent / open_clip.CONFIG, hints.input,
                                     hints.tokenizer)
    if timm.describes(_beside(checkpoint, "config.json")):
        return timm.read_folder(checkpoint, path.parent / "config.json", hints.input)
    if lite0.fits(checkpoint):
        return lite0.read(checkpoint)
    if clip_weights.is_dual(checkpoint.tensors):
        return open_clip.read(checkpoint, open_clip.name_of(checkpoint), hints.input,
                              hints.tokenizer)
    if huggingface.describes(_beside(checkpoint, "config.json")):
        raise ZslError(f"{path}: the config.json beside it is of Hugging Face's layout; give the "
                       f"folder, {path.parent}")
    kind = " (a safetensors file, whatever it is called)" if (
        path.suffix != ".safetensors" and file_kinds.is_safetensors(path)) else ""
    adapters.refuse_among(checkpoint.tensors, path)
    raise ZslError(f"{path}: its weights{kind} do not say which network they belong to; name it "
                   f"with `architecture` {FORMS}{_guess(checkpoint)}")


def _named(checkpoint: Weights, name: str, hints: Hints) -> Network:
    """The network of an architecture in one of FORMS."""
    library, colon, model = name.partition(":")
    if name == lite0.NAME:
        return lite0.read(checkpoint)
    if colon and library == "timm":
        beside = _beside(checkpoint, "config.json")
        same = str(beside.get("architecture")) == model.partition(".")[0]
        return timm.read(checkpoint, model, hints.input,
                         checkpoint.path.parent / "config.json" if same else None)
    if colon and library == "torchvision":
        return torchvision.read(checkpoint, model, hints.input.size)
    if colon and library == "open_clip":
        return open_clip.read(checkpoint, model, hints.input, hints.tokenizer)
    if _FACTORY.fullmatch(name):
        return factory.read(checkpoint, name)
    raise ZslError(f"unknown architecture {name!r}; it is named as {FORMS}")


def _is_code(name: str) -> bool:
    """Whether an architecture is a user's own function."""
    return bool(_FACTORY.fullmatch(name)) and name.partition(":")[0] not in _LIBRARIES


def is_arch(name: str) -> bool:
    """Whether an architecture of this name gives the network again."""
    return name == lite0.NAME or bool(re.match(r"(timm|torchvision|open_clip):.", name)
                                      or _FACTORY.fullmatch(name))


def _beside(checkpoint: Weights, name: str) -> dict[str, Any]:
    """A configuration that lies beside a file of weights."""
    file = checkpoint.path.parent / name
    return configurations.read(file) if file.is_file() else {}


def _guess(checkpoint: Weights) -> str:
    """What the training program noted, or what fits."""
    noted = checkpoint.facts.get("arch")
    if isinstance(noted, str) and re.fullmatch(r"[\w.]+", noted):
        return f"; it was trained as {noted!r} (timm:{noted} or torchvision:{noted})"
    for library in (timm, torchvision):
        best = library.guess(checkpoint.tensors)
        if best:
            return f"; `architecture={best}` fits"
    return ""


def _weights_in(folder: Path, hints: Hints) -> Weights:
    return _read(_the_file_in(folder), hints)


def _read(file: Path, hints: Hints) -> Weights:
    return lora.into(weights.read(file, trust=hints.trust_pickle), hints.adapter)


def _the_file_in(folder: Path) -> Path:
    """The one file of weights in a folder."""
    for name in _IN_A_FOLDER:
        if (folder / name).is_file():
            return folder / name
    files = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHT_FILES)
    if len(files) != 1:
        raise ZslError(f"{folder}: {len(files)} files of weights in it"
                       + (f" ({listed([path.name for path in files], 5)}); name one of them"
                          if files else ", and no config.json"))
    return files[0]

