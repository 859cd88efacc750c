"""``zsl eval``: how good models are on a labelled set of images."""

import functools
import math
import time
from typing import TYPE_CHECKING, Any

import click

from zsl_cli import __version__
from zsl_cli.cli.eval import output, plan
from zsl_cli.cli.terminal import notes, options
from zsl_cli.cli.terminal.interrupt import interrupts
from zsl_cli.cli.terminal.left_out import reporting
from zsl_cli.cli.terminal.progress import Bar, duration
from zsl_cli.errors import ZslError
from zsl_cli.evaluation.left_out import LeftOut
from zsl_cli.support.wording import counted, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zsl_cli.embedding.feature_cache import Features
    from zsl_cli.embedding.model import Model
    from zsl_cli.evaluation.candidates import Candidates
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.evaluation.measure import Outcome, Settings, Subject


def _read_ks(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        ks = [0]
    if ks[0] < 1 or ks[-1] > options.MAX_TOP:
        raise click.BadParameter(f"{text!r}: whole numbers from 1 to {options.MAX_TOP}, separated "
                                 "by commas, are expected")
    return tuple(ks)


def _read_stacking(_ctx: click.Context, _param: click.Parameter,
                   texts: tuple[str, ...]) -> tuple[float | str, ...]:
    found: list[float | str] = []
    for text in texts:
        try:
            value = text if text == "best" else float(text)
        except ValueError:
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            raise click.BadParameter(f"{text!r}: a number, or best, is expected")
        found.append(value)
    return tuple(dict.fromkeys(found))


@click.command("eval")
@click.argument("dataset", metavar="DATASET")
@click.option("--model", "models", multiple=True, metavar="NAME|FOLDER",
              help="A model to evaluate; may be repeated. Default: default.")
@click.option("--vocab", "vocabularies", multiple=True, metavar="NAME|FOLDER",
              help="The labels: once for all models, or once for each, in the same order. "
                   "Default: as zsl classify chooses it.")
@options.device
@click.option("--candidates", multiple=True, metavar="own|all|unseen|unseen+seen|FILE",
              help="The labels that may be answered; may be repeated. own: the set's classes; "
                   "all: the whole vocabulary; unseen: those of own that the model was not "
                   "trained on; unseen+seen: the same and all that it was trained on; or a file "
                   "with a label a line. Default: own and all.")
@click.option("--seen", metavar="FILE",
              help="The labels that the model was trained on, one a line. Default: what the "
                   "vocabulary says.")
@click.option("--stacking", multiple=True, callback=_read_stacking, metavar="GAMMA|best",
              help="Also with this constant taken off the scores of seen labels (calibrated "
                   "stacking); best is that of the best harmonic mean on these very images. May "
                   "be repeated.")
@click.option("--k", "ks", default="1,2,5,10,20", show_default=True, callback=_read_ks,
              metavar="K,K", help="The k of hit@k and of hierarchical precision@k.")
@click.option("--resamples", type=click.IntRange(1, 100_000), default=1000, show_default=True,
              metavar="N", help="Of the bootstrap, for the intervals.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
              metavar="N", help="What the bootstrap draws from.")
@click.option("--json", "output_format", flag_value="json", default=None,
              help="All figures as one JSON object.")
@click.option("--csv", "output_format", flag_value="csv", help="All figures as CSV.")
@click.option("--markdown", "output_format", flag_value="markdown", help="The tables as Markdown.")
@click.option("--report", type=options.Given(), metavar="FILE",
              help="Write a page to look at, too: one HTML file with plots and photos. It replaces "
                   "a page of zsl eval.")
@click.option("--force", is_flag=True, help="Let it replace any file.")
@click.option("--no-cache", is_flag=True,
              help="Read all images, and keep nothing for the next time.")
@options.reading
@options.common
def command(dataset: str, models: tuple[str, ...], vocabularies: tuple[str, ...], device: str,
            candidates: tuple[str, ...], seen: str | None, stacking: tuple[float | str, ...],
            ks: tuple[int, ...], resamples: int, seed: int, output_format: str | None,
            report: str | None, force: bool, no_cache: bool, jobs: int | None,
            batch_size: int | None, max_pixels: int, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Measure models on DATASET: a folder with a folder for each class, named by its label, or a
    CSV file with the columns path and label.

    \b
      zsl eval photos/
      zsl eval photos/ --candidates unseen --candidates unseen+seen --stacking best
      zsl eval photos/ --model a --vocab va --model b --vocab vb --markdown
      zsl eval photos/ --report photos.html --json > photos.json
    """
    started = time.perf_counter()
    asked = plan.pairs(models or ("default",), vocabularies)
    if report is not None:
        output.check_report(report, force=force)
    from zsl_cli.embedding.model import Model
    from zsl_cli.evaluation.measure import Settings

    settings = Settings(ks, resamples, seed)
    problems = LeftOut(reporting(lambda line: click.echo(line, err=True), verbose))
    # Loaded to be checked, and again to be used: they are not all held at once.
    load = functools.lru_cache(maxsize=1)(functools.partial(Model.load, device=device, threads=1))
    embed = functools.partial(_embed, cached=not no_cache, jobs=jobs, batch_size=batch_size,
                              max_pixels=max_pixels)
    outcomes: list[Outcome] = []
    with interrupts(), Bar.shown(quiet) as bar:
        if not quiet:
            notes.relay(bar.say)
        request = plan.Request(dataset, candidates, seen, bool(stacking))
        for task in plan.prepare(asked, request, load, problems, None if quiet else bar.say):
            subject = _subject(task, load(task.model), embed, bar, problems, verbose=verbose)
            if not len(subject.truth):
                raise ZslError(f"{dataset}: none of its "
                               f"{counted(len(task.labels.dataset), 'image')} can be read")
            outcomes += _evaluate(subject, task.labels.candidates, stacking, settings, bar)
    if not outcomes:
        raise ZslError("no image of the set has a label that is a candidate")
    if not quiet:
        output.say_differences(outcomes)
    about = {"dataset": dataset, "version": __version__,
             "settings": {"k": list(ks), "resamples": resamples, "seed": seed, "interval": 0.95},
             "left_out": problems.to_dict()}
    try:
        output.write(outcomes, output_format, settings, about)
    finally:  # the page is wanted, too, where the reader of the figures has gone
        if report is not None:
            output.write_report(report, outcomes, settings, dataset, problems)
    if verbose:
        click.echo(f"zsl: {duration(time.perf_counter() - started)}", err=True)
    return 1 if problems else 0


def _subject(task: plan.Task, model: "Model", embed: "Callable[..., Features]", bar: Bar,
             problems: LeftOut, *, verbose: bool) -> "Subject":
    """The images of a task that can be read, embedded."""
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.evaluation.measure import Subject

    dataset, vocabulary = task.labels.dataset, task.labels.vocabulary
    bar.start(f"embedding, {task.name}", len(dataset))
    features = embed(model, dataset, bar)
    problems.add_unreadable([(str(dataset.paths[at]), error) for at, error in features.failed])
    if verbose:
        bar.say(f"zsl: model {task.name} on {model.device}, vocabulary {task.vocabulary_name}, "
                f"{counted(len(features.kept), 'image')}, "
                f"{features.cached:,} of them from the cache")
    return Subject(task.name, Classifier(model, vocabulary), features.values,
                   dataset.rows[features.kept],
                   [dataset.paths[at] for at in features.kept.tolist()], task.labels.seen,
                   task.vocabulary_name)


def _embed(model: "Model", dataset: "Dataset", bar: Bar, *, cached: bool,
           **reading: Any) -> "Features":
    from zsl_cli.embedding import feature_cache

    identity = feature_cache.identity_of(model) if cached else None
    return feature_cache.embed(model, dataset.paths, identity=identity, advance=bar.advance,
                               **reading)


def _evaluate(subject: "Subject", sets: "Sequence[Candidates]",
              stacking: "Sequence[float | str]", settings: "Settings",
              bar: Bar) -> "list[Outcome]":
    """The outcomes of a subject, one a candidate set and constant."""
    from zsl_cli.evaluation.measure import evaluate

    bar.start("evaluating", len(sets), "candidate sets")
    found = []
    for chosen in sets:
        for gamma in (0.0, *_constants(stacking, chosen, subject)):
            outcome = evaluate(subject, chosen, settings, gamma=gamma)
            if outcome is None:
                bar.say(f"zsl: {printable(chosen.name)}: no image of the set has one of these "
                        "labels")
            else:
                found.append(outcome)
        bar.advance(1)
    bar.end()
    return found


def _constants(stacking: "Sequence[float | str]", chosen: "Candidates",
               subject: "Subject") -> "list[float | str]":
    """The constants that change anything: where both seen and unseen labels may be answered and,
    for the best one, both have images."""
    of_labels = subject.seen[chosen.rows]
    if of_labels.all() or not of_labels.any():
        return []
    of_images = subject.seen[subject.truth]
    both = of_images.any() and not of_images.all()
    return [gamma for gamma in stacking if gamma != 0 and (gamma != "best" or both)]
