"""WN-LMF, the Global WordNet Association's XML, as releases of the Open Multilingual Wordnet have
it: ``omw-de-02084071-n`` is the synset of that offset. Read as a stream; nothing that a file
declares or points to is looked up."""

import re
from collections.abc import Mapping
from typing import IO
from xml.parsers import expat

from zsl_cli.authoring.vocabularies.names import wordnet_names
from zsl_cli.authoring.vocabularies.names.wordnet_names import WordnetNames
from zsl_cli.errors import ZslError
from zsl_cli.support import languages
from zsl_cli.support.languages import Language

_BLOCK = 1 << 16
_LONGEST_TAG = 1 << 20  # bytes; a synset names all of its members
_OFFSET = re.compile(r"(?:.*[^0-9])?([0-9]{8})-n")
_NOUN = "n"


def read(file: IO[bytes], source: str, wanted: Language | None = None) -> WordnetNames:
    """The names in a file, of which another language than the one ``wanted`` may be a part;
    ``source`` is what messages call it. Raises ZslError."""
    reader = _Reader(source, wanted)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EntityDeclHandler = reader.refuse_entity
    given = 0
    try:
        while block := file.read(_BLOCK):
            parser.Parse(block)
            given += len(block)
            if given - max(parser.CurrentByteIndex, 0) > _LONGEST_TAG:
                raise ZslError(f"{source}, line {parser.CurrentLineNumber}: a tag of more than "
                               f"{_LONGEST_TAG >> 20} MB is not as WN-LMF has them")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ZslError(f"{source}, line {error.lineno}: not XML "
                       f"({expat.errors.messages[error.code]})") from error
    except (LookupError, ValueError) as error:  # of an encoding that is declared
        raise ZslError(f"{source}: {error}") from error
    return reader.found()


class _Reader:
    """Gathers names by the ids of synsets, which come after them and may say their offset."""

    def __init__(self, source: str, wanted: Language | None) -> None:
        self._source, self._wanted = source, wanted
        self._names = WordnetNames()
        self._lemmas: dict[str, list[str]] = {}  # by synset
        self._offsets: dict[str, str] = {}
        self._root = ""
        self._skips = False
        self._lemma: str | None = None

    def refuse_entity(self, name: str, *_: object) -> None:
        """None is resolved, so a file that declares one cannot be read."""
        raise ZslError(f"{self._source}: it declares the entity {name!r}; WN-LMF has none, and "
                       "zsl resolves none")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """The begin of an element."""
        if not self._root:
            self._root = tag
            if tag != "LexicalResource":
                raise ZslError(f"{self._source}: neither WN-LMF, which begins with "
                               f"<LexicalResource> and not <{tag[:40]}>, nor a tab file")
        if tag in ("Lexicon", "LexiconExtension"):
            self._start_lexicon(attributes)
        elif self._skips:
            return
        elif tag == "LexicalEntry":
            self._lemma = None
        elif tag == "Lemma":
            is_noun = attributes.get("partOfSpeech") == _NOUN
            self._lemma = attributes.get("writtenForm") if is_noun else None
            self._names.passed_over[wordnet_names.OTHER] += not is_noun
        elif tag == "Sense":
            if self._lemma is not None and attributes.get("lexicalized") != "false":
                self._lemmas.setdefault(attributes.get("synset", ""), []).append(self._lemma)
        elif tag == "Synset" and (offset := _OFFSET.fullmatch(
                attributes.get("dc:identifier", ""))):
            self._offsets[attributes.get("id", "")] = offset[1]

    def _start_lexicon(self, attributes: Mapping[str, str]) -> None:
        language = languages.language(attributes.get("language", ""))
        if self._wanted is not None and language is not None:
            self._skips = language.tag != self._wanted.tag
            if self._skips:
                return
        if self._names.language not in (None, language):
            raise ZslError(f"{self._source}: it has names in several languages; say which one is "
                           "meant, `language`")
        self._names.language = language
        self._names.project = attributes.get("label", "")
        self._names.url = attributes.get("url", "")
        self._names.license = attributes.get("license", "")

    def found(self) -> WordnetNames:
        """The names by WordNet's ids. Raises ZslError where no synset has one."""
        names = self._names
        names.passed_over = +names.passed_over
        for synset, lemmas in self._lemmas.items():
            offset = self._offsets.get(synset)
            if offset is None and (match := _OFFSET.fullmatch(synset)):
                offset = match[1]
            if offset is None:
                names.passed_over[wordnet_names.WITHOUT_OFFSET] += 1
                continue
            for lemma in lemmas:
                names.add(f"n{offset}", lemma)
        if self._lemmas and not names.names:
            raise ZslError(f"{self._source}: its synsets are not named by offsets of WordNet 3.0 "
                           "(omw-de-02084071-n), by which labels are known; an ili alone does "
                           "not tell them. Releases of the Open Multilingual Wordnet have them")
        return names
