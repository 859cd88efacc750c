"""What is published beside weights of how their input is prepared: read without PyTorch, and
without the library that wrote it.

What a file says and is not understood is refused, since a picture prepared in another way gives
other numbers and no error; what it leaves unsaid is assumed, and said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_cli.authoring.networks import assumed, configurations, data_configs, processors
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.network import Assumed, Input
from zsl_cli.errors import ZslError

TEMPLATES = {"clip": ("a photo of a {}.",), "siglip": ("This is a photo of {}.",)}
"""Dual encoders and the template that their makers use."""


@dataclass(frozen=True)
class Published:
    """How an input is prepared, and what of it was assumed for want of a word."""

    input: Input
    assumed: Assumed | None = None


def prepared(folders: Sequence[Path], config: Mapping[str, Any],
             options: InputOptions) -> Published:
    """The same with what a user says in the place of what ``find`` finds; nothing need be found
    where the user says enough. Raises ZslError."""
    enough = options.size and options.mean and options.std
    try:
        says = find(folders, config)
    except ZslError:
        if not enough:
            raise
        bare = processors.usual(str(config.get("model_type", "")), options.size or 224)
        says = Published(bare, assumed.of(bare, "no file says it in words that are known here"))
    return Published(options.over(says.input),
                     says.assumed and says.assumed.but_for(options.said))


def find(folders: Sequence[Path], config: Mapping[str, Any]) -> Published:
    """What the first of some folders with a word on it says, the nearest one first.

    config: the model's ``config.json``, for its kind and the side of its input.

    Raises ZslError for what is not understood, or where nothing says how large a picture is.
    """
    side, kind = image_size(config), str(config.get("model_type", ""))
    for folder in folders:
        for name, reader in _READERS.items():
            if (file := folder / name).is_file() and (
                    found := reader(configurations.read(file), side, file, kind)):
                return Published(*found)
    if side is None:
        raise ZslError(f"{folders[0]}: no file says the preprocessing of pictures "
                       f"({', '.join(_READERS)}); give `size`, `mean` and `std`")
    guess = processors.usual(kind, side)
    return Published(guess, assumed.of(
        guess, f"no {' or '.join([*_READERS][:2])} says it; as for {kind or 'CLIP'} usually"))


_Reader = Callable[[dict[str, Any], int | None, Path, str],
                   tuple[Input, Assumed | None] | None]


def _of_processors(settings: dict[str, Any], side: int | None, file: Path,
                   kind: str) -> tuple[Input, Assumed | None] | None:
    """Since transformers 5 one file keeps all parts of a processor."""
    inner = settings.get("image_processor", settings)
    if isinstance(inner, dict) and "resize_mode" in inner:  # Jina's CLIPs: OpenCLIP's words here
        return data_configs.read_open_clip({
            key: value for key, value in inner.items()
            if key not in processors.WITHOUT_EFFECT or key == "interpolation"}, side, file)
    return processors.read(inner, side, file, kind) if isinstance(inner, dict) else None


def _of_open_clip(config: dict[str, Any], side: int | None, file: Path,
                  _kind: str) -> tuple[Input, Assumed | None] | None:
    return data_configs.read_open_clip(config, side, file)


def _of_timm(config: dict[str, Any], _side: int | None, file: Path,
             _kind: str) -> tuple[Input, Assumed | None] | None:
    return data_configs.read_timm(config, file)


_READERS: dict[str, _Reader] = {
    "processor_config.json": _of_processors, "preprocessor_config.json": _of_processors,
    "preprocess_cfg.json": _of_open_clip, "open_clip_config.json": _of_open_clip,
    "config.json": _of_timm}
"""The files that say it, the first of which counts, in transformers' order."""


def image_size(config: Mapping[str, Any]) -> int | None:
    """The side of the input that a network's configuration names, in any of the libraries'
    words."""
    for part in (config, config.get("vision_config"), config.get("vision_cfg"),
                 (config.get("model_cfg") or {}).get("vision_cfg")):
        if isinstance(part, dict) and (size := part.get("image_size")):
            return int(size[0] if isinstance(size, list) else size)
    return None


def license_of(folder: Path) -> str | None:
    """The licence that a model card's front matter names."""
    try:
        lines = (folder / "README.md").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    if not lines or lines[0].strip() != "---":
        return None
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if line.startswith("license:"):
            return line.removeprefix("license:").strip() or None
    return None
