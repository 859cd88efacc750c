"""What an item of a list of labels, or the name of a class, means: the same in every command."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from zsl_cli.vocabulary.names import class_names
from zsl_cli.vocabulary.names.label import Label, Match, normal_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.vocabulary.vocabulary import Vocabulary

_FRONT = re.compile(r"([^\s_:,;)]+)([\s_:,;)]+)(?=\S)")


def meaning(text: str, vocabulary: "Vocabulary") -> Match | None:
    """The label that an item stands for, or None.

    It is an id, a name or a synonym; else an id and names, of which the id counts alone where the
    vocabulary has ids of its kind, since the names may have other senses; else names (see
    ``class_names``), which have to agree: a sentence that begins with a name is not that label.
    """
    if match := vocabulary.look_up(text):
        return match
    said = class_names.read(text)
    if said.id is not None and vocabulary.has_wordnet_ids:
        row = vocabulary.rows.get(said.id)
        return None if row is None else Match(text, row)
    if (row := _row_of_id(text, vocabulary)) is not None:
        return Match(text, row)
    return _of_names(text, said.names, vocabulary)


def phrase(text: str) -> str:
    """What to encode of an item that no label stands for: the item as it is written, or the main
    name behind an id, which means nothing to an encoder."""
    said = class_names.read(text)
    return said.name if said.id is not None and said.names else text


def label(text: str) -> Label:
    """The label that an item makes, where there are none to look it up among; without an id of
    WordNet its id is the item as it is written."""
    said = class_names.read(text)
    id_ = said.id or " ".join(text.split())
    return Label(id_, said.name or id_, said.names[1:])


def _row_of_id(text: str, vocabulary: "Vocabulary") -> int | None:
    """The row whose id stands in front, as in ``48662_Danaus_plexippus``. A word that is an id
    is none there, since it begins other names, too; neither is a number before a blank, which
    may count something."""
    front = _FRONT.match(text.strip())
    row = vocabulary.rows.get(front[1]) if front else None
    if front is None or row is None or not any(map(str.isdecimal, front[1])):
        return None
    if front[1].isdecimal() and front[2] == " ":
        return None
    own_name = normal_name(vocabulary.label(row).name)
    return None if normal_name(front[1]) == own_name else row


def _of_names(text: str, names: "Sequence[str]", vocabulary: "Vocabulary") -> Match | None:
    """The label of the first name, in the sense that most of the others share."""
    if len(names) == 1 and normal_name(names[0]) == normal_name(text):
        return None  # since the text is none
    matches = [vocabulary.look_up(name) for name in names]
    if not matches or matches[0] is None:
        return None
    if any(class_names.LITTLE_WORD.search(name)
           for name, match in zip(names, matches, strict=True) if not match):
        return None
    meant = [(match.row, *match.others) for match in matches if match]
    votes = Counter(row for rows in meant for row in rows)
    best = max(meant[0], key=votes.__getitem__)
    if any(best not in rows for rows in meant):
        return None
    return Match(text, best, tuple(row for row in meant[0]
                                   if row != best and votes[row] == votes[best]))
