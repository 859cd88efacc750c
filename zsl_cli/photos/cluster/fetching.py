"""Photos of a store are fetched while others are decoded: the way there and back takes longer than
the work on a photo does, and many can be on their way at once."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

AT_ONCE = 16  # requests
BYTES = 64 << 20
"""Of photos that are on their way, or wait for being decoded."""
_UNKNOWN = 4 << 20  # bytes that a photo is taken to have of which nobody knows


class Fetchable(Protocol):
    """What is fetched. listed: how many bytes it is said to have."""

    listed: int | None

    def fetch(self) -> bytes | None:
        """Its bytes; None where they are not to be had at once."""


class Fetching:
    """What is on its way. Photos are put in the order in which they will be opened."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="zsl-fetch")
        self._lock = threading.Lock()
        self._waiting: deque[Fetchable] = deque()
        self._started: dict[Fetchable, Future[bytes | None]] = {}
        self._bytes = 0
        self._no_more = False

    def put(self, photo: Fetchable) -> None:
        """Fetch a photo as soon as there is room."""
        with self._lock:
            self._waiting.append(photo)
        self._start()

    def _start(self) -> None:
        with self._lock:
            while self._waiting:
                size = _size(self._waiting[0])
                if self._started and self._bytes + size > BYTES:
                    return
                photo = self._waiting.popleft()
                self._started[photo] = self._pool.submit(photo.fetch)
                self._bytes += size
            if self._no_more:
                self._pool.shutdown(wait=False)

    @contextmanager
    def fetched(self, photo: Fetchable) -> Iterator[bytes | None]:
        """The bytes of a photo, see Fetchable.fetch; they count until the block ends."""
        with self._lock:
            started = self._started.get(photo)
            if started is None and photo in self._waiting:
                self._waiting.remove(photo)
        size = _size(photo)  # before it is known better
        try:
            yield photo.fetch() if started is None else started.result()
        finally:
            if started is not None:
                with self._lock:
                    if self._started.pop(photo, None) is not None:
                        self._bytes -= size
                self._start()

    def close(self) -> None:
        """No more will be put."""
        self._no_more = True
        self._start()

    def stop(self) -> None:
        """None will be opened any more."""
        with self._lock:
            self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _size(photo: Fetchable) -> int:
    return photo.listed if photo.listed is not None else _UNKNOWN
