"""Rebuild: the same lessons over another base, or with another model."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.classifier import pairing
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.teaching.centre import centre
from zsl_cli.photos.teaching.reading import Reading, embed
from zsl_cli.photos.teaching.result import Change
from zsl_cli.photos.teaching.workshop import MINE, Workshop, name_of, of_name, vectors_of
from zsl_cli.support import folders
from zsl_cli.support.names import Name
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.folder import Contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.support.manifests import ModelManifest
    from zsl_cli.vocabulary.taught.lessons import Lesson


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
        base_name = contents.base if vocabulary is None else name_of(base)
        contents = replace(now, base=base_name, model=name_of(of_model), centre=made[0],
                           centre_of=made[1],
                           lessons=tuple(done.get(one.key, one) for one in now.lessons))
        workshop = Workshop(base, contents, model_manifest)
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
