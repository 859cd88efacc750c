"""Labeller: what a worker does with a chunk. It reads, embeds and answers as ``zsl label`` does on
one machine, with the same code, and writes one part in one step."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError
from zsl_cli.photos import indexing
from zsl_cli.photos.answering import Answering
from zsl_cli.photos.cluster.stored_photo import LentPhoto
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.finding import BLOCK
from zsl_cli.photos.photo import Photo
from zsl_cli.photos.result import reason

if TYPE_CHECKING:
    from zsl_cli.classifier.predictions import Answer
    from zsl_cli.embedding import stream
    from zsl_cli.embedding.model import Model
    from zsl_cli.photos.cluster.chunks import Located, Photos
    from zsl_cli.photos.indexing import Embedded, Reading
    from zsl_cli.photos.lazy import LazyClassifier

_NAMED = 5  # failures of a chunk that are told by name
_FREQUENT = 64  # labels of a chunk that are counted


@dataclass(frozen=True)
class Labelled:
    """A photo of a part: its record, its embedding, float16 ``[D]``, if it has one, and the photo,
    which knows the rest."""

    entry: Entry
    answer: "Embedded"
    photo: Photo | None


@dataclass(frozen=True)
class Outcome:
    """What came of a chunk, in few bytes.

    failures: the paths of the first photos that failed, with the message and the kind of each.
    reasons: see LabelResult. frequent: ids and names of what is answered, and how often.
    size: bytes of the part. seconds: that it took. error: why there is no part.
    """

    part: str
    photos: int = 0
    failed: int = 0
    failures: tuple[tuple[str, str, str], ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    frequent: tuple[tuple[str, str, int], ...] = ()
    size: int = 0
    seconds: float = 0.0
    error: str = ""


Write = Callable[[str, list[Labelled]], int]
"""Writes a part, by its name. Returns its bytes."""


class Labeller:
    """A loaded model and a question, for one chunk after the other."""

    def __init__(self, classifier: "LazyClassifier", model: "Model", answering: Answering,
                 reading: "Reading", write: Write) -> None:
        self._classifier, self._model, self._answering = classifier, model, answering
        self._reading, self._write = reading, write
        self._pool = ThreadPoolExecutor(reading.jobs or 1, thread_name_prefix="zsl-answer")

    def label(self, part: str, photos: "Photos") -> Outcome:
        """Make the part of a chunk. What is wrong with single photos is in their records;
        where nothing can be read or written ZslError is raised, and there is none."""
        started = time.perf_counter()
        self._answering.frequent.clear()
        labelled = list(self.labelled(photos.located(self._reading.max_pixels)))
        size = self._write(part, labelled)
        failed = [(one.entry.path, one.answer) for one in labelled
                  if isinstance(one.answer, ImageError)]
        return Outcome(
            part, len(labelled), len(failed),
            tuple((path, str(error), error.kind) for path, error in failed[:_NAMED]),
            dict(Counter(reason(str(error)) for _, error in failed)),
            tuple((id_, name, count) for (id_, name), count in
                  self._answering.frequent.most_common(_FREQUENT)),
            size, time.perf_counter() - started)

    def labelled(self, located: "Iterable[Located]") -> Iterator[Labelled]:
        """The records of photos, in their order; called as ``LazyClassifier.spoken`` does it."""
        waiting: list[tuple[list[tuple[Located, Embedded]], Callable[[], Iterable[Answer]]]] = []
        read = self._read(located)
        while block := list(islice(read, BLOCK)):
            embeddings = [answer for _, answer in block if not isinstance(answer, ImageError)]
            waiting.append((block, self._start(embeddings)))
        for block, answers in waiting:
            each = iter(answers())
            for (path, photo), embedded in block:
                answer = embedded if isinstance(embedded, ImageError) else next(each)
                size, mtime = _size_and_mtime(photo)
                entry = self._answering.entry(path, size, mtime, answer)
                yield Labelled(self._classifier.spoken(entry), embedded,
                               photo if isinstance(photo, Photo) else None)

    def _start(self, embeddings: "list") -> "Callable[[], Iterable[Answer]]":
        import numpy as np

        return self._answering.start(np.stack(embeddings), self._pool) if embeddings else (
            lambda: ())

    def _read(self, located: "Iterable[Located]") -> "Iterator[tuple[Located, Embedded]]":
        def items() -> "Iterator[tuple[Located, stream.Read | ImageError]]":
            for path, photo in located:
                yield (path, photo), photo if isinstance(photo, ImageError) else photo.read

        for keys, answers in indexing.embedded(self._model, items(), self._reading):
            yield from zip(keys, answers, strict=True)


def _size_and_mtime(photo: Photo | ImageError) -> tuple[int | None, int | None]:
    """In bytes and nanoseconds, as far as they are known."""
    if isinstance(photo, ImageError) or photo.stamp is None:
        return None, None
    return photo.stamp.size, photo.mtime if isinstance(photo, LentPhoto) else photo.stamp.mtime
