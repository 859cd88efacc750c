"""Files of wordnets → a folder of names, which ``vocabulary.language`` reads."""

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zsl_cli.authoring.vocabularies import compressed
from zsl_cli.authoring.vocabularies.names import lmf, offsets, tab, wordnet_names
from zsl_cli.authoring.vocabularies.names.choice import Choice
from zsl_cli.authoring.vocabularies.names.wordnet_names import WordnetNames
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support import folders, languages
from zsl_cli.support.languages import Language
from zsl_cli.support.names import Name, set_names, set_paths
from zsl_cli.support.names_manifest import NAMES_FILE, NamesManifest
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary.vocabulary import Vocabulary

_FOREIGN = 0.2
"""The share of synsets from which on a file is of another WordNet. Of 82,115 nouns among 15 million
offsets, one of another version is there by chance once in two hundred times."""


@dataclass(frozen=True)
class NamesRequest:
    """What to read: wordnets of one language.

    files: tab files of the Open Multilingual Wordnet, or WN-LMF; plain or compressed.
    output: the folder to write. By default it is called after the language and lies where
        ``language`` looks for it: in ``$ZSL_HOME/names``, or in the user's data folder.
    language: the code of the language, where a file does not say it or has several.
    force: whether an existing folder may be replaced.

    Raises RequestError.
    """

    files: Sequence[Name]
    output: Path | None = None
    language: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        set_names(self, "files")
        set_paths(self, "output")
        if not self.files:
            raise RequestError("nothing to read: name a file")
        if self.language is not None and languages.language(self.language) is None:
            raise RequestError(f"`language` {self.language!r} is not the code of one, such as de "
                               "or deu")


@dataclass(frozen=True)
class NamesResult:
    """The folder of names, its manifest, what the language is called, and how many of the labels
    of the default vocabulary have a name in it."""

    folder: Path
    manifest: NamesManifest
    language: str
    named: int
    labels: int


def build_names(request: NamesRequest, reporter: Reporter = SILENT) -> NamesResult:
    """Write the folder. Raises ZslError, and leaves nothing behind."""
    if request.output is not None:
        folders.check_target(request.output, force=request.force, reads=request.files)
    wanted = languages.language(request.language) if request.language else None
    reporter.start("reading names")
    wordnets = [_read(Path(file), wanted, reporter) for file in request.files]
    language = _language(request, wordnets, wanted)
    target = request.output or folders.homes(folders.NAMES)[0] / language.tag
    reporter.start("choosing names")
    vocabulary = Vocabulary.load()
    choice = Choice(vocabulary, [wordnet.names for wordnet in wordnets])
    ids = sorted({id_ for wordnet in wordnets for id_ in wordnet.names})
    with folders.new_folder(target, force=request.force) as folder:
        number = 0
        with (folder / NAMES_FILE).open("w", encoding="utf-8", newline="\n") as file:
            for id_ in ids:
                name, *synonyms = choice.ordered(id_)
                number += 1 + len(synonyms)
                entry = {"id": id_, "name": name, **({"synonyms": synonyms} if synonyms else {})}
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        folders.write_manifest(folders.NAMES, folder, {
            "name": folders.name_of(target), "version": "1", "language": language.tag,
            "iso639_3": language.iso639_3, "synsets": len(ids), "names": number,
            "sources": [{"name": one.project or Path(file).name, "license": one.license
                         or "not given", "url": one.url or "not given"}
                        for file, one in zip(request.files, wordnets, strict=True)],
            "made_from": [{"file": Path(file).name, "sha256": folders.sha256(Path(file))}
                          for file in request.files],
            "built_by": f"zsl {__version__}",
            "files": folders.describe_files(folder, NAMES_FILE)})
        manifest = folders.read_manifest(folders.NAMES, folder)
    named = len(vocabulary.rows.keys() & set(ids))
    return NamesResult(target, manifest, language.name, named, len(vocabulary))


def _read(path: Path, wanted: Language | None, reporter: Reporter) -> WordnetNames:
    """The names in a file that WordNet 3.0 has a noun for. Raises ZslError."""
    try:
        with path.open("rb") as raw, \
                compressed.decompressed(raw, compressed.kind(raw), path) as file:
            found = lmf.read(file, str(path), wanted) if _is_xml(file, path) else tab.read(
                file, str(path))
    except compressed.DAMAGE as error:
        raise ZslError(compressed.explained(path, error)) from error
    if not found.names:
        raise ZslError(f"{path}: no name of a noun in it" + (
            f" ({found.remarks})" if found.remarks else ""))
    foreign = found.names.keys() - offsets.nouns()
    if len(foreign) > _FOREIGN * len(found.names):
        raise ZslError(f"{path}: {len(foreign):,} of its {len(found.names):,} synsets are no nouns "
                       "of WordNet 3.0, so that it is of another WordNet, in which the same "
                       "numbers are those of other things")
    for id_ in foreign:
        del found.names[id_]
    if foreign:
        found.passed_over[wordnet_names.FOREIGN] += len(foreign)
    if found.remarks:
        reporter.say(f"{path}: passed over: {found.remarks}")
    return found


def _is_xml(file: IO[bytes], path: Path) -> bool:
    """Whether a file that can be sought begins with a tag. Raises ZslError for an archive."""
    head = file.read(512)
    file.seek(0)
    if head[257:262] == b"ustar":
        raise ZslError(f"{path}: an archive; unpack it (tar -xf) and give the .xml or .tab in it")
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return b"<" in head
    return head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def _language(request: NamesRequest, wordnets: Sequence[WordnetNames],
              wanted: Language | None) -> Language:
    """The one language of all files. Raises ZslError."""
    said = [(file, one.language) for file, one in zip(request.files, wordnets, strict=True)
            if one.language is not None]
    first = wanted or (said[0][1] if said else None)
    if first is None:
        raise ZslError(f"{request.files[0]}: it does not say of which language it is; give its "
                       "code, `language`")
    for file, other in said:
        if other is not None and other.tag != first.tag:
            raise ZslError(f"{file}: names in {other.name} ({other.tag}), and not in "
                           f"{first.name} ({first.tag}); a folder has one language")
    return said[0][1] or first if said else first
