"""Skip-gram word vectors (Mikolov et al., 2013a, b) over a prepared corpus, batch by batch.

gensim's compiled inner loop does the arithmetic. What this module adds is that a training can be
stopped after any batch, kept in a few plain arrays, and taken up again: the learning rate and
the random numbers of a batch depend on its place in the training alone.
"""

import copy
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zsl_cli.authoring.vocabularies.word_training.prepare import SENTENCE_END, Prepared, write_array
from zsl_cli.errors import ZslError
from zsl_cli.support import extras, files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.vocabularies.word_training.collocations import Ids

_POLL = 0.2  # seconds


@dataclass(frozen=True)
class Settings:
    """How vectors are trained.

    loss: ``negative``, negative sampling with so many noise words (Mikolov et al., 2013b,
        section 2.2), or ``hierarchical``, hierarchical softmax over a Huffman tree (2.1), which
        DeViSE used.
    window: the most words to each side; each time a number from 1 to this is drawn.
    sample: frequent words are left out at random above this frequency (2.3); 0 leaves out none.
    learning_rate: at the start; it falls linearly to a 250th of it.
    """

    dimension: int = 300
    window: int = 20
    loss: Literal["negative", "hierarchical"] = "negative"
    negative: int = 5
    sample: float = 1e-5
    epochs: int = 5
    learning_rate: float = 0.025
    seed: int = 0


class Training:
    """Vectors in the making. ``done`` of ``total`` batches are trained."""

    def __init__(self, prepared: Prepared, settings: Settings) -> None:
        """Vectors as they are before the first batch. Raises MissingExtraError."""
        with extras.needed("vocab", "training word vectors"):
            from gensim.models import Word2Vec
            from gensim.models.word2vec_inner import train_batch_sg
        hierarchical = settings.loss == "hierarchical"
        self._train_batch: Callable[..., int] = train_batch_sg
        self._model: Any = Word2Vec(
            vector_size=settings.dimension, window=settings.window, sg=1, hs=int(hierarchical),
            negative=0 if hierarchical else settings.negative, sample=settings.sample,
            min_count=1, sorted_vocab=0, seed=settings.seed, workers=1)
        try:
            self._model.build_vocab_from_freq(
                dict(zip(prepared.words, prepared.counts.tolist(), strict=True)))
        except MemoryError as error:
            raise ZslError(
                f"not enough memory for {len(prepared.words):,} words of {settings.dimension} "
                "dimensions; give a lower `max_words` or `dimension`") from error
        self._output = "syn1" if hierarchical else "syn1neg"
        self._words = np.array(prepared.words, object)
        self._stream = np.memmap(prepared.stream, np.int32, "r")
        self._starts = prepared.batches
        self._words_an_epoch = int(prepared.counts.sum())
        self._settings = settings
        self.done = 0
        self._whole = True  # no batch was broken off

    @property
    def batches(self) -> int:
        """In an epoch."""
        return len(self._starts) - 1

    @property
    def total(self) -> int:
        """Batches, all epochs together."""
        return self.batches * self._settings.epochs

    def words_until(self, batch: int) -> int:
        """Words before a batch of the training, very nearly."""
        epoch, within = divmod(batch, self.batches)
        return round((epoch + self._starts[within] / self._starts[-1]) * self._words_an_epoch)

    @property
    def vectors(self) -> "NDArray[np.float32]":
        """``[words, dimension]``, as they are now."""
        return self._model.wv.vectors

    def run(self, until: int, workers: int, advance: Callable[[int], None],
            seconds: float = float("inf")) -> None:
        """Train the batches from ``done`` up to ``until``, or as many as begin within so many
        seconds.

        With one worker the result depends on nothing but corpus and settings. More of them write
        to the same vectors without waiting for one another (Recht et al., 2011, Hogwild), so that
        no two runs give quite the same. When an exception such as KeyboardInterrupt comes, batches
        that were begun are finished, so that ``save`` can follow.
        """
        turn = threading.Condition()  # guards what follows, and self.done
        stopped = False
        active = trained = shown = 0
        failures: list[BaseException] = []

        def work() -> None:
            nonlocal active, trained
            memory = np.zeros(self._settings.dimension, np.float32)
            while True:
                with turn:
                    if stopped or failures or self.done >= until:
                        return
                    batch = self.done
                    self.done += 1
                    active += 1
                try:
                    self._train(batch, memory)
                except BaseException as error:
                    failures.append(error)
                with turn:
                    active -= 1
                    trained += self.words_until(batch + 1) - self.words_until(batch)
                    turn.notify()

        self._whole = False
        end = time.monotonic() + seconds
        try:
            for _ in range(workers):
                threading.Thread(target=work, daemon=True).start()
            with turn:
                while active or not (stopped or failures or self.done >= until):
                    turn.wait(_POLL)
                    advance(trained - shown)
                    shown = trained
                    stopped = time.monotonic() >= end
        finally:
            with turn:  # not Thread.join, which an exception makes forget that a thread runs
                stopped = True
                while active:
                    turn.wait()
            self._whole = not failures
        if failures:
            raise failures[0]

    def _train(self, batch: int, memory: "NDArray[np.float32]") -> None:
        within = batch % self.batches
        ids = self._stream[self._starts[within]:self._starts[within + 1]]
        left = 1 - self.words_until(batch) / self.words_until(self.total)
        rate = self._settings.learning_rate * max(left, 1 / 250)
        model = copy.copy(self._model)  # the same arrays, random numbers of its own
        model.random = np.random.RandomState([self._settings.seed, batch])
        self._train_batch(model, self._sentences(ids), rate, memory, False)

    def _sentences(self, ids: "Ids") -> list[list[str]]:
        ends = np.flatnonzero(ids == SENTENCE_END).tolist()
        words = self._words[ids].tolist()  # of SENTENCE_END the last word, which is cut off
        return [words[start:end] for start, end in zip([0, *(end + 1 for end in ends)], ends,
                                                       strict=False)]

    def save(self, folder: Path) -> None:
        """Keep the present state in ``folder`` in the place of an earlier one: two arrays and a
        number, complete or not at all; nothing where ``run`` was broken off a second time. Raises
        OSError."""
        target = folder / f"checkpoint-{self.done}"
        if target.exists() or not self._whole:
            return
        work = folder / "checkpoint.part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            write_array(work / "input.npy", self._model.wv.vectors)
            write_array(work / "output.npy", getattr(self._model, self._output))
            for path in work.iterdir():
                files.sync(path)
            work.rename(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        for older in folder.glob("checkpoint-*"):
            if older != target:
                shutil.rmtree(older, ignore_errors=True)

    def restore(self, folder: Path) -> bool:
        """Take up the latest state that ``save`` kept; False when there is none. Raises ZslError
        for one that is damaged."""
        latest = max(folder.glob("checkpoint-*"), key=_batch_of, default=None)
        if latest is None:
            return False
        for name, array in (("input.npy", self._model.wv.vectors),
                            ("output.npy", getattr(self._model, self._output))):
            try:
                kept = np.load(latest / name, mmap_mode="r", allow_pickle=False)
                if kept.shape != array.shape or kept.dtype != array.dtype:
                    raise ValueError(f"{kept.dtype} {list(kept.shape)} in it")
            except (OSError, ValueError, EOFError) as error:
                raise ZslError(f"{latest / name}: damaged ({error}); begin again with "
                               "`restart`") from error
            array[:] = kept
        self.done = _batch_of(latest)
        return True


def _batch_of(checkpoint: Path) -> int:
    return int(checkpoint.name.partition("-")[2])
