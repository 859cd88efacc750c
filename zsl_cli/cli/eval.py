"""``zsl eval``: how good models are on a labelled set of images."""

import math
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from zsl_cli import __version__
from zsl_cli.cli import notes, options
from zsl_cli.cli.interrupt import interrupts
from zsl_cli.cli.left_out import LeftOut
from zsl_cli.cli.output import printable
from zsl_cli.cli.progress import Bar, duration
from zsl_cli.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from zsl_cli.datasets import Dataset
    from zsl_cli.evaluation.candidates import Candidates
    from zsl_cli.evaluation.measure import Outcome, Settings, Subject
    from zsl_cli.feature_cache import Features
    from zsl_cli.model import Model
    from zsl_cli.vocabulary import Vocabulary

_DEFAULT = ("own", "all")
_NAMED = ("own", "all", "unseen", "unseen+seen")  # as in evaluation.candidates
_WIDE = 160  # columns, where there is no terminal


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
@click.option("--report", metavar="FILE",
              help="Write a page to look at, too: one HTML file with plots and photos.")
@click.option("--no-cache", is_flag=True,
              help="Read all images, and keep nothing for the next time.")
@options.reading
@options.common
def command(dataset: str, models: tuple[str, ...], vocabularies: tuple[str, ...], device: str,
            candidates: tuple[str, ...], seen: str | None, stacking: tuple[float | str, ...],
            ks: tuple[int, ...], resamples: int, seed: int, output_format: str | None,
            report: str | None, no_cache: bool, jobs: int | None, batch_size: int | None,
            max_pixels: int, quiet: bool, verbose: bool, debug: bool) -> int:
    """Measure models on DATASET: a folder with a folder for each class, named by its label, or a
    CSV file with the columns path and label.

    \b
      zsl eval photos/
      zsl eval photos/ --candidates unseen --candidates unseen+seen --stacking best
      zsl eval photos/ --model a --vocab va --model b --vocab vb --markdown
      zsl eval photos/ --report photos.html --json > photos.json
    """
    started = time.perf_counter()
    pairs = _pairs(models or ("default",), vocabularies)
    _check_report(report)
    from zsl_cli.evaluation.measure import Settings

    settings = Settings(ks, resamples, seed)
    problems = LeftOut(lambda line: click.echo(line, err=True), verbose)
    outcomes: list[Outcome] = []
    reading = {"jobs": jobs, "batch_size": batch_size, "max_pixels": max_pixels}
    with interrupts(), Bar.shown(quiet) as bar:
        if not quiet:
            notes.relay(bar.say)
        for name, (model, vocabulary) in zip(_names(pairs), pairs, strict=True):
            outcomes += _evaluate(name, model, vocabulary, dataset, device, candidates, seen,
                                  stacking, settings, reading, bar, problems, cached=not no_cache,
                                  quiet=quiet, verbose=verbose)
    if not outcomes:
        from zsl_cli.errors import ZslError

        raise ZslError("no image of the set has a label that is a candidate")
    _say_differences(outcomes)
    about = {"dataset": dataset, "version": __version__,
             "settings": {"k": list(ks), "resamples": resamples, "seed": seed, "interval": 0.95},
             "left_out": problems.to_dict()}
    if report is not None:
        _write_report(report, outcomes, settings, dataset, problems)
    _print(outcomes, output_format, settings, about)
    if verbose:
        click.echo(f"zsl: {duration(time.perf_counter() - started)}", err=True)
    return 1 if problems else 0


def _pairs(models: Sequence[str], vocabularies: Sequence[str]) -> list[tuple[str, str | None]]:
    """Each model with its vocabulary."""
    if not vocabularies:
        return [(model, None) for model in models]
    if len(vocabularies) == 1:
        return [(model, vocabularies[0]) for model in models]
    if len(models) == 1:
        return [(models[0], vocabulary) for vocabulary in vocabularies]
    if len(models) != len(vocabularies):
        raise click.UsageError(f"{len(models)} --model and {len(vocabularies)} --vocab: give one "
                               "--vocab for each --model, or one for all, or none")
    return list(zip(models, vocabularies, strict=True))


