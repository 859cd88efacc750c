"""What is published beside weights of how their input is prepared: read without PyTorch, and
without the library that wrote it.

What a file says and is not understood is refused, since a picture prepared in another way gives
other numbers and no error; what it leaves unsaid is assumed, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_cli.authoring.networks import configurations
from zsl_cli.authoring.networks.network import Input
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import listed

TEMPLATES = {"clip": ("a photo of a {}.",), "siglip": ("This is a photo of {}.",)}
"""Dual encoders and the template that their makers use."""

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)
_RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # Pillow's numbers
_OPEN_CLIP_FITS = {"shortest": "crop", "squash": "squash", "longest": "pad"}

_READ = frozenset({
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "crop_pct", "do_rescale",
    "rescale_factor", "do_normalize", "image_mean", "image_std"})
_WITHOUT_EFFECT = frozenset({
    "image_processor_type", "feature_extractor_type", "processor_class", "auto_map",
    "_valid_processor_keys", "do_convert_rgb", "num_channels", "return_tensors", "data_format",
    "input_data_format", "device", "default_to_square", "use_square_size", "image_seq_length",
    "disable_grouping", "model_input_names", "padding_side", "padding_value", "sampling_rate",
    "transformers_version", "_name_or_path", "interpolation", "image_grid_pinpoints"})


@dataclass(frozen=True)
class Published:
    """How an input is prepared, and what of it was assumed for want of a word."""

    input: Input
    assumed: tuple[str, ...] = ()


def find(folders: Sequence[Path], config: dict[str, Any]) -> Published:
    """What the first of some folders with a word on it says, the nearest one first.

    config: the model's ``config.json``, for its kind and the side of its input.

    Raises ZslError for what is not understood, or where nothing says how large a picture is.
    """
    side = image_size(config)
    for folder in folders:
        for name, reader in (("preprocessor_config.json", _of_processor),
                             ("processor_config.json", _of_processor),
                             ("preprocess_cfg.json", _of_open_clip),
                             ("open_clip_config.json", _of_open_clip)):
            if (file := folder / name).is_file() and (
                    found := reader(configurations.read(file), side, file)):
                return found
    if side is None:
        raise ZslError(f"{folders[0]}: nothing says how a picture is prepared "
                       "(preprocessor_config.json, preprocess_cfg.json); give `size`, `mean` and "
                       "`std`")
    kind = str(config.get("model_type", ""))
    return Published(of_processor(usual(kind, side), side), (
        f"no file says how a picture is prepared: taken as for {kind or 'CLIP'}",))


def processor(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says, or what the model type is usually given."""
    file = folder / "preprocessor_config.json"
    if file.is_file():
        return configurations.read(file)
    return usual(config["model_type"], image_size(config) or 224)


def usual(kind: str, side: int) -> dict[str, Any]:
    """The settings of the image processor that a model type is usually given."""
    if kind.startswith("clip") or not kind:
        return {"image_mean": OPENAI_MEAN, "image_std": OPENAI_STD, "resample": 3,
                "size": {"shortest_edge": side}, "crop_size": side, "do_center_crop": True}
    return {"image_mean": _HALF, "image_std": _HALF, "resample": 2 + kind.startswith("siglip"),
            "size": {"height": side, "width": side}}


def image_size(config: dict[str, Any]) -> int | None:
    """The side of the input that a network's configuration names, in any of the libraries'
    words."""
    for part in (config, config.get("vision_config"), config.get("vision_cfg"),
                 (config.get("model_cfg") or {}).get("vision_cfg")):
        if isinstance(part, dict) and (size := part.get("image_size")):
            return int(size[0] if isinstance(size, list) else size)
    return None


def _of_processor(settings: dict[str, Any], side: int | None, file: Path) -> Published | None:
    """As ``of_processor``, strictly; transformers 5 keeps a processor's parts in one file."""
    if "image_processor" in settings:
        settings = settings["image_processor"]
    if "resize_mode" in settings:  # Jina's CLIPs: OpenCLIP's words in transformers' file
        return _of_open_clip({key: value for key, value in settings.items()
                              if key not in _WITHOUT_EFFECT or key == "interpolation"}, side, file)
    if not _READ & {*settings}:
        return None
    strange = [f"{key} {value!r}" for key, value in settings.items()
               if key not in _READ | _WITHOUT_EFFECT and value]
    if strange:
        raise ZslError(f"{file}: it is not known here what these do to a picture: "
                       f"{listed(strange)}")
    kind = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    kind = kind.removesuffix("Fast").removesuffix("ImageProcessor").removesuffix("FeatureExtractor")
    defaults = usual(kind.lower(), side or 224)
    if not settings.get("do_normalize", True):
        defaults = {key: value for key, value in defaults.items() if "image" not in key}
    if "size" in settings:
        defaults = {key: value for key, value in defaults.items() if "crop" not in key}
    assumed = {key: value for key, value in defaults.items() if key not in settings}
    return Published(of_processor({**settings, **assumed}, side), tuple(
        f"{file.name} says no {key}: {_spoken(value)}" for key, value in assumed.items()))


