"""What is to be measured: models, vocabularies, images and candidate sets, all found before the
first image is read, so that what is wrong with one of them is told at once."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import notes
from zsl_cli.evaluation.left_out import LeftOut

if TYPE_CHECKING:
    import numpy as np

    from zsl_cli.embedding.model import Model
    from zsl_cli.evaluation.candidates import Candidates
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_DEFAULT = ("own", "all")

Pair = tuple[str, str | None]
"""A model and a vocabulary, as they were asked for."""


@dataclass(frozen=True)
class Request:
    """What is asked of all models alike.

    dataset: the labelled set. candidates: their names and files; none stand for the default.
    seen: the list of what is seen, if there is one. stacking: whether it is asked for.
    """

    dataset: str
    candidates: tuple[str, ...]
    seen: str | None
    stacking: bool


@dataclass(frozen=True)
class Labels:
    """A vocabulary, and what the request comes to with it.

    seen: bool ``[labels]``, which of them are.
    """

    vocabulary: "Vocabulary"
    dataset: "Dataset"
    seen: "np.ndarray"
    candidates: "list[Candidates]"


@dataclass(frozen=True)
class Task:
    """A model and the labels that it chooses from.

    name, vocabulary_name: what the model and the vocabulary are called in tables.
    """

    model: str
    name: str
    vocabulary_name: str
    labels: Labels


def pairs(models: Sequence[str], vocabularies: Sequence[str]) -> list[Pair]:
    """Each model with its vocabulary, once; raises UsageError."""
    return list(dict.fromkeys(_pairs(models, vocabularies)))


def _pairs(models: Sequence[str], vocabularies: Sequence[str]) -> list[Pair]:
    if not vocabularies:
        return [(model, None) for model in models]
    if len(vocabularies) == 1:
        return [(model, vocabularies[0]) for model in models]
    if len(models) == 1:
        return [(models[0], vocabulary) for vocabulary in vocabularies]
    if len(models) != len(vocabularies):
        raise click.UsageError(f"{len(models)} --model and {len(vocabularies)} --vocab: give one "
                               "--vocab for each --model, or one for all, or none")
    return list(zip(models, vocabularies, strict=True))


def prepare(asked: Sequence[Pair], request: Request, load: "Callable[[str], Model]",
            problems: LeftOut, say: Callable[[str], object] | None) -> list[Task]:
    """The tasks, one a pair. Each model is loaded, and so checked, but not kept; each vocabulary
    is there once, however many models share it.

    say: takes notes; None where they are not wanted.

    Raises UsageError and ZslError.
    """
    _check_files(request)
    folders = [_vocabulary_for(*pair) for pair in asked]
    made: dict[str | Path, Labels] = {}
    found = []
    for (model, _), folder in zip(asked, folders, strict=True):
        loaded = load(model)
        key = model if folder is None else folder
        if key not in made:
            made[key] = _labels(_vocabulary(folder, request.dataset, loaded), request,
                                _DEFAULT if folder else ("own",), problems, say)
        found.append(made[key])
    models = _told_apart({model: _last_part(model) for model, _ in asked})
    vocabularies = _told_apart({name: labels.vocabulary.name for (_, name), labels
                                in zip(asked, found, strict=True) if name is not None})
    return [Task(model, models[model],
                 labels.vocabulary.name if name is None else vocabularies[name], labels)
            for (model, name), labels in zip(asked, found, strict=True)]


def _check_files(request: Request) -> None:
    from zsl_cli.evaluation.candidates import NAMED

    for name in request.candidates:
        if name not in NAMED and not os.path.exists(name):
            raise click.UsageError(f"--candidates {name}: neither a file nor one of "
                                   f"{', '.join(NAMED)}")


def _told_apart(short: Mapping[str, str]) -> dict[str, str]:
    """What things are called in tables, by what they were asked for as: their short name, or all
    of it where another has the same short name."""
    times = Counter(short.values())
    return {whole: name if times[name] == 1 else whole for whole, name in short.items()}


def _last_part(path: str) -> str:
    return os.path.basename(os.path.normpath(path))


def _vocabulary_for(model_name: str, vocabulary_name: str | None) -> Path | None:
    """By the manifests alone."""
    from zsl_cli.classifier import pairing
    from zsl_cli.support import folders

    folder = folders.find(folders.MODEL, model_name)
    return pairing.vocabulary_for(folder, folders.read_manifest(folders.MODEL, folder),
                                  vocabulary_name)


def _vocabulary(folder: Path | None, dataset: str, model: "Model") -> "Vocabulary":
    """The vocabulary in a folder; without one, that of the set's class names as phrases."""
    from zsl_cli.evaluation import datasets
    from zsl_cli.evaluation.phrases import vocabulary_of
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    if folder is not None:
        return Vocabulary.load(folder)
    return vocabulary_of(datasets.class_names(dataset), model)


def _labels(vocabulary: "Vocabulary", request: Request, default: Sequence[str], problems: LeftOut,
            say: Callable[[str], object] | None) -> Labels:
    from zsl_cli.evaluation import datasets
    from zsl_cli.evaluation.candidates import NAMED

    dataset = datasets.read(request.dataset, vocabulary)
    problems.add_dataset(dataset, vocabulary)
    if say is not None:
        notes.say_senses(vocabulary, [one.match for one in dataset.classes if one.match])
        if len(dataset.labels) == 1:
            say("zsl: the set has one class only; among its own classes no answer is wrong")
    seen = _seen(request.seen, vocabulary, problems)
    if request.stacking and not seen.any():
        raise click.UsageError(f"--stacking: vocabulary {vocabulary.name!r} says of no label that "
                               "it is seen; give a list of the labels that are: --seen FILE")
    names = list(dict.fromkeys(request.candidates or default))
    called = _told_apart({name: _last_part(name) for name in (*NAMED, *names)})
    return Labels(vocabulary, dataset, seen, [
        _candidates(name, called[name], dataset, vocabulary, seen, problems) for name in names])


def _seen(path: str | None, vocabulary: "Vocabulary", problems: LeftOut) -> "np.ndarray":
    from zsl_cli.evaluation.candidates import read_list, seen_mask

    if path is None:
        return seen_mask(vocabulary)
    listed = read_list(path, vocabulary)
    problems.add_lines(path, listed.unknown, vocabulary)
    return seen_mask(vocabulary, listed.rows)


def _candidates(name: str, called: str, dataset: "Dataset", vocabulary: "Vocabulary",
                seen: "np.ndarray", problems: LeftOut) -> "Candidates":
    from zsl_cli.evaluation.candidates import NAMED, Candidates, choose, read_list

    if name in NAMED:
        return choose(name, dataset, vocabulary, seen)
    listed = read_list(name, vocabulary)
    problems.add_lines(name, listed.unknown, vocabulary)
    return Candidates(called, listed.rows)
