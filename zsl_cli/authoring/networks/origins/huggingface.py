"""Models in Hugging Face layout: a folder with ``config.json`` and the weights beside it."""

import warnings
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import configurations, tokenization
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Input, Network, TextTower
from zsl_cli.authoring.networks.weights import parts_of, refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary.label import Label

_DUAL = {"clip": ("a photo of a {}.",), "siglip": ("This is a photo of {}.",)}
"""Dual encoders and the template that their makers use."""

_SEES_PADDING = ("siglip",)
_RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # Pillow's numbers
_INDEXES = ("*.safetensors.index.json", "pytorch_model*.bin.index.json")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", *_INDEXES)
_OPENAI = {"image_mean": [0.48145466, 0.4578275, 0.40821073],
           "image_std": [0.26862954, 0.26130258, 0.27577711]}


class ImageTower(nn.Module):
    """The image half of a dual encoder: normalised pixels ``[n, 3, S, S]`` → ``[n, D]``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision = model.vision_model
        self.projection = getattr(model, "visual_projection", nn.Identity())

    def forward(self, pixels: Tensor) -> Tensor:
        """The image's place in the common space, not yet of unit length."""
        return self.projection(self.vision(pixel_values=pixels).pooler_output)


class Text(nn.Module):
    """The text half: token ids ``[n, L]`` → ``[n, D]``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text = model.text_model
        self.projection = getattr(model, "text_projection", nn.Identity())

    def forward(self, ids: Tensor) -> Tensor:
        """The text's place in the common space, not yet of unit length."""
        return self.projection(self.text(input_ids=ids).pooler_output)


class Pixels(nn.Module):
    """A network whose argument is called ``pixel_values``; without logits or a pooled output, its
    first token."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → logits ``[n, C]`` or features ``[n, F]``."""
        output = self.model(pixel_values=pixels)
        for name in ("logits", "image_embeds", "pooler_output"):
            if getattr(output, name, None) is not None:
                return getattr(output, name)
        return output.last_hidden_state[:, 0]


def describes(config: dict[str, Any]) -> bool:
    """Whether a ``config.json`` is one of transformers."""
    return "model_type" in config


@alone()
def read(folder: Path, config: dict[str, Any], tokenizer: Path | None = None) -> Network:
    """The network in a folder; for CLIP and SigLIP both towers. No code of the folder's is run.

    tokenizer: a ``tokenizer.json`` in place of the folder's own tokenizer.

    Raises ZslError.
    """
    configurations.vet_folder(folder)
    for pattern in _INDEXES:
        for index in folder.glob(pattern):
            parts_of(index)
    kind = config["model_type"]
    model = _load(folder, kind, config)
    settings = _preprocessor(folder, model, config)
    network_input = _input(settings, _image_size(config))
    files = tuple(sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern)))
    name = f"huggingface:{type(model).__name__}"
    licence = _license(folder)
    if kind not in _DUAL:
        return Network(name, Pixels(model), network_input, files, classes=_classes(model),
                       license=licence)
    length = int(model.config.text_config.max_position_embeddings)
    fixed = kind in _SEES_PADDING
    if tokenizer is not None:
        tokens = tokenization.from_file(tokenizer, length, fixed=fixed)
    else:
        tokens = tokenization.from_folder(folder, length, fixed=fixed)
        tokenization.check(tokens, tokenization.reference_of(folder, length))
    return Network(
        name, ImageTower(model), network_input, files,
        text=TextTower(Text(model), tokens, length, fixed, _DUAL[kind]),
        temperature=1 / float(model.logit_scale.detach().exp()), license=licence)


def _load(folder: Path, kind: str, config: dict[str, Any]) -> Any:
    """The model with its weights, every one of them from the folder."""
    transformers = library("transformers", f"{folder} is in Hugging Face's layout, which")
    named = (config.get("architectures") or [""])[0]
    auto = (transformers.AutoModelForImageClassification
            if named.endswith("ForImageClassification") else transformers.AutoModel)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, report = auto.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, output_loading_info=True,
                dtype="float32", ignore_mismatched_sizes=True)
    except Exception as error:  # a missing file, a damaged one, an unknown model type
        raise ZslError(f"{folder}: transformers cannot load it: "
                       f"{' '.join(str(error).split())[:300]}") from error
    problems = [f"{len(keys)} {what}: {listed(sorted(map(str, keys)))}" for what, keys in (
        ("missing", report.get("missing_keys", ())),
        ("unexpected", report.get("unexpected_keys", ())),
        ("of another shape", report.get("mismatched_keys", ()))) if keys]
    if problems:
        raise ZslError(f"{folder}: the weights are not those of the {kind} that config.json "
                       f"describes; {'; '.join(problems)}")
    refuse_broken(model.state_dict(), folder)
    return model.eval().requires_grad_(requires_grad=False)


def _preprocessor(folder: Path, model: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says, or what the model type is usually given."""
    file = folder / "preprocessor_config.json"
    if file.is_file():
        return configurations.read(file)
    side = _image_size(config) or 224
    if config["model_type"] == "clip":
        return {**_OPENAI, "resample": 3, "size": {"shortest_edge": side}, "crop_size": side,
                "do_center_crop": True}
    half = [0.5, 0.5, 0.5]
    return {"image_mean": half, "image_std": half, "resample": 2 + (
        config["model_type"] == "siglip"), "size": {"height": side, "width": side}}


def _image_size(config: dict[str, Any]) -> int | None:
    size = config.get("image_size") or (config.get("vision_config") or {}).get("image_size")
    return size[0] if isinstance(size, list) else size


def _input(settings: dict[str, Any], side: int | None) -> Input:
    """How an image processor with these settings prepares an image. Raises ZslError."""
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    normalises = settings.get("do_normalize", True)
    mean = settings.get("image_mean", [0.5] * 3) if normalises else [0.0]
    std = settings.get("image_std", [0.5] * 3) if normalises else [1.0]
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


def _classes(model: Any) -> tuple[Label, ...] | None:
    names = getattr(model.config, "id2label", None) or {}
    if not hasattr(model, "classifier") or all(
            name == f"LABEL_{number}" for number, name in names.items()):
        return None
    return tuple(Label(str(names[number]), str(names[number])) for number in sorted(names))


def _license(folder: Path) -> str | None:
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
