"""The stages of a training: the images, the network, its features, M, the network, the folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.cli.terminal.left_out import reporting
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.cli.train import folder
from zsl_cli.errors import ZslError
from zsl_cli.evaluation.left_out import LeftOut
from zsl_cli.support.wording import counted, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.authoring.exporting.plan import Plan
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_SAID = 5  # examples of a kind that are named


@dataclass(frozen=True)
class Options:
    """What the command line says; see its help."""

    data: Path
    vocabulary: str
    model: str
    backbone: Path | None
    architecture: str | None
    trust_pickle: bool
    hold_out: Path | None
    max_pixels: int
    method: str
    from_scratch: bool
    margin: float | None
    negatives: str
    samples: int
    direction: str
    dimension: int
    decay: float | None
    shift: float | None
    views: int
    epochs: int
    batch_size: int | None
    learning_rate: float
    validation: str
    patience: int
    finetune: int
    finetune_rate: float
    finetune_batch: int
    seed: int
    device: str
    output: Path
    no_export: bool
    quantize: str
    restart: bool
    force: bool

    @property
    def work(self) -> Path:
        """Where the training is kept until it is finished."""
        return self.output / folder.UNFINISHED


class Teller:
    """Tells what happens: notes, the bar, the log; a trainer.Progress."""

    def __init__(self, bar: Bar, log: Path, *, quiet: bool, verbose: bool) -> None:
        self.bar, self.verbose = bar, verbose
        self._log, self._quiet = log, quiet
        self._stage, self._epochs, self._within = "", 0, 0.0
        self._fresh = True

    def say(self, line: str) -> None:
        """A note, unless they are not wanted."""
        if not self._quiet:
            self.bar.say(f"zsl: {printable(line)}")

    def begin(self, stage: str, epochs: int) -> None:
        """Training in so many epochs is about to begin."""
        self._stage, self._epochs, self._within = stage, epochs, 0.0
        self.bar.start(stage, epochs, "epochs")

    def step(self, done: int, steps: int) -> None:
        """So many steps of an epoch are done."""
        self.bar.advance(done / steps - self._within)
        self._within = done / steps

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is done: a line of the log."""
        shown = ", ".join(f"{name} {record[name]:.3f}" for name in ("loss", "hit@1", "hit@5")
                          if name in record)
        self.bar.advance(1 - self._within, remark=shown)
        self._within = 0.0
        if self.verbose:
            self.say(f"{self._stage}, epoch {record['epoch']}: {shown}")
        with self._log.open("w" if self._fresh else "a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": self._stage, **record}) + "\n")
        self._fresh = False


@dataclass(frozen=True)
class Images:
    """Those that could be read.

    paths: of n images; rows: int64 ``[n]``, the label of each.
    features: float32 ``[n, F]``.
    views: float32 ``[v, n, F]``, of random views of each.
    """

    paths: tuple[Path, ...]
    rows: "NDArray[np.int64]"
    features: "NDArray[np.float32]"
    views: "NDArray[np.float32]"


def run(given: Options, bar: Bar, *, quiet: bool, verbose: bool) -> int:
    """Everything; returns the exit status."""
    teller = Teller(bar, given.work / folder.LOG, quiet=quiet, verbose=verbose)
    left_out = LeftOut(reporting(bar.say, verbose))
    with folder.opened(given):
        _train(given, teller, left_out)
    return 1 if left_out else 0


def _train(given: Options, teller: Teller, left_out: LeftOut) -> None:
    from zsl_cli.cli.train import finetune, learn, start, write
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(given.vocabulary)
    dataset = _dataset(given, vocabulary, teller, left_out)
    began = start.find(given, vocabulary, teller)
    learn.check(given, began)
    finetune.check(given, began)
    if given.restart:
        folder.clear(given.work)
    images = _read(given, began.plan, dataset, teller, left_out)
    taught = learn.learn(given, began, vocabulary, images, teller)
    if given.finetune:
        taught = finetune.finetune(given, began, taught, images, teller)
    teller.bar.end()
    write.write(given, began, vocabulary, taught, images, teller)


