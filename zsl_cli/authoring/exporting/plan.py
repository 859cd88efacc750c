"""What will be exported, decided before anything is written."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zsl_cli.authoring.exporting import heads, labels
from zsl_cli.authoring.networks import features
from zsl_cli.authoring.networks.features import Features
from zsl_cli.authoring.networks.network import Network
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.networks.recognise import Hints, recognise
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.vocabulary.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_TEMPERATURE = 0.05
_ROOM = 1.5
"""How much longer than any features of the calibration photographs others may be."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    projection: M; without one, the classifier's rows are the label vectors, or the network's
        output is the embedding.
    vocabulary: name or folder of the vocabulary whose space M, or the network, maps into.
    space: the space's name, where no vocabulary gives it.
    features_from, feature_node: see features.find.
    class_names: of the classifier's rows.
    phrases: the map from sentence vectors of phrases to the space, with
    text_encoder: the folder of the sentence encoder; together they make the label encoder.
    vocab_labels: labels to encode with a dual encoder's text tower.
    templates: what these are put into; by default what the model's makers use.
    form: ``float32``, ``fp16`` or ``int8``.
    temperature: of the scores (see model.Calibration).
    calibration_images: paths; by default crops of scikit-image's photographs.
    sources: what all this comes from, dictionaries with ``name``, ``license`` and ``url``.
    """

    checkpoint: Path
    name: str
    hints: Hints = field(default_factory=Hints)
    projection: Projection | None = None
    vocabulary: str | None = None
    space: str | None = None
    features_from: str = "auto"
    feature_node: str | None = None
    class_names: tuple[Label, ...] | None = None
    phrases: PhraseMap | None = None
    text_encoder: Path | None = None
    vocab_labels: tuple[Label, ...] | None = None
    templates: tuple[str, ...] | None = None
    form: str = "float32"
    temperature: float | None = None
    calibration_images: tuple[str, ...] = ()
    sources: tuple[dict[str, str], ...] = ()
    license: str | None = None
    version: str = "1"


@dataclass(frozen=True)
class Plan:
    """A request, and what its checkpoint turned out to be.

    kind: ``projection`` (M maps into a vocabulary's space), ``classes`` (the classifier's rows
        are the label vectors) or ``embedding`` (the network maps into a space itself).
    vocabulary: whose space it is, if the user named it.
    class_labels: a label a row of the classifier, for ``classes``.
    notes: what a user should know.
    label_encoder_of: a model folder of the same space, whose label encoder is taken over.
    """

    request: Request
    network: Network
    features: Features
    kind: str
    projection: Projection | None
    vocabulary: Vocabulary | None
    class_labels: tuple[Label, ...] | None
    notes: tuple[str, ...]
    label_encoder_of: Path | None = None

    @property
    def dimension(self) -> int:
        """D of the embedding."""
        if self.projection is not None:
            return self.projection.dimension
        return self.features.width + (3 if self.kind == "classes" else 0)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the checkpoint; of several files, that of their names and hashes."""
        files = self.network.files
        if len(files) == 1:
            return folders.sha256(files[0])
        listing = "".join(f"{folders.sha256(file)}  {file.name}\n" for file in files)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def space(self) -> str:
        """The name of the space: the user's, the vocabulary's, M's, or one of its own."""
        if self.vocabulary is not None:
            return self.vocabulary.space
        given = self.request.space or (self.projection.space if self.projection else None)
        if given:
            return given
        parts = f"{self.digest} {self.features.where} {self.network.input}"
        digest = hashlib.sha256(parts.encode())
        for part in vars(self.projection).values() if self.projection is not None else ():
            digest.update(part.tobytes() if hasattr(part, "tobytes") else repr(part).encode())
        return f"{self.kind}-{digest.hexdigest()[:12]}"

    def head(self, pixels: "NDArray[np.uint8]",
             prepared: Callable[["NDArray[np.uint8]"], torch.Tensor]) -> heads.Head:
        """The head, its radius wide enough for the features of these photographs."""
        if self.projection is not None:
            return heads.Projected(self.projection, self.features.width, self.features.classifier)
        if self.kind == "embedding":
            return heads.Plain(self.features.width)
        longest = 0.0
        with torch.inference_mode():
            for start in range(0, min(len(pixels), 64), 4):
                found = self.features.body(prepared(pixels[start:start + 4]))
                longest = max(longest, float(found.norm(dim=1).max()))
        return heads.OfClasses(self.features.width, _ROOM * (longest ** 2 + 1) ** 0.5)

    def temperature(self, head: heads.Head) -> float:
        """Of the scores: the user's, that of M, of the training, or of the classifier."""
        known = (self.request.temperature
                 or (self.projection.score_temperature if self.projection else None)
                 or (self.network.temperature if self.projection is None else None))
        if known:
            return known
        if isinstance(head, heads.OfClasses) and self.features.classifier is not None:
            return 1 / (head.radius * heads.class_vectors(self.features.classifier)[1])
        return DEFAULT_TEMPERATURE

    def describe(self) -> list[tuple[str, str]]:
        """What was recognised, as names and values for people."""
        given = self.network.input
        frame = given.preprocessing
        shown = [
            ("architecture", self.network.architecture),
            ("weights", ", ".join(file.name for file in self.network.files[:3])
             + (f" and {len(self.network.files) - 3} more" if len(self.network.files) > 3
                else "")),
            ("features", f"{self.features.width} ({self.features.where})"),
            ("embedding", f"{self.dimension} dimensions, {_KINDS[self.kind]}"),
            ("space", self.space),
            ("input", f"{frame.size} x {frame.size}, {frame.fit}, share {frame.crop:.4g}, "
                      f"{frame.interpolation}"),
            ("mean", _numbers(given.mean)), ("std", _numbers(given.std)),
        ]
        if self.class_labels is not None:
            first = ", ".join(label.name for label in self.class_labels[:3])
            shown.append(("classes", f"{len(self.class_labels):,}: {first}, …"))
        if self.network.text is not None:
            shown.append(("text tower", f"up to {self.network.text.length} tokens, templates: "
                                        + (", ".join(self.templates) or "none")))
        if self.license:
            shown.append(("licence", self.license))
        return shown

    @property
    def templates(self) -> tuple[str, ...]:
        """What labels are put into before they are encoded."""
        return self.request.templates or (
            self.network.text.templates if self.network.text else ())

    @property
    def license(self) -> str | None:
        """The user's word, or the checkpoint's."""
        return self.request.license or self.network.license


