"""Lessons: photos that show a label, or do not, and their embeddings; kept in a taught vocabulary,
and what is handed on of one.

A JSON object a line. The embedding is float16, in base64, so that a lesson needs neither the photo
nor another file.
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEXTS = ("label", "photo", "space", "time")
_MOST = 1 << 16  # dimensions


@dataclass(frozen=True)
class Lesson:
    """A photo shows a label, or does not.

    label: the id. shows: whether it is there.
    photo: what tells the photo's content, see photos.teaching.reading; path: where it lay.
    space: of the embedding, float16 ``[D]``. time: when it was taught, ``2026-11-30T19:41:51Z``.
    """

    label: str
    shows: bool
    photo: str
    path: str
    space: str
    time: str
    embedding: "NDArray[np.float16]" = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What there is one lesson of: a photo and a label."""
        return self.photo, self.label

    def record(self, *, path: bool = True) -> dict[str, Any]:
        """As a JSON object; where the photo lay may stay at home."""
        return {"label": self.label, "shows": self.shows, "photo": self.photo,
                **({"path": self.path} if path and self.path else {}), "time": self.time,
                "space": self.space, "embedding": base64.b64encode(
                    np.ascontiguousarray(self.embedding, "<f2").tobytes()).decode()}

    @classmethod
    def from_record(cls, record: Any) -> Self:
        """The inverse of ``record``; raises ValueError for anything else."""
        if not isinstance(record, dict) or not all(
                isinstance(record.get(name), str) for name in _TEXTS) or not isinstance(
                    record.get("shows"), bool) or not isinstance(record.get("path", ""), str):
            raise ValueError("not a lesson")
        try:
            embedding = np.frombuffer(base64.b64decode(record["embedding"], validate=True), "<f2")
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ValueError(f"not an embedding: {error}") from error
        if not 0 < len(embedding) <= _MOST or not np.isfinite(embedding).all():
            raise ValueError("not an embedding: finite numbers are expected")
        return cls(record["label"], record["shows"], record["photo"], record.get("path", ""),
                   record["space"], record["time"], embedding)


def to_lines(lessons: Iterable[Lesson], *, paths: bool = True) -> str:
    """A JSON object a line; the bytes of a path that is not UTF-8 become ``\\udcXX`` escapes."""
    return "".join(json.dumps(lesson.record(path=paths), ensure_ascii=False) + "\n"
                   for lesson in lessons).encode("utf-8", "backslashreplace").decode()


def from_lines(lines: Iterable[bytes]) -> list[Lesson]:
    """The inverse of to_lines. Raises ValueError, which says of which line it speaks."""
    lessons = []
    for number, line in enumerate(lines, start=1):
        try:
            lessons.append(Lesson.from_record(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from error
    return lessons


def read(folder: Path, manifest: VocabularyManifest) -> list[Lesson]:
    """The lessons of a taught vocabulary; none for any other. Raises FolderError."""
    if manifest.taught is None:
        return []
    name = manifest.taught.lessons
    content = folders.read_file(folder, name, manifest)
    try:
        return from_lines(content.splitlines())
    except ValueError as error:
        raise FolderError(f"{folder}{os.sep}{name}: {error}") from error
