"""The lines of a large text."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class Lines(Sequence[bytes]):
    """The lines of a text, cut out when they are asked for: few are of hundreds of thousands."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
        if text and not text.endswith(b"\n"):
            self._ends = np.append(self._ends, len(text))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: Any) -> Any:
        if not 0 <= row < len(self):
            raise IndexError(row)
        start = self._ends[row - 1] + 1 if row else 0
        return self._text[start:self._ends[row]]
