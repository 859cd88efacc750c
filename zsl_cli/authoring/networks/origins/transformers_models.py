"""Which class of transformers the weights of a folder belong to, and what of its output stands for
the image."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import adapters, lora, matching, weights
from zsl_cli.authoring.networks.libraries import failure, library
from zsl_cli.authoring.networks.lora import Lora
from zsl_cli.authoring.networks.weights import refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_CLASSIFIERS = ("ForImageClassification", "ForImageClassificationWithTeacher")
_TAKEN = (*_CLASSIFIERS, "VisionModelWithProjection")
_POOLER = "pooler."
_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
          "pytorch_model.bin.index.json")
_CLASS_TOKENS = ("cls_token", "class_token", "class_embedding", "class_embeddings")


@dataclass(frozen=True)
class Loaded:
    """A model of transformers with its weights, every one of them from the folder.

    notes: what a user should know of it.
    """

    model: Any
    notes: tuple[str, ...] = ()

    @property
    def classifies(self) -> bool:
        """Whether its output is class logits."""
        return type(self.model).__name__.endswith(_CLASSIFIERS)


def load(folder: Path, kind: str, config: dict[str, Any], adapter: Lora | None = None) -> Loaded:
    """The model in a folder: of the class that ``config.json`` names where that is a classifier or
    an image tower with its projection, else the network without what was put on it for training.

    adapter: is merged into it, and its own head is taken.

    Raises ZslError.
    """
    transformers = library("transformers", f"{folder} is in Hugging Face's layout, which")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    named = (adapter and adapter.base) or (config.get("architectures") or [""])[0]
    auto = (transformers.AutoModelForImageClassification if named.endswith(_CLASSIFIERS[0])
            else transformers.AutoModel)
    own = getattr(transformers, named, None) if named.endswith(_TAKEN[1:]) else None
    model, report = _loaded(own or auto, folder, **_classes_of(adapter))
    if any(key.startswith("visual_projection.") for key in report["unexpected_keys"]) and (
            projecting := _with_projection(transformers, model)):
        model, report = _loaded(projecting, folder)
    if report["missing_keys"] and (plain := _without_wrappers(folder, report)):
        model, report = _loaded(type(model), folder, config=model.config, state_dict=plain)
    if report["missing_keys"] and all(
            key.startswith(_POOLER) for key in report["missing_keys"]):
        model, report = _loaded(own or auto, folder, add_pooling_layer=False)
    if adapter is not None:
        model, report = _adapted(model, report, folder, adapter)
    aside = [key for key in report["unexpected_keys"]  # an adapter has a head of its own
             if matching.is_beside(key) or adapter is not None]
    problems = [f"{len(keys)} {what}: {listed(sorted(map(str, keys)))}" for what, keys in (
        ("missing", report["missing_keys"]),
        ("unexpected", {*report["unexpected_keys"]} - {*aside}),
        ("of another shape", report["mismatched_keys"])) if keys]
    adapters.refuse_among(map(str, report["unexpected_keys"]), folder)
    if problems:
        raise ZslError(f"{folder}: the weights are not those of the {kind} that config.json "
                       f"describes; {'; '.join(problems)}")
    refuse_broken(model.state_dict(), folder)
    notes = [lora.note(adapter)] if adapter is not None else []
    if aside:
        notes.append(f"{len(aside)} tensors beside the network are left aside: {listed(aside, 3)}")
    return Loaded(model.eval().requires_grad_(requires_grad=False), tuple(notes))


def refuse_unknown_pairs(folder: Path, kind: str, config: dict[str, Any],
                         known: "tuple[str, ...]") -> None:
    """Raise ZslError for a dual encoder of another kind than those that are known."""
    parts = {name for name, value in config.items() if isinstance(value, dict)}
    if kind not in known and (kind == "vision-text-dual-encoder" or (
            "text_config" in parts and {"vision_config", "image_config"} & parts)):
        raise ZslError(f"{folder}: {kind} is a model of images and texts that zsl cannot export; "
                       f"it knows the towers of {' and '.join(known)}. An ONNX export of it can "
                       "be imported")


def _loaded(kind: Any, folder: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, report = kind.from_pretrained(
                None if "state_dict" in options else folder, local_files_only=True,
                trust_remote_code=False, output_loading_info=True,
                dtype="float32", ignore_mismatched_sizes=True, **options)
    except Exception as error:  # a missing file, a damaged one, an unknown model type
        raise ZslError(f"{folder}: transformers cannot load it: {failure(error)}") from error
    return model, {name: report.get(name, ()) for name in (
        "missing_keys", "unexpected_keys", "mismatched_keys")}


def _without_wrappers(folder: Path, report: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a folder whose names have what training puts around a network or its parts,
    without that; nothing where they have not."""
    unexpected = [*map(str, report["unexpected_keys"])]
    file = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if file is None or all(matching.bare(key) == key for key in unexpected):
        return {}
    return {matching.bare(key): value for key, value in weights.read(file).tensors.items()}


