"""What a user's list of labels means: labels of a vocabulary, and phrases to be encoded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zsl_cli.errors import UnknownLabelError, ZslError
from zsl_cli.vocabulary import class_names, listed
from zsl_cli.vocabulary.phrases import compose

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Choice:
    """The labels that may be answered: rows of a vocabulary, and phrases that it does not know,
    each once.

    composed: with a model that does not encode phrases, the rows of each one's words.
    """

    rows: frozenset[int]
    phrases: tuple[str, ...] = ()
    composed: dict[str, tuple[int, ...]] = field(default_factory=dict)


def choose(vocabulary: "Vocabulary", labels: Sequence[str] | None,
           under: Sequence[str] | None, *, phrases: bool,
           max_depth: int | None = None) -> Choice:
    """What these candidate labels stand for.

    labels: names, synonyms or ids, as ``listed.meaning`` takes them; None for the whole
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
    rows = set(range(len(vocabulary))) if labels is None else set()
    unknown: dict[str, None] = {}
    composed: dict[str, tuple[int, ...]] = {}
    for label in labels or ():
        if match := listed.meaning(label, vocabulary):
            rows.add(match.row)
        else:
            _check_phrase(label)
            if (id_ := class_names.read(label).id) and vocabulary.has_wordnet_ids:
                raise UnknownLabelError(f"no label of vocabulary {vocabulary.name!r} has the id "
                                        f"{id_}")
            phrase = listed.phrase(label)
            if not phrases and vocabulary.prior_dimension is not None:
                raise UnknownLabelError(
                    f"{vocabulary.unknown(label)}. Neither does the model encode phrases, nor can "
                    f"one be composed of the labels of {vocabulary.name!r}; a model with a label "
                    "encoder takes any phrase")
            unknown[phrase] = None
            if not phrases:
                composed[phrase] = compose(vocabulary, phrase)
    if under is not None or max_depth is not None:
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
    return Choice(frozenset(rows), tuple(unknown), composed)


def _nothing_left(under: Sequence[str] | None, max_depth: int | None) -> str:
    if under is None and max_depth is None:
        return "the list of labels is empty"
    steps = "" if max_depth is None else f"at most {max_depth} steps "
    where = ", ".join(under) if under else "the roots of the hierarchy"
    return (f"no candidate label is left: none of the labels lies {steps}"
            + (f"under {where}" if under else f"below {where}"))


def _check_phrase(phrase: str) -> None:
    if not any(character.isprintable() and not character.isspace() for character in phrase):
        raise UnknownLabelError("an empty phrase is no label")
    try:
        phrase.encode()
    except UnicodeEncodeError as error:
        raise UnknownLabelError(f"{phrase!r} is not UTF-8 text, so it cannot be encoded"
                                ) from error
