"""The forms that files of captions have, each recognised by what is in the file.

- **CSV**: a first line that names the columns ``image`` and ``caption`` and perhaps ``split``, and
  a line for each caption (Kaggle's copies of Flickr8k have it).
- **Tokens**, as Flickr8k and Flickr30k are published: ``photo.jpg#0``, a tab, the caption.
- **COCO's JSON**: ``images`` with ``id`` and ``file_name``, ``annotations`` with ``image_id`` and
  ``caption``.
- **Karpathy's JSON** (Karpathy and Fei-Fei, 2015), with the splits that papers use: ``images``
  with ``filename``, perhaps ``filepath``, ``split``, and ``sentences``, each ``raw``.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support.text_lists import text_of
from zsl_cli.support.wording import reason

COLUMNS = ("image", "caption")
"""What the first line of a CSV has to name; ``split`` counts as well, others don't matter."""

LARGEST = 1 << 30
"""Bytes of a file: COCO's 600,000 captions have 70 million, in Karpathy's form 150."""

_SPLIT = "split"
_TOKEN = re.compile(r"(?P<image>[^\t\n]*\S)#[0-9]+\t(?P<caption>.*)")
_EXPECTED = ("expected a CSV file with the columns image and caption and a line for each caption, "
             "Flickr's lines of photo.jpg#0, a tab and a caption, or the JSON of COCO or of "
             "Karpathy")


@dataclass(frozen=True, slots=True)
class Line:
    """A caption as it stands in a file, and where; ``split`` is empty where there is none."""

    where: str
    image: str
    caption: str
    split: str = ""


def read(path: Path, *, with_split: bool = False) -> Iterator[Line]:
    """The captions of a file, in its order, without white space around them.

    with_split: whether the file has to tell splits.

    Raises ZslError.
    """
    yield from lines_of(content_of(path), str(path), with_split=with_split)


def content_of(path: Path) -> bytes:
    """What a file holds, of a larger one than may be a part. Raises ZslError."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error


def lines_of(content: bytes, source: str, *, with_split: bool = False) -> Iterator[Line]:
    """As ``read``, of what a file holds; ``source`` is what messages call it."""
    text = _text(content, source)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        yield from _json(text, source, with_split)
    elif _TOKEN.match(text):
        if with_split:
            raise ZslError(f"{source}: Flickr's tokens tell no split; leave `split` out, or give a "
                           "CSV file with the columns image, caption and split")
        yield from _tokens(text, source)
    else:
        yield from _csv(text, source, with_split)


def _text(content: bytes, source: str) -> str:
    """The text of a file; bytes of a path that are not UTF-8 stay what they are."""
    if len(content) > LARGEST:
        raise ZslError(f"{source}: more than {LARGEST >> 20:,} MB, which no file of captions has; "
                       + _EXPECTED)
    if b"\x00" in content or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text_of(content, source)
    return content.decode("utf-8-sig", "surrogateescape")


def _csv(text: str, source: str, with_split: bool) -> Iterator[Line]:
    columns = (*COLUMNS, _SPLIT) if with_split else COLUMNS
    csv.field_size_limit(LARGEST)  # of the process: else one long field ends the reading of all
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    try:
        fields = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = fields
        if missing := [name for name in columns if name not in fields]:
            raise ZslError(f"{source}: the first line names no column {' or '.join(missing)}; "
                           + _EXPECTED)
        for row in reader:
            yield Line(f"line {reader.line_num}", row["image"].strip(), row["caption"].strip(),
                       row.get(_SPLIT, "").strip())
    except csv.Error as error:
        raise ZslError(f"{source}: no CSV file ({error}); {_EXPECTED}") from error


def _tokens(text: str, source: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        token = _TOKEN.fullmatch(line.rstrip("\r"))
        if token is None:
            raise ZslError(f"{source}, line {number}: expected photo.jpg#0, a tab and a caption, "
                           "as in the lines before")
        yield Line(f"line {number}", token["image"].strip(), token["caption"].strip())


def _json(text: str, source: str, with_split: bool) -> Iterator[Line]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZslError(f"{source}: broken JSON ({reason(error)})") from error
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise ZslError(f"{source}: JSON without a list of images; {_EXPECTED}")
    if "annotations" not in content:
        yield from _karpathy(images, source)
    elif with_split:
        raise ZslError(f"{source}: COCO's JSON has a file for each split; leave `split` out")
    else:
        yield from _coco(images, content["annotations"], source)


def _coco(images: list[Any], annotations: object, source: str) -> Iterator[Line]:
    names: dict[object, str] = {}
    for at, image in enumerate(images):
        names[_member(image, "id", (int, str), f"images[{at}]", source)] = _member(
            image, "file_name", str, f"images[{at}]", source)
    for at, annotation in enumerate(_list(annotations, "annotations", source)):
        where = f"annotations[{at}]"
        image = _member(annotation, "image_id", (int, str), where, source)
        caption = _member(annotation, "caption", str, where, source)
        if image not in names:
            raise ZslError(f"{source}, {where}: no image has the id {image!r}")
        yield Line(where, names[image], caption.strip())


def _karpathy(images: list[Any], source: str) -> Iterator[Line]:
    for at, image in enumerate(images):
        where = f"images[{at}]"
        name = _member(image, "filename", str, where, source)
        if folder := image.get("filepath"):
            name = f"{folder}/{name}"
        sentences = _list(_member(image, "sentences", list, where, source), "sentences", source)
        for number, sentence in enumerate(sentences):
            inner = f"{where}.sentences[{number}]"
            yield Line(inner, name, _member(sentence, "raw", str, inner, source).strip(),
                       str(image.get(_SPLIT) or ""))


def _list(value: object, name: str, source: str) -> list[Any]:
    if not isinstance(value, list):
        raise ZslError(f"{source}: {name} is no list; {_EXPECTED}")
    return value


def _member(value: object, name: str, kind: type | tuple[type, ...], where: str,
            source: str) -> Any:
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, kind):
        raise ZslError(f"{source}, {where}: it has no {name}, or one of another kind; {_EXPECTED}")
    return member
