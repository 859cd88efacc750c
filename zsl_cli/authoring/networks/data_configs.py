"""How OpenCLIP's transform for inference and timm's for evaluation prepare a picture, by the
configurations that they write."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zsl_cli.authoring.networks import assumed
from zsl_cli.authoring.networks.network import IMAGENET_MEAN, IMAGENET_STD, Assumed, Input
from zsl_cli.authoring.networks.processors import OPENAI_MEAN, OPENAI_STD
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import listed, shown

_WHY = "what {} does not say, as {} does by itself"
_OPEN_CLIP_FITS = {"shortest": "crop", "squash": "squash", "longest": "pad"}
OPEN_CLIP_DEFAULTS: dict[str, Any] = {
    "mean": OPENAI_MEAN, "std": OPENAI_STD, "interpolation": "bicubic", "resize_mode": "shortest"}
_OPEN_CLIP_OPTIONS = {"size": "size", "mean": "mean", "std": "std",
                      "interpolation": "interpolation", "resize_mode": "fit"}

_TIMM_FITS = {"center": "crop", "squash": "squash", "border": "pad"}
TIMM_OPTIONS = {"input_size": "size", "interpolation": "interpolation", "crop_pct": "crop",
                "mean": "mean", "std": "std"}
"""What says how a picture is prepared, and the options that say it otherwise."""

_TIMM_DEFAULTS: dict[str, Any] = {
    "input_size": (3, 224, 224), "interpolation": "bicubic", "crop_pct": 0.875,
    "mean": tuple(value / 255 for value in IMAGENET_MEAN),
    "std": tuple(value / 255 for value in IMAGENET_STD)}
_TIMM_OTHERS = frozenset({
    "url", "file", "state_dict", "hf_hub_id", "hf_hub_filename", "source", "architecture", "tag",
    "custom_load", "crop_mode", "test_input_size", "min_input_size", "fixed_input_size",
    "test_crop_pct", "num_classes", "num_features", "label_offset", "label_names",
    "label_descriptions", "labels", "pool_size", "test_pool_size", "first_conv", "classifier",
    "license", "description", "origin_url", "paper_name", "paper_ids", "notes", "global_pool",
    "pretrained", "model_type", "architectures", "model_args", "dtype", "torch_dtype",
    "transformers_version", "features", "do_pooling", "initializer_range", "problem_type",
    "id2label", "label2id"})
"""What says nothing of a picture at the size that timm itself evaluates at."""


def read_open_clip(config: dict[str, Any], side: int | None,
                   file: Path) -> tuple[Input, Assumed | None] | None:
    """What OpenCLIP writes, alone or beside the model's configuration; None where that says
    nothing of it. Raises ZslError for what is not understood."""
    config = config.get("preprocess_cfg", config)
    defaults = {"size": side, **OPEN_CLIP_DEFAULTS}
    if strange := [key for key, value in config.items()
                   if key not in (*defaults, "mode", "fill_color", "model_cfg") and value]:
        raise ZslError(f"{file}: it is not known here what these do to a picture: "
                       f"{shown(listed(strange))}")
    unsaid = {key: value for key, value in defaults.items() if config.get(key) is None}
    if unsaid.get("size", 0) is None:
        return None
    try:
        prepared = of_open_clip({**config, **unsaid})
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ZslError(f"{file}: its preprocess_cfg is not as it should be ({error})") from error
    return prepared, assumed.of(prepared, _WHY.format(file.name, "OpenCLIP"), [
        option for key, option in _OPEN_CLIP_OPTIONS.items() if key in unsaid])


def of_open_clip(config: Mapping[str, Any]) -> Input:
    """How OpenCLIP's transform for inference prepares an image. Raises ZslError."""
    size = config["size"]
    if isinstance(size, tuple | list):
        if size[0] != size[1]:
            raise ZslError(f"it takes images of {size}, and zsl only square ones")
        size = size[0]
    if config.get("mode", "RGB") != "RGB":
        raise ZslError(f"it takes images of mode {config['mode']!r}, and zsl gives RGB")
    fill = int(config.get("fill_color") or 0)
    interpolation = config["interpolation"]
    return Input(
        Preprocessing(size, crop=1.0,
                      interpolation="bicubic" if interpolation == "random" else interpolation,
                      fit=_OPEN_CLIP_FITS[config["resize_mode"]], fill=(fill, fill, fill)),
        mean=_of_255(config["mean"]), std=_of_255(config["std"]))


def read_timm(config: dict[str, Any], file: Path) -> tuple[Input, Assumed | None] | None:
    """What timm writes into its ``config.json``, also where transformers has wrapped it; None for
    one that is not timm's. Raises ZslError for what is not understood."""
    if "architecture" not in config and "pretrained_cfg" not in config:
        return None
    said = pretrained_cfg_of(config, file)
    unsaid = {key: value for key, value in _TIMM_DEFAULTS.items() if said.get(key) is None}
    try:
        prepared = of_timm({**said, **unsaid})
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ZslError(f"{file}: its pretrained_cfg is not as it should be ({error})") from error
    return prepared, assumed.of(prepared, _WHY.format(file.name, "timm"), [
        option for key, option in TIMM_OPTIONS.items() if key in unsaid])


def pretrained_cfg_of(config: dict[str, Any], file: Path) -> dict[str, Any]:
    """What timm's ``config.json`` says of weights: of older ones all of it; of newer ones a part,
    with the labels that lie beside that part. Raises ZslError for what is not understood."""
    said = config.get("pretrained_cfg")
    if isinstance(said, dict):
        beside = {key: config[key] for key in ("label_names", "label_descriptions")
                  if config.get(key)}
        size = (config.get("model_args") or {}).get("img_size")
        if size and said.get("fixed_input_size"):
            size = [size, size] if isinstance(size, int) else size
            beside["input_size"] = [(said.get("input_size") or [3])[0], *size]
        said = {**said, **beside}
    else:
        said = {**config, "label_names": config.get("label_names") or config.get("labels")}
    if strange := [key for key, value in said.items() if key not in _TIMM_DEFAULTS
                   and key not in _TIMM_OTHERS and value]:
        raise ZslError(f"{file}: it is not known here what these do to a picture: "
                       f"{shown(listed(strange))}")
    return {key: value for key, value in said.items() if value is not None}


def of_timm(config: Mapping[str, Any]) -> Input:
    """How timm's transform for evaluation prepares an image. Raises ZslError."""
    _, height, width = config["input_size"]
    mode = config.get("crop_mode") or "center"
    if height != width:
        raise ZslError(f"it takes images of {height} x {width}, and zsl only square ones; give "
                       "`size`")
    if mode not in _TIMM_FITS:
        raise ZslError(f"unknown crop mode {mode!r} in its data configuration")
    mean = _of_255(config["mean"])
    fill = [round(value) for value in (mean * 3)[:3]] if mode == "border" else [0, 0, 0]
    whole = math.floor(height / config["crop_pct"])
    if whole < height:
        raise ZslError(f"a crop_pct of {config['crop_pct']} puts a border around a picture, which "
                       "a model folder has no word for; give `crop`")
    interpolation = config["interpolation"]
    return Input(
        Preprocessing(height, crop=height / whole,
                      interpolation="bicubic" if interpolation == "random" else interpolation,
                      fit=_TIMM_FITS[mode], fill=tuple(fill)),
        mean=mean, std=_of_255(config["std"]))


def _of_255(values: Any) -> tuple[float, ...]:
    channels = values if isinstance(values, tuple | list) else (values,)
    return tuple(255 * float(value) for value in channels)
