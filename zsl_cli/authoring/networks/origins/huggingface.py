"""Models in Hugging Face layout: a folder with ``config.json`` and the weights beside it."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsl_cli.authoring.networks import configurations, published, tokenization
from zsl_cli.authoring.networks.libraries import alone
from zsl_cli.authoring.networks.network import Network, TextTower
from zsl_cli.authoring.networks.origins import transformers_models
from zsl_cli.authoring.networks.weights import parts_of
from zsl_cli.vocabulary.label import Label

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
    transformers_models.refuse_unknown_pairs(folder, kind, config, (*published.TEMPLATES,))
    loaded = transformers_models.load(folder, kind, config)
    model = loaded.model
    settings = published.processor(folder, config)
    network_input = published.of_processor(settings, published.image_size(config))
    files = tuple(sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern)))
    name = f"huggingface:{type(model).__name__}"
    licence = published.license_of(folder)
    if kind not in published.TEMPLATES:
        return Network(name, transformers_models.Pixels(model), network_input, files,
                       classes=_classes(model), license=licence, notes=loaded.notes,
                       logits=int(model.config.num_labels) if loaded.classifies else 0)
    length = int(model.config.text_config.max_position_embeddings)
    fixed = kind in _SEES_PADDING
    if tokenizer is not None:
        tokens = tokenization.from_file(tokenizer, length, fixed=fixed)
    else:
        tokens = tokenization.from_folder(folder, length, fixed=fixed)
        tokenization.check(tokens, tokenization.reference_of(folder, length))
    return Network(
        name, ImageTower(model), network_input, files,
        text=TextTower(Text(model), tokens, length, fixed, published.TEMPLATES[kind]),
        temperature=1 / float(model.logit_scale.detach().exp()), license=licence,
        notes=loaded.notes)


def _classes(model: Any) -> tuple[Label, ...] | None:
    names = getattr(model.config, "id2label", None) or {}
    if not hasattr(model, "classifier") or all(
            name == f"LABEL_{number}" for number, name in names.items()):
        return None
    return tuple(Label(str(names[number]), str(names[number])) for number in sorted(names))
