"""Words, phrases and sentences → unit vectors among the embeddings of images, so that the photo
which a sentence is about has the largest inner product with it.

A sentence of a photo tells of several things, and a map that was fitted to names of single ones
keeps the first of them. So the vector of the whole sentence has the vectors of the labels that it
mentions added, as sums do in the space of Kiros et al. (2014); those of things that stand beside
others where a label has one. What all such vectors have in common says nothing of a photo and is
taken off (Arora et al., 2017, who remove it from sums of word vectors).

What is added to a photo or taken away from one is a single thing, and where it is called by a name
the vectors of that thing are nearer to photos of it than any words (see ``terms``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier import pairing
from zsl_cli.errors import UnknownLabelError, ZslError
from zsl_cli.support.limits import SENTENCES
from zsl_cli.support.values import check_choice
from zsl_cli.support.vectors import have_direction, unit_rows
from zsl_cli.support.wording import quoted
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.names.spelling import ALIKE
from zsl_cli.vocabulary.words import composition, mentions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.embedding.label_encoder import LabelEncoder
    from zsl_cli.embedding.model import Model
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_WITH_WORDS, _ENCODER, _MEAN, _SUM = SENTENCES
_WORDS = 0.5  # of the mentioned labels' direction, the sentence's own being 1
_COMMON = 0.4  # of what they have in common
_NEAREST = 5  # names in a message
_SHORT = 3  # letters of a word that everything is like


@dataclass(frozen=True)
class Embedded:
    """What came of n sentences.

    values: float32 ``[m, D]``, the unit vectors of the m ≤ n sentences that something is known of.
    kept: int64 ``[m]``, where these are among the sentences, rising.
    failed: where each of the others is, and why there is no vector.
    """

    values: "NDArray[np.float32]"
    kept: "NDArray[np.int64]"
    failed: tuple[tuple[int, UnknownLabelError], ...]


class SentenceEncoder:
    """Sentences → unit vectors of a model's space, in one of the ways of SENTENCES."""

    def __init__(self, model: "Model", vocabulary: "Vocabulary | None" = None,
                 way: str | None = None) -> None:
        """way: one of SENTENCES; by default the first one that model and vocabulary allow.

        Raises RequestError for a way that is none of them, MismatchError where the two have
        different spaces, and ZslError where they cannot go that way, or any.
        """
        if way is not None:
            check_choice("sentences", way, SENTENCES)
        if vocabulary is not None and len(vocabulary):
            pairing.check_fit(model.name, model.manifest, vocabulary.name, vocabulary.manifest)
        else:
            vocabulary = None
        self._model, self._vocabulary = model, vocabulary
        obstacles = {one: self._obstacle(one) for one in SENTENCES}
        if way is None:
            way = next((one for one in SENTENCES if not obstacles[one]), SENTENCES[-1])
        if reason := obstacles[way]:
            raise ZslError(f"`sentences={way}`: {reason}")
        self.way = way

    def images(self, embeddings: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Embeddings of images as sentences are compared with them, float32 ``[n, D]``: unit
        vectors of the dimensions that tell what something is, the others zero. An embedding fills
        these up to unit length, so that by a plain inner product, too, each sentence ranks images
        nearly so; but the fuller photos come first.

        embeddings: float32 ``[n, D]``.
        """
        things = np.zeros_like(embeddings)
        things[:, :self._width] = unit_rows(embeddings[:, :self._width])
        return things

    def doubts(self, sentence: str) -> "dict[str, tuple[str, ...]]":
        """The words of a sentence that may be typing errors, and names that are like them: no
        label mentioned has the word, and to the tokenizer it is no word but several pieces."""
        if self._vocabulary is None:
            return {}
        named = {part for text, _ in mentions.longest(sentence, self._meant)
                 for part in text.split()}
        return {word: tuple(self._vocabulary.spelling.like(word, most=_NEAREST, least=ALIKE))
                for word in dict.fromkeys(mentions.words(sentence))
                if word not in named and len(word) > _SHORT
                and not all(map(self._is_token, word.split("-")))}

    def _meant(self, text: str) -> list[int]:
        match = self._vocabulary.look_up(text) if self._vocabulary is not None else None
        return [] if match is None else [match.row]

    def _is_token(self, word: str) -> bool:
        encoder = self._model.label_encoder if self.way in (_WITH_WORDS, _ENCODER) else None
        return encoder is not None and encoder.is_token(word)

    def encode(self, sentences: Sequence[str]) -> "NDArray[np.float32]":
        """The unit vectors of n sentences, float32 ``[n, D]``; raises UnknownLabelError for the
        first one that nothing is known of."""
        embedded = self.embed(sentences)
        if embedded.failed:
            raise embedded.failed[0][1]
        return embedded.values

    def embed(self, sentences: Sequence[str],
              advance: "Callable[[int], object] | None" = None) -> Embedded:
        """The unit vectors of the sentences that something is known of.

        advance: told now and then how many more sentences are encoded.

        Raises FolderError for a model folder whose files do not fit each other.
        """
        rows = [self._mentioned(sentence) for sentence in sentences]
        taught = {at: those for at, sentence in enumerate(sentences)
                  if (those := self._named_and_taught(sentence))}
        failed = {at: why for at, sentence in enumerate(sentences) if at not in taught
                  and (why := self._why_not(sentence, rows[at]))}
        todo = [at for at in range(len(sentences)) if at not in failed]
        vectors = np.zeros((len(todo), self._model.dimension), np.float32)
        encoded = [line for line, at in enumerate(todo) if at not in taught]
        if encoded or not todo:
            vectors[encoded, :self._width] = self._vectors(
                [sentences[todo[line]] for line in encoded],
                [rows[todo[line]] for line in encoded], advance)
        for line, at in enumerate(todo):
            if at in taught:
                vectors[line, :self._width] = self._things(taught[at])
        sound = have_direction(vectors)
        failed |= {at: UnknownLabelError(f"the words of {quoted(sentences[at])} cancel out")
                   for at, right in zip(todo, sound.tolist(), strict=True) if not right}
        return Embedded(unit_rows(vectors[sound]), np.array(todo, np.int64)[sound],
                        tuple(sorted(failed.items())))

    def terms(self, texts: Sequence[str]) -> Embedded:
        """The unit vectors of words as a sum adds them to photos or takes them away: what is the
        name of a label is the direction of that thing alone, anything else a sentence.

        Of the triples of benchmarks/sums.py, on half of which that was chosen, 87 % come out right
        there instead of 74, and 85 % of the others instead of 77. It is for ``encoder+words``; the
        other ways have no better vectors of things."""
        embedded = self.embed(texts)
        if self.way == _WITH_WORDS:
            assert self._vocabulary is not None
            for line, at in enumerate(embedded.kept.tolist()):
                if rows := mentions.named(self._vocabulary, texts[at]):
                    embedded.values[line, :self._width] = self._things(rows)
        return embedded

    def _vectors(self, sentences: Sequence[str], rows: Sequence[tuple[int, ...]],
                 advance: "Callable[[int], object] | None") -> "NDArray[np.float32]":
        """Vectors ``[n, width]`` of any length."""
        if self.way in (_MEAN, _SUM):
            composed = np.stack([composition.mean(self._labels(of, unit=self.way == _MEAN))
                                 for of in rows]) if rows else np.empty((0, self._width))
            if advance:
                advance(len(rows))
            return composed.astype(np.float32)
        own = self._encoder.encode(sentences, advance, distinct=False)
        vectors = unit_rows(own[:, :self._width])
        if self.way == _WITH_WORDS:
            words = np.stack([self._things(of) for of in rows]) if rows else 0
            vectors = vectors + _WORDS * words - _COMMON * self._common
        return vectors

    def _labels(self, rows: Sequence[int], *, unit: bool) -> "NDArray[np.float32]":
        """Label vectors ``[n, width]`` of rows, as long as they are or as unit vectors."""
        assert self._vocabulary is not None
        vectors = np.asarray(self._vocabulary.vectors[list(rows), :self._width], np.float32)
        return unit_rows(vectors) if unit else vectors

    def _things(self, rows: Sequence[int]) -> "NDArray[np.float32]":
        """The direction ``[width]`` of the things of these labels together, each once; zero for
        none."""
        known = {**self._beside, **self._learnt}
        vectors = [known[row] if row in known else self._labels([row], unit=True)[0]
                   for row in dict.fromkeys(rows)]
        return composition.mean(np.array(vectors).reshape(-1, self._width))

    @cached_property
    def _learnt(self) -> "dict[int, NDArray[np.float32]]":
        """The directions of what labels have learnt from photos, by their rows."""
        if self._vocabulary is None or self._vocabulary.taught is None:
            return {}
        taught = self._vocabulary.taught
        new = taught.rows >= len(self._vocabulary.indexed)
        return {row: direction for rows, vectors in (
            (taught.rows[new], taught.vectors[new]), (taught.seconds.rows, taught.seconds.vectors))
            for row, direction in zip(rows.tolist(), unit_rows(vectors[:, :self._width]),
                                      strict=True)}

    def _named_and_taught(self, sentence: str) -> tuple[int, ...]:
        """The rows of the labels that a sentence is the name of and nothing else, where one has
        learnt from photos: these tell more of it than its name."""
        if not self._learnt:
            return ()
        assert self._vocabulary is not None
        rows = tuple(mentions.named(self._vocabulary, sentence))
        return rows if any(row in self._learnt for row in rows) else ()

    @cached_property
    def _beside(self) -> "dict[int, NDArray[np.float32]]":
        """The directions of second vectors, by the rows of their labels."""
        assert self._vocabulary is not None
        beside = self._vocabulary.beside
        return dict(zip(beside.rows.tolist(), unit_rows(beside.vectors[:, :self._width]),
                        strict=True))

    @cached_property
    def _common(self) -> "NDArray[np.float32]":
        """The direction that second vectors have in common."""
        return composition.mean(np.stack([*self._beside.values()]))

    @property
    def _encoder(self) -> "LabelEncoder":
        encoder = self._model.label_encoder
        assert encoder is not None
        return encoder

    @cached_property
    def _width(self) -> int:
        """The dimensions that tell what something is: not a label prior, nor what fills a vector
        up to unit length."""
        prior = None if self._vocabulary is None else self._vocabulary.prior_dimension
        return self._model.dimension if prior is None else prior

    def _mentioned(self, sentence: str) -> tuple[int, ...]:
        if self.way == _ENCODER or self._vocabulary is None:
            return ()
        return mentions.rows(self._vocabulary, sentence)

    def _obstacle(self, way: str) -> str:
        """Why a way is closed; empty where it is open."""
        if way in (_WITH_WORDS, _ENCODER) and not self._model.encodes_phrases:
            return f"model {self._model.name!r} has no label encoder"
        if way == _ENCODER:
            return ""
        if way == _WITH_WORDS and self._model.manifest.trained_on_captions:
            return f"model {self._model.name!r} was trained on sentences as they are"
        if self._vocabulary is None:
            return "it takes a vocabulary, and there is none"
        if way == _WITH_WORDS and not len(self._vocabulary.beside.rows):
            return f"vocabulary {self._vocabulary.name!r} has no vectors of things beside others"
        return ""

    def _why_not(self, sentence: str, rows: tuple[int, ...]) -> UnknownLabelError | None:
        """Why there is no vector of a sentence."""
        if not any(one.isprintable() and not one.isspace() for one in sentence):
            return UnknownLabelError("an empty sentence describes nothing")
        try:
            sentence.encode()
        except UnicodeEncodeError:
            return UnknownLabelError(f"{quoted(sentence)} is not UTF-8 text, so it cannot be "
                                     "encoded")
        if self.way in (_MEAN, _SUM):
            return None if rows else self._unknown(sentence)
        return self._encoder.why_not(sentence)

    def _unknown(self, sentence: str) -> UnknownLabelError:
        """A sentence without a word that the vocabulary knows."""
        assert self._vocabulary is not None
        like = self._vocabulary.spelling.like
        close = [name for word in mentions.words(sentence) if len(word) > _SHORT
                 for name in like(normal_name(word), most=1, least=ALIKE)]
        return UnknownLabelError(
            f"vocabulary {self._vocabulary.name!r} knows no word of {quoted(sentence)}; " + (
                "the nearest names are: " + ", ".join(dict.fromkeys(close[:_NEAREST])) if close
                else "no name of it is like one of them"))
