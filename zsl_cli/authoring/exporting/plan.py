"""What will be exported, decided before anything is written."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from zsl_cli.authoring.exporting import heads, labels, pipeline
from zsl_cli.authoring.exporting.pipeline import Reference
from zsl_cli.authoring.exporting.request import ExportRequest
from zsl_cli.authoring.networks import features, steadiness
from zsl_cli.authoring.networks.features import Features
from zsl_cli.authoring.networks.network import Network
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.networks.recognise import recognise
from zsl_cli.embedding.walk import images_in
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Labels = Literal["vocabulary", "own", "phrases", "none"]
"""Where a model's labels are from: the vocabulary that the user named, one of its own, whatever
phrases the user names, or a vocabulary that is still to be named."""

DEFAULT_TEMPERATURE = 0.05
_ROOM = 1.5
"""How much longer than any features of the calibration photographs others may be."""


@dataclass(frozen=True)
class Plan:
    """A request, and what its checkpoint turned out to be.

    kind: ``projection`` (M maps into a vocabulary's space), ``classes`` (the classifier's rows
        are the label vectors) or ``embedding`` (the network maps into a space itself).
    vocabulary: whose space it is, if the user named it.
    class_labels: a label a row of the classifier, for ``classes``.
    vocab_labels: labels for the text tower to encode, if the user wants any.
    photographs: paths of those to calibrate on and to measure agreement with; none for those of
        scikit-image.
    notes: what a user should know.
    label_encoder_of: a model folder of the same space, whose label encoder is taken over.
    made_by: the command, where it is another one than an export.
    reference: what the original library makes of a few photographs.
    """

    request: ExportRequest
    network: Network
    features: Features
    kind: str
    projection: Projection | None
    vocabulary: Vocabulary | None
    class_labels: tuple[Label, ...] | None = None
    vocab_labels: tuple[Label, ...] | None = None
    photographs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    label_encoder_of: Path | None = None
    made_by: str | None = None
    reference: Reference | None = None

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
        named = self.request.space or (self.projection.space if self.projection else None)
        if named:
            return named
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
                features = self.features.body(prepared(pixels[start:start + 4]))
                longest = max(longest, float(features.norm(dim=1).max()))
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

    @property
    def labels(self) -> Labels:
        """Where the labels of the model are from."""
        if self.vocabulary is not None:
            return "vocabulary"
        if self.class_labels or self.vocab_labels:
            return "own"
        return "phrases" if self.network.text is not None and self.kind == "embedding" else "none"

    @property
    def templates(self) -> tuple[str, ...]:
        """What labels are put into before they are encoded."""
        return self.request.templates or (
            self.network.text.templates if self.network.text else ())

    @property
    def license(self) -> str | None:
        """The user's word, or the checkpoint's."""
        return self.request.license or self.network.license


def make(request: ExportRequest) -> Plan:
    """Read the checkpoint and what goes with it, and decide. Raises ZslError."""
    hints = request.hints
    photographs = _photographs(request.calibration_images)
    own_projection = (Projection.load(request.projection, trust=hints.trust_pickle)
                      if isinstance(request.projection, str | Path) else request.projection)
    phrases = (PhraseMap.load(request.phrase_map) if isinstance(request.phrase_map, Path)
               else request.phrase_map)
    class_names = (labels.read_classes(request.class_names)
                   if isinstance(request.class_names, Path) else request.class_names)
    vocab_labels = (labels.read_list(str(request.vocab_labels))
                    if isinstance(request.vocab_labels, str | Path) else request.vocab_labels)
    network = recognise(request.checkpoint, hints)
    vocabulary = Vocabulary.load(request.vocabulary) if request.vocabulary else None
    projection = own_projection or network.projection
    side = network.input.preprocessing.size
    reference = pipeline.reference(network)  # the network is whole now
    # A blank picture would make layers alike that are not.
    example = torch.randn(2, 1 if network.input.grey else 3, side, side,
                          generator=torch.Generator().manual_seed(0))
    cut = features.find(
        network.module, example,
        _source(request, network), request.feature_node, _wanted_width(projection, vocabulary))
    steadiness.check(cut.body, example)
    kind = _kind(network, cut, projection, vocabulary)
    if kind == "embedding" and not (network.text or vocabulary or request.feature_node) and (
            request.features_from == "auto" and network.logits == cut.width):
        cut, kind = features.of_logits(cut), "classes"
    notes = [*network.notes]
    if kind == "embedding" and not (network.text or vocabulary) and (
            request.features_from == "auto" and request.feature_node is None):
        why = ("" if network.logits == 0 else
               "no linear layer gives the network's output, so ")
        notes.append(f"{why}the output itself is the embedding, without labels of its own; "
                     "`feature_node` takes other features")
    plan = Plan(request, network, cut, kind, projection, vocabulary, vocab_labels=vocab_labels,
                photographs=photographs, notes=tuple(notes), reference=reference)
    _check_space(plan)
    _check_labels(plan)
    if phrases is not None:
        plan = _with_phrases(plan, phrases)
    return _with_classes(plan, class_names) if kind == "classes" else plan


def _photographs(images: Sequence[str] | Path | str | None) -> tuple[str, ...]:
    """The paths of a folder's photographs, or those that are given. Raises ZslError."""
    if images is None:
        return ()
    paths = tuple(images_in(str(images)) if isinstance(images, str | Path) else map(str, images))
    if not paths:
        raise ZslError(f"`calibration_images={images}`: no photograph there")
    return paths


