"""Models in Hugging Face layout: a folder with ``config.json`` and the weights beside it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import (
    configurations,
    file_kinds,
    lora,
    published,
    tokenization,
)
from zsl_cli.authoring.networks.features import first_tensor
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.authoring.networks.network import Network, Original, TextTower, scale
from zsl_cli.authoring.networks.origins import transformers_models
from zsl_cli.authoring.networks.weights import parts_of
from zsl_cli.vocabulary.names.label import Label

if TYPE_CHECKING:
    from PIL.Image import Image

_SEES_PADDING = ("siglip",)
_INDEXES = ("*.safetensors.index.json", "pytorch_model*.bin.index.json")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", *_INDEXES)


class ImageTower(nn.Module):
    """The image half of a dual encoder: normalised pixels ``[n, 3, S, S]`` → ``[n, D]``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision = model.vision_model
        self.projection = getattr(model, "visual_projection", nn.Identity())
        self.side = int(model.config.vision_config.image_size)

    def forward(self, pixels: Tensor) -> Tensor:
        """The image's place in the common space, not yet of unit length."""
        more = transformers_models.resampling(self.vision, self.side, pixels)
        return self.projection(self.vision(pixel_values=pixels, **more).pooler_output)


class Text(nn.Module):
    """The text half: token ids ``[n, L]`` → ``[n, D]``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text = model.text_model
        self.projection = getattr(model, "text_projection", nn.Identity())

    def forward(self, ids: Tensor) -> Tensor:
        """The text's place in the common space, not yet of unit length."""
        return self.projection(self.text(input_ids=ids).pooler_output)


def describes(config: dict[str, Any]) -> bool:
    """Whether a ``config.json`` is one of transformers."""
    return "model_type" in config


@alone()
def read(folder: Path, config: dict[str, Any], options: InputOptions,
         tokenizer: Path | None = None, adapter: Path | None = None) -> Network:
    """The network in a folder; for CLIP and SigLIP both towers. No code of the folder's is run.

    options: what the user says of the input, which need not be found then.
    tokenizer: a ``tokenizer.json`` in place of the folder's own tokenizer.
    adapter: the folder of a LoRA to be merged into it.

    Raises ZslError.
    """
    configurations.vet_folder(folder)
    for pattern in _INDEXES:
        for index in folder.glob(pattern):
            parts_of(index)
    kind = config["model_type"]
    transformers_models.refuse_unknown_pairs(folder, kind, config, (*published.TEMPLATES,))
    for pattern in ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model"):
        for file in sorted(folder.glob(pattern)):
            file_kinds.refuse_pointer(file)
    added = None if adapter is None else lora.read(adapter)
    loaded = transformers_models.load(folder, kind, config, added)
    model = loaded.model
    says = published.prepared((folder,), config, options)
    files = (*sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern)),
             *(added.files if added else ()))
    name = f"huggingface:{type(model).__name__}"
    licence = published.license_of(folder)
    if kind not in published.TEMPLATES or loaded.classifies:
        module = transformers_models.Pixels(model)
        return Network(name, module, says.input, files, classes=_classes(loaded), license=licence,
                       assumed=says.assumed, original=_original(folder, options, module),
                       logits=int(model.config.num_labels) if loaded.classifies else 0,
                       notes=(*loaded.notes, *module.note(
                           published.image_size(config) or says.input.preprocessing.size)))
    length = int(model.config.text_config.max_position_embeddings)
    fixed = kind in _SEES_PADDING
    if tokenizer is not None:
        tokens = tokenization.from_file(tokenizer, length, fixed=fixed)
    else:
        tokens = tokenization.from_folder(folder, length, fixed=fixed)
        tokenization.check(tokens, tokenization.reference_of(folder, length))
    return Network(
        name, ImageTower(model), says.input, files, assumed=says.assumed,
        original=_original(folder, options, lambda pixels: first_tensor(
            model.get_image_features(pixel_values=pixels))),
        text=TextTower(Text(model), tokens, length, fixed, published.TEMPLATES[kind]),
        **scale(model), license=licence, notes=loaded.notes)


def _original(folder: Path, options: InputOptions,
              outputs: Callable[[Tensor], Tensor]) -> Original | None:
    """The library's own pipeline, where it knows how to prepare a picture for this folder, and the
    user does not want it otherwise."""
    if options != InputOptions():
        return None
    transformers = library("transformers", f"{folder} is in Hugging Face's layout, which")
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            processor = transformers.AutoImageProcessor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False)
    except Exception:  # without a file that says it, it does not guess
        return None

    def pixels(picture: "Image") -> Tensor:
        return processor(picture, return_tensors="pt")["pixel_values"][0]

    return Original(f"transformers {transformers.__version__}", pixels, outputs)


def _classes(loaded: transformers_models.Loaded) -> tuple[Label, ...] | None:
    names = getattr(loaded.model.config, "id2label", None) or {}
    if not loaded.classifies or all(
            name == f"LABEL_{number}" for number, name in names.items()):
        return None
    return tuple(Label(str(names[number]), str(names[number])) for number in sorted(names))