def _classes_of(adapter: Lora | None) -> dict[str, int]:
    """The number of classes of an adapter's own head, as an argument."""
    head = None if adapter is None else adapter.whole.get("classifier.weight")
    return {} if head is None else {"num_labels": len(head)}


def _adapted(model: Any, report: dict[str, Any], folder: Path,
             adapter: Lora) -> tuple[Any, dict[str, Any]]:
    """A model with an adapter merged into its layers, or, where the adapter calls them as another
    release of transformers did, into the tensors of the folder."""
    state = model.state_dict()
    file = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if adapter.is_for(state) or file is None:
        model.load_state_dict(adapter.merged(state))
    else:
        before = f"{model.base_model_prefix}."
        given = weights.read(file).tensors
        if not any(key.startswith(before) for key in given):  # of the network without a head
            given = {f"{before}{key}": value for key, value in given.items()}
        model, report = _loaded(type(model), folder, config=model.config,
                                state_dict=adapter.merged(given))
    return model, {name: [key for key in keys if (
        key if isinstance(key, str) else key[0]) not in adapter.whole]
        for name, keys in report.items()}


def _with_projection(transformers: Any, model: Any) -> Any:
    """The class of an image tower with the projection into the common space on it."""
    return getattr(transformers, f"{type(model).__name__}WithProjection", None)


class Pixels(nn.Module):
    """A network whose argument is called ``pixel_values``, down to one vector an image."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.side = _side(model)
        self.class_token = any(name.rpartition(".")[2] in _CLASS_TOKENS
                               for name, _ in model.named_parameters())
        _show_all(model)

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, C, S, S]`` → logits ``[n, K]`` or features ``[n, F]``: what the model pools, or
        else the class token, the mean of the tokens where there is none, the mean of maps."""
        return self._vector(self.model(
            pixel_values=pixels, **resampling(self.model, self.side, pixels)))[0]

    def note(self, side: int) -> tuple[str, ...]:
        """What a user should know of how the vector is made, for images of this side."""
        image = torch.zeros(1, getattr(self.model.config, "num_channels", 3), side, side)
        with torch.inference_mode():
            try:
                taken = self._vector(self.model(pixel_values=image))[1]
            except Exception:  # which is said where it matters
                return ()
        return (f"it gives no vector of the whole image: {taken} is taken",) if taken else ()

    def _vector(self, output: Any) -> tuple[Tensor, str]:
        """The vectors of a model's output, and what they are if it does not call them so."""
        for name in ("logits", "image_embeds", "pooler_output"):
            if getattr(output, name, None) is not None:
                return getattr(output, name), ""
        states = output.last_hidden_state
        if states.ndim == 4:
            return states.mean((2, 3)), "the mean of its maps"
        if self.class_token:
            return states[:, 0], "its class token"
        return states.mean(1), "the mean of its tokens, of which none is for the class"


def resampling(model: Any, side: int | None, pixels: Tensor) -> dict[str, bool]:
    """The argument by which transformers resamples position embeddings, for images of another size
    than the model's own."""
    import inspect

    if side in (None, pixels.shape[-1]):
        return {}
    towers = (model, getattr(model, "vision_model", model))  # to which some hand it on
    known = {name for tower in towers for name in inspect.signature(tower.forward).parameters}
    return {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in known else {}


def _side(model: Any) -> int | None:
    config = getattr(model.config, "vision_config", model.config)  # of a dual encoder's half
    size = getattr(config, "image_size", None)
    size = size[0] if isinstance(size, tuple | list) else size
    return size if isinstance(size, int) else None


def _show_all(model: Any) -> None:
    """Have a masked autoencoder see the whole picture: it would hide three quarters of it, and
    others each time."""
    embeddings = getattr(getattr(model, "vit", model), "embeddings", None)
    if embeddings is None or not hasattr(embeddings, "random_masking"):
        return

    def all_of(sequence: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        kept = torch.arange(sequence.shape[1]).expand(sequence.shape[0], -1)
        return sequence, torch.zeros(sequence.shape[:2]), kept

    embeddings.random_masking = all_of