def _spoken(value: Any) -> str:
    return ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple) else f"{value}"


def of_processor(settings: dict[str, Any], side: int | None) -> Input:
    """How an image processor of transformers with these settings prepares an image. Raises
    ZslError."""
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    normalises = settings.get("do_normalize", True)
    mean = settings.get("image_mean", _HALF) if normalises else [0.0]
    std = settings.get("image_std", _HALF) if normalises else [1.0]
    size, crop, fit = _geometry(settings, side)
    return Input(
        Preprocessing(size, crop, _RESAMPLING[settings.get("resample", 2)], fit=fit,
                      odd_margins="floor"),
        mean=tuple(value / scale for value in mean), std=tuple(value / scale for value in std))


def _geometry(settings: dict[str, Any], side: int | None) -> tuple[int, float, str]:
    """Side of the input, share of the picture that is kept, and how it is fitted."""
    size = settings.get("size", side or 224)
    if isinstance(size, int):
        # A bare number is the shorter side for those that crop afterwards, else both sides.
        size = ({"shortest_edge": size} if "crop_size" in settings or "crop_pct" in settings
                else {"height": size, "width": size})
    if not settings.get("do_resize", True):
        raise ZslError("its image processor does not resize, and zsl always does; give `size`")
    cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
    if isinstance(cropped, dict):
        cropped = _square(cropped)
    if "shortest_edge" in size:
        shorter = int(size["shortest_edge"])
        if "crop_pct" in settings:  # ConvNeXt: small inputs are cropped, large ones squashed
            return (shorter, shorter / int(shorter / settings["crop_pct"]), "crop") \
                if shorter < 384 else (shorter, 1.0, "squash")
        final = int(cropped or shorter)
        return final, min(final / shorter, 1.0), "crop"
    whole = _square(size)
    final = int(cropped or whole)
    return final, min(final / whole, 1.0), "squash"


def _square(size: dict[str, Any]) -> int:
    if size.get("height") is None or size.get("height") != size.get("width"):
        raise ZslError(f"its image processor makes {size}, and zsl only squares; give `size`")
    return int(size["height"])


def _of_open_clip(config: dict[str, Any], side: int | None, file: Path) -> Published | None:
    """What OpenCLIP writes, alone or beside the model's configuration."""
    config = config.get("preprocess_cfg", config)
    defaults = {"size": side, "mean": OPENAI_MEAN, "std": OPENAI_STD, "interpolation": "bicubic",
                "resize_mode": "shortest"}
    if strange := [key for key, value in config.items()
                   if key not in (*defaults, "mode", "fill_color") and value]:
        raise ZslError(f"{file}: it is not known here what these do to a picture: "
                       f"{listed(strange)}")
    assumed = {key: value for key, value in defaults.items() if config.get(key) is None}
    if assumed.get("size", 0) is None:
        return None
    return Published(of_open_clip({**config, **assumed}), tuple(
        f"{file.name} says no {key}: {_spoken(value)}" for key, value in assumed.items()))


def of_open_clip(config: dict[str, Any]) -> Input:
    """How OpenCLIP's transform for inference prepares an image. Raises ZslError."""
    size = config["size"]
    if isinstance(size, tuple | list):
        if size[0] != size[1]:
            raise ZslError(f"it takes images of {size}, and zsl only square ones")
        size = size[0]
    fill = int(config.get("fill_color") or 0)
    return Input(
        Preprocessing(size, crop=1.0, interpolation=config["interpolation"],
                      fit=_OPEN_CLIP_FITS[config["resize_mode"]], fill=(fill, fill, fill)),
        mean=tuple(255 * value for value in config["mean"]),
        std=tuple(255 * value for value in config["std"]))


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
