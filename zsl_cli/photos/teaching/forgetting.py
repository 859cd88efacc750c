"""Forget: a taught vocabulary as if some of it had not been taught."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import FolderError, ZslError
from zsl_cli.photos.teaching.overview import names_of
from zsl_cli.photos.teaching.result import Change
from zsl_cli.photos.teaching.workshop import MINE, Workshop, of_name, vectors_of
from zsl_cli.support import folders
from zsl_cli.support.names import Name
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.folder import Contents

if TYPE_CHECKING:
    from zsl_cli.support.manifests import ModelManifest, VocabularyManifest
    from zsl_cli.vocabulary.taught.lessons import Lesson

_NAMED = 5


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
    names = names_of(folder, taught, contents.definitions)
    ids = set()
    for text in texts:
        found = {id_ for id_ in taught if text.strip() == id_} or {
            id_ for id_ in taught if normal_name(names.get(id_, id_)) == normal_name(text)}
        if not found:
            known = listed(sorted(names.get(id_, id_) for id_ in taught), _NAMED)
            raise ZslError(f"nothing was taught of {text!r}" + (
                f"; there are lessons of: {known}" if known else ""))
        if len(found) > 1:
            raise ZslError(f"{text!r} is the name of {len(found)} labels that were taught; give "
                           f"the id of the one that is meant: {listed(sorted(found), _NAMED)}")
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
    kept = {label.id for label in contents.definitions.labels}
    workshop = Workshop(folder, contents, _model(contents, manifest))
    contents = replace(contents, lessons=tuple(
        lesson for lesson in contents.lessons
        if lesson.label in kept or lesson.label in workshop.vocabulary.rows))
    derived, _ = workshop.derived(contents)
    taught_folder.change(folder, manifest, contents, vectors_of(derived))


def _model(contents: Contents, manifest: "VocabularyManifest") -> "ModelManifest | None":
    """The model that the lessons are from, if it is there; else one of the same space. Its numbers
    count over a handful of labels, and for what stands beside other things."""
    names: list[Name] = [contents.model, *folders.available(folders.MODEL)]
    for one in names:
        try:
            model = folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, one))
        except FolderError:
            continue
        if model.fits(manifest):
            return model
    return None
