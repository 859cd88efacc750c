"""Teach: photos that show a label, or do not → a taught vocabulary, checked."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.corrections import checks
from zsl_cli.classifier.corrections.derive import Derived
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.teaching import corrections as corrections_
from zsl_cli.photos.teaching.centre import centre
from zsl_cli.photos.teaching.corrections import Correction
from zsl_cli.photos.teaching.from_sidecars import of_sidecars
from zsl_cli.photos.teaching.labels import Learners
from zsl_cli.photos.teaching.reading import Embedded, embed
from zsl_cli.photos.teaching.request import TeachRequest
from zsl_cli.photos.teaching.result import Learnt, Remark, TeachResult
from zsl_cli.photos.teaching.workshop import Place, Workshop, name_of
from zsl_cli.support.names import names_of
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.folder import Contents
from zsl_cli.vocabulary.taught.lessons import Lesson

if TYPE_CHECKING:
    from zsl_cli.classifier.corrections import Examples
    from zsl_cli.vocabulary.names.label import Label

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class _Said:
    """A correction with its label's id."""

    label: str
    correction: Correction


def teach(request: TeachRequest, reporter: Reporter | None = None) -> TeachResult:
    """Have a vocabulary learn, and check what it has learnt.

    A photo that can't be read is one of the result's failures; the others are taught. Raises
    ZslError, and nothing is changed, for what else is wrong: a label that is none, or one of
    several of this name; a photo that is said to show a label and not to; another teacher at work.
    """
    if request.source is not None:
        wanted = corrections_.read(request.source, tuple(request.under))
    elif request.sidecars:
        wanted = list(of_sidecars(names_of(request.sidecars)))
    else:
        wanted = list(corrections_.of_photos(request.label or "", names_of(request.photos),
                                             request.denied, tuple(request.under)))
    return learn(request, wanted, reporter)


def learn(request: TeachRequest, wanted: Sequence[Correction],
          reporter: Reporter | None = None) -> TeachResult:
    """The same for corrections that are at hand: those of another program, say. The request's
    label and photos do not count. Raises ZslError."""
    reporter = reporter or Reporter()
    place = Place.find(request.model, request.vocabulary, request.into)
    workshop = _opened(place)
    _said(workshop, request, wanted)  # whose errors come before any photo is read
    read = _read(place, request, wanted, reporter)
    made = (None, "") if place.base is None else centre(
        place.model, place.model_manifest, place.base[1], request.device)
    with taught_folder.held(place.target):
        now = place.again()
        if now.manifest is not None and now.manifest != place.manifest:
            place, workshop = now, _opened(now)
        if place.manifest is None:
            workshop.contents = replace(workshop.contents, centre=made[0], centre_of=made[1])
        return _learn(place, workshop, request, wanted, read)


def _opened(place: Place) -> Workshop:
    if place.manifest is not None:
        return Workshop(place.target, Contents.read(place.target, place.manifest),
                        place.model_manifest)
    assert place.base is not None
    return Workshop(place.base[0], Contents(place.base_name, name_of(place.model)),
                    place.model_manifest)


def _said(workshop: Workshop, request: TeachRequest,
          wanted: Sequence[Correction]) -> tuple[list[_Said], Learners, dict[str, int]]:
    """What is said, the labels, new ones among them, and how often what is no label is left out.
    Raises ZslError."""
    learners = Learners(workshop.vocabulary, workshop.contents.definitions)
    ids: dict[tuple[str, tuple[str, ...]], str] = {}
    said = []
    unknown: Counter[str] = Counter()
    for one in wanted:
        if not one.label:  # there is but an error
            continue
        key = one.label, one.under if one.shows else ()
        if key not in ids:
            try:
                ids[key] = _find(learners, one, request)
            except ZslError as error:
                if one.if_known:
                    unknown[one.label] += 1
                    continue
                if not one.where:
                    raise
                raise type(error)(f"{one.where}: {error}") from error
        said.append(_Said(ids[key], one))
    if request.label and request.synonyms:
        learners.add_synonyms(learners.find(request.label, request.under, new=request.new),
                              request.synonyms)
    shown = {(one.correction.photo or one.correction.content, one.label): one.correction.shows
             for one in said}
    for each in said:
        correction = each.correction
        name = correction.photo or correction.content
        if shown[name, each.label] != correction.shows:
            raise ZslError(f"{name} is said to show {correction.label!r} and not to show it; which "
                           "is true?")
    return said, learners, unknown


