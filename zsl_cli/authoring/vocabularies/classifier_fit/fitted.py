"""WordNet, ImageNet's class lists, a text encoder and a classifier → a vocabulary folder."""

import hashlib
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies import knowledge, labelset, sentences
from zsl_cli.authoring.vocabularies.classifier_fit import beside, fit, kernels, looks, phrases
from zsl_cli.authoring.vocabularies.classifier_fit.prior import label_prior
from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.names.label import Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_NETWORK = "efficientnet-lite0"
"""The architecture that the default vocabulary is fitted to."""

_SHORT = {DEFAULT_NETWORK: "lite0"}  # as the default's space has always been called


@dataclass(frozen=True)
class Request:
    """What to build from.

    architecture: of the network that the classifier is of; the space is named after it.
    classifier_weights, classifier_bias: ``[C, F]`` and ``[C]``, of the classes of ILSVRC-2012 in
        their usual order.
    wordnet, text_encoder, class_lists, knowledge: folders; the last three may be None, for those
        that installed packages carry.
    phrases: whether to fit the map of phrases too.
    sources: dictionaries with ``name``, ``license`` and ``url``, for the manifest.
    """

    name: str
    architecture: str
    classifier_weights: "NDArray[np.float32]"
    classifier_bias: "NDArray[np.float32]"
    wordnet: Path
    text_encoder: Path | None = None
    class_lists: Path | None = None
    knowledge: Path | None = None
    phrases: bool = False
    settings: fit.Settings = field(default_factory=fit.Settings)
    version: str = "1"
    sources: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Built:
    """The labels; the fit, of their vectors and of the projection that a model needs; the rows of
    those that have a second vector, ``[m]``; the map of phrases if it was wanted; and the SHA-256
    of the sentence encoder's weights."""

    labels: list[Label]
    fit: fit.Fit
    beside: "NDArray[np.int64]"
    phrases: phrases.PhraseFit | None
    encoder: str


def build(request: Request, reporter: Reporter = SILENT) -> Built:
    """Fit, and write nothing yet. Raises ZslError."""
    wordnet = WordNet(request.wordnet)
    seen = labelset.imagenet_ids("imagenet", request.class_lists)
    if len(seen) != len(request.classifier_weights):
        raise ZslError(f"the classifier has {len(request.classifier_weights)} classes, and "
                       f"ILSVRC-2012 has {len(seen)}")
    all_lists = {name: labelset.imagenet_ids(name, request.class_lists)
                 for name in ("imagenet21k_goog", "imagenet12k", "imagenet21k_miil_w21")}
    known = knowledge.load(request.knowledge)
    known.check_classes(seen)
    ids = labelset.choose(wordnet, known.plain, known.plain, seen, all_lists["imagenet21k_goog"])
    photographed = {*seen, *all_lists["imagenet12k"], *all_lists["imagenet21k_miil_w21"]}
    labels = labelset.describe(wordnet, ids, seen, known.plain, known.sensitive)
    reporter.say(f"{len(ids):,} labels, {len(seen):,} of them seen")

    encoder = sentences.find_model(request.text_encoder)
    names = [", ".join((label.name, *label.synonyms)) for label in labels]
    glosses = [label.gloss for label in labels]
    both = [f"{name}: {gloss}" for name, gloss in zip(names, glosses, strict=True)]
    spelled = phrases.spell(labels) if request.phrases else None
    texts = 3 * len(ids) + (2 * len(spelled.names) if spelled else 0)
    reporter.start("encoding", texts, "texts")
    encoded = [sentences.encode(part, encoder, reporter) for part in (both, names, glosses)]
    reporter.say("encoded names and definitions")

    rows = {id_: row for row, id_ in enumerate(ids)}
    columns = np.array([rows[id_] for id_ in seen])
    prior = label_prior(wordnet, ids, photographed, known.everyday, known.beside)
    written = looks.Looks.of(known.looks, ids, seen)
    around = beside.Beside.of(known.beside, ids, seen)
    fitted = fit.fit(
        kernels.tree_features(kernels.ancestor_matrix(wordnet, ids)), encoded,
        kernels.right_above(wordnet, ids, columns), prior,
        fit.Classifier(request.classifier_weights, request.classifier_bias, columns),
        request.settings, written, around)
    reporter.say(f"fitted label vectors of {fitted.vectors.shape[1]} dimensions; of "
                 f"{len(written.rows):,} labels it is written down what they look like, of "
                 f"{len(around.rows):,} what they are seen with")
    phrase_fit = None
    if spelled is not None:
        phrase_fit = phrases.fit(
            phrases.texts_of(spelled, sentences.encode(spelled.names, encoder, reporter),
                             sentences.encode(spelled.with_articles, encoder, reporter),
                             names=encoded[1], described=encoded[0]),
            fitted.vectors[:, :fitted.prior_dimension], prior, spelled.shared, phrases.Settings())
        reporter.say(f"fitted the map of phrases: {len(phrase_fit.landmarks):,} landmarks, scale "
                     f"{phrase_fit.scale:.2f}")
    return Built(labels, fitted, around.rows, phrase_fit,
                 folders.sha256(encoder / sentences.WEIGHTS))


def space_of(fitted: fit.Fit, architecture: str) -> str:
    """The identity of a fitted space: the network's name (``resnet18`` for ``timm:resnet18``) and a
    digest of the projection into it."""
    network = _SHORT.get(architecture) or re.sub(r"[^\w.-]+", "-", architecture.rpartition(":")[2])
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in (
        fitted.features, fitted.posterior, fitted.bias)))
    return f"{network}-wordnet-{digest.hexdigest()[:12]}"


def write(folder: Path, request: Request, built: Built) -> VocabularyManifest:
    """Fill an empty folder as a vocabulary; its manifest."""
    vectors = built.fit.vectors.astype(np.float16)
    return writing.write(
        folder, request.name, space_of(built.fit, request.architecture), built.labels, vectors,
        Beside(built.beside, built.fit.beside), version=request.version,
        prior_dimension=built.fit.prior_dimension, fit=asdict(request.settings),
        sources=list(request.sources), built_by=f"zsl {__version__}")
