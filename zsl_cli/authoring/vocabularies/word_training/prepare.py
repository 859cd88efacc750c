"""A corpus → a stream of numbered words on disk, phrases joined, that training reads as it is.

Nothing is kept in memory but the words and their counts, and, for phrases, the pairs of words.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_training import collocations, corpus
from zsl_cli.authoring.vocabularies.word_training.collocations import BREAK, FIRST_WORD, LINE_END
from zsl_cli.authoring.vocabularies.word_training.words import LINE_END as LINE_END_TOKEN
from zsl_cli.authoring.vocabularies.word_training.words import tokens, word
from zsl_cli.support.files import sync
from zsl_cli.support.progress import Reporter, in_thousands
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zsl_cli.authoring.vocabularies.word_training.collocations import Counts, Ids

SENTENCE_END = -1
"""In the finished stream, where words are numbered from 0, the most frequent first."""
MAX_SENTENCE = 1000  # words; longer lines are parted
MAX_BATCH = 10_000  # words and sentence ends; gensim takes no more at once

_FILES = ("stream", "words.txt", "counts.npy", "batches.npy", "read.txt")
_BLOCK = 1 << 22  # numbers
_MOST_TYPES = 8_000_000  # different words known at once: about a gigabyte
_LEAST_WORDS = 2


@dataclass(frozen=True)
class Settings:
    """What becomes a word.

    min_count: words and phrases that occur less often are left out.
    max_words: of the rest, the most frequent.
    phrase_threshold: the least score of a phrase, see ``collocations``; None joins none. There
        are two passes, so that up to four words are joined; the first is twice as strict, as in
        word2phrase's own example.
    """

    min_count: int = 5
    max_words: int = 155_000
    phrase_threshold: float | None = 100.0


@dataclass(frozen=True)
class Prepared:
    """A corpus made ready.

    words, counts: the most frequent first.
    stream: where the numbers lie, int32, each sentence followed by SENTENCE_END.
    batches: where in the stream each batch of whole sentences begins, and the end, ``[B + 1]``.
    read: the words of the corpus, rare ones and those inside phrases counted too.
    """

    words: list[str]
    counts: "Counts"
    stream: Path
    batches: "NDArray[np.int64]"
    read: int

    def save(self, folder: Path) -> None:
        """Beside the stream, which lies in this folder already. All of it is on the disk when this
        returns, so that a file written afterwards may say that it is whole."""
        (folder / "words.txt").write_text("".join(f"{each}\n" for each in self.words), "utf-8")
        write_array(folder / "counts.npy", self.counts)
        write_array(folder / "batches.npy", self.batches)
        (folder / "read.txt").write_text(str(self.read), "utf-8")
        for name in _FILES:
            sync(folder / name)

    @classmethod
    def load(cls, folder: Path) -> "Prepared":
        """The inverse; raises OSError, and ValueError, EOFError or IndexError for damage."""
        prepared = cls((folder / "words.txt").read_text("utf-8").split("\n")[:-1],
                       np.load(folder / "counts.npy", allow_pickle=False), folder / "stream",
                       np.load(folder / "batches.npy", allow_pickle=False),
                       int((folder / "read.txt").read_text("utf-8")))
        if (len(prepared.words) != len(prepared.counts)
                or prepared.stream.stat().st_size != 4 * prepared.batches[-1]
                or np.memmap(prepared.stream, np.int32, "r")[-1] != SENTENCE_END
                or prepared.read < prepared.counts.sum()):  # a phrase is one word of several read
            raise ValueError("its files do not fit one another")
        return prepared


def prepare(files: list[corpus.TextFile], settings: Settings, folder: Path, reporter: Reporter,
            ) -> tuple[Prepared, list[corpus.Identity]]:
    """Read the corpus, and fill ``folder`` with what Prepared.load reads; returns that, and what
    the files were. Raises ZslError and OSError."""
    numbered, identities = _number(files, folder / "numbers", reporter)
    read = int(numbered.counts[FIRST_WORD:].sum())
    if not read:
        raise corpus.CorpusError(f"{_place(files)}: no word in it; a corpus is plain text "
                                 "with blanks between its words (Chinese, Japanese and Thai have "
                                 "to be parted into words first)")
    reporter.say(f"{read:,} words, {int((numbered.counts[FIRST_WORD:] > 0).sum()):,} different")
    stream = _without_rare(numbered, settings.min_count)
    if settings.phrase_threshold is not None:
        for number, strictness in enumerate((2, 1), 1):
            stream = _join_phrases(stream, settings.min_count,
                                   strictness * settings.phrase_threshold,
                                   folder / f"joined-{number}", number, reporter)
    prepared = _finish(stream, settings, folder, read, reporter)
    if len(prepared.words) < _LEAST_WORDS or len(prepared.batches) < 2:
        raise corpus.CorpusError(
            f"{_place(files)}: of {read:,} words {len(prepared.words)} different ones occur "
            f"{settings.min_count} times or more, too few to train on; give more text or a "
            "lower `min_count`")
    prepared.save(folder)
    return prepared, identities


def _place(files: list[corpus.TextFile]) -> str:
    return listed([str(file.path) for file in files], 1)


def write_array(path: Path, array: "NDArray") -> None:
    """As np.save, but a full disk is an OSError that says so."""
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        _write(file, array)


def _write(file: IO[bytes], array: "NDArray") -> None:
    file.write(np.ascontiguousarray(array).data.cast("B"))


@dataclass(frozen=True)
class _Stream:
    """Numbers on disk.

    words: what each number means, for 0 and 1 and what no longer counts an empty text.
    mapping: what each number on disk is to be read as.
    """

    path: Path
    words: list[str]
    counts: "Counts"
    mapping: "Ids | None" = None

    def blocks(self) -> "Iterator[Ids]":
        """The numbers, cut after line ends where there are any."""
        rest = np.empty(0, np.int32)
        with self.path.open("rb") as file:
            while len(block := np.fromfile(file, np.int32, _BLOCK)):
                ids = np.concatenate([rest, block])
                ends = np.flatnonzero(ids == LINE_END)
                cut = ends[-1] + 1 if len(ends) else len(ids)
                rest = ids[cut:]
                yield self._read(ids[:cut])
        if len(rest):
            yield self._read(rest)

    def _read(self, ids: "Ids") -> "Ids":
        return ids if self.mapping is None else self.mapping[ids]

    @property
    def size(self) -> int:
        return self.path.stat().st_size // 4


class _Numbers(dict[str, int]):
    """A number for each token; words get theirs when they are first met."""

    def __init__(self) -> None:
        super().__init__({LINE_END_TOKEN: LINE_END})
        self.next = FIRST_WORD

    def __missing__(self, token: str) -> int:
        text = word(token)
        if text is None:
            if not token[0].isdigit():  # of numbers there is no end
                self[token] = BREAK
            return BREAK
        if text != token:
            self[token] = self[text]
        else:
            self[token] = self.next
            self.next += 1
        return self[token]

    def forget_rare(self, counts: "Counts", most: int) -> None:
        """Forget the rarest words until there are no more than so many tokens. Should one be met
        again it is a new word, so counts of rare words come out too low in a corpus with more
        than ``_MOST_TYPES`` different ones."""
        least = 1
        while len(self) > most:
            least += 1
            for token in [token for token, number in self.items()
                          if number >= FIRST_WORD and counts[number] < least]:
                del self[token]
            if least > counts.max():
                break


def _number(files: list[corpus.TextFile], path: Path, reporter: Reporter,
            ) -> tuple[_Stream, list[corpus.Identity]]:
    """The first pass: text → numbers in the order in which words are met."""
    numbers = _Numbers()
    counts = np.zeros(1 << 16, np.int64)
    identities: list[corpus.Identity] = []
    reporter.start("reading", sum(file.stamp()[0] for file in files) // 1000, "kB")
    advance = in_thousands(reporter.advance)
    with path.open("wb") as out:
        for file in files:
            for text in corpus.read(file, advance, identities.append):
                ids = np.fromiter(map(numbers.__getitem__, tokens(text)), np.int32)
                if numbers.next > len(counts):
                    counts = np.concatenate([counts, np.zeros(2 * numbers.next, np.int64)])
                numbers_met, times = np.unique(ids, return_counts=True)
                counts[numbers_met] += times
                _write(out, ids)
                if len(numbers) > _MOST_TYPES:
                    numbers.forget_rare(counts, _MOST_TYPES // 2)
            _write(out, np.array([LINE_END], np.int32))
    words = [""] * numbers.next
    for token, number in numbers.items():
        if number >= FIRST_WORD and not token.endswith("'s"):
            words[number] = token
    return _Stream(path, words, counts[:numbers.next]), identities


def _by_frequency(words: list[str], counts: "Counts", min_count: int) -> list[int]:
    """The numbers of the words that are frequent enough, the most frequent first, among equals
    in the order of the alphabet."""
    enough = [number for number in np.flatnonzero(counts >= min_count).tolist()
              if number >= FIRST_WORD and words[number]]
    return sorted(enough, key=lambda number: (-counts[number], words[number]))


def _without_rare(stream: _Stream, min_count: int) -> _Stream:
    """The same stream, in which rare words are breaks."""
    order = _by_frequency(stream.words, stream.counts, min_count)
    mapping = np.full(len(stream.words), BREAK, np.int32)
    mapping[LINE_END] = LINE_END
    mapping[order] = np.arange(FIRST_WORD, FIRST_WORD + len(order), dtype=np.int32)
    return _Stream(stream.path, ["", "", *(stream.words[number] for number in order)],
                   np.concatenate([[0, 0], stream.counts[order]]), mapping)


def _join_phrases(stream: _Stream, min_count: int, threshold: float, path: Path, number: int,
                  reporter: Reporter) -> _Stream:
    """The stream with its phrases joined, in a new file; the old one is removed."""
    reporter.start(f"phrases, pass {number}", 2 * stream.size, "words")
    pairs = collocations.PairCounts()
    for ids in stream.blocks():
        pairs.add(ids)
        reporter.advance(len(ids))
    phrases = collocations.find(pairs, stream.counts, threshold, min_count)
    words = [*stream.words, *collocations.names(phrases, stream.words)]
    del pairs
    counts = np.zeros(len(words), np.int64)
    with path.open("wb") as out:
        for ids in stream.blocks():
            joined = collocations.join(ids, phrases, len(stream.words))
            counts += np.bincount(joined, minlength=len(counts))
            _write(out, joined)
            reporter.advance(len(ids))
    stream.path.unlink()
    reporter.say(f"phrases, pass {number}: {len(phrases):,}")
    return _Stream(path, words, counts)


def _finish(stream: _Stream, settings: Settings, folder: Path, read: int,
            reporter: Reporter) -> Prepared:
    """The stream with the words that are kept alone, numbered by frequency and cut into batches;
    the old one is removed."""
    reporter.start("numbering", stream.size, "words")
    order = _by_frequency(stream.words, stream.counts, settings.min_count)[:settings.max_words]
    left_out = -2
    mapping = np.full(len(stream.words), left_out, np.int32)
    mapping[LINE_END] = SENTENCE_END
    mapping[order] = np.arange(len(order), dtype=np.int32)
    batches = _Batches()
    with (folder / "stream").open("wb") as out:
        for ids in stream.blocks():
            kept = mapping[ids]
            kept = _sentences(kept[kept != left_out])
            batches.add(kept)
            _write(out, kept)
            reporter.advance(len(ids))
    stream.path.unlink()
    return Prepared([stream.words[number] for number in order], stream.counts[order],
                    folder / "stream", batches.result(), read)


def _sentences(ids: "Ids") -> "Ids":
    """Without empty sentences, and with long ones parted; there is an end after the last."""
    if not len(ids):
        return ids
    is_end = ids == SENTENCE_END
    ids = ids[~(is_end & np.r_[True, is_end[:-1]])]
    if len(ids) and ids[-1] != SENTENCE_END:
        ids = np.append(ids, np.int32(SENTENCE_END))
    here = np.arange(len(ids))
    start = np.maximum.accumulate(np.where(np.r_[True, ids[:-1] == SENTENCE_END], here, 0))
    within = here - start
    return np.insert(ids, np.flatnonzero((within > 0) & (within % MAX_SENTENCE == 0)
                                         & (ids != SENTENCE_END)), SENTENCE_END)


class _Batches:
    """Where batches of whole sentences begin."""

    def __init__(self) -> None:
        self._starts = [0]
        self._ends = np.empty(0, np.int64)  # of sentences that are in no batch yet
        self._length = 0

    def add(self, ids: "Ids") -> None:
        """Take the whole sentences that follow those so far, each with its end."""
        ends = np.flatnonzero(ids == SENTENCE_END) + 1 + self._length
        self._length += len(ids)
        self._ends = np.concatenate([self._ends, ends])
        done = 0
        while self._length - self._starts[-1] > MAX_BATCH:
            done = int(np.searchsorted(self._ends, self._starts[-1] + MAX_BATCH, "right"))
            self._starts.append(int(self._ends[done - 1]))
        self._ends = self._ends[done:]

    def result(self) -> "NDArray[np.int64]":
        """``[batches + 1]``: where each begins, and where the last one ends."""
        rest = [self._length] if self._length > self._starts[-1] else []
        return np.array(self._starts + rest, np.int64)
