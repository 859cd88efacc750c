"""One budget of memory for all pictures that are being decoded, on whatever thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """Bytes that are lent. Who asks for more than are left waits; who asks for more than there are
    in all waits for all of them."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._returned = threading.Condition()

    @contextmanager
    def lent(self, size: int) -> Iterator[None]:
        """Within it so many bytes are the caller's."""
        size = min(size, self._size)
        with self._returned:
            self._returned.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            with self._returned:
                self._left += size
                self._returned.notify_all()


DECODING = Budget(1 << 30)
