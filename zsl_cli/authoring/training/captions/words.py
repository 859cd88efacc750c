"""Words of sentences: which are known, their tokenizer, their vectors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import ZslError
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    import tokenizers
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.reporter import Reporter

PAD, UNKNOWN = 0, 1
LENGTH = 64
"""The most words of a sentence that count."""

_MARKS = ("[PAD]", "[UNK]")
_WORD = r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*"
_WIDTH = 300  # of vectors that are learned
_TWICE = 2  # a word that stands once teaches what unknown words are
_MOST_FROM_FILE = 50_000


@dataclass(frozen=True)
class WordTable:
    """Known words and their vectors.

    words: two marks, for padding and for unknown words, and then the words.
    vectors: float32 ``[words, E]``; those of padding are zero.
    learned: whether the vectors are to be learned, too.
    """

    words: tuple[str, ...]
    vectors: "NDArray[np.float32]"
    learned: bool

    def tokenizer(self) -> "tokenizers.Tokenizer":
        """Text → the numbers of its words; what is no word of the table is unknown."""
        tokenizer = _bare_tokenizer({word: place for place, word in enumerate(self.words)})
        tokenizer.enable_padding(pad_id=PAD, pad_token=_MARKS[PAD])
        tokenizer.enable_truncation(LENGTH)
        return tokenizer


def read(source: str | None, sentences: Sequence[str], reporter: "Reporter") -> WordTable:
    """The words of sentences, without vectors yet; or those of a file of vectors, its first ones
    and those that the sentences have. Raises ZslError."""
    counts = _count(sentences)
    if source is None:
        words = [word for word, count in counts.most_common() if count >= _TWICE]
        if not words:
            raise ZslError("no word stands twice in the captions to learn from; give more "
                           "captions, or `encoder=linear`")
        return WordTable((*_MARKS, *words),
                         np.zeros((len(words) + len(_MARKS), _WIDTH), np.float32), learned=True)
    found = _from_file(source, frozenset(counts), reporter)
    shared = sum(counts[word] for word in found)
    if not shared:
        raise ZslError(f"{source}: no word of the captions is in it")
    reporter.say(f"{len(found):,} word vectors of {source}, which have "
                 f"{shared / counts.total():.0%} of the words of the captions")
    vectors = unit_rows(np.array([*found.values()], np.float32))
    marks = np.zeros((len(_MARKS), vectors.shape[1]), np.float32)
    return WordTable((*_MARKS, *found), np.concatenate([marks, vectors]), learned=False)


def _from_file(source: str, wanted: frozenset[str],
               reporter: "Reporter") -> "dict[str, NDArray[np.float32]]":
    from zsl_cli.authoring.vocabularies.word_vectors import open_vectors

    found: dict[str, NDArray[np.float32]] = {}
    with open_vectors(Path(source), reporter=reporter) as opened:
        for word, vector in opened.read():
            name = word.lower()
            if name in found or not vector.any():
                continue
            if len(found) < _MOST_FROM_FILE or name in wanted:
                found[name] = vector.astype(np.float32)
    return found


def _count(sentences: Sequence[str]) -> Counter[str]:
    tokenizer = _bare_tokenizer({mark: place for place, mark in enumerate(_MARKS)})
    counts: Counter[str] = Counter()
    for sentence in sentences:
        normal = tokenizer.normalizer.normalize_str(sentence)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return counts


def _bare_tokenizer(table: dict[str, int]) -> "tokenizers.Tokenizer":
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(table, unk_token=_MARKS[UNKNOWN]))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "removed", invert=True)
    tokenizer.add_special_tokens(list(_MARKS))
    return tokenizer