def _find(learners: Learners, one: Correction, request: TeachRequest) -> str:
    """The id of what a correction is about. Raises ZslError."""
    new = request.new and one.shows
    under = one.under if one.shows else ()
    if not one.if_known:
        return learners.find(one.label, under, new=new)
    try:
        return learners.find(one.label)
    except ZslError:
        try:
            return learners.find(one.label, under, new=new)
        except ZslError:
            return learners.find(one.label, new=new)


def _read(place: Place, request: TeachRequest, wanted: Sequence[Correction],
          reporter: Reporter) -> "dict[tuple[str, str], Embedded | ImageError]":
    """What there is of each photo, by path and content."""
    found: dict[tuple[str, str], Embedded | ImageError] = {
        (one.photo, one.content): one.error for one in wanted if one.error is not None}
    todo = [key for key in dict.fromkeys((one.photo, one.content) for one in wanted)
            if key not in found]
    read = embed(place.model, place.model_manifest, todo, request.reading, reporter)
    return found | dict(zip(todo, read, strict=True))


def _learn(place: Place, workshop: Workshop, request: TeachRequest,
           wanted: Sequence[Correction],
           read: "dict[tuple[str, str], Embedded | ImageError]") -> TeachResult:
    said, learners, unknown = _said(workshop, request, wanted)
    failures = tuple((path or content, error) for (path, content), error in read.items()
                     if isinstance(error, ImageError))
    before = workshop.contents
    was = {lesson.key: lesson for lesson in before.lessons}
    time = datetime.now(UTC).strftime(_TIME)
    added: dict[tuple[str, str], Lesson] = {}
    known, remarks = 0, []
    for one in said:
        photo = read[one.correction.photo, one.correction.content]
        if isinstance(photo, ImageError):
            continue
        lesson = Lesson(one.label, one.correction.shows, photo.content,
                        os.path.abspath(photo.path) if photo.path else "",
                        place.model_manifest.space, time, photo.embedding)
        old = added.get(lesson.key) or was.get(lesson.key)
        if old is not None and old.shows != lesson.shows and lesson.key in added:
            raise ZslError(f"{lesson.path} and {old.path} are the same photo, and one is said to "
                           f"show {one.correction.label!r}, the other not to; which is true?")
        if old is not None and old.shows == lesson.shows and old.space == lesson.space:
            known += 1
            continue
        if old is not None and old.shows != lesson.shows:
            remarks.append(Remark("replaced", lesson.path, learners.label_of(one.label).name,
                                  old.path))
        added[lesson.key] = lesson
    taught = {lesson.label for lesson in added.values()}
    if request.label and request.synonyms:
        taught.add(learners.find(request.label, request.under, new=request.new))
    contents = before.with_lessons([*added.values()])
    contents = replace(contents, definitions=_begun(learners.definitions, before, contents))
    taught &= workshop.rows(contents.definitions).keys()
    if (said or request.label) and not taught and not failures and not known:
        raise ZslError("a new label learns from one photo at least")
    derived, examples = workshop.derived(contents)
    changed = bool(added) or contents.definitions != before.definitions
    checked = _Checked(workshop, contents, derived, examples, set(added), taught)
    if changed:
        place.write(contents, derived)
    return TeachResult(
        place.target, place.name, place.base_name, changed and place.manifest is None,
        checked.labels(learners, Counter(lesson.label for lesson in added.values())),
        len(contents.lessons), known, failures, (*remarks, *checked.remarks(learners)),
        checked.cost(), checked.cost_before(), checked.left_out, unknown)


def _begun(definitions: Definitions, before: Contents, now: Contents) -> Definitions:
    """Definitions without labels that were to begin now and that no photo shows, since none could
    be read."""
    kept = {lesson.label for lesson in now.lessons if lesson.shows}
    kept |= {label.id for label in before.definitions.labels}
    kept |= {parent for label in definitions.labels if label.id in kept for parent in label.parents}
    return replace(definitions, labels=tuple(
        label for label in definitions.labels if label.id in kept))


