"""How good models are on a labelled set of images: a request → figures."""

import functools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zsl_cli.classifier.classifier import Classifier
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import candidates, tasks, trained_on
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.evaluation.measure import Outcome, Subject, measure
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.evaluation.result import EvaluationResult
from zsl_cli.support.names import names_of
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.evaluation.candidates import Candidates
    from zsl_cli.evaluation.request import EvaluationRequest


def evaluate(request: "EvaluationRequest", reporter: Reporter | None = None) -> EvaluationResult:
    """Measure models, each with a vocabulary, on a labelled set.

    What is wrong with any of them is told before the first image is read. Classes that a
    vocabulary does not know and images that cannot be read are left out, and are in the result.

    Raises RequestError for what makes no sense, and ZslError for what can't be used, or when not
    one image counts.
    """
    candidates.check_names(names_of(request.candidates))
    reporter = reporter or Reporter()
    collector = Collector(reporter.left_out)
    # Loaded to be checked, and again to be used: they are not all held at once.
    load = functools.lru_cache(maxsize=1)(
        functools.partial(Model.load, device=request.device, threads=1))
    outcomes: list[Outcome] = []
    for task in tasks.prepare(request, load, collector, reporter):
        subject = _embed(task, load(task.model), request, collector, reporter)
        if not len(subject.truth):
            raise ZslError(f"{os.fspath(request.dataset)}: none of its "
                           f"{counted(len(task.labels.dataset), 'image')} can be read")
        if known := trained_on.count(load(task.model).path, subject.paths):
            reporter.warn(f"{task.name}: {counted(known, 'image')} of {len(subject.paths):,} "
                          "among those that it was trained on, so that its figures say little of "
                          "others")
        outcomes += _outcomes(subject, task.labels.candidates, request, reporter)
    if not outcomes:
        raise ZslError("no image of the set has a label that is a candidate")
    return EvaluationResult(os.fspath(request.dataset), tuple(outcomes), request.settings,
                            collector.left_out())


def _embed(task: tasks.Task, model: Model, request: "EvaluationRequest", collector: Collector,
           reporter: Reporter) -> Subject:
    """The images of a task that can be read, embedded."""
    dataset, vocabulary = task.labels.dataset, task.labels.vocabulary
    reporter.start(f"embedding, {task.name}", len(dataset))
    features = feature_cache.embed(
        model, dataset.paths, advance=reporter.advance, jobs=request.jobs,
        identity=feature_cache.identity_of(model) if request.cache else None,
        batch_size=request.batch_size, max_pixels=request.max_pixels)
    collector.add_unreadable([(str(dataset.paths[at]), error) for at, error in features.failed])
    subject = Subject(task.name, Classifier(model, vocabulary), features.values,
                      dataset.rows[features.kept],
                      [dataset.paths[at] for at in features.kept.tolist()], task.labels.seen,
                      task.vocabulary_name)
    reporter.embedded(subject, features)
    return subject


def _outcomes(subject: Subject, sets: "Sequence[Candidates]", request: "EvaluationRequest",
              reporter: Reporter) -> Iterator[Outcome]:
    """The outcomes of a subject, one a candidate set and constant."""
    reporter.start("evaluating", len(sets), "candidate sets")
    for chosen in sets:
        for gamma in (0.0, *_constants(request.stacking, chosen, subject)):
            outcome = measure(subject, chosen, request.settings, gamma=gamma)
            if outcome is None:
                reporter.warn(f"{chosen.name}: no image of the set has one of these labels")
            else:
                yield outcome
        reporter.advance(1)
    reporter.end()


def _constants(stacking: Sequence[float | str], candidates: "Candidates",
               subject: Subject) -> list[float | str]:
    """The constants that change anything: where both seen and unseen labels may be answered and,
    for the best one, both have images."""
    of_labels = subject.seen[candidates.rows]
    if of_labels.all() or not of_labels.any():
        return []
    of_images = subject.seen[subject.truth]
    both = of_images.any() and not of_images.all()
    return [gamma for gamma in dict.fromkeys(stacking) if gamma != 0 and (gamma != "best" or both)]