def _names(pairs: Sequence[tuple[str, str | None]]) -> list[str]:
    """What the models are called: by the last part of their path where that is enough."""
    short = [os.path.basename(os.path.normpath(model)) for model, _ in pairs]
    models = {model for model, _ in pairs}
    return short if len(set(short)) == len(models) else [model for model, _ in pairs]


def _check_report(report: str | None) -> None:
    if report is None:
        return
    folder = os.path.dirname(report) or "."
    if not os.path.isdir(folder):
        raise click.UsageError(f"--report {report}: no folder {folder}")
    if os.path.isdir(report):
        raise click.UsageError(f"--report {report}: that is a folder; name a file")


def _evaluate(name: str, model_name: str, vocabulary_name: str | None, path: str, device: str,
              candidates: Sequence[str], seen: str | None, stacking: Sequence[float | str],
              settings: "Settings", reading: dict[str, Any], bar: Bar, problems: LeftOut, *,
              cached: bool, quiet: bool, verbose: bool) -> "list[Outcome]":
    """The outcomes of one model with one vocabulary, one a candidate set and constant."""
    from zsl_cli import datasets
    from zsl_cli.classifier import Classifier
    from zsl_cli.evaluation.measure import Subject, evaluate
    from zsl_cli.model import Model

    vocabulary_folder = _vocabulary_for(model_name, vocabulary_name)
    model = Model.load(model_name, device=device, threads=1)
    vocabulary = _vocabulary(vocabulary_folder, path, model)
    dataset = datasets.read(path, vocabulary)
    problems.add_dataset(dataset, vocabulary)
    if not quiet:
        notes.say_senses(vocabulary, [one.match for one in dataset.classes if one.match])
        if len(dataset.labels) == 1:
            bar.say("zsl: the set has one class only; among its own classes no answer is wrong")
    mask = _seen(seen, vocabulary, problems)
    # Before the images: what is wrong with the request is told at once.
    sets = _candidate_sets(candidates or (_DEFAULT if vocabulary_folder else ("own",)),
                           dataset, vocabulary, mask, problems)
    if stacking and not mask.any():
        raise click.UsageError(f"--stacking: vocabulary {vocabulary.name!r} says of no label that "
                               "it is seen; give a list of the labels that are: --seen FILE")
    bar.start(f"embedding, {name}", len(dataset))
    features = _embed(model, dataset, reading, bar, cached=cached)
    problems.add_unreadable([(str(dataset.paths[at]), error) for at, error in features.failed])
    if verbose:
        bar.say(f"zsl: model {name} on {model.device}, vocabulary {vocabulary.name}, "
                f"{counted(len(features.kept), 'image')}, "
                f"{features.cached:,} of them from the cache")
    if not len(features.kept):
        from zsl_cli.errors import ZslError

        raise ZslError(f"{path}: none of its {counted(len(dataset), 'image')} can be read")
    subject = Subject(name, Classifier(model, vocabulary), features.values,
                      dataset.rows[features.kept],
                      [dataset.paths[at] for at in features.kept.tolist()], mask)
    bar.start("evaluating", len(sets), "candidate sets")
    found = []
    for chosen in sets:
        for gamma in (0.0, *_constants(stacking, chosen, subject)):
            outcome = evaluate(subject, chosen, settings, gamma=gamma)
            if outcome is None:
                bar.say(f"zsl: {chosen.name}: no image of the set has one of these labels")
            else:
                found.append(outcome)
        bar.advance(1)
    bar.end()
    return found


def _vocabulary_for(model_name: str, vocabulary_name: str | None) -> "Any":
    from zsl_cli import folders, pairing

    folder = folders.find(folders.MODEL, model_name)
    return pairing.vocabulary_for(folder, folders.read_manifest(folders.MODEL, folder),
                                  vocabulary_name)


