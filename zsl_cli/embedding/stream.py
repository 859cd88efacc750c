"""Many images → batches of embeddings and errors, in parallel and in order.

Decoding and inference are tasks of one pool of threads. On a CPU every inference runs on a single
thread and several run at once: no core waits for another in the middle of a layer, so all of them
are busy to the end. A graphics card computes by itself: its batches have threads of their own,
which only wait, and the pool decodes all the while.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from zsl_cli.errors import ImageError, NotFiniteError
from zsl_cli.support.vectors import have_direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from zsl_cli.embedding.model import Model

    Pixels = NDArray[np.uint8]
    Read = Callable[[Model], Pixels]

Key = TypeVar("Key")


@dataclass(frozen=True)
class Batch(Generic[Key]):
    """Some items: their keys, the error of each or None, and float32 ``[n, D]``, the embeddings
    of the n that have no error."""

    keys: list[Key]
    errors: list[ImageError | None]
    embeddings: "NDArray[np.float32]"


@dataclass(frozen=True)
class _Running(Generic[Key]):
    """A batch whose images are decoded and on their way through the model."""

    keys: list[Key]
    errors: list[ImageError | None]
    parts: "list[Future[NDArray[np.float32]]]"

    def done(self) -> bool:
        return all(part.done() for part in self.parts)

    def result(self, empty: "NDArray[np.float32]") -> "Batch[Key]":
        parts = [part.result() for part in self.parts]
        return _checked(self.keys, self.errors, np.concatenate([empty, *parts]))


def embed(model: "Model", items: "Iterable[tuple[Key, Read | ImageError]]", *,
          batch_size: int | None = None, jobs: int = 1, together: int = 1,
          ) -> "Iterator[Batch[Key]]":
    """Batches of embeddings and errors, in the order of the items.

    items: pairs of a key, which comes back untouched, and a function that reads the pixels for
        the model (called on one of ``jobs`` threads) or an error that is already known.
    batch_size: images that go through the model at once, by default what suits its device. What is
        left over goes in powers of two, so that ONNX Runtime's arena meets a few shapes only and
        stops growing. The last bits of an embedding may depend on its image's place among those.
    together: images that make one Batch, failed ones included: as many times batch_size as there
        is room for, and once at least. Which images go through the model together depends on
        nothing else, so that going on at the end of a Batch later gives the same embeddings to the
        last bit.

    At most ``3 × max(together, batch_size) + jobs`` images are in memory, however many items there
    are, and with a graphics card as many as make a Batch more. The first ones are decoded while a
    model that is not open yet is opened. When the consumer stops, or is interrupted, what is not
    yet decoded is dropped.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2:  # one image: a thread would only cost
        yield from (_alone(key, read, model) for key, read in first)
        return
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="zsl-worker")
    inference = pool
    window: deque[tuple[Key, Future[Pixels | ImageError]]] = deque()
    running: deque[_Running[Key]] = deque()

    def admit(pairs: "Iterable[tuple[Key, Read | ImageError]]") -> None:
        for key, read in pairs:
            window.append((key, pool.submit(_read, read, model)))

    def start(size: int, batch_size: int) -> None:
        """Take up to ``size`` images out of the window, and send them through the model as they
        come."""
        batch: _Running[Key] = _Running([], [], [])
        waiting: list[Pixels] = []
        while window and len(batch.keys) < size:
            key, future = window.popleft()
            pixels = future.result()
            admit(islice(items, 1))
            batch.keys.append(key)
            if isinstance(pixels, ImageError):
                batch.errors.append(pixels)
            else:
                batch.errors.append(None)
                waiting.append(pixels)
            if len(waiting) == batch_size:
                batch.parts.append(inference.submit(model.embed_pixels, waiting))
                waiting = []
        for part in _powers_of_two(waiting):
            batch.parts.append(inference.submit(model.embed_pixels, part))
        running.append(batch)

    empty = model.embed_pixels([])
    try:
        admit(first)
        admit(islice(items, together + jobs - len(first)))
        streams = getattr(model, "streams", 0)  # what says nothing of it runs on the CPU
        if streams:
            inference = ThreadPoolExecutor(streams, thread_name_prefix="zsl-gpu")
        ahead = max(2, streams + 1)  # batches: those that run, and one that is being used
        batch_size = batch_size or model.batch_size
        size = batch_size * max(1, together // batch_size)
        admit(islice(items, max(0, size + jobs - len(window))))
        while window or running:
            # Batches run while the one before them is being used; a finished one never waits.
            if window and len(running) < ahead and not (running and running[0].done()):
                start(size, batch_size)
            else:
                yield running.popleft().result(empty)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        inference.shutdown(wait=False, cancel_futures=True)


def _alone(key: Key, read: "Read | ImageError", model: "Model") -> "Batch[Key]":
    """The batch of one image."""
    pixels = _read(read, model)
    if isinstance(pixels, ImageError):
        return Batch([key], [pixels], model.embed_pixels([]))
    return _checked([key], [None], model.embed_pixels([pixels]))


def _checked(keys: list[Key], errors: list[ImageError | None],
             embeddings: "NDArray[np.float32]") -> "Batch[Key]":
    """A batch in which an image whose embedding has no direction is one with an error."""
    sound = have_direction(embeddings)
    if sound.all():
        return Batch(keys, errors, embeddings)
    each = iter(sound)
    errors = [error or (None if next(each) else NotFiniteError()) for error in errors]
    return Batch(keys, errors, embeddings[sound])


def _read(read: "Read | ImageError", model: "Model") -> "Pixels | ImageError":
    if isinstance(read, ImageError):
        return read
    try:
        return read(model)
    except ImageError as error:
        return error


def _powers_of_two(pixels: "list[Pixels]") -> "Iterator[list[Pixels]]":
    while pixels:
        size = 1 << (len(pixels).bit_length() - 1)
        yield pixels[:size]
        pixels = pixels[size:]
