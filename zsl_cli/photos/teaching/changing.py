"""What was taught: listed, forgotten, handed on, taken over and rebuilt."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.classifier import pairing
from zsl_cli.errors import FolderError, ImageError, ZslError
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.teaching.centre import centre
from zsl_cli.photos.teaching.corrections import MOST
from zsl_cli.photos.teaching.reading import Reading, embed
from zsl_cli.photos.teaching.workshop import MINE, Place, Workshop, of_name, vectors_of
from zsl_cli.support import files, folders
from zsl_cli.support.names import Name
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary import lessons as lessons_file
from zsl_cli.vocabulary import taught_folder
from zsl_cli.vocabulary.label import normal_name
from zsl_cli.vocabulary.taught import Definitions
from zsl_cli.vocabulary.taught_folder import Contents

if TYPE_CHECKING:
    from zsl_cli.support.manifests import ModelManifest, VocabularyManifest
    from zsl_cli.vocabulary.lessons import Lesson

_NAMED = 5


@dataclass(frozen=True)
class TaughtLabel:
    """A label and its lessons. is_new: whether it is none of the base; synonyms: further names that
    it was given."""

    id: str
    name: str
    is_new: bool
    synonyms: tuple[str, ...]
    lessons: "tuple[Lesson, ...]"


@dataclass(frozen=True)
class Overview:
    """What a taught vocabulary has learnt.

    base_state: what became of the base: ``same``, ``changed`` or ``gone``.
    """

    folder: Path
    name: str
    base: str
    base_state: str
    model: str
    labels: tuple[TaughtLabel, ...]
    lessons: int


def overview(name: Name = MINE) -> Overview:
    """What a taught vocabulary has learnt. Raises ZslError."""
    folder, manifest = of_name(name)
    contents = Contents.read(folder, manifest)
    of: dict[str, list[Lesson]] = {label.id: [] for label in contents.definitions.labels}
    of |= {id_: [] for id_ in contents.definitions.synonyms}
    for lesson in contents.lessons:
        of.setdefault(lesson.label, []).append(lesson)
    names = _names(folder, of, contents.definitions)
    new = {label.id: label for label in contents.definitions.labels}
    labels = [TaughtLabel(id_, names.get(id_, id_), id_ in new,
                          new[id_].synonyms if id_ in new else
                          contents.definitions.synonyms.get(id_, ()), tuple(lessons))
              for id_, lessons in of.items()]
    return Overview(folder, manifest.name, contents.base, base_state(manifest), contents.model,
                    tuple(sorted(labels, key=lambda one: one.name.casefold())),
                    len(contents.lessons))


def _names(folder: Path, ids: Iterable[str], definitions: Definitions) -> dict[str, str]:
    """The names of labels, without parsing all of a vocabulary."""
    from zsl_cli.vocabulary.label import LABELS_FILE, Label

    names = {label.id: label.name for label in definitions.labels}
    wanted = {id_.encode() for id_ in ids if id_ not in names}
    for line in (folder / LABELS_FILE).read_bytes().splitlines() if wanted else ():
        start = line.find(b'"id": "') + 7
        if line[start:line.find(b'"', start)] in wanted:
            label = Label.from_json(line)
            names[label.id] = label.name
    return names


def base_state(manifest: "VocabularyManifest") -> str:
    """Whether the base of a taught vocabulary is the ``same``, has ``changed`` or is ``gone``."""
    assert manifest.taught is not None
    try:
        base = folders.find(folders.VOCABULARY, manifest.taught.base)
        found = folders.read_manifest(folders.VOCABULARY, base)
    except FolderError:
        return "gone"
    return "same" if taught_folder.digest(found) == manifest.taught.base_digest else "changed"


@dataclass(frozen=True)
class Change:
    """What was changed: the taught vocabulary, how many lessons and which new labels went, or were
    taken over; and what could not be, in words."""

    folder: Path
    lessons: int
    labels: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def forget(texts: Sequence[str], name: Name = MINE, *, photos: Sequence[Name] = (),
           everything: bool = False) -> Change:
    """Have a taught vocabulary forget the lessons of labels, by name or id, or only those of these
    photos; a new label without a lesson goes, too, and so do the names that a label was given.

    The vectors are then those that there would be if nothing of it had been taught. Raises
    ZslError.
    """
    folder, _ = of_name(name)
    with taught_folder.held(folder):
        folder, manifest = of_name(name)
        contents = Contents.read(folder, manifest)
        ids = _meant(texts, folder, contents) if texts else None
        paths = {os.path.realpath(photo) for photo in photos}
        if not (ids or paths or everything):
            raise ZslError("say which label, or which photo, is to be forgotten")

        def goes(lesson: "Lesson") -> bool:
            return ((ids is None or lesson.label in ids)
                    and (not paths or os.path.realpath(lesson.path) in paths))
        kept = tuple(lesson for lesson in contents.lessons if not goes(lesson))
        gone = len(contents.lessons) - len(kept)
        if paths and not gone:
            raise ZslError("no lesson is of " + ("this photo" if len(paths) == 1 else
                                                 "these photos") + (" and label" if ids else ""))
        definitions, names = _without(contents.definitions, ids, kept, paths=bool(paths))
        changed = replace(contents, lessons=kept, definitions=definitions)
        _write(folder, manifest, changed)
        return Change(folder, gone, names)


def _meant(texts: Sequence[str], folder: Path, contents: Contents) -> set[str]:
    """The ids of labels that were taught something, by names or ids."""
    taught = {*(lesson.label for lesson in contents.lessons), *contents.definitions.synonyms,
              *(label.id for label in contents.definitions.labels)}
    names = _names(folder, taught, contents.definitions)
    ids = set()
    for text in texts:
        found = {id_ for id_ in taught if text.strip() == id_} or {
            id_ for id_ in taught if normal_name(names.get(id_, id_)) == normal_name(text)}
        if not found:
            known = listed(sorted(names.get(id_, id_) for id_ in taught), _NAMED)
            raise ZslError(f"nothing was taught of {text!r}" + (
                f"; there are lessons of: {known}" if known else ""))
        if len(found) > 1:
            raise ZslError(f"{text!r} is the name of {len(found)} labels that were taught; give the "
                           f"id of the one that is meant: {listed(sorted(found), _NAMED)}")
        ids |= found
    return ids


def _without(definitions: Definitions, ids: set[str] | None, kept: "Sequence[Lesson]", *,
             paths: bool) -> tuple[Definitions, tuple[str, ...]]:
    """What stays of definitions, and the names of the new labels that go. Raises ZslError where one
    of these is right above another that stays."""
    shown = {lesson.label for lesson in kept if lesson.shows}
    gone = {label.id for label in definitions.labels
            if (ids is None or label.id in ids) and label.id not in shown}
    for label in definitions.labels:
        for parent in label.parents:
            if label.id not in gone and parent in gone:
                name = next(one.name for one in definitions.labels if one.id == parent)
                raise ZslError(f"{label.name!r} lies under {name!r}; forget {label.name!r} first")
    synonyms = dict(definitions.synonyms)
    if not paths:
        synonyms = {id_: names for id_, names in synonyms.items()
                    if ids is not None and id_ not in ids}
    return (Definitions(tuple(label for label in definitions.labels if label.id not in gone),
                        synonyms),
            tuple(label.name for label in definitions.labels if label.id in gone))


def _write(folder: Path, manifest: "VocabularyManifest", contents: Contents) -> None:
    """Put contents, and what follows from them, into a folder that is held."""
    temperature = _temperature(contents, manifest)
    kept = {label.id for label in contents.definitions.labels}
    workshop = Workshop(folder, contents, temperature)
    contents = replace(contents, lessons=tuple(
        lesson for lesson in contents.lessons
        if lesson.label in kept or lesson.label in workshop.vocabulary.rows))
    derived, _ = workshop.derived(contents)
    taught_folder.change(folder, manifest, contents, vectors_of(derived))


def _temperature(contents: Contents, manifest: "VocabularyManifest") -> float:
    """That of the model that the lessons are from, if it is there; else of one of the same space.
    It counts only over a handful of labels."""
    for one in (contents.model, *folders.available(folders.MODEL)):
        try:
            model = folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, one))
        except FolderError:
            continue
        if model.fits(manifest):
            return model.calibration.temperature
    return 0.05


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
        return definitions, lessons_file.from_lines(
            line for line, is_one in zip(lines, of_lessons, strict=True) if is_one)
    except (ValueError, RecursionError) as error:
        raise ZslError(f"{path}: not what zsl lessons export writes: {error}") from error


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
            contents = Contents(place.base_name, place.model_manifest.name,
                                centre=made[0], centre_of=made[1])
            folder = place.base[0]
        workshop = Workshop(folder, contents, place.model_manifest.calibration.temperature)
        merged, ids = _merged(contents.definitions, definitions, workshop)
        taken = [replace(lesson, label=ids.get(lesson.label, lesson.label)) for lesson in lessons]
        rows = workshop.rows(merged)
        unknown = sorted({lesson.label for lesson in taken if lesson.label not in rows})
        taken = [lesson for lesson in taken if lesson.label in rows]
        before = {label.id for label in contents.definitions.labels}
        contents = replace(contents.with_lessons(taken), definitions=merged)
        derived, _ = workshop.derived(contents)
        if place.manifest is not None:
            taught_folder.change(place.target, place.manifest, contents, vectors_of(derived))
        else:
            assert place.base is not None
            taught_folder.create(place.target, place.name, *place.base, contents,
                                 vectors_of(derived))
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


def rebuild(name: Name = MINE, *, vocabulary: Name | None = None, model: Name | None = None,
            reading: Reading | None = None, reporter: Reporter | None = None) -> Change:
    """Make a taught vocabulary anew: over its base as it is now, or another one; with its model as
    that is now, or another one.

    Where the space is another, photos are read again: where they lay, or by their content among
    those that are indexed. A lesson whose photo cannot be had is kept, and counts again when it
    can. Raises ZslError, and nothing is changed, where the base or the model is not there.
    """
    reporter, reading = reporter or Reporter(), reading or Reading()
    folder, manifest = of_name(name)
    contents = Contents.read(folder, manifest)
    of_model = folders.find(folders.MODEL, contents.model if model is None else model)
    model_manifest = folders.read_manifest(folders.MODEL, of_model)
    base = pairing.vocabulary_for(of_model, model_manifest,
                                  contents.base if vocabulary is None else vocabulary)
    assert base is not None
    base_manifest = folders.read_manifest(folders.VOCABULARY, base)
    if base_manifest.taught is not None:
        raise ZslError(f"{base.name!r} is itself taught; rebuild over what it is made over, "
                       f"{base_manifest.taught.base!r}")
    lessons, lost = _embedded(contents.lessons, of_model, model_manifest, reading, reporter)
    made = (contents.centre, contents.centre_of) if (
        base_manifest.space == manifest.space) else centre(
            of_model, model_manifest, base_manifest, reading.device)
    with taught_folder.held(folder):
        now = Contents.read(folder, folders.read_manifest(folders.VOCABULARY, folder))
        done = {lesson.key: lesson for lesson in lessons}
        base_name = contents.base if vocabulary is None else str(vocabulary)
        contents = replace(now, base=base_name, model=model_manifest.name if model is None else
                           str(model), centre=made[0], centre_of=made[1],
                           lessons=tuple(done.get(one.key, one) for one in now.lessons))
        workshop = Workshop(base, contents, model_manifest.calibration.temperature)
        derived, examples = workshop.derived(contents)
        taught_folder.create(folder, manifest.name, base, base_manifest, contents,
                             vectors_of(derived), force=True)
    rows = workshop.rows(contents.definitions)
    unknown = sorted({one.label for one in contents.lessons if one.label not in rows})
    return Change(folder, len(examples), left_out=(
        *(f"{id_}: no label of {base_name!r} any more" for id_ in unknown), *lost))


def _embedded(lessons: "Sequence[Lesson]", model: Path, manifest: "ModelManifest",
              reading: Reading, reporter: Reporter) -> "tuple[list[Lesson], list[str]]":
    """The lessons with embeddings of a model, and what could not be had, in words."""
    todo = [lesson for lesson in lessons if lesson.space != manifest.space]
    wanted = list(dict.fromkeys((lesson.path, lesson.photo) for lesson in todo))
    there = [(path if path and os.path.exists(path) else "", content) for path, content in wanted]
    found = dict(zip(wanted, embed(model, manifest, there, reading, reporter), strict=True))
    done, lost = [lesson for lesson in lessons if lesson.space == manifest.space], []
    for lesson in todo:
        photo = found[lesson.path, lesson.photo]
        if isinstance(photo, ImageError):
            lost.append(f"{lesson.path or lesson.photo}: {photo}")
        elif photo.content != lesson.photo:
            lost.append(f"{lesson.path}: it is another photo by now")
        else:
            done.append(replace(lesson, space=manifest.space, embedding=photo.embedding))
    return done, list(dict.fromkeys(lost))
