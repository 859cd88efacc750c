"""What is to be measured: models, vocabularies, images and candidate sets, all found before the
first image is read, so that what is wrong with one of them is told at once."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.classifier import pairing
from zsl_cli.errors import RequestError
from zsl_cli.evaluation import datasets
from zsl_cli.evaluation.candidates import Candidates, choose, read_list, seen_mask
from zsl_cli.evaluation.phrases import vocabulary_of
from zsl_cli.evaluation.request import EvaluationRequest
from zsl_cli.support import folders
from zsl_cli.support.limits import CANDIDATE_SETS
from zsl_cli.support.names import Name, names_of
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np

    from zsl_cli.embedding.model import Model
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.evaluation.left_out import Collector
    from zsl_cli.evaluation.reporter import Reporter

_DEFAULT = ("own", "all")


@dataclass(frozen=True)
class Labels:
    """A vocabulary, and what the request comes to with it.

    seen: bool ``[labels]``, which of them are.
    """

    vocabulary: Vocabulary
    dataset: "Dataset"
    seen: "np.ndarray"
    candidates: list[Candidates]


@dataclass(frozen=True)
class Task:
    """A model and the labels that it chooses from.

    name, vocabulary_name: what the model and the vocabulary are called in tables.
    """

    model: str
    name: str
    vocabulary_name: str
    labels: Labels


def prepare(request: EvaluationRequest, load: "Callable[[str], Model]", collector: "Collector",
            reporter: "Reporter") -> list[Task]:
    """The tasks, one a pair of a model and a vocabulary. Each model is loaded, and so checked, but
    not kept; each vocabulary is there once, however many models share it.

    Raises RequestError and ZslError.
    """
    pairs = request.pairs
    chosen = [vocabulary_for(*pair) for pair in pairs]
    shared: dict[str | Path, Labels] = {}
    of_pairs = []
    for (model, _), folder in zip(pairs, chosen, strict=True):
        loaded = load(model)
        key = model if folder is None else folder
        if key not in shared:
            shared[key] = _labels(_vocabulary(folder, request.dataset, loaded), request,
                                  _DEFAULT if folder or request.confidence is not None
                                  else ("own",), collector, reporter)
        of_pairs.append(shared[key])
    models = told_apart({model: model_name(model) for model, _ in pairs})
    vocabularies = told_apart({name: labels.vocabulary.name for (_, name), labels
                                in zip(pairs, of_pairs, strict=True) if name is not None})
    return [Task(model, models[model],
                 labels.vocabulary.name if name is None else vocabularies[name], labels)
            for (model, name), labels in zip(pairs, of_pairs, strict=True)]


def told_apart(short: Mapping[str, str]) -> dict[str, str]:
    """What things are called in tables, by what they were asked for as: their short name, or all
    of it where another has the same short name."""
    times = Counter(short.values())
    return {whole: name if times[name] == 1 else whole for whole, name in short.items()}


def model_name(path: str) -> str:
    """The last part; ``run/model`` where it is what every training calls its model."""
    parts = os.path.normpath(path).split(os.sep)
    return os.path.join(*parts[-2:]) if parts[-1] == "model" else parts[-1]


def _last_part(path: str) -> str:
    return os.path.basename(os.path.normpath(path))


def vocabulary_for(model_name: str, vocabulary_name: str | None) -> Path | None:
    """By the manifests alone."""
    folder = folders.find(folders.MODEL, model_name)
    return pairing.vocabulary_for(folder, folders.read_manifest(folders.MODEL, folder),
                                  vocabulary_name)


def _vocabulary(folder: Path | None, dataset: Name,
                model: "Model") -> Vocabulary:
    """The vocabulary in a folder; without one, that of the set's class names as phrases."""
    if folder is not None:
        return Vocabulary.load(folder)
    return vocabulary_of(datasets.class_names(dataset), model)


def _labels(vocabulary: Vocabulary, request: EvaluationRequest, default: Sequence[str],
            collector: "Collector", reporter: "Reporter") -> Labels:
    dataset = datasets.read(request.dataset, vocabulary)
    collector.add_dataset(dataset, vocabulary)
    reporter.understood(vocabulary, [one.match for one in dataset.classes if one.match])
    if len(dataset.labels) == 1:
        reporter.say("the set has one class only; among its own classes no answer is wrong")
    seen = _seen(request.seen, vocabulary, collector)
    if request.stacking and not seen.any():
        raise RequestError(f"`stacking`: vocabulary {vocabulary.name!r} says of no label that "
                           "it is seen; give a list of the labels that are: `seen=FILE`")
    names = list(dict.fromkeys(names_of(request.candidates) or default))
    short = told_apart({name: _last_part(name) for name in (*CANDIDATE_SETS, *names)})
    return Labels(vocabulary, dataset, seen, [
        _candidates(name, short[name], dataset, vocabulary, seen, collector) for name in names])


def _seen(path: Name | None, vocabulary: Vocabulary,
          collector: "Collector") -> "np.ndarray":
    if path is None:
        return seen_mask(vocabulary)
    listed = read_list(path, vocabulary)
    collector.add_lines(os.fspath(path), listed.unknown, vocabulary)
    return seen_mask(vocabulary, listed.rows)


def _candidates(name: str, short: str, dataset: "Dataset", vocabulary: Vocabulary,
                seen: "np.ndarray", collector: "Collector") -> Candidates:
    if name in CANDIDATE_SETS:
        return choose(name, dataset, vocabulary, seen)
    listed = read_list(name, vocabulary)
    collector.add_lines(name, listed.unknown, vocabulary)
    return Candidates(short, listed.rows)
