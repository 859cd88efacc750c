"""What is asked of an export."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.authoring.networks.hints import Hints
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.errors import RequestError
from zsl_cli.support import folders, sources
from zsl_cli.support.limits import FEATURES_FROM, QUANTIZE
from zsl_cli.support.names import set_names, set_paths, set_texts
from zsl_cli.support.values import (
    POSITIVE,
    check_choice,
    check_kind,
    check_space,
    check_templates,
    set_numbers,
)
from zsl_cli.vocabulary.names.label import Label

_SUFFIXES = (".index.json", ".tar", ".safetensors", ".bin", ".pth", ".pt2", ".pt", ".ckpt")


@dataclass(frozen=True)
class ExportRequest:
    """The export of a checkpoint as a model folder. A path may be a text, too.

    output: the folder; None for the checkpoint's name and ``-model``, in the current folder.
    hints: what the user says of the network, its input and its tokenizer.
    name: of the model; by default that of the folder.
    projection: M, or the file that it is in; without one, the classifier's rows are the label
        vectors, or the network's output is the embedding.
    vocabulary: name or folder of the vocabulary whose space M, or the network, maps into.
    space: the space's name, where no vocabulary gives it.
    features_from: one of limits.FEATURES_FROM; feature_node: see features.find.
    class_names: of the classifier's rows, or the file that they are in.
    phrase_map: the map from sentence vectors of phrases to the space, or its file, with
    text_encoder: the folder of the sentence encoder; together they make the label encoder.
    vocab_labels: labels to encode with a dual encoder's text tower, or what labels.read_list
        takes.
    templates: what these are put into; by default what the model's makers use.
    quantize: one of limits.QUANTIZE.
    temperature: of the scores (see calibration.Calibration).
    calibration_images: a folder of photographs, or paths; by default crops of scikit-image's.
        Confidences are fitted to them, too, where they lie in folders named by labels.
    compare: whether to measure the encoder in all three forms.
    sources: what all this comes from, dictionaries with ``name``, ``license`` and ``url``.
    force: whether an existing folder may be replaced.

    Raises RequestError for what makes no sense, or not together.
    """

    checkpoint: Path
    output: Path | None = None
    hints: Hints = field(default_factory=Hints)
    name: str | None = None
    projection: Projection | Path | str | None = None
    vocabulary: str | None = None
    space: str | None = None
    features_from: str = "auto"
    feature_node: str | None = None
    class_names: tuple[Label, ...] | Path | None = None
    phrase_map: PhraseMap | Path | None = None
    text_encoder: Path | None = None
    vocab_labels: tuple[Label, ...] | Path | str | None = None
    templates: tuple[str, ...] = ()
    quantize: str = "none"
    temperature: float | None = None
    calibration_images: Sequence[str] | Path | str | None = None
    compare: bool = False
    sources: tuple[dict[str, str], ...] = ()
    license: str | None = None
    version: str = "1"
    force: bool = False

    def __post_init__(self) -> None:
        set_paths(self, "checkpoint", "output", "text_encoder")
        set_paths(self, "class_names", "phrase_map", others=(tuple, list, PhraseMap))
        set_names(self, "templates")
        set_texts(self, "projection", "vocabulary", "vocab_labels", "calibration_images")
        check_choice("quantize", self.quantize, QUANTIZE)
        check_choice("features_from", self.features_from, FEATURES_FROM)
        set_numbers(self, temperature=POSITIVE)
        check_kind("hints", self.hints, Hints)
        object.__setattr__(self, "sources", sources.check(self.sources))
        check_space(self.space)
        if self.space and self.vocabulary:
            raise RequestError("`vocabulary` gives the space its name; leave `space` out")
        if (self.phrase_map is None) != (self.text_encoder is None):
            raise RequestError("`phrase_map` and `text_encoder` belong together")
        check_templates(self.templates)

    @property
    def folder(self) -> Path:
        """The model folder."""
        return self.output or Path(_default_name(self.checkpoint))

    @property
    def model_name(self) -> str:
        """What the model is called."""
        return self.name or folders.name_of(self.folder)

    @property
    def form(self) -> str:
        """Of the weights that are written: ``float32``, ``int8`` or ``fp16``."""
        return "float32" if self.quantize == "none" else self.quantize

    def check_output(self) -> None:
        """Raise FolderError where the folder could not be written, or what is to be read would go
        with what it replaces."""
        folders.check_target(self.folder, force=self.force, reads=(
            self.checkpoint, self.hints.adapter, self.projection, self.vocabulary,
            self.class_names, self.phrase_map, self.text_encoder, self.vocab_labels,
            self.calibration_images))


def _default_name(checkpoint: Path) -> str:
    """``checkpoint-model`` for ``run/checkpoint.pt``."""
    stem = folders.name_of(checkpoint)
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    return f"{stem}-model"
