"""Open Multilingual Wordnet's tab files (Bond and Foster, 2013): ``02084071-n  deu:lemma  Hund``
under a first line of project, language, address and licence."""

import re
from typing import IO

from zsl_cli.authoring.vocabularies.names import wordnet_names
from zsl_cli.authoring.vocabularies.names.wordnet_names import WordnetNames
from zsl_cli.errors import ZslError
from zsl_cli.support import languages
from zsl_cli.support.text_lists import lines_in

_SYNSET = re.compile(r"([0-9]{8})-([nvasr])")
_KIND = re.compile(r"(?:([a-z]{2,3}(?:-\w+)?):)?(lemma|[a-z]+)(:\w+)*")
_MALFORMED = 0.2  # of the lines; a file with more is no such file


def read(file: IO[bytes], source: str) -> WordnetNames:
    """The names in a file; ``source`` is what messages call it. Raises ZslError."""
    found = WordnetNames()
    number = malformed = read_lines = 0
    for number, text in lines_in(file, source):
        if number == 1 and text.startswith("#"):
            _read_header(text, found)
            continue
        if not text.strip() or text.startswith("#"):
            continue
        read_lines += 1
        malformed += not _read_line(text.rstrip("\r\n").split("\t"), found)
    if not number:
        raise ZslError(f"{source}: the file is empty")
    if not read_lines or malformed > _MALFORMED * read_lines:
        raise ZslError(f"{source}: no tab file of the Open Multilingual Wordnet, whose lines are "
                       "a synset, a kind and a name between tabs (02084071-n, deu:lemma, Hund), "
                       "and no WN-LMF")
    if malformed:
        found.passed_over[wordnet_names.MALFORMED] += malformed
    return found


def _read_header(text: str, found: WordnetNames) -> None:
    cells = [cell.strip() for cell in text.lstrip("#").strip().split("\t")]
    project, code, url, license_ = (cells + [""] * 4)[:4]
    found.language = languages.language(code)
    found.project, found.url, found.license = project, url, license_


def _read_line(cells: list[str], found: WordnetNames) -> bool:
    """Whether a line is as expected. Definitions, examples, roots and plurals are, too."""
    synset = _SYNSET.fullmatch(cells[0].strip())
    kind = _KIND.fullmatch(cells[1].strip()) if len(cells) > 2 else None
    if synset is None or kind is None:
        return False
    if kind[2] != "lemma" or kind[3]:
        return True
    if found.language is None and kind[1]:
        found.language = languages.language(kind[1])
    if synset[2] == "n":
        found.add(f"n{synset[1]}", cells[2])
    else:
        found.passed_over[wordnet_names.OTHER] += 1
    return True