def _check_space(plan: Plan) -> None:
    """Raise ZslError where M, the vocabulary and the name of the space do not go together."""
    projection, vocabulary, request = plan.projection, plan.vocabulary, plan.request
    if projection is not None:  # raises for another width
        heads.Projected(projection, plan.features.width, plan.features.classifier)
    if vocabulary is not None and vocabulary.dimension != plan.dimension:
        raise ZslError(f"the embedding has {plan.dimension} dimensions, and the label vectors of "
                       f"vocabulary {request.vocabulary!r} have {vocabulary.dimension}")
    own = projection.space if projection is not None else None
    wanted = vocabulary.space if vocabulary is not None else request.space
    if own and wanted and own != wanted:
        raise ZslError(f"M maps into the space {own!r}, and "
                       f"{'the vocabulary' if vocabulary is not None else '`space`'} is of "
                       f"{wanted!r}: the labels would be nonsense")


def _check_labels(plan: Plan) -> None:
    """Raise ZslError for labels that nothing in the network has a use for."""
    request, text = plan.request, plan.network.text
    if plan.vocab_labels and (text is None or plan.kind != "embedding"):
        raise ZslError("`vocab_labels` needs a checkpoint with a text tower (CLIP, SigLIP) to "
                       "encode them; zsl vocab build makes a vocabulary of word vectors instead")
    if request.class_names and plan.kind != "classes":
        raise ZslError("`class_names` names the rows of a classifier, and this export does not "
                       "use one")
    if request.templates and text is None:
        raise ZslError("`template` is for the labels of a text tower, and this checkpoint has "
                       "none")


def _with_phrases(plan: Plan, phrases: PhraseMap) -> Plan:
    """The plan with the map of phrases, and its sentence encoder, as the text tower."""
    if plan.network.text is not None:
        raise ZslError("this checkpoint has a text tower of its own; leave `phrase_map` and "
                       "`text_encoder` out")
    assert plan.request.text_encoder is not None  # see ExportRequest
    if phrases.dimension != plan.dimension:
        raise ZslError(f"the map of phrases gives vectors of {phrases.dimension} dimensions, and "
                       f"the embedding has {plan.dimension}")
    if phrases.space != plan.space:
        raise ZslError(f"the map of phrases is of the space {phrases.space!r}, and the model of "
                       f"{plan.space!r}: the scores of phrases would be nonsense")
    from zsl_cli.authoring.exporting import sentences

    text = sentences.tower(plan.request.text_encoder, phrases)
    return replace(plan, network=replace(plan.network, text=text))


def _source(request: ExportRequest, network: Network) -> str:
    """A dual encoder's last linear layer is part of it, not a classifier over it."""
    if (network.text is not None or network.logits == 0) and request.features_from == "auto":
        return "output"
    return request.features_from


def _wanted_width(projection: Projection | None, vocabulary: Vocabulary | None) -> int | None:
    if projection is not None:
        return projection.features.shape[1]
    return None if vocabulary is None else vocabulary.dimension


def _kind(network: Network, cut: Features, projection: Projection | None,
          vocabulary: Vocabulary | None) -> str:
    if projection is not None:
        return "projection"
    if network.text is not None or vocabulary is not None or cut.classifier is None:
        return "embedding"
    return "classes"


def _with_classes(plan: Plan, class_names: tuple[Label, ...] | None) -> Plan:
    """The plan with a label for each row of the classifier."""
    classifier = plan.features.classifier
    assert classifier is not None
    count, notes = classifier.out_features, [*plan.notes]
    named = class_names or plan.network.classes
    if named is None and count == 1000 and (named := labels.imagenet()):
        notes.append("1,000 classes without names: taken as those of ILSVRC-2012; say otherwise "
                     "with `class_names`")
    if named is None:
        named = labels.numbered(count)
        notes.append(f"{count:,} classes without names: give them with `class_names`")
    if len(named) != count:
        raise ZslError(f"the classifier has {count:,} classes, and {len(named):,} names are "
                       "given for them")
    ids = {label.id for label in named}
    named = tuple(replace(label, seen=True,
                          parents=tuple(parent for parent in label.parents if parent in ids))
                  for label in labels.unique(named))
    return replace(plan, class_labels=named, notes=tuple(notes))
