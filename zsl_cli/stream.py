"""Many images → batches of embeddings and errors, decoding ahead of the model."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from zsl_cli.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.model import Model

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


def embed(model: "Model", items: "Iterable[tuple[Key, Read | ImageError]]", *,
          batch_size: int = 16, jobs: int = 1) -> "Iterator[Batch[Key]]":
    """Batches of embeddings and errors, in the order of the items.

    items: pairs of a key, which comes back untouched, and a function that reads the pixels for
        the model (called on one of ``jobs`` threads) or an error that is already known.

    At most ``2 × batch_size + jobs`` images are in memory, however many items there are. When
    the consumer stops, or is interrupted, what is not yet decoded is dropped.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2:  # one image: a thread would only cost
        if first:
            yield _run(model, [(key, _read(read, model)) for key, read in first])
        return
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="zsl-decode")
    window: deque[tuple[Key, Future[Pixels | ImageError]]] = deque()

    def admit(pairs: "Iterable[tuple[Key, Read | ImageError]]") -> None:
        for key, read in pairs:
            window.append((key, pool.submit(_read, read, model)))

    try:
        admit(first)
        admit(islice(items, batch_size + jobs - len(first)))
        while window:
            batch: list[tuple[Key, Pixels | ImageError]] = []
            while window and len(batch) < batch_size:
                key, future = window.popleft()
                batch.append((key, future.result()))
                admit(islice(items, 1))
            yield _run(model, batch)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(read: "Read | ImageError", model: "Model") -> "Pixels | ImageError":
    if isinstance(read, ImageError):
        return read
    try:
        return read(model)
    except ImageError as error:
        return error


def _run(model: "Model", batch: "list[tuple[Key, Pixels | ImageError]]") -> "Batch[Key]":
    errors = [pixels if isinstance(pixels, ImageError) else None for _, pixels in batch]
    embeddings = model.embed_pixels(
        [pixels for _, pixels in batch if not isinstance(pixels, ImageError)])
    return Batch([key for key, _ in batch], errors, embeddings)
