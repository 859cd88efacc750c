"""What captions say: their words → labels, in any number, and what lies above these."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from zsl_cli.evaluation.captions import people
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.names.word_forms import singulars
from zsl_cli.vocabulary.words import mentions

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_OTHERWISE = """
    about above across after against all along also and another are area around as at away back
    background be behind being below beside between big bottom bright by can carry catch climb
    colored colorful cover covered cross dark dirty distance do down dress dressed each end face
    few five for four from front get go going group have he her high him his hold holding i in
    inside into is it its jump jumping large laying lead leap lie light line little long look
    looking looks lot low make making middle near next of off old on one onto open out outside
    over pass past pair piece play playing point pose posing position pull push race ride riding
    right run running s set several she short show side sit sitting slide small smile some
    something splash stand standing stop swing t take taking tall tan that the their them then
    there they thing this three through throw time tip to together top toward towards trick try
    turn two under up use using view walk walking watch watching way wear wearing while white who
    with work works young black blue brown green grey gray orange pink purple red silver gold golden
    yellow blond blonde wet dry hot cold deep shallow close
    """
_NOT_NOUNS = frozenset(_OTHERWISE.split())
"""Words that captions use as verbs, colours and places far oftener than as the name of a thing
("watches a dog", "in the back"), though a vocabulary may have the thing."""


@dataclass(frozen=True)
class Said:
    """What n images are said to show.

    rows: of each, the labels that at least one of its captions says, with what lies above them.
    own: how many images say each label by a word of its own.
    words: by which words, with the number of images for each.
    """

    rows: tuple[frozenset[int], ...]
    own: Counter[int]
    words: dict[int, Counter[str]]


class CaptionWords:
    """Which labels of a vocabulary a caption says."""

    def __init__(self, vocabulary: "Vocabulary", asked: Iterable[str] = ()) -> None:
        """asked: words that count even where captions mostly use them otherwise."""
        self._vocabulary = vocabulary
        self._asked = {one for word in asked for one in _forms(normal_name(word))}
        self._known: dict[str, int | None] = {}

    @cached_property
    def everyday(self) -> frozenset[int]:
        """The labels that people have a plain word for; where the vocabulary says it of none,
        all labels."""
        labels = self._vocabulary.labels
        plain = frozenset(row for row, label in enumerate(labels) if label.plain)
        return plain or frozenset(range(len(labels)))

    @cached_property
    def _plain(self) -> dict[str, int]:
        """The label that each plain word means, whatever else it could mean."""
        return {normal_name(word): row for row, label in reversed([*enumerate(
            self._vocabulary.labels)]) for word in reversed(label.plain)}

    @cached_property
    def _people(self) -> dict[str, list[int]]:
        """The labels of people that words say, beside what the vocabulary makes of them."""
        rows = {name: self.row(name) for name in people.LABELS}
        person = rows["person"]
        above = self._vocabulary.hierarchy.ancestors
        found: dict[str, list[int]] = {}
        for name, words in people.LABELS.items():
            row = rows[name]
            if row is not None and (row == person or person in above(row)):
                for word in words:
                    found.setdefault(word, []).append(row)
        return found

    @cached_property
    def people(self) -> frozenset[int]:
        """The labels that stand for people."""
        person = self.row("person")
        if person is None:
            return frozenset()
        rows = {person, *self._vocabulary.hierarchy.descendants(person)}
        return frozenset(rows | {row for name in ("people", "crowd")
                                 if (row := self.row(name)) is not None})

    def row(self, word: str) -> int | None:
        """The label that a word means: the one that it is the plain word for, else the most usual
        one in pictures; None for what is unknown."""
        word = normal_name(word)
        if word not in self._known:
            self._known[word] = None
            for one in _forms(word):
                row = self._plain.get(one)
                if row is None and (match := self._vocabulary.look_up(one)):
                    row = match.row
                if row is not None:
                    self._known[word] = row
                    break
        return self._known[word]

    def said_by(self, caption: str) -> Iterator[tuple[str, int]]:
        """The words of a caption that mean a label, and the label; of overlapping names the
        longest counts, so that a hot dog is no dog."""
        return mentions.longest(caption, self._rows)

    def _rows(self, text: str) -> list[int]:
        if (known := self._people.get(text)) is not None:
            own = self.row(text)
            return list(dict.fromkeys([*known, *([own] if own in self.people else [])]))
        forms = set(_forms(text))
        if not forms.isdisjoint(_NOT_NOUNS) and forms.isdisjoint(self._asked):
            return []
        row = self.row(text)
        return [] if row is None else [row]

    def of(self, captions: "Iterable[Iterable[str]]") -> Said:
        """What images are said to show, each by its captions. One caption is enough: people leave
        out what they take for granted, and hardly name what is not there."""
        above = self._vocabulary.hierarchy.ancestors
        rows: list[frozenset[int]] = []
        own: Counter[int] = Counter()
        words: dict[int, Counter[str]] = {}
        for texts in captions:
            said = {pair for text in texts for pair in self.said_by(text)}
            direct = {row for _, row in said}
            own.update(direct)
            for word, row in said:
                words.setdefault(row, Counter())[word] += 1
            rows.append(frozenset(direct).union(*map(above, direct)))
        return Said(tuple(rows), own, words)


def _forms(word: str) -> tuple[str, ...]:
    """The word, and what it may be the plural of."""
    return (word, *singulars(word))