def device_of(given: Options) -> str:
    """``cpu`` or ``cuda``; raises ZslError where CUDA is wanted and cannot be used."""
    import torch

    if given.device == "cuda" and not torch.cuda.is_available():
        raise ZslError("--device cuda cannot be used: this torch sees no CUDA device")
    return "cuda" if given.device != "cpu" and torch.cuda.is_available() else "cpu"


def _dataset(given: Options, vocabulary: "Vocabulary", teller: Teller,
             left_out: LeftOut) -> "Dataset":
    import numpy as np

    from zsl_cli.evaluation import candidates, datasets

    found = datasets.read(given.data, vocabulary)
    left_out.add_dataset(found, vocabulary)
    if given.hold_out is not None:
        held = candidates.read_list(given.hold_out, vocabulary)
        left_out.add_lines(str(given.hold_out), held.unknown, vocabulary)
        absent = np.setdiff1d(held.rows, found.labels)
        if len(absent):
            names = ", ".join(vocabulary.label(int(row)).name for row in absent[:_SAID])
            teller.say(f"warning: --hold-out {given.hold_out}: {counted(len(absent), 'label')} of "
                       f"it have no images here anyway: {names}")
        found = found.of(np.setdiff1d(found.labels, held.rows))
    if len(found.labels) < 2:
        raise ZslError(f"{given.data}: training needs images of two classes at least, and there "
                       f"are those of {len(found.labels)}")
    teller.say(f"{counted(len(found), 'image')} of {len(found.labels)} classes")
    return found


def _read(given: Options, plan: "Plan", dataset: "Dataset", teller: Teller,
          left_out: LeftOut) -> Images:
    """The features of the images, and of random views of them."""
    import numpy as np

    from zsl_cli.authoring.exporting.feature_encoder import FeatureEncoder
    from zsl_cli.embedding import feature_cache

    encoder = FeatureEncoder(plan, given.device if device_of(given) == "cuda" else "cpu")
    teller.bar.start("reading features", len(dataset), "images")
    found = feature_cache.embed(encoder, dataset.paths, identity=encoder.identity,
                                max_pixels=given.max_pixels, advance=teller.bar.advance)
    left_out.add_unreadable([(str(dataset.paths[at]), error) for at, error in found.failed])
    if found.failed:
        teller.say(f"{counted(len(found.failed), 'image')} could not be read and "
                   f"{'is' if len(found.failed) == 1 else 'are'} left out")
    rows = dataset.rows[found.kept]
    if len(np.unique(rows)) < 2:
        raise ZslError("fewer than two classes have an image that can be read")
    paths = tuple(dataset.paths[at] for at in found.kept.tolist())
    views = np.empty((given.views, *found.values.shape), np.float32)
    teller.bar.start("reading views", given.views * len(paths), "images")
    for number in range(given.views):
        some = encoder.loading(View(given.seed, number))
        one = feature_cache.embed(some, paths, identity=some.identity,
                                  max_pixels=given.max_pixels, advance=teller.bar.advance)
        if one.failed:
            at, error = one.failed[0]
            raise ZslError(f"{paths[at]}: it could be read before, and now: {error}")
        views[number] = one.values
    if not (np.isfinite(found.values).all() and np.isfinite(views).all()):
        raise ZslError("the network gives features that are not finite")
    return Images(paths, rows, found.values, views)


@dataclass(frozen=True)
class View:
    """The n-th random view of an image: the same one whenever it is asked for."""

    seed: int
    number: int

    def __call__(self, source: Any, preprocessing: Any, *, max_pixels: int) -> "NDArray[np.uint8]":
        from zlib import crc32

        import numpy as np

        from zsl_cli.authoring.training import augmentation

        name = crc32(os.fsencode(os.path.abspath(source)))
        random = np.random.default_rng([self.seed, self.number, name])
        return augmentation.view(source, preprocessing, random, max_pixels=max_pixels)