class _Checked:
    """What was taught, looked at."""

    def __init__(self, workshop: Workshop, contents: Contents,
                 derived: "Derived", examples: "Examples", added: set[tuple[str, str]],
                 taught: set[str]) -> None:
        self._workshop, self._contents = workshop, contents
        self._derived, self._examples = derived, examples
        self._temperature = workshop.temperature
        self._lessons = workshop.usable(contents)
        self._rows = workshop.rows(contents.definitions)
        self._base = workshop.base(contents)
        self._new = np.array([lesson.key in added for lesson in self._lessons], bool)
        self._taught = taught
        self.left_out = len(contents.lessons) - len(self._lessons)

    def labels(self, learners: Learners, added: "Counter[str]") -> tuple[Learnt, ...]:
        """What each label has learnt that was taught something."""
        ids = {self._rows[id_]: id_ for id_ in self._taught if id_ in self._rows}
        left_out = {one.row: one for one in checks.left_out(
            self._base, self._examples, self._derived, ids, temperature=self._temperature)}
        base = {label.id for label in self._contents.definitions.labels}
        learnt = []
        for row, id_ in sorted(ids.items(), key=lambda pair: -added[pair[1]]):
            label = learners.label_of(id_)
            of_label = [lesson.shows for lesson in self._contents.lessons if lesson.label == id_]
            one = left_out.get(row)
            learnt.append(Learnt(
                id_, label.name, self._path(label), id_ in base, added[id_], sum(of_label),
                len(of_label) - sum(of_label), one.found if one else 0, one.tried if one else 0,
                tuple(dict.fromkeys(
                    (*label.synonyms, *self._contents.definitions.synonyms.get(id_, ()))))))
        return tuple(learnt)

    def _path(self, label: "Label") -> tuple[str, ...]:
        """The names above a label, by the first parent of each, and its own."""
        vocabulary = self._workshop.vocabulary
        new = {one.id: one for one in self._contents.definitions.labels}
        names: list[str] = []
        while label.id in new and label.name not in names:
            names.insert(0, label.name)
            if not label.parents:
                return tuple(names)
            parent = label.parents[0]
            if parent not in new:
                return (*(vocabulary.path_names(parent) if parent in vocabulary.rows else ()),
                        *names)
            label = new[parent]
        return (*vocabulary.path_names(label.id), *names)

    def remarks(self, learners: Learners) -> list[Remark]:
        """Lessons of this time that do not go with the others."""
        def related(one: int, other: int) -> bool:
            ancestors = self._workshop.hierarchy(self._contents.definitions).ancestors
            return one in ancestors(other) or other in ancestors(one)
        found = checks.doubts(self._base, self._examples, self._new, related=related)
        lessons = self._lessons

        def name(at: int) -> str:
            lesson = lessons[at]
            return ("" if lesson.shows else "not ") + learners.label_of(lesson.label).name
        return [Remark(one.kind, lessons[one.at].path, name(one.at),
                       *(() if one.other is None else (lessons[one.other].path, name(one.other))))
                for one in found]

    def cost(self) -> float:
        """See TeachResult."""
        return self._landmarks.cost(self._derived) if len(self._examples) else 0.0

    def cost_before(self) -> float:
        """The same, of what was taught before."""
        taught = self._workshop.vocabulary.taught
        if taught is None or not len(self._examples):
            return 0.0
        return self._landmarks.cost(Derived(
            taught.rows, taught.vectors, taught.seconds.rows, taught.seconds.vectors,
            taught.around.rows, taught.around.vectors))

    @cached_property
    def _landmarks(self) -> checks.Landmarks:
        """Over labels of the base whose vectors are like photos of them: those that are seen, or
        else those that people have a word for, or else any; evenly of all."""
        labels = self._workshop.vocabulary.labels[:len(self._base.vectors)]
        rows = ([row for row, label in enumerate(labels) if label.seen]
                or [row for row, label in enumerate(labels) if label.plain]
                or [*range(len(labels))])
        some = np.array(rows[::-(-len(rows) // checks.LANDMARKS)], np.int64)
        return checks.Landmarks(self._base, self._examples, some, temperature=self._temperature)
