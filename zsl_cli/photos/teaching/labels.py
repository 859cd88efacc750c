"""Which label a word stands for that is to be taught, and the labels that are new."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed, quoted
from zsl_cli.vocabulary.names import class_names
from zsl_cli.vocabulary.names.label import Label, Match, normal_name
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.words.listed import meaning

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_LONGEST = 100  # characters of a name
_BETWEEN = {",": "a comma", "/": "a slash", "|": "a bar", ";": "a semicolon"}
_PREFIX = "my-"
_NAMED = 8


class Learners:
    """The labels of a vocabulary that may be taught, and new ones over them.

    definitions: what was new before, and what has become so.
    """

    def __init__(self, vocabulary: "Vocabulary", definitions: Definitions) -> None:
        self._vocabulary = vocabulary
        self.definitions = definitions

    def label_of(self, id_: str) -> Label:
        """That of an id which ``find`` gave."""
        new = {label.id: label for label in self.definitions.labels}
        return new[id_] if id_ in new else self._vocabulary.label(self._vocabulary.rows[id_])

    def find(self, text: str, under: Iterable[str] = (), *, new: bool = False) -> str:
        """The id of the label that a text means.

        under: the labels above it; what has no such name below one of them is a new label.
        new: whether what is no label becomes one that lies under nothing.

        Raises UnknownLabelError for what is no label, and ZslError for a name that several labels
        have or that no label can have.
        """
        vocabulary = self._vocabulary
        if text.strip() in vocabulary.rows:
            return text.strip()
        parents = [self._parent(one) for one in under]
        wanted = normal_name(text)
        for label in self.definitions.labels:
            if wanted in map(normal_name, (label.id, label.name, *label.synonyms)) and (
                    not parents or set(parents) & set(label.parents)):
                return label.id
        has_id = class_names.read(text).id is not None  # as folders of class folders do
        match = meaning(text, vocabulary) if has_id else vocabulary.look_up(text)
        if has_id and match is not None:
            return vocabulary.label(match.row).id
        if parents:
            below = self._below(match, parents)
            return below if below is not None else self._new(text, parents)
        if match is None:
            if new:
                return self._new(text, [])
            raise ZslError(f"{vocabulary.unknown(text)}; `under` LABEL makes it a new label that "
                           "lies under this one")
        return self._only(text, match)

    def _parent(self, text: str) -> str:
        new = {label.id for label in self.definitions.labels}
        if text.strip() in new:
            return text.strip()
        for label in self.definitions.labels:
            if normal_name(text) == normal_name(label.name):
                return label.id
        match = self._vocabulary.find(text)
        return self._only(text, match)

    def _below(self, match: Match | None, parents: list[str]) -> str | None:
        """The id of the sense that lies below one of the parents."""
        vocabulary = self._vocabulary
        above = {vocabulary.rows[one] for one in parents if one in vocabulary.rows}
        for row in (match.row, *match.others) if match else ():
            if above & vocabulary.hierarchy.ancestors(row):
                return vocabulary.label(row).id
        return None

    def _only(self, text: str, match: Match) -> str:
        """The id of the one label that a name means. Raises ZslError where it is the first name of
        several that people have a word for: a lesson of the wrong one would stay unnoticed."""
        vocabulary, wanted = self._vocabulary, normal_name(text)
        labels = [vocabulary.label(row) for row in (match.row, *match.others)]
        main = [label for label in labels if normal_name(label.name) == wanted]
        if any(label.plain for label in main):
            main = [label for label in main if label.plain]
        if len(main) > 1:
            told = listed([f"{one.id} ({one.gloss or ' > '.join(vocabulary.path_names(one.id))})"
                           for one in main], _NAMED, "; ")
            raise ZslError(f"{quoted(text)} is the name of {len(main)} labels; give the id of the "
                           f"one that is meant: {told}")
        return labels[0].id

    def _new(self, text: str, parents: list[str]) -> str:
        name = check_name(text)
        label = Label(self._id(name), name, parents=tuple(dict.fromkeys(parents)),
                      ambiguous=self._vocabulary.look_up(name) is not None, plain=(name,))
        self.definitions = replace(self.definitions, labels=(*self.definitions.labels, label))
        return label.id

    def _id(self, name: str) -> str:
        """An id that no label has."""
        start = _PREFIX + (re.sub(r"\W+", "-", normal_name(name)).strip("-") or "label")
        taken = {*self._vocabulary.rows, *(label.id for label in self.definitions.labels)}
        number, id_ = 1, start
        while id_ in taken:
            number += 1
            id_ = f"{start}-{number}"
        return id_

    def add_synonyms(self, id_: str, names: Iterable[str]) -> None:
        """Have a label be called so, too. Raises ZslError for what is no name."""
        label = self.label_of(id_)
        known = {normal_name(one) for one in (label.name, *label.synonyms)}
        added = tuple(name for name in map(check_name, names) if normal_name(name) not in known)
        if not added:
            return
        if any(one.id == id_ for one in self.definitions.labels):
            self.definitions = replace(self.definitions, labels=tuple(
                replace(one, synonyms=(*one.synonyms, *added)) if one.id == id_ else one
                for one in self.definitions.labels))
        else:
            further = {**self.definitions.synonyms}
            further[id_] = (*further.get(id_, ()), *added)
            self.definitions = replace(self.definitions, synonyms=further)


def check_name(text: str) -> str:
    """A name of a label, without what is around it. Raises ZslError for one that lists and
    sidecars could not hold."""
    name = " ".join(text.split())
    if not name or not any(one.isalnum() for one in name):
        raise ZslError(f"{quoted(text)} is no name of a label: it has no letter and no digit")
    for mark, what in _BETWEEN.items():
        if mark in name:
            raise ZslError(f"{quoted(text)}: the name of a label has no {what.partition(' ')[2]} "
                           "in it, which separates labels in lists and in sidecars")
    if len(name) > _LONGEST or not name.isprintable():
        raise ZslError(f"{quoted(text)} is no name of a label: up to {_LONGEST} characters that "
                       "can be printed are expected")
    return name
