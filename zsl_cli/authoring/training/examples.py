"""The labelled images of a training: found, read, and turned into features."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.augmentation import View
from zsl_cli.embedding import feature_cache
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import candidates, datasets
from zsl_cli.support.names import Name
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.feature_encoder import FeatureEncoder
    from zsl_cli.authoring.training.reporter import Reporter
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.evaluation.left_out import Collector
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_SAID = 5  # examples of a kind that are named


@dataclass(frozen=True)
class Examples:
    """Images that could be read.

    vocabulary: whose labels they have; rows: int64 ``[n]``, of these the row of each.
    paths: n files.
    features: float32 ``[n, F]``.
    views: float32 ``[v, n, F]``, of random views of each.
    """

    vocabulary: "Vocabulary"
    rows: "NDArray[np.int64]"
    paths: tuple[Path, ...]
    features: "NDArray[np.float32]"
    views: "NDArray[np.float32]"

    @cached_property
    def classes(self) -> "NDArray[np.int64]":
        """The labels that occur, by their rows, rising: int64 ``[C]``."""
        return np.unique(self.rows)

    @cached_property
    def target(self) -> "NDArray[np.int64]":
        """Of each image its label's place in ``classes``, int64 ``[n]``."""
        return np.searchsorted(self.classes, self.rows)

    @cached_property
    def labels(self) -> "tuple[Label, ...]":
        """What the classes are."""
        return tuple(self.vocabulary.label(int(row)) for row in self.classes)

    @property
    def copies(self) -> int:
        """How often each image is there with its views."""
        return len(self.views) + 1

    @cached_property
    def all_features(self) -> "NDArray[np.float32]":
        """Of the images and then of their views, float32 ``[copies · n, F]``."""
        return np.concatenate([self.features, *self.views])

    @cached_property
    def all_target(self) -> "NDArray[np.int64]":
        """``target`` of the images and then of their views."""
        return np.tile(self.target, self.copies)


def find_dataset(data: Name, hold_out: Name | None, vocabulary: "Vocabulary",
                 reporter: "Reporter", collector: "Collector") -> "Dataset":
    """The images that are to be trained on, not read yet.

    data: see evaluation.datasets. hold_out: a file of labels whose images are left out.

    Raises ZslError.
    """
    dataset = datasets.read(data, vocabulary)
    collector.add_dataset(dataset, vocabulary)
    if hold_out is not None:
        held = candidates.read_list(hold_out, vocabulary)
        collector.add_lines(str(hold_out), held.unknown, vocabulary)
        absent = np.setdiff1d(held.rows, dataset.labels)
        if len(absent):
            names = ", ".join(vocabulary.label(int(row)).name for row in absent[:_SAID])
            reporter.warn(f"`hold_out={hold_out}`: {counted(len(absent), 'label')} of it have no "
                          f"images here anyway: {names}")
        dataset = dataset.of(np.setdiff1d(dataset.labels, held.rows))
    if len(dataset.labels) < 2:
        raise ZslError(f"{data}: training needs images of two classes at least, and there are "
                       f"those of {len(dataset.labels)}")
    reporter.say(f"{counted(len(dataset), 'image')} of {len(dataset.labels)} classes")
    return dataset


def read_examples(dataset: "Dataset", vocabulary: "Vocabulary", encoder: "FeatureEncoder",
                  schedule: "Schedule", max_pixels: int, reporter: "Reporter",
                  collector: "Collector") -> Examples:
    """The features of the images, and of as many random views of them as the schedule has. Raises
    ZslError."""
    reporter.start("reading features", len(dataset), "images")
    features = feature_cache.embed(encoder, dataset.paths, identity=encoder.identity,
                                   max_pixels=max_pixels, advance=reporter.advance)
    collector.add_unreadable([(str(dataset.paths[at]), error) for at, error in features.failed])
    if features.failed:
        reporter.say(f"{counted(len(features.failed), 'image')} could not be read and "
                     f"{'is' if len(features.failed) == 1 else 'are'} left out")
    rows = dataset.rows[features.kept]
    if len(np.unique(rows)) < 2:
        raise ZslError("fewer than two classes have an image that can be read")
    paths = tuple(dataset.paths[at] for at in features.kept.tolist())
    views = np.empty((schedule.views, *features.values.shape), np.float32)
    reporter.start("reading views", schedule.views * len(paths), "images")
    for number in range(schedule.views):
        some = encoder.loading(View(schedule.seed, number))
        view = feature_cache.embed(some, paths, identity=some.identity, max_pixels=max_pixels,
                                   advance=reporter.advance)
        if view.failed:
            at, error = view.failed[0]
            raise gone(paths[at], error)
        views[number] = view.values
    if not (np.isfinite(features.values).all() and np.isfinite(views).all()):
        raise ZslError("the network gives features that are not finite")
    return Examples(vocabulary, rows, paths, features.values, views)


def gone(path: "str | os.PathLike[str]", error: Exception) -> ZslError:
    """What is raised for an image that could be read once and cannot any more."""
    return ZslError(f"{os.fspath(path)}: it could be read before, and now: {error}")
