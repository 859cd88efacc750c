"""A user's own list of words: plain, or with the hierarchy in which a photo program keeps them.

Lightroom and darktable export keywords a line each, one tab deeper than the one above; a word in
``[brackets]`` orders others and is no keyword itself, one in ``{braces}`` is a synonym of the
keyword above it. digiKam, and what is read out of its sidecars, has a path a line:
``Animals/Dogs``.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support.numbering import without_numbers
from zsl_cli.support.text_lists import text_of
from zsl_cli.support.wording import counted

DEEPEST = 100
"""Levels of a hierarchy; a list with more is none."""

_CLASS_OF_SUN = re.compile(r"/?([a-z])/\1.*")  # /a/abbey


@dataclass(frozen=True)
class Word:
    """A word of a list, as the user wrote it.

    above: the words above it in the list's hierarchy, the topmost first.
    synonyms: other words of the user's for the same.
    """

    text: str
    above: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """From the top of the list's hierarchy down to the word itself."""
        return (*self.above, self.text)


Words = Iterable["str | Word"]


def check_words(parameter: str, words: "str | Word | Words") -> "tuple[str | Word, ...]":
    """One word, or several, each a text or a Word; raises RequestError."""
    try:
        several = (words,) if isinstance(words, str | Word) else tuple(words)
    except TypeError:
        several = (words,)  # type: ignore[assignment]  # what it is, is told below
    for word in several:
        if not isinstance(word, str | Word):
            raise RequestError(f"`{parameter}` takes a text, or several, not {words!r}")
    return several


def as_word(word: "str | Word") -> Word:
    """A text as a word of no hierarchy."""
    return word if isinstance(word, Word) else Word(word)


def read_words(path: "str | os.PathLike[str]") -> "list[str | Word]":
    """The words of a list in a file, see ``words_of``. Raises ZslError."""
    try:
        return words_of(Path(path).read_bytes(), os.fspath(path))
    except OSError as error:
        raise ZslError(f"{os.fspath(path)}: {error.strerror or error}") from error


def words_of(content: bytes, source: str) -> "list[str | Word]":
    """The words of a list, as what a file holds; ``source`` is what messages call it. Words
    without anything above them and without synonyms are texts.

    The hierarchy is that of the tabs before the lines, else that of paths (see ``_of_paths``),
    else there is none. Raises ZslError, with the line, for what is no text and for tabs that are no
    hierarchy.
    """
    lines = text_of(content, source).splitlines()
    if any(line.startswith("\t") and line.strip() for line in lines):
        words = list(_of_tabs(lines, source))
    else:
        words = _of_paths(without_numbers([line.strip() for line in lines]), source)
    return [word if word.above or word.synonyms else word.text for word in words]


def _of_tabs(lines: list[str], source: str) -> Iterator[Word]:
    """Words of lines of which each is at most one tab deeper than the keyword before it."""
    words: list[tuple[str, tuple[str, ...], list[str]]] = []
    open_levels: list[tuple[str, list[str]]] = []  # of the keyword before, with their synonyms
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        where = f"{source}, line {number}"
        indent = line[:len(line) - len(line.lstrip())]
        depth = len(indent)
        if indent.strip("\t"):
            raise ZslError(f"{where}: indented by blanks, where other lines are by tabs; a tab a "
                           "level is expected")
        if depth > len(open_levels):
            raise ZslError(f"{where}: {counted(depth, 'tab')} deep, {_below(len(open_levels))}; a "
                           "line is at most one tab deeper than the keyword before it")
        if depth >= DEEPEST:
            raise ZslError(f"{where}: more than {DEEPEST} levels deep")
        if synonym := _between(text, "{}"):
            if not depth:
                raise ZslError(f"{where}: the synonym {text} stands below no keyword")
            open_levels[depth - 1][1].append(synonym)
            continue
        del open_levels[depth:]
        synonyms: list[str] = []
        category = _between(text, "[]")
        if not category:
            words.append((text, tuple(above for above, _ in open_levels), synonyms))
        open_levels.append((category or text, synonyms))
    for text, above, synonyms in words:
        yield Word(text, above, tuple(synonyms))


def _between(text: str, brackets: str) -> str:
    """What stands in brackets that are around the whole of a text; empty where they are not."""
    return text[1:-1].strip() if (text[:1], text[-1:]) == tuple(brackets) else ""


def _below(depth: int) -> str:
    return f"the keyword before it {depth - 1}" if depth else "with no keyword before it"


def _of_paths(lines: list[str], source: str) -> list[Word]:
    """Words of lines that may be paths with ``|`` or ``/`` between their levels.

    A slash may be part of a word (``AC/DC``), so it parts levels only where all lines have one, or
    where the first level is a line itself or that of another line, too.
    """
    split = [_levels(line) for line in lines]
    tops = Counter(levels[0] for levels in split if levels)
    tops.update(line.strip("/") for line in lines)
    whole = [line for line in lines if line]
    all_slashed = len(whole) > 1 and all("/" in line for line in whole)
    classes = all(map(_CLASS_OF_SUN.fullmatch, whole))

    def is_path(line: str, levels: tuple[str, ...]) -> bool:
        return "|" in line or (not classes and (all_slashed or tops[levels[0]] > 1))

    words = []
    for number, (line, levels) in enumerate(zip(lines, split, strict=True), start=1):
        if len(levels) > DEEPEST and is_path(line, levels):
            raise ZslError(f"{source}, line {number}: more than {DEEPEST} levels deep")
        if levels and is_path(line, levels):
            words.append(Word(levels[-1], levels[:-1]))
        elif line:
            words.append(Word(line))
    return words


def _levels(line: str) -> tuple[str, ...]:
    """The levels of a line if it is a path; none where it can't be one."""
    separator = "|" if "|" in line else "/"
    return tuple(filter(None, map(str.strip, line.split(separator)))) if separator in line else ()
