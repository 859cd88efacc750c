"""The combining marks, which belong to a word and which Python's ``\\w`` lacks: without them Indic
words and decomposed Latin ones fall apart."""

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=1)
def combining_marks() -> str:
    """Those of the Basic Multilingual Plane, as ranges for a character class; the few beyond it
    would make every look-up slow."""
    marks = {point for point in range(0x300, 0x10000)
             if unicodedata.category(chr(point)) in ("Mn", "Mc")}
    starts = sorted(point for point in marks if point - 1 not in marks)
    ends = sorted(point for point in marks if point + 1 not in marks)
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))
