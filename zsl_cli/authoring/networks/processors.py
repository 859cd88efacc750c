"""Image processors of transformers: what each kind of them does with its settings.

A kind fills in what a file leaves out, and has rules of its own for what a setting means; both are
read from the library. A kind, or a setting, that is not known here is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zsl_cli.authoring.networks import assumed
from zsl_cli.authoring.networks.network import IMAGENET_MEAN, IMAGENET_STD, Assumed, Input
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import listed, shown

Settings = Mapping[str, Any]

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)
_DEFAULT_MEAN = tuple(value / 255 for value in IMAGENET_MEAN)
_DEFAULT_STD = tuple(value / 255 for value in IMAGENET_STD)
_RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # Pillow's numbers
_BILINEAR, _BICUBIC = 2, 3

_READ = frozenset({
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor",
    "do_normalize", "image_mean", "image_std", "do_pad"})
WITHOUT_EFFECT = frozenset({
    "image_processor_type", "feature_extractor_type", "processor_class", "auto_map",
    "_valid_processor_keys", "do_convert_rgb", "num_channels", "return_tensors", "data_format",
    "input_data_format", "device", "default_to_square", "image_seq_length", "disable_grouping",
    "model_input_names", "padding_side", "padding_value", "sampling_rate", "transformers_version",
    "_name_or_path", "interpolation", "image_grid_pinpoints", "do_reduce_labels", "reduce_labels",
    "backend"})
_OF_FLAVA = ("codebook_", "mask_group_", "return_image_mask", "return_codebook_pixels",
             "input_size_patches", "total_mask_patches")  # of its pre-training
_SUFFIXES = ("Pil", "Fast", "ImageProcessor", "FeatureExtractor")


@dataclass(frozen=True)
class Kind:
    """A kind of image processor.

    settings: its defaults.
    square: whether a bare number as ``size`` means both sides; None where a setting of a crop says
        that it means the shorter one.
    resizing: a rule of its own for the sides; see ``_resized``.
    normalises: whether it does so where it is told to.
    own: settings that it alone has, and that are understood here.
    """

    settings: Settings
    square: bool | None
    resizing: str = ""
    normalises: bool = True
    own: tuple[str, ...] = ()


def _squash(side: int = 224, resample: int = _BICUBIC, mean: tuple[float, ...] = _HALF,
            std: tuple[float, ...] = _HALF, **more: Any) -> Settings:
    return {"size": {"height": side, "width": side}, "resample": resample, "image_mean": mean,
            "image_std": std, **more}


def _crop(side: int = 224, crop: int | None = 224, resample: int = _BICUBIC,
          mean: tuple[float, ...] = _HALF, std: tuple[float, ...] = _HALF,
          **more: Any) -> Settings:
    return {"size": {"shortest_edge": side}, "resample": resample, "image_mean": mean,
            "image_std": std, **more, **({} if crop is None else {
                "crop_size": {"height": crop, "width": crop}, "do_center_crop": True})}


_IMAGENET: dict[str, Any] = {"mean": _DEFAULT_MEAN, "std": _DEFAULT_STD}
_OPENAI: dict[str, Any] = {"mean": OPENAI_MEAN, "std": OPENAI_STD}
_LIKE_CLIP = Kind(_crop(**_OPENAI), square=False, own=("use_square_size",))
_UNNAMED = Kind(_squash(resample=_BILINEAR), square=None, own=("crop_pct",))

KINDS = {
    "Beit": Kind(_squash(crop_size=224), square=True),
    "Bit": _LIKE_CLIP,
    "Blip": Kind(_squash(384, **_OPENAI), square=True),
    "CLIP": _LIKE_CLIP,
    "ChineseCLIP": _LIKE_CLIP,
    "ConvNext": Kind(_crop(384, None, crop_pct=224 / 256), square=False, resizing="ConvNeXt",
                     own=("crop_pct",)),
    "DINOv3ViT": Kind(_squash(resample=_BILINEAR, **_IMAGENET), square=True),
    "DeiT": Kind(_squash(256, crop_size=224, do_center_crop=True), square=True),
    "EfficientNet": Kind(_squash(346, include_top=True, crop_size=289), square=True,
                         own=("include_top", "rescale_offset")),
    "Flava": Kind(_squash(crop_size=224, do_center_crop=True, **_OPENAI), square=True),
    "Levit": Kind(_crop(**_IMAGENET), square=False, resizing="LeViT"),
    "MobileNetV1": Kind(_crop(256, resample=_BILINEAR), square=False),
    "MobileNetV2": Kind(_crop(256, resample=_BILINEAR), square=False),
    "MobileViT": Kind(_crop(crop=256, do_normalize=False, do_flip_channel_order=True),
                      square=False, normalises=False, own=("do_flip_channel_order",)),
    "Perceiver": Kind(_squash(crop_size=256, do_center_crop=True, **_IMAGENET), square=True,
                      resizing="Perceiver"),
    "PoolFormer": Kind(_crop(crop_pct=0.9, **_IMAGENET), square=False, resizing="PoolFormer",
                       own=("crop_pct",)),
    "Pvt": Kind(_squash(**_IMAGENET), square=True),
    "Segformer": Kind(_squash(512, _BILINEAR, **_IMAGENET), square=True),
    "Siglip": Kind(_squash(), square=False),
    "Tipsv2": Kind(_squash(448, _BILINEAR, do_normalize=False), square=True),
    "ViT": Kind(_squash(resample=_BILINEAR), square=True),
}
"""By the name of its class, without what all of them end in."""


@dataclass(frozen=True)
class _Model:
    """What the models of a type are usually given: a kind, and settings unlike its defaults."""

    kind: str
    settings: Settings = field(default_factory=dict)


_WITH_IMAGENET: Settings = {"image_mean": _DEFAULT_MEAN, "image_std": _DEFAULT_STD}
_MODELS = {
    **dict.fromkeys(("clip", "clip_vision_model", "aimv2", "aimv2_vision_model", "altclip",
                     "metaclip_2", "mlcd", "groupvit", "git"), _Model("CLIP")),
    **dict.fromkeys(("siglip", "siglip_vision_model", "siglip2"), _Model("Siglip")),
    **dict.fromkeys(("convnext", "convnextv2", "resnet", "regnet", "cvt"),
                    _Model("ConvNext", _WITH_IMAGENET)),
    **dict.fromkeys(("swin", "swinv2", "dinat", "swiftformer"),
                    _Model("ViT", {**_WITH_IMAGENET, "resample": _BICUBIC})),
    **dict.fromkeys(("ijepa", "vit_mae", "vit_msn"), _Model("ViT", _WITH_IMAGENET)),
    **dict.fromkeys(("dinov2", "dinov2_with_registers", "focalnet", "hiera", "pixio"),
                    _Model("Bit", _WITH_IMAGENET)),
    **dict.fromkeys(("dinov3_vit", "dinov3_convnext"), _Model("DINOv3ViT")),
    **dict.fromkeys(("beit", "data2vec-vision"), _Model("Beit")),
    **dict.fromkeys(("mobilevit", "mobilevitv2"),
                    _Model("MobileViT", {"size": {"shortest_edge": 288}})),
    **dict.fromkeys(("efficientnet", "align"), _Model("EfficientNet")),
    **dict.fromkeys(("pvt", "pvt_v2"), _Model("Pvt")),
    **dict.fromkeys(("vit", "clipseg"), _Model("ViT")),
    "deit": _Model("DeiT", _WITH_IMAGENET), "bit": _Model("Bit"), "blip": _Model("Blip"),
    "chinese_clip": _Model("ChineseCLIP"), "flava": _Model("Flava"), "levit": _Model("Levit"),
    "mobilenet_v1": _Model("MobileNetV1"), "mobilenet_v2": _Model("MobileNetV2"),
    "perceiver": _Model("Perceiver"), "poolformer": _Model("PoolFormer"),
    "segformer": _Model("Segformer")}


def usual(model_type: str, side: int) -> Input:
    """How pictures are usually prepared for models of a type, for an input of this side: as for
    CLIP where there is no type, and as for ViT where it is not known."""
    model = _MODELS.get(model_type or "clip") or _Model("ViT")
    kind = KINDS[model.kind]
    settings = {**kind.settings, **model.settings}
    if "crop_size" not in settings:  # what is cut out depends on the side
        settings["size"] = dict.fromkeys(settings["size"], side)
    prepared = of_processor(settings, side, kind)
    return replace(prepared, preprocessing=replace(prepared.preprocessing, size=side))


def read(settings: Settings, side: int | None, file: Path,
         model_type: str = "") -> tuple[Input, Assumed | None] | None:
    """How the processor with these settings, of this file, prepares a picture, and what of it the
    processor fills in; None where they say nothing of it.

    side: that the network's configuration names. model_type: for settings that name no processor.

    Raises ZslError for what is not understood.
    """
    settings = {key: value for key, value in settings.items() if value is not None}
    name = str(settings.get("image_processor_type") or settings.get("feature_extractor_type")
               or "")
    if not _READ & {*settings} and not name.endswith(("ImageProcessor", *_SUFFIXES)):
        return None
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    known = _MODELS.get(model_type)
    name = name or (known.kind if known else "")
    kind = KINDS.get(name) if name else _UNNAMED
    if kind is None:
        raise ZslError(f"{file}: it is not known here what the image processor "
                       f"{shown(name)} does to a picture")
    strange = [f"{key} {value!r}" for key, value in settings.items()
               if key not in _READ | WITHOUT_EFFECT and key not in kind.own and value
               and not (name == "Flava" and key.startswith(_OF_FLAVA))]
    if strange:
        raise ZslError(f"{file}: it is not known here what these do to a picture: "
                       f"{shown(listed(strange))}")
    whole = {**kind.settings, **settings}
    if "size" not in settings and side is not None:
        whole["size"] = side if "shortest_edge" not in whole["size"] else {"shortest_edge": side}
    try:
        prepared = of_processor(whole, side, kind)
    except ZslError as error:
        raise ZslError(f"{file}: {error}") from error
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError) as error:
        raise ZslError(f"{file}: its settings are not as they should be ({error})") from error
    return prepared, assumed.of(
        prepared, f"what {file.name} does not say, as its image processor does by itself",
        _unsaid(whole, settings))


def _unsaid(whole: Settings, settings: Settings) -> list[str]:
    """What a file leaves to its processor, as the options that would say it."""
    normalises = whole.get("do_normalize", True)
    matters = {"size": ("size", True), "crop": ("crop_size", whole.get("do_center_crop")),
               "interpolation": ("resample", True), "mean": ("image_mean", normalises),
               "std": ("image_std", normalises)}
    return [option for option, (key, used) in matters.items() if used and key not in settings]


def of_processor(settings: Settings, side: int | None, kind: Kind = _UNNAMED) -> Input:
    """How an image processor of a kind with these settings prepares a picture. Raises ZslError
    for what no model folder has a word for."""
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    offset = 1.0 if settings.get("rescale_offset") and settings.get("do_rescale", True) else 0.0
    own_std = _channels(settings.get("image_std", _HALF))
    normalises = settings.get("do_normalize", True) and kind.normalises
    mean = _channels(settings.get("image_mean", _HALF)) if normalises else (0.0,)
    std = own_std if normalises else (1.0,)
    if settings.get("include_top"):  # EfficientNet's, which divides once more
        std = tuple(one * other for one, other in zip(
            std if len(std) == len(own_std) else std * len(own_std), own_std, strict=True))
    size, crop, fit = _geometry(settings, side, kind)
    return Input(
        Preprocessing(size, crop, _filter(settings.get("resample", _BILINEAR)), fit=fit,
                      odd_margins="floor"),
        mean=tuple((value + offset) / scale for value in mean),
        std=tuple(value / scale for value in std),
        bgr=bool(settings.get("do_flip_channel_order")))


def _channels(values: Any) -> tuple[float, ...]:
    return tuple(map(float, values)) if isinstance(values, list | tuple) else (float(values),)


def _filter(resample: Any) -> str:
    if isinstance(resample, str) and resample.lower() in _RESAMPLING:
        return resample.lower()
    if type(resample) is not int or not 0 <= resample < len(_RESAMPLING):
        raise ZslError(f"a resampling {resample!r} is not known here")
    return _RESAMPLING[resample]


def _geometry(settings: Settings, side: int | None, kind: Kind) -> tuple[int, float, str]:
    """Side of the input, share of the picture that is kept, and how it is fitted."""
    if not settings.get("do_resize", True):
        raise ZslError("its image processor does not resize, and zsl always does; give `size`, "
                       "`mean` and `std`")
    cropped = settings.get("crop_size") if settings.get("do_center_crop") else None
    final = None if cropped is None else _number(cropped)
    size = _size(settings, side, kind)
    if kind.resizing == "Perceiver" and final is not None:  # it cuts out a share, and resizes that
        return _square(size), min(_square(size) / final, 1.0), "crop"
    whole, fit = _resized(size, settings, kind)
    if final is None:
        if fit == "crop" and "crop_pct" not in settings and kind is not _UNNAMED:
            raise ZslError("its image processor leaves the longer side of a picture as long as it "
                           "is, and zsl only makes squares; give `size`, `mean` and `std`")
        final = _number(size) if fit == "crop" else whole
    if final > whole:
        raise ZslError(f"its image processor makes {whole} pixels and puts a border of black "
                       f"around them, up to {final}, which a model folder has no word for; give "
                       "`size`, `mean` and `std`")
    return final, final / whole, fit


def _size(settings: Settings, side: int | None, kind: Kind) -> dict[str, Any]:
    """The sides that are wanted, as ``height`` and ``width`` or ``shortest_edge``."""
    size = settings.get("size", side or 224)
    if isinstance(size, list | tuple):
        height, width = size if len(size) == 2 else (*size, *size)
        size = {"height": height, "width": width}
    if not isinstance(size, dict):
        square = kind.square if kind.square is not None else not (
            "crop_size" in settings or "crop_pct" in settings)
        size = {"height": size, "width": size} if square else {"shortest_edge": size}
    size = {key: value for key, value in size.items() if value is not None}
    if settings.get("use_square_size") and "shortest_edge" in size:
        size = {"height": size["shortest_edge"], "width": size["shortest_edge"]}
    if {*size} not in ({"shortest_edge"}, {"height", "width"}):
        raise ZslError(f"its image processor makes {size}, which is not known here; give `size`, "
                       "`mean` and `std`")
    return size


def _resized(size: dict[str, Any], settings: Settings, kind: Kind) -> tuple[int, str]:
    """The side to which a picture is resized, and how: the shorter one of a ``crop``, both of a
    ``squash``. ConvNeXt resizes to more than is wanted where that is below 384, and PoolFormer
    always, by ``crop_pct``; LeViT by 256 / 224."""
    share = settings.get("crop_pct")
    if kind.resizing == "ConvNeXt" or (kind.resizing == "" and share is not None):
        side = _number(size)
        return (side, "squash") if side >= 384 else (int(side / (share or 224 / 256)), "crop")
    if kind.resizing == "PoolFormer" and share is not None:
        return int(_number(size) / share), "crop"
    if "shortest_edge" in size:
        side = int(size["shortest_edge"])
        return (int(256 / 224 * side) if kind.resizing == "LeViT" else side), "crop"
    return _square(size), "squash"


def _number(size: Any) -> int:
    """A size of one number."""
    if not isinstance(size, dict):
        return int(size[0] if isinstance(size, list | tuple) else size)
    return int(size["shortest_edge"]) if "shortest_edge" in size else _square(size)


def _square(size: dict[str, Any]) -> int:
    if size.get("height") is None or size.get("height") != size.get("width"):
        raise ZslError(f"its image processor makes {size}, and zsl only squares; give `size`, "
                       "`mean` and `std`")
    return int(size["height"])
