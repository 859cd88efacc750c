"""What the words of a user's list were taken for: in one note, or a line a word."""

from collections.abc import Iterable, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

import click

from zsl_cli.classifier.predictions import PATH_SEPARATOR
from zsl_cli.cli.terminal import notes, printing
from zsl_cli.support.wording import listed, quoted
from zsl_cli.vocabulary.names.name_index import alike

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.search.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_NAMED = 5  # words of a kind
_OTHERS = 3  # labels that a word could have meant
_LOOKED_AT = 200  # for names that are spelt alike
_LONGEST = 200  # characters of a phrase that may be a name
_GLOSS = 60  # characters


def say(classifier: "Classifier", under: Sequence[str], nearest: "Nearest", *,
        explain: bool = False) -> None:
    """Sum up in one note which words were taken for labels of another name, for one sense of
    several, for phrases, for the same label, and which were left out; with ``explain`` each word
    has a line instead. Without a vocabulary all are phrases, which goes without saying.

    under: of which sense is told as well. nearest: what ``classifier.candidates`` made of them.
    """
    vocabulary = classifier.vocabulary
    notes.say_senses(vocabulary, map(vocabulary.find, under))
    taken = _taken(nearest)
    if explain:
        for row in explained(classifier, nearest):
            printing.say("  ".join(filter(None, row)), before="")
    elif len(vocabulary):
        phrases = (_said_phrases if classifier.model.encodes_phrases else _said_composed)
        said = [*_said_labels(vocabulary, taken), *phrases(classifier, taken)]
        if said:
            printing.note("; ".join(said) + ("" if len(taken) < 2 else "; --explain lists all"))
    _say_left_out([one.word.text for one in taken
                   if one.row is not None and one.row not in nearest])  # type: ignore[operator]


EXPLAINED = ("word", "id", "label", "note")
"""The head of ``explained``."""


def explained(classifier: "Classifier", nearest: "Nearest") -> list[tuple[str, ...]]:
    """A row for each word: the word, the id, what that means, and what a user may want to know of
    it."""
    return [_row(classifier.vocabulary, one) for one in _taken(nearest)]


def _taken(nearest: "Nearest") -> "Sequence[Taken]":
    from zsl_cli.vocabulary.search.subset import Subset

    return nearest.taken if isinstance(nearest, Subset) else ()


def _row(vocabulary: "Vocabulary", one: "Taken") -> tuple[str, ...]:
    meant = ("phrase", one.phrase or "")
    if one.row is not None:
        label = vocabulary.label(one.row)
        gloss = f" ({shorten(label.gloss, _GLOSS)})" if label.gloss else ""
        meant = label.id, vocabulary.word_of(label) + gloss
    said = []
    if one.rare is not None:
        said.append(f"not {_sense(vocabulary, one.rare)}")
    if one.others:
        said.append("could be " + listed([_sense(vocabulary, row) for row in one.others],
                                         _OTHERS, "; "))
    if one.instead is not None:
        said.append(f"written as {quoted(_path(one.instead))}")
    return (_path(one.word.path), *meant, "; ".join(said))


def _path(names: Sequence[str]) -> str:
    return PATH_SEPARATOR.join(names)


def _said_labels(vocabulary: "Vocabulary", taken: "Iterable[Taken]") -> list[str]:
    renamed, senses, same = [], [], []
    for one in taken:
        if one.instead is not None:
            if one.path != one.instead:
                same.append(f"{quoted(_path(one.path))} as {quoted(_path(one.instead))}")
        elif one.row is not None:
            if notes.in_doubt(vocabulary, one.word.text, one.row, one.others):
                others = listed([vocabulary.label(row).id for row in one.others], _OTHERS)
                senses.append(f"{one.name} taken as {_sense(vocabulary, one.row)}, not {others}")
            elif not _is_called(one, vocabulary):
                renamed.append(f"{one.name} = {vocabulary.word_of(vocabulary.label(one.row))}")
    return [*_said("of another name: ", renamed, ", "),
            *_said("of several senses: ", senses, "; "),
            *_said("two words for one label: ", same, ", ")]


def _said_phrases(classifier: "Classifier", taken: "Iterable[Taken]") -> list[str]:
    vocabulary = classifier.vocabulary
    phrases = [one for one in taken if one.phrase is not None and one.instead is None]
    rare = [f"{quoted(one.name)} (not {_other(one, vocabulary.label(one.rare))})"
            for one in phrases if one.rare is not None]
    unknown = [one.name for one in phrases if one.rare is None]
    return [*_said("mostly no label of that name, so encoded as phrases: ", rare, ", "),
            *_said(f"not in vocabulary {vocabulary.name}, so encoded as phrases: ",
                   _with_near_names(vocabulary, unknown), ", ")]


def _said_composed(classifier: "Classifier", taken: "Iterable[Taken]") -> list[str]:
    """Of which labels phrases were composed."""
    from zsl_cli.vocabulary.words.phrases import compose

    vocabulary = classifier.vocabulary
    phrases = [one.phrase for one in taken if one.phrase is not None and one.instead is None]
    composed = [notes.composed(vocabulary, phrase, compose(vocabulary, phrase))
                for phrase in phrases[:_NAMED]]
    return _said("", composed + phrases[_NAMED:], "; ")


def _said(what: str, words: Sequence[str], separator: str) -> list[str]:
    return [what + listed(words, _NAMED, separator)] if words else []


def _other(one: "Taken", label: "Label") -> str:
    """What a word mostly does not mean."""
    return shorten(label.gloss, _GLOSS) if alike(one.name, label.name) else label.name


def _is_called(one: "Taken", vocabulary: "Vocabulary") -> bool:
    """Whether a word, in whatever form, is what its label is called first."""
    assert one.row is not None
    label = vocabulary.label(one.row)
    return one.word.text.strip() == label.id or any(
        alike(one.name, name) for name in (label.name, label.word, vocabulary.word_of(label)))


def _sense(vocabulary: "Vocabulary", row: int) -> str:
    label = vocabulary.label(row)
    return f"{label.id} ({shorten(label.gloss or label.name, _GLOSS)})"


def _say_left_out(labels: Sequence[str]) -> None:
    """Tell which labels of the user's list are no candidates."""
    if labels:
        context = click.get_current_context()
        limits = [option for name, option in (("under", "--under"), ("max_depth", "--max-depth"))
                  if context.params.get(name) not in (None, ())]
        printing.note(f"left out by {' and '.join(limits)}: "
                      + listed([quoted(label) for label in labels], _NAMED))


def _with_near_names(vocabulary: "Vocabulary", phrases: Sequence[str]) -> list[str]:
    """Each phrase quoted, with the names that are nearly spelt so; what may be a slip comes
    first."""
    from zsl_cli.vocabulary.names.label import normal_name

    near = [vocabulary.spelling.like(normal_name(phrase)[:_LONGEST])
            for phrase in phrases[:_LOOKED_AT]]
    near += [[] for _ in phrases[_LOOKED_AT:]]
    said = [quoted(phrase) + (f" (a name near it: {', '.join(like)})" if like else "")
            for phrase, like in zip(phrases, near, strict=True)]
    return [said[place] for place in sorted(range(len(said)), key=lambda place: not near[place])]