def _vocabulary(folder: Any, path: str, model: "Model") -> "Vocabulary":
    """The vocabulary in a folder; without one, that of the set's class names as phrases."""
    from zsl_cli import datasets
    from zsl_cli.evaluation.phrases import vocabulary_of
    from zsl_cli.vocabulary import Vocabulary

    if folder is not None:
        return Vocabulary.load(folder)
    return vocabulary_of(datasets.class_names(path), model)


def _seen(path: str | None, vocabulary: "Vocabulary", problems: LeftOut) -> "np.ndarray":
    from zsl_cli.evaluation.candidates import read_list, seen_mask

    if path is None:
        return seen_mask(vocabulary)
    listed = read_list(path, vocabulary)
    problems.add_lines(path, listed.unknown, vocabulary)
    return seen_mask(vocabulary, listed.rows)


def _candidate_sets(names: Sequence[str], dataset: "Dataset", vocabulary: "Vocabulary",
                    seen: "np.ndarray", problems: LeftOut) -> "list[Candidates]":
    from zsl_cli.evaluation.candidates import Candidates, choose, read_list

    found = []
    for name in dict.fromkeys(names):
        if name in _NAMED:
            found.append(choose(name, dataset, vocabulary, seen))
            continue
        if not os.path.exists(name):
            raise click.UsageError(f"--candidates {name}: neither a file nor one of "
                                   f"{', '.join(_NAMED)}")
        listed = read_list(name, vocabulary)
        problems.add_lines(name, listed.unknown, vocabulary)
        found.append(Candidates(os.path.basename(name), listed.rows))
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


def _embed(model: "Model", dataset: "Dataset", reading: dict[str, Any], bar: Bar, *,
           cached: bool) -> "Features":
    from zsl_cli import feature_cache

    identity = feature_cache.identity_of(model) if cached else None
    return feature_cache.embed(model, dataset.paths, identity=identity, advance=bar.advance,
                               **reading)


def _say_differences(outcomes: "Sequence[Outcome]") -> None:
    """Tell when models were measured on different numbers of images."""
    numbers: dict[str, set[int]] = {}
    for outcome in outcomes:
        numbers.setdefault(outcome.candidates.name, set()).add(len(outcome.images))
    for name, found in numbers.items():
        if len(found) > 1:
            click.echo(f"zsl: {printable(name)}: the rows are of different images ("
                       + " and ".join(f"{number:,}" for number in sorted(found))
                       + "), since not every vocabulary knows every class", err=True)


def _write_report(path: str, outcomes: "Sequence[Outcome]", settings: "Settings", dataset: str,
                  problems: LeftOut) -> None:
    from zsl_cli import __version__, files
    from zsl_cli.evaluation import page

    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = page.About(dataset, __version__, made, problems.images, problems.listed())
    content = page.render(outcomes, settings.ks, about)
    with files.replacing(path) as file:
        file.write(content)


def _print(outcomes: "Sequence[Outcome]", output_format: str | None, settings: "Settings",
           about: dict[str, Any]) -> None:
    from zsl_cli.evaluation import tables

    rows = [outcome.row for outcome in outcomes]
    if output_format is None:
        _print_tables(tables.tables(rows, settings.ks, narrow=True))
        return
    if output_format == "json":
        text, errors = tables.to_json(rows, **about), "backslashreplace"
    elif output_format == "csv":
        text, errors = tables.to_csv(rows), "surrogateescape"
    else:
        text, errors = tables.to_markdown(tables.tables(rows, settings.ks)), "backslashreplace"
    sys.stdout.buffer.write(text.encode("utf-8", errors))
    sys.stdout.buffer.flush()


def _print_tables(found: "Sequence[Any]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(highlight=False, width=None if terminal else _WIDE)
    for number, table in enumerate(found):
        grid = Table(title=Text(table.heading, style="bold"), title_justify="left", box=None,
                     pad_edge=False, caption=Text(table.note, style="dim"), caption_justify="left")
        for at, name in enumerate(table.columns):
            grid.add_column(name, justify="left" if at < table.texts else "right",
                            header_style="dim", overflow="fold")
        for line in table.lines:
            grid.add_row(*(Text(printable(cell)) for cell in line))
        if number:
            console.print()
        console.print(grid)