_KINDS = {"projection": "by the projection M", "classes": "the classifier's own space",
          "embedding": "the network's own"}


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value / 255:.4g}" for value in values) + " (of 0 to 1)"


def make(request: Request) -> Plan:
    """Read the checkpoint and decide. Raises ZslError."""
    network = recognise(request.checkpoint, request.hints)
    vocabulary = Vocabulary.load(request.vocabulary) if request.vocabulary else None
    projection = request.projection or network.projection
    side = network.input.preprocessing.size
    found = features.find(
        network.module, torch.zeros(2, 3, side, side), _source(request, network),
        request.feature_node, _wanted_width(projection, vocabulary))
    kind = _kind(network, found, projection, vocabulary)
    notes = [*network.notes]
    if kind == "embedding" and not (network.text or vocabulary) and (
            request.features_from == "auto" and request.feature_node is None):
        notes.append("no linear layer gives the network's output, so the output itself is the "
                     "embedding, without labels of its own; --feature-node takes other features")
    plan = Plan(request, network, found, kind, projection, vocabulary, None, tuple(notes))
    if projection is not None:
        heads.Projected(projection, found.width, found.classifier)  # raises for another width
    if vocabulary is not None and vocabulary.dimension != plan.dimension:
        raise ZslError(f"the embedding has {plan.dimension} dimensions, and the label vectors of "
                       f"vocabulary {request.vocabulary!r} have {vocabulary.dimension}")
    own = projection.space if projection is not None else None
    wanted = vocabulary.space if vocabulary is not None else request.space
    if own and wanted and own != wanted:
        raise ZslError(f"M maps into the space {own!r}, and "
                       f"{'the vocabulary' if vocabulary is not None else '--space'} is of "
                       f"{wanted!r}: the labels would be nonsense")
    _check_labels(request, network, kind)
    if request.phrases is not None:
        plan = _with_phrases(plan, request.phrases)
    return _with_classes(plan) if kind == "classes" else plan


