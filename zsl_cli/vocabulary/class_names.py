"""What the folders of a labelled set are called: ``tabby_cat``, ``n02123045``,
``n02123045-tabby``."""

import re

WORDNET_ID = re.compile(r"n[0-9]{8}")
"""A noun of WordNet: its offset in the database."""

_CLASS = re.compile(rf"(?:({WORDNET_ID.pattern})(?:[\s_-]+|$))?(.*)", re.DOTALL)


def class_name(text: str) -> tuple[str | None, str]:
    """The WordNet id before a class's name, or None, and the name's words.

    Underscores are blanks; hyphens stay, since names have their own (flat-coated retriever). There
    need be no words behind an id.
    """
    match = _CLASS.fullmatch(text.strip())
    assert match is not None  # any text does
    return match[1], " ".join(match[2].replace("_", " ").split())
