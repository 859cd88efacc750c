"""The words of a collection as unit vectors, and those of them that labels need."""

import hashlib
from collections.abc import Iterable, Iterator, KeysView, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.report import Report
from zsl_cli.authoring.vocabularies.word_vectors import WordVectors
from zsl_cli.authoring.vocabularies.word_vectors.base import HEAD
from zsl_cli.vocabulary.words import composition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.floating]

_CHUNK = 1024
_MARKS = {"<s>", "</s>", "<unk>", "<pad>"}  # of beginnings, ends and what has no vector


class Words:
    """The words of a collection as unit vectors, each once, its head noted on the way."""

    def __init__(self, vectors: WordVectors, limit: int | None, report: Report) -> None:
        """With a ``limit`` only the first so many words are known."""
        self.vectors, self._limit, self._report = vectors, limit, report
        self._head = hashlib.sha256()

    def read(self, wanted: "Store | None" = None) -> "Iterator[tuple[str, Vector]]":
        """Words and their unit vectors; of all words, each the first time that it comes, or of
        those wanted, unless they are there already."""
        every = set[str]()
        seen = every if wanted is None else wanted.keys()
        limit = most = self._limit
        if limit is not None and self.vectors.space is None:
            most = max(limit, HEAD)  # which names the space, however few words are to be known
        for count, (word, vector) in enumerate(self.vectors.read(wanted, limit=most), start=1):
            if count <= HEAD and word not in self.vectors.guessed:
                self._head.update(word.encode("utf-8", "surrogatepass") + b" " + vector.tobytes())
            if (wanted is not None and word not in wanted) or word in _MARKS or (
                    limit is not None and limit != most and limit < count
                    and word not in self.vectors.guessed):
                continue
            if word in seen:
                self._report.twice += 1
                continue
            if wanted is None:
                every.add(word)
            precise = vector.astype(np.float64)  # in which no square is too large
            length = float(np.linalg.norm(precise))
            if not 0 < length < np.inf:
                self._report.without_direction.append(word)
                continue
            yield word, (precise / length).astype(np.float32)

    def space(self) -> str:
        """A name that vectors of the same collection share and others don't."""
        return f"words-{self.vectors.dimension}d-{self._head.hexdigest()[:12]}"


class Seen(set[int]):
    """The digests of vectors."""

    def has(self, vector: "Vector") -> bool:
        """Whether an earlier vector was the same; from now on this one is known, too."""
        digest = hash(vector.tobytes())
        again = digest in self
        self.add(digest)
        return again


class Store:
    """Unit vectors of the best spellings of phrases, in blocks, so that nothing is copied as they
    become more."""

    def __init__(self, dimension: int, phrases: Iterable[str]) -> None:
        self._phrases: dict[str, tuple[str, ...]] = {}
        for phrase in phrases:
            key = composition.shared_key(phrase)
            if phrase not in (alike := self._phrases.get(key, ())):
                self._phrases[key] = (*alike, phrase)
        self._free: list[int] = []
        self._rows: dict[str, int] = {}
        self._blocks: list[NDArray[np.float32]] = []
        self._dimension = dimension

    def __contains__(self, word: object) -> bool:
        """Whether it may be a spelling of a phrase."""
        return isinstance(word, str) and composition.shared_key(word) in self._phrases

    def add(self, token: str, vector: "Vector", *, guessed: bool = False) -> None:
        """Keep a copy of the vector if the token is the best spelling of a phrase up to now; a
        guessed one is only where there is no other."""
        held = {phrase: composition.as_one(phrase, self._rows)
                for phrase in self._phrases.get(composition.shared_key(token), ())}
        best = {old if guessed and old else composition.as_one(phrase, {old or token, token})
                for phrase, old in held.items()}
        if token not in best:
            return
        self._free += [self._rows.pop(old) for old in set(held.values()) - best if old]
        row = self._free.pop() if self._free else len(self._rows)
        if row == _CHUNK * len(self._blocks):
            self._blocks.append(np.empty((_CHUNK, self._dimension), np.float32))
        self._blocks[row // _CHUNK][row % _CHUNK] = vector
        self._rows[token] = row

    def complete(self) -> None:
        """Nothing more comes, so what was looked for can be forgotten."""
        self._phrases.clear()

    def keys(self) -> KeysView[str]:
        """The tokens."""
        return self._rows.keys()

    def mean(self, tokens: Sequence[str]) -> "NDArray[np.float32]":
        """The unit mean, ``[D]``, of the tokens' vectors (see composition.mean)."""
        rows = [self._rows[token] for token in tokens]
        return composition.mean(np.array(
            [self._blocks[row // _CHUNK][row % _CHUNK] for row in rows]))
