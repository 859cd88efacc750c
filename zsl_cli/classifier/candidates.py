"""What a user's list of labels means: labels of a vocabulary, and phrases to be encoded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zsl_cli.errors import UnknownLabelError, ZslError
from zsl_cli.support.word_lists import Word, as_word
from zsl_cli.vocabulary.names.taken import Taken
from zsl_cli.vocabulary.words.own_words import take
from zsl_cli.vocabulary.words.phrases import compose

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Choice:
    """The labels that may be answered: rows of a vocabulary, and phrases that it does not know,
    each once.

    composed: with a model that does not encode phrases, the rows of each one's words.
    taken: what each word of the user's list is taken for, in its order.
    """

    rows: frozenset[int]
    phrases: tuple[str, ...] = ()
    composed: dict[str, tuple[int, ...]] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()


def choose(vocabulary: "Vocabulary", labels: "Sequence[str | Word] | None",
           under: Sequence[str] | None, *, phrases: bool,
           max_depth: int | None = None) -> Choice:
    """What these candidate labels stand for.

    labels: names, synonyms or ids, as ``own_words.take`` takes them; None for the whole
        vocabulary.
    under: only these labels and what lies below one of them.
    phrases: whether the model encodes what the vocabulary does not know. If it does not, that is
        composed of the vocabulary's words.
    max_depth: only labels at most so many steps below those of ``under``, or without it below
        the roots of the hierarchy, by the shortest path.

    Raises UnknownLabelError, or ZslError when nothing is left.
    """
    if labels is None and not len(vocabulary):
        raise ZslError("no vocabulary fits this model, which encodes phrases: list the candidate "
                       "labels (`labels`, `labels_file`)")
    limited = under is not None or max_depth is not None  # where a phrase has no place
    taken = take(vocabulary, map(as_word, labels or ()), phrases=phrases and not limited)
    rows = (set(range(len(vocabulary))) if labels is None
            else {one.row for one in taken if one.row is not None})
    unknown = {one.phrase: one for one in taken if one.phrase is not None}
    composed = {} if phrases else {phrase: _composed(vocabulary, one.word.text, phrase)
                                   for phrase, one in unknown.items()}
    if limited:
        if unknown:
            raise UnknownLabelError(
                f"{next(iter(unknown))!r} is no label of vocabulary {vocabulary.name!r} but a "
                "phrase, which lies under nothing; leave it out, or `under` and `max_depth`")
        hierarchy = vocabulary.hierarchy
        if hierarchy.flat:
            raise ZslError(f"vocabulary {vocabulary.name!r} says of no label what lies above it, "
                           "so `under` and `max_depth` choose nothing; one that is built of "
                           "WordNet, or of a table with parents, does")
        tops = (hierarchy.roots if under is None
                else [vocabulary.find(label).row for label in under])
        rows &= set(hierarchy.descendants(*tops, max_depth=max_depth))
    if not rows and not unknown:
        raise ZslError(_nothing_left(under, max_depth))
    return Choice(frozenset(rows), tuple(unknown), composed, tuple(taken))


def _nothing_left(under: Sequence[str] | None, max_depth: int | None) -> str:
    if under is None and max_depth is None:
        return "the list of labels is empty"
    steps = "" if max_depth is None else f"at most {max_depth} steps "
    where = ", ".join(under) if under else "the roots of the hierarchy"
    return (f"no candidate label is left: none of the labels lies {steps}"
            + (f"under {where}" if under else f"below {where}"))


def _composed(vocabulary: "Vocabulary", text: str, phrase: str) -> tuple[int, ...]:
    """The rows of which a phrase is composed where the model does not encode it."""
    if vocabulary.prior_dimension is not None:
        raise UnknownLabelError(
            f"{vocabulary.unknown(text)}. Neither does the model encode phrases, nor can one be "
            f"composed of the labels of {vocabulary.name!r}; a model with a label encoder takes "
            "any phrase")
    return compose(vocabulary, phrase)