def _with_phrases(plan: Plan, phrases: PhraseMap) -> Plan:
    """The plan with the map of phrases, and its sentence encoder, as the text tower."""
    if plan.network.text is not None:
        raise ZslError("this checkpoint has a text tower of its own; leave --phrase-map and "
                       "--text-encoder out")
    if plan.request.text_encoder is None:
        raise ZslError("a map of phrases needs the sentence encoder that it was fitted to: "
                       "--text-encoder FOLDER")
    if phrases.dimension != plan.dimension:
        raise ZslError(f"the map of phrases gives vectors of {phrases.dimension} dimensions, and "
                       f"the embedding has {plan.dimension}")
    if phrases.space != plan.space:
        raise ZslError(f"the map of phrases is of the space {phrases.space!r}, and the model of "
                       f"{plan.space!r}: the scores of phrases would be nonsense")
    from zsl_cli.authoring.exporting import sentences

    text = sentences.tower(plan.request.text_encoder, phrases)
    return replace(plan, network=replace(plan.network, text=text))


def _source(request: Request, network: Network) -> str:
    """A dual encoder's last linear layer is part of it, not a classifier over it."""
    if network.text is not None and request.features_from == "auto":
        return "output"
    return request.features_from


def _wanted_width(projection: Projection | None, vocabulary: Vocabulary | None) -> int | None:
    if projection is not None:
        return projection.features.shape[1]
    return None if vocabulary is None else vocabulary.dimension


def _kind(network: Network, found: Features, projection: Projection | None,
          vocabulary: Vocabulary | None) -> str:
    if projection is not None:
        return "projection"
    if network.text is not None or vocabulary is not None or found.classifier is None:
        return "embedding"
    return "classes"


def _check_labels(request: Request, network: Network, kind: str) -> None:
    if request.vocab_labels and (network.text is None or kind != "embedding"):
        raise ZslError("--vocab-labels needs a checkpoint with a text tower (CLIP, SigLIP) to "
                       "encode them; build a vocabulary with zsl vocab build instead")
    if request.class_names and kind != "classes":
        raise ZslError("--class-names names the rows of a classifier, and this export does not "
                       "use one")
    if request.templates and network.text is None:
        raise ZslError("--template is for the labels of a text tower, and this checkpoint has "
                       "none")
    for template in request.templates or ():
        if template.count("{}") != 1:
            raise ZslError(f"--template {template!r}: it must hold {{}} once, where the label "
                           "goes")


def _with_classes(plan: Plan) -> Plan:
    """The plan with a label for each row of the classifier."""
    classifier = plan.features.classifier
    assert classifier is not None
    count, notes = classifier.out_features, [*plan.notes]
    named = plan.request.class_names or plan.network.classes
    if named is None and count == 1000 and (named := labels.imagenet()):
        notes.append("1,000 classes without names: taken as those of ILSVRC-2012; say otherwise "
                     "with --class-names")
    if named is None:
        named = labels.numbered(count)
        notes.append(f"{count:,} classes without names: give them with --class-names")
    if len(named) != count:
        raise ZslError(f"the classifier has {count:,} classes, and {len(named):,} names are "
                       "given for them")
    ids = {label.id for label in named}
    named = tuple(replace(label, seen=True,
                          parents=tuple(parent for parent in label.parents if parent in ids))
                  for label in labels.unique(named))
    return replace(plan, class_labels=named, notes=tuple(notes))
