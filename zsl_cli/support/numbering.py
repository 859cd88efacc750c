"""Lists whose items are numbered: ``0: tench``, ``12) x``, ``1\\tgoldfish``, ``/a/abbey 0``."""

import re
from collections.abc import Sequence

_MARKED = re.compile(
    r"\{?\s*[\"'(\[]?([0-9]{1,9})(?:[\"']?\s*[.):\],;]+(?:\s+|(?=\D))|\s*\t\s*)(?=\S)(?P<rest>.*)",
    re.DOTALL)
_BARE = re.compile(r"([0-9]{1,9})[ _\-]+(?=\S)(?P<rest>.*)", re.DOTALL)
_BEHIND = re.compile(r"(?P<rest>.*\S)[\s,;]+([0-9]{1,9})", re.DOTALL)
_QUOTED = re.compile(r"([\"'])(.*)\1\s*[,}]*", re.DOTALL)  # of a Python dictionary, say


def without_numbers(items: Sequence[str]) -> list[str]:
    """The items without their numbers if all that are not empty have one and these are no part of
    them: each number stands once and, where nothing but a blank parts it from what it numbers, or
    it stands behind that, there is none missing from 0 or 1 on (``route 66`` is a phrase)."""
    items = list(items)
    for pattern in (_MARKED, _BARE, _BEHIND):
        found = [pattern.fullmatch(item) for item in items if item]
        if not found or not all(found):
            continue
        matches = [match for match in found if match]
        numbers = sorted(int(match[1 if pattern is not _BEHIND else 2]) for match in matches)
        rests = [match["rest"] for match in matches]
        if _is_numbering(numbers, rests, bare=pattern is not _MARKED):
            quoted = [_QUOTED.fullmatch(rest) for rest in rests]
            if pattern is _MARKED and all(quoted):
                rests = [match[2] for match in quoted if match]
            left = iter(rests)
            # CUB numbers its classes twice: 1 001.Black_footed_Albatross
            return without_numbers([next(left) if item else item for item in items])
    return items


def _is_numbering(numbers: list[int], rests: list[str], *, bare: bool) -> bool:
    """Whether numbers, rising, number these; ``1 dog``, ``2 dogs``, ``3 dogs`` count them."""
    if not bare:
        return len(set(numbers)) == len(numbers)
    first = numbers[0]
    return (len(numbers) > 1 and first in (0, 1)
            and numbers == list(range(first, first + len(numbers)))
            and 3 * len(set(rests)) > 2 * len(rests))
