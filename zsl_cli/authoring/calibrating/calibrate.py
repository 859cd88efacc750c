"""Photos whose labels are known → the numbers of a model's confidences."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.calibrating import beside_rule, main_rule, pairs, writing
from zsl_cli.authoring.calibrating.result import CalibrationResult, Fit
from zsl_cli.classifier import pairing
from zsl_cli.classifier.background import Background
from zsl_cli.classifier.classifier import Classifier
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import captions, datasets, trained_on
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.evaluation.phrases import vocabulary_of
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.evaluation.selective import class_weights
from zsl_cli.support import folders
from zsl_cli.support.names import names_of
from zsl_cli.support.wording import counted
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.calibrating.request import CalibrationRequest
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.support.calibration import ConfidenceRule


@dataclass(frozen=True)
class _Subject:
    """A model with what it answers from.

    classifier: its vocabulary has no labels where there is none that fits; ``labels`` are then the
        classes of the data as phrases, and else the same vocabulary.
    """

    classifier: Classifier
    labels: Vocabulary

    @property
    def model(self) -> Model:
        return self.classifier.model

    def fit(self, embeddings: "NDArray[np.float32]", truth: "NDArray[np.int64]",
            weights: "NDArray[np.float64]") -> Fit:
        """See main_rule.fit."""
        rule = self.model.manifest.confidence
        at = main_rule.temperatures(rule)
        if len(self.classifier.vocabulary):
            found = pairs.of_labels(self.classifier, embeddings, truth, weights, at)
        else:
            assert self.model.label_encoder is not None
            names = [label.name for label in self.labels.labels]
            found = pairs.of_phrases(
                self.classifier, Background.encoded(self.model.label_encoder), names,
                np.asarray(self.labels.vectors, np.float32), embeddings, truth, weights, at)
        return main_rule.fit(found, rule)


def calibrate(request: "CalibrationRequest", reporter: Reporter | None = None) -> CalibrationResult:
    """Fit the confidences of a model to labelled photos, and write them into its folder or a copy.

    Classes that the vocabulary does not know and images that cannot be read are left out, and are
    in the result.

    Raises ZslError for what cannot be used, and when there is too little to fit to; nothing is
    written then.
    """
    reporter = reporter or Reporter()
    collector = Collector(reporter.left_out)
    folder = folders.find(folders.MODEL, request.model)
    writing.check(request, folder)
    vocabulary = pairing.vocabulary_for(
        folder, folders.read_manifest(folders.MODEL, folder), request.vocabulary)
    captioned = None
    if request.captions is not None:
        if vocabulary is None:
            raise ZslError("`captions` need a vocabulary, whose words they say")
        captioned = captions.read(request.captions, request.images, request.split)
        collector.add_sentences(captioned.failed)
    subject = _subject(Model.load(folder, device=request.device, threads=1), vocabulary,
                       request.data)
    sets = [datasets.read(path, subject.labels) for path in names_of(request.data)]
    for dataset in sets:
        collector.add_dataset(dataset, subject.labels)
        reporter.understood(subject.labels, [one.match for one in dataset.classes if one.match])
    _check_classes(np.concatenate([dataset.rows for dataset in sets]), request.data)
    main = _main(subject, sets, request, reporter, collector)
    rule = _with_main(subject.model.manifest.confidence, main)
    beside = (None if captioned is None else
              _beside(subject.classifier, rule, captioned, request, reporter, collector))
    reporter.end()
    rule = _with_beside(rule, beside)
    output = None if request.output is None else Path(request.output)
    written = writing.write(rule, folder, output, force=request.force)
    return CalibrationResult(written, rule, main, beside, collector.left_out())


def calibrate_new(folder: Path, vocabulary: Vocabulary, images: "Sequence[Path]",
                  rows: "NDArray[np.int64]", reporter: Any) -> "ConfidenceRule":
    """Fit the confidences of a model that has just been made, and write them into its folder.

    images: photos that it was not trained on; rows: of the vocabulary, the label of each.
    reporter: is told how many are read.

    Raises ZslError when there is too little to fit to, and has written nothing then.
    """
    _check_classes(rows, ())
    subject = _Subject(Classifier(Model.load(folder, device="cpu", threads=1), vocabulary),
                       vocabulary)
    reporter.start("fitting confidences", len(images), "images")
    features = feature_cache.embed(subject.model, images, identity=None, advance=reporter.advance)
    reporter.end()
    truth = rows[features.kept]
    _check_classes(truth, ())
    main = subject.fit(features.values, truth, class_weights(truth))
    rule = _with_main(subject.model.manifest.confidence, main)
    writing.write(rule, folder)
    return rule


def _subject(model: Model, vocabulary: Path | None, data: Any) -> _Subject:
    if vocabulary is not None:
        labels = Vocabulary.load(vocabulary)
        return _Subject(Classifier(model, labels), labels)
    names = dict.fromkeys(name for path in names_of(data) for name in datasets.class_names(path))
    return _Subject(Classifier(model, Vocabulary.empty(model.space, model.dimension)),
                    vocabulary_of([*names], model))


def _check_classes(rows: "NDArray[np.int64]", data: "str | os.PathLike[str] | Iterable[Any]",
                   ) -> None:
    if len(np.unique(rows)) < 2:
        where = f"{', '.join(names_of(data))}: " if data else ""
        raise ZslError(f"{where}confidences are fitted to photos of two classes at least, with one "
                       "nothing shows when an answer is wrong")


def _main(subject: _Subject, sets: "Sequence[Dataset]", request: "CalibrationRequest",
          reporter: Reporter, collector: Collector) -> Fit:
    """Of all data sets, which weigh the same, and in each its classes."""
    embeddings, truth, weights = [], [], []
    for name, dataset in zip(names_of(request.data), sets, strict=True):
        features = _embedded(subject.model, dataset.paths, name, request, reporter, collector)
        rows = dataset.rows[features.kept]
        embeddings.append(features.values)
        truth.append(rows)
        weights.append(class_weights(rows) / len(sets))
        kept = [dataset.paths[at] for at in features.kept.tolist()]
        if known := trained_on.count(subject.model.path, kept):
            reporter.warn(f"{name}: {counted(known, 'image')} of {len(kept):,} among those that "
                          "the model was trained on, of which it is surer than of others")
    rows = np.concatenate(truth)
    _check_classes(rows, request.data)
    reporter.start("fitting confidences")
    return subject.fit(np.concatenate(embeddings), rows, np.concatenate(weights))


def _beside(classifier: Classifier, rule: "ConfidenceRule", captioned: captions.Captioned,
            request: "CalibrationRequest", reporter: Reporter, collector: Collector) -> Fit:
    assert request.captions is not None
    features = _embedded(classifier.model, captioned.paths, os.fspath(request.captions), request,
                         reporter, collector)
    texts = [captioned.captions[at] for at in features.kept.tolist()]
    return beside_rule.fit(classifier, features.values, texts, rule, reporter)


def _embedded(model: Model, paths: Sequence[Path], name: str, request: "CalibrationRequest",
              reporter: Reporter, collector: Collector) -> feature_cache.Features:
    """The images that can be read. Raises ZslError where none can."""
    reporter.start(f"embedding, {name}", len(paths))
    features = feature_cache.embed(
        model, paths, advance=reporter.advance, jobs=request.jobs,
        identity=feature_cache.identity_of(model) if request.cache else None,
        batch_size=request.batch_size, max_pixels=request.max_pixels)
    collector.add_unreadable([(str(paths[at]), error) for at, error in features.failed])
    if not len(features.kept):
        raise ZslError(f"{name}: none of its {counted(len(paths), 'image')} can be read")
    return features


def _with_main(rule: "ConfidenceRule", main: Fit) -> "ConfidenceRule":
    assert main.temperature is not None
    return replace(rule, temperature=main.temperature, slope=main.slope, offset=main.offset,
                   fitted_on=main.images)


def _with_beside(rule: "ConfidenceRule", beside: Fit | None) -> "ConfidenceRule":
    if beside is None:
        return rule
    assert beside.second_least is not None
    return replace(
        rule, beside_slope=beside.slope, beside_main=beside.second_slope,
        beside_least=beside.second_least, beside_offset=beside.offset,
        fitted_on=rule.fitted_on + beside.images)
