"""What labels there are to be: from WordNet, a list, a table, or the class folders of a dataset."""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from zsl_cli.authoring.vocabularies import labelset
from zsl_cli.authoring.vocabularies.wordnet import PERSON, WordNet, find_folder
from zsl_cli.errors import ZslError
from zsl_cli.support import tab_separated
from zsl_cli.support.wording import counted, some
from zsl_cli.vocabulary.class_names import class_name
from zsl_cli.vocabulary.hierarchy import Hierarchy
from zsl_cli.vocabulary.vocabulary import Label, normal_name

WORDNET = "wordnet"
_IMAGENET = {"imagenet-21k": "imagenet21k_goog", "imagenet-1k": "imagenet"}
_COLUMNS = ("id", "name", "synonyms", "gloss", "parents")
_LISTS = ("synonyms", "parents")
_ONE = {"synonym": "synonyms", "parent": "parents"}
_OTHERS = ("vector",)  # columns that zsl vocab export writes, and that say nothing here
_SEPARATORS = ";\t|"
_PARTS = {"train", "training", "val", "valid", "validation", "test"}
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")
_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class Places:
    """Where WordNet's database files and ImageNet's class lists are; None for the usual places."""

    wordnet: Path | None = None
    class_lists: Path | None = None


def read(source: str, places: Places, *, persons: bool = False,
         say: Callable[[str], None] = lambda _line: None) -> list[Label]:
    """The labels that ``source`` stands for, without any vectors.

    source: ``wordnet`` (all nouns), ``wordnet:LABEL`` (what lies below a synset, by id or word),
        ``imagenet-21k``, ``imagenet-1k``; or a path: a folder of class folders, a ``.csv`` or
        ``.tsv`` table, ``.jsonl``, or a text with a label a line.
    persons: whether labels from WordNet's subtree of persons stay, which holds slurs and
        judgements.

    Raises ZslError with file and line.
    """
    kind, colon, root = source.partition(":")
    if kind == WORDNET and colon and not root.strip():
        raise ZslError(f"`labels={source}`: what lies below which noun? Give a word or an id, such "
                       "as wordnet:animal, or wordnet alone for all")
    if kind == WORDNET or source in _IMAGENET:
        return _from_wordnet(source, root if kind == WORDNET else "", places, persons, say)
    path = Path(source)
    if path.is_dir():
        return _checked(path, _folders(path, places), say)
    if not path.is_file():
        raise ZslError(f"`labels={source}`: no such file or folder, and none of wordnet, "
                       f"wordnet:LABEL, {', '.join(_IMAGENET)}")
    _check_kind(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        numbered = _table(path, say)
    else:
        numbered = _records(path) if suffix in (".jsonl", ".ndjson") else _lines(path)
    return _checked(path, ((f"line {number}", label) for number, label in numbered), say)


def relinked(labels: Sequence[Label], keep: Sequence[bool]) -> Iterator[Label]:
    """The labels that are kept; a parent that is not is replaced by its own nearest ones that
    are."""
    gone = {label.id: label.parents for label, kept in zip(labels, keep, strict=True) if not kept}

    def nearest(parents: Sequence[str]) -> Iterator[str]:
        seen: set[str] = set()
        ahead = [*reversed(parents)]
        while ahead:
            parent = ahead.pop()
            if parent not in seen:
                seen.add(parent)
                if parent in gone:
                    ahead.extend(reversed(gone[parent]))
                else:
                    yield parent

    for label, kept in zip(labels, keep, strict=True):
        if kept:
            yield (label if gone.keys().isdisjoint(label.parents) else
                   replace(label, parents=tuple(nearest(label.parents))))


def _from_wordnet(source: str, root: str, places: Places, persons: bool,
                  say: Callable[[str], None]) -> list[Label]:
    wordnet = WordNet(find_folder(places.wordnet))
    if source in _IMAGENET:
        ids = [id_ for id_ in labelset.imagenet_ids(_IMAGENET[source], places.class_lists)
               if id_ in wordnet.synsets]
    elif root:
        top = _synset(wordnet, root)
        ids = [id_ for id_ in wordnet.synsets if top in wordnet.ancestors(id_)]
        persons = persons or PERSON in wordnet.ancestors(top)
    else:
        ids = list(wordnet.synsets)
    chosen = ids if persons else labelset.choose(wordnet, ids)
    if len(chosen) < len(ids):
        say(f"left out {counted(len(ids) - len(chosen), 'label')} of persons, many of them slurs "
            "or judgements; `persons` keeps them")
    # The most frequent sense of a word comes first, since it is what the word stands for.
    chosen = sorted(chosen, key=lambda id_: (
        wordnet.sense_rank(wordnet.synsets[id_].words[0], id_), id_))
    return labelset.describe(wordnet, chosen, ())


def _synset(wordnet: WordNet, text: str) -> str:
    """The synset that an id or a word stands for, the most frequent sense first."""
    senses = wordnet.senses.get(text.replace("_", " ").lower(), ())
    if text not in wordnet.synsets and not senses:
        raise ZslError(f"`labels=wordnet:{text}`: WordNet has no such noun or id")
    return text if text in wordnet.synsets else senses[0]


def _checked(path: Path, placed: Iterable[tuple[str, Label]],
             say: Callable[[str], None]) -> list[Label]:
    """The labels of a user's file or folder, each with its place there; ids and parents hold
    together, and names that stand twice are marked."""
    places: dict[str, str] = {}
    labels: dict[str, Label] = {}
    names: dict[str, list[str]] = {}
    again = []
    for place, label in placed:
        if label.id in labels:
            if label != labels[label.id]:
                raise ZslError(f"{path}, {place}: id {label.id!r} is that of {places[label.id]}, "
                               "too")
            again.append(label.id)
            continue
        labels[label.id], places[label.id] = label, place
        names.setdefault(normal_name(label.name), []).append(label.id)
    if not labels:
        raise ZslError(f"{path}: no label in it")
    if again:
        say(f"taken once, though they are repeated: {some(again)}")
    _check_parents(path, labels, places, say)
    ambiguous = {id_ for ids in names.values() if len(ids) > 1 for id_ in ids}
    return [replace(label, ambiguous=label.id in ambiguous) for label in labels.values()]


def _check_parents(path: Path, labels: dict[str, Label], places: dict[str, str],
                   say: Callable[[str], None]) -> None:
    ids = list(labels)
    cycles = Hierarchy(ids, [label.parents for label in labels.values()]).cycles()
    if cycles:
        cycle = [ids[row] for row in [*cycles[0], cycles[0][0]]]
        raise ZslError(f"{path}, {places[cycle[0]]}: a label lies below itself: "
                       + " < ".join(cycle))
    strangers = {parent: places[label.id] for label in labels.values() for parent in label.parents
                 if parent not in labels}
    if strangers:
        say(f"parents that are no labels themselves count for nothing: {some(list(strangers))} "
            f"({next(iter(strangers.values()))})")


def _check_kind(path: Path) -> None:
    """Raise ZslError for files that one might take for lists of labels."""
    if path.suffix.lower() == ".json":
        raise ZslError(f"{path}: JSON is read as .jsonl, with an object a line, such as "
                       '{"name": "red panda"}')
    with _opened(path) as file:
        head = file.read(4)
    if path.suffix.lower() in _SHEETS:
        raise ZslError(f"{path}: a spreadsheet; save its table as .csv first")
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise ZslError(f"{path}: a compressed file; unpack it first, or, if it is a spreadsheet, "
                       "save its table as .csv")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ZslError(f"{path}: UTF-16 text; convert the file first (iconv -f utf-16 -t utf-8)")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error


def _lines(path: Path) -> Iterator[tuple[int, Label]]:
    for number, text in _text_lines(path):
        name = " ".join(text.split())
        if name:
            yield number, Label(name, name)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text file in UTF-8; raises ZslError."""
    with _opened(path) as file:
        number = 0
        while line := file.readline(_LINE_BYTES + 1):
            number += 1
            if len(line) > _LINE_BYTES or b"\x00" in line:
                raise ZslError(f"{path}, line {number}: this is no text with a label a line")
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ZslError(f"{path}, line {number}: not UTF-8 text; convert the file first "
                               "(iconv -t utf-8)") from error


def _table(path: Path, say: Callable[[str], None]) -> Iterator[tuple[int, Label]]:
    """A table with a header; only the column ``name`` must be there."""
    tabs = path.suffix.lower() == ".tsv"
    rows = _tab_separated(path) if tabs else _comma_separated(path)
    _, header = next(rows, (1, []))
    columns = _columns(path, header, "tabs" if tabs else "commas", say)
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) > len(header):
            raise ZslError(f"{path}, line {line}: more cells than the header has columns; "
                           + ("write a tab as \\t" if tabs else
                              "put quotes around what has the separator in it"))
        record: dict[str, Any] = {key: cells[columns[key]] for key in _COLUMNS
                                  if columns.get(key, len(cells)) < len(cells)}
        if tabs:
            record = {key: tab_separated.read_texts(cell) if key in _LISTS
                      else tab_separated.read_text(cell) for key, cell in record.items()}
        yield line, _label(record, f"{path}, line {line}")


def _columns(path: Path, header: list[str], separators: str,
             say: Callable[[str], None]) -> dict[str, int]:
    """Where in a row which of _COLUMNS stands."""
    columns: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = cell.strip().lower()
        name = _ONE.get(name, name)
        if name and name in columns:
            raise ZslError(f"{path}, line 1: two columns {name}")
        columns[name] = place
    if "name" not in columns:
        other = next((mark for mark in _SEPARATORS if len(header) == 1 and mark in header[0]), None)
        raise ZslError(f"{path}, line 1: no column \"name\"; a header with some of "
                       f"{', '.join(_COLUMNS)} is expected, and it has "
                       f"{', '.join(filter(None, columns)) or 'none'}"
                       + (f"; separate its cells with {separators}, not with {other!r}" if other
                          else ""))
    if strangers := [name for name in columns if name and name not in (*_COLUMNS, *_OTHERS)]:
        say(f"{path.name}: columns that are not read: {some(strangers)}; those that are: "
            f"{', '.join(_COLUMNS)}")
    return columns


def _tab_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in _text_lines(path):
        yield number, line.rstrip("\r\n").split("\t")


def _comma_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    text = "".join(line for _, line in _text_lines(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    read = 0  # lines, so that an unfinished quote is told by the line where its row begins
    try:
        for row in reader:
            read = reader.line_num
            yield read, row
    except csv.Error as error:
        raise ZslError(f"{path}, line {read + 1}: {error}") from error


def _records(path: Path) -> Iterator[tuple[int, Label]]:
    """A JSON object a line, with the fields of ``labels.jsonl``."""
    for number, line in _text_lines(path):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ZslError(f"{where}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise ZslError(f"{where}: expected an object with a name, such as "
                           '{"name": "red panda"}')
        for one, many in _ONE.items():
            if one in record:
                record.setdefault(many, record[one])
        yield number, _label(record, where)


def _label(record: dict[str, Any], where: str) -> Label:
    """A label from the fields of a row or a record; raises ZslError."""
    texts = {}
    for key in ("name", "id", "gloss"):
        value = record.get(key)
        if key == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise ZslError(f"{where}: {key} {value!r} is not a text")
        texts[key] = " ".join((value or "").split())
    if not texts["name"]:
        raise ZslError(f"{where}: a label without a name")
    return Label(texts["id"] or texts["name"], texts["name"],
                 tuple(_several(record.get("synonyms"), f"{where}: synonyms")), texts["gloss"],
                 tuple(_several(record.get("parents"), f"{where}: parents")))


def _several(value: Any, where: str) -> list[str]:
    """A list of texts, or a text in which ``;`` or ``|`` parts them."""
    if value is None:
        return []
    if isinstance(value, str):
        value = re.split(r"[;|]", value)
    if not isinstance(value, list) or not all(isinstance(one, str | int) for one in value):
        raise ZslError(f"{where}: expected a text, or a list of texts")
    return [text for one in value if (text := " ".join(str(one).split()))]


def _folders(path: Path, places: Places) -> Iterator[tuple[str, Label]]:
    """The class folders of a dataset: ``tabby_cat``, ``n02123045`` or ``n02123045_tabby``."""
    names = sorted(entry.name for entry in path.iterdir()
                   if entry.is_dir() and not entry.name.startswith("."))
    if names and _PARTS.issuperset(map(str.lower, names)):
        raise ZslError(f"`labels={path}`: its folders are parts of a dataset ({', '.join(names)}), "
                       f"not classes; name one of them, such as {path / names[0]}")
    wordnet: WordNet | None = None
    for name in names:
        id_, words = class_name(name)
        if id_ and not words:
            wordnet = wordnet or WordNet(find_folder(places.wordnet))
            label = _noun(path / name, id_, wordnet)
        else:
            label = Label(id_ or name, words or name)
        yield f"class folder {name!r}", label


def _noun(folder: Path, id_: str, wordnet: WordNet) -> Label:
    """What WordNet says of the id that a folder is called by; raises ZslError."""
    if id_ not in wordnet.synsets:
        raise ZslError(f"{folder}: WordNet has no noun {id_}")
    synset = wordnet.synsets[id_]
    return Label(id_, synset.words[0], synset.words[1:], synset.definition)
