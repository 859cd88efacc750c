"""What a reader makes of a wordnet: the names of its nouns, and what else there was in it."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from zsl_cli.support.languages import Language
from zsl_cli.support.wording import counted
from zsl_cli.vocabulary.names.label import normal_name

_LONGEST = 80  # characters of a name; longer ones are definitions
_MARKUP = re.compile(r"[<>\[\]{}|=#\ufffd]|&\w+;|\?\w|\w\?")  # of wikis, and of a wrong encoding
_JOINERS = "\u200c\u200d"  # which part or join the letters of Persian and Hindi
_GAPS = {"GAP!", "PSEUDOGAP!"}  # MultiWordNet's marks that there is no word

OTHER = "name{} of verbs, adjectives and adverbs"
TWICE = "name{} given twice"
SPOILT = "name{} with markup or control characters, or too long"
FOREIGN = "synset{} that WordNet 3.0 does not have"
WITHOUT_OFFSET = "synset{} without an offset of WordNet"
MALFORMED = "line{} of another form"


@dataclass
class WordnetNames:
    """The names of nouns in one language.

    language: as the file says it, or None. project, url, license: where it is from; may be empty.
    names: by WordNet's id (``n02084071``), in the order of the file.
    passed_over: how much of the file is not used, by one of the constants of this module.
    """

    language: Language | None = None
    project: str = ""
    url: str = ""
    license: str = ""
    names: dict[str, list[str]] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)

    def add(self, id_: str, text: str) -> None:
        """A name of a noun, unless it is none or there already."""
        name = clean(text)
        if name in _GAPS:
            return
        if name is None:
            self.passed_over[SPOILT] += 1
            return
        names = self.names.setdefault(id_, [])
        if normal_name(name) in map(normal_name, names):
            self.passed_over[TWICE] += 1
        else:
            names.append(name)

    @property
    def remarks(self) -> str:
        """What is not used, in words; empty where all is."""
        return ", ".join(counted(number, kind.format(""), kind.format("s"))
                         for kind, number in self.passed_over.items())


def clean(text: str) -> str | None:
    """A name as it is written: composed, with blanks for underscores, without soft hyphens and
    other characters that are not seen. None for what is no name: nothing, a text with markup or
    control characters, a single Latin letter, a sentence."""
    if any(unicodedata.category(one) in ("Cc", "Co", "Cn", "Cs") for one in text.strip()):
        return None
    seen = "".join(one for one in text if unicodedata.category(one) != "Cf" or one in _JOINERS)
    name = unicodedata.normalize("NFC", " ".join(seen.replace("_", " ").split()))
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].strip()
    if _MARKUP.search(name) or len(name) > _LONGEST or not any(map(str.isalpha, name)):
        return None
    return None if len(name) == 1 and unicodedata.name(name, "").startswith("LATIN") else name
