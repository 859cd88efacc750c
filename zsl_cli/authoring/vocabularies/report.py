"""What became of the words and the labels of a vocabulary that is built."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from zsl_cli.authoring.vocabularies.composed import Composed
from zsl_cli.support.wording import counted, some

_WORST = 8


@dataclass
class Report:
    """What became of the words and labels, counted; ``notes`` says it in lines.

    labels: of the list, or every word.
    own, mean, subword: of the labels that are written, by how their vectors are made.
    synonym: of these, those with the vector of a synonym.
    left_out: for words that are unknown.
    without_accents: with the vectors of words that are spelt so, as other words may be.
    without_phrase: left out, too, for a phrase that is unknown, though its words are not.
    """

    labels: int = 0
    own: int = 0
    mean: int = 0
    synonym: int = 0
    subword: int = 0
    left_out: list[str] = field(default_factory=list)
    unknown_words: Counter[str] = field(default_factory=Counter)
    twice: int = 0
    without_direction: list[str] = field(default_factory=list)
    without_accents: list[str] = field(default_factory=list)
    without_phrase: list[str] = field(default_factory=list)
    same_vector: int = 0

    def count(self, name: str, composed: Composed) -> None:
        """A label that is written, and how its vector is composed."""
        if not composed.synonym and not name.isascii() and "".join(composed.tokens).isascii():
            self.without_accents.append(name)
        self.own += composed.how == "own"
        self.mean += composed.how == "mean"
        self.subword += composed.how == "subword"
        self.synonym += composed.synonym

    def notes(self, merge: bool) -> Iterator[str]:
        """What a user should know, most important first."""
        if self.left_out:
            worst = ", ".join(f"{word!r} ({count:,})" for word, count
                              in self.unknown_words.most_common(_WORST))
            yield (f"{len(self.left_out):,} of {counted(self.labels, 'label')} left out, since "
                   f"words of theirs are unknown: {some(self.left_out)}"
                   + (f"; the words that cost most: {worst}" if worst else ""))
        if self.without_phrase:
            yield (f"{len(self.without_phrase):,} of {counted(self.labels, 'label')} left out, "
                   "without a phrase of their own (`phrases=auto` takes the mean of the words): "
                   f"{some(self.without_phrase)}")
        if self.without_accents:
            yield (f"{counted(len(self.without_accents), 'label')} with the vectors of words "
                   f"without their accents: {some(self.without_accents)}")
        if self.without_direction:
            yield f"left out, with a vector of zeros or NaN: {some(self.without_direction)}"
        if self.twice:
            yield (f"{counted(self.twice, 'word')} repeated in the vectors; the first of each "
                   "counts")
        if self.same_vector:
            yield (f"{counted(self.same_vector, 'label')} with the vector of an earlier one, so "
                   "that no image tells them apart" + (": left out" if merge else
                                                       "; `merge` keeps only the first"))

    def to_dict(self) -> dict[str, int]:
        """The counts, for the manifest."""
        return {name: len(value) if isinstance(value, list) else value
                for name, value in vars(self).items() if name != "unknown_words"}
