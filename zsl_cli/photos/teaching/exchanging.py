"""Lessons in a file, without the photos: handed on, and taken over."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.photos.teaching.centre import centre
from zsl_cli.photos.teaching.corrections import MOST
from zsl_cli.photos.teaching.labels import check_name
from zsl_cli.photos.teaching.result import Change
from zsl_cli.photos.teaching.workshop import (
    MINE,
    Place,
    Workshop,
    name_of,
    of_name,
)
from zsl_cli.support import files
from zsl_cli.support.names import Name
from zsl_cli.support.wording import quoted
from zsl_cli.vocabulary.names.label import Label, normal_name
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught import lessons as lessons_file
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.folder import Contents

if TYPE_CHECKING:
    from zsl_cli.vocabulary.taught.lessons import Lesson

_ID = re.compile(r"[\w-]{1,200}")


def export(output: Path | str, name: Name = MINE, *, paths: bool = False,
           force: bool = False) -> int:
    """Write what was taught into a file that ``take_over`` reads, JSON lines: new labels, further
    names, lessons with their embeddings; how many lessons. Photos are not in it, and where they lay
    only with ``paths``. Raises ZslError."""
    folder, manifest = of_name(name)
    contents = Contents.read(folder, manifest)
    files.check_new_file(output, force=force, parameter="output")
    text = contents.definitions.to_lines().encode("utf-8", "backslashreplace") + (
        lessons_file.to_lines(contents.lessons, paths=paths).encode())
    try:
        with files.replacing(output) as file:
            file.write(text)
    except OSError as error:
        raise files.cannot_write(output, error) from error
    return len(contents.lessons)


def read_exported(path: Name) -> "tuple[Definitions, list[Lesson]]":
    """What ``export`` has written. Raises ZslError."""
    try:
        if os.path.getsize(path) > MOST:
            raise ZslError(f"{path}: too large for lessons")
        with open(path, "rb") as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error
    try:
        parsed = [json.loads(line) for line in lines]
        of_lessons = [isinstance(one, dict) and "embedding" in one for one in parsed]
        definitions = Definitions.from_lines(
            line for line, is_one in zip(lines, of_lessons, strict=True) if not is_one)
        lessons = lessons_file.from_lines(
            line for line, is_one in zip(lines, of_lessons, strict=True) if is_one)
    except (ValueError, RecursionError) as error:
        raise ZslError(f"{path}: not what zsl lessons export writes: {error}") from error
    try:
        return _with_sound_names(definitions), lessons
    except ZslError as error:
        raise ZslError(f"{path}: {error}") from error


def _with_sound_names(definitions: Definitions) -> Definitions:
    """Definitions of somebody else, whose names are such as one may give here, and of whose labels
    nothing else counts. Raises ZslError."""
    labels = []
    for label in definitions.labels:
        if not _ID.fullmatch(label.id):
            raise ZslError(f"{quoted(label.id)} is no id of a label")
        name = check_name(label.name)
        labels.append(Label(label.id, name, tuple(map(check_name, label.synonyms)),
                            parents=label.parents, ambiguous=label.ambiguous, plain=(name,)))
    return Definitions(tuple(labels), {
        id_: tuple(map(check_name, names)) for id_, names in definitions.synonyms.items()})


def take_over(source: Name, *, vocabulary: Name | None = None, into: Name | None = None,
              model: Name = "default", device: str = "auto") -> Change:
    """Add what ``export`` wrote, of whomever, to a taught vocabulary, which is made if need be.
    Raises ZslError."""
    definitions, lessons = read_exported(source)
    place = Place.find(model, vocabulary, into)
    made = (None, "") if place.base is None else centre(
        place.model, place.model_manifest, place.base[1], device)
    with taught_folder.held(place.target):
        place = place.again()
        if place.manifest is not None:
            contents = Contents.read(place.target, place.manifest)
            folder = place.target
        else:
            assert place.base is not None
            contents = Contents(place.base_name, name_of(place.model),
                                centre=made[0], centre_of=made[1])
            folder = place.base[0]
        workshop = Workshop(folder, contents, place.model_manifest)
        merged, ids = _merged(contents.definitions, definitions, workshop)
        taken = [replace(lesson, label=ids.get(lesson.label, lesson.label)) for lesson in lessons]
        rows = workshop.rows(merged)
        unknown = sorted({lesson.label for lesson in taken if lesson.label not in rows})
        taken = [lesson for lesson in taken if lesson.label in rows]
        before = {label.id for label in contents.definitions.labels}
        contents = replace(contents.with_lessons(taken), definitions=merged)
        derived, _ = workshop.derived(contents)
        place.write(contents, derived)
    left_out = [f"{name}: no label of {place.base_name!r}" for name in unknown]
    if other := {lesson.space for lesson in taken} - {place.model_manifest.space}:
        count = sum(lesson.space in other for lesson in taken)
        left_out.append(f"{count} lessons are of another model, and count only with that")
    return Change(place.target, len(taken), tuple(
        label.name for label in merged.labels if label.id not in before), tuple(left_out))


def _merged(own: Definitions, others: Definitions,
            workshop: Workshop) -> tuple[Definitions, dict[str, str]]:
    """Both definitions, and the new ids of those of the second whose id is another's here."""
    labels, ids = list(own.labels), dict[str, str]()
    taken = {**{label.id: label.name for label in own.labels}}
    number = len(workshop.base_vectors)
    of_base = {id_ for id_, row in workshop.vocabulary.rows.items() if row < number}
    for label in others.labels:
        id_, count = label.id, 1
        while id_ in of_base or (
                id_ in taken and normal_name(taken[id_]) != normal_name(label.name)):
            count += 1
            id_ = f"{label.id}-{count}"
        if id_ != label.id:
            ids[label.id] = id_
        if id_ not in taken:
            taken[id_] = label.name
            labels.append(replace(label, id=id_, parents=tuple(
                ids.get(one, one) for one in label.parents)))
    synonyms = dict(own.synonyms)
    for id_, names in others.synonyms.items():
        synonyms[id_] = tuple(dict.fromkeys([*synonyms.get(id_, ()), *names]))
    return Definitions(tuple(labels), synonyms), ids
