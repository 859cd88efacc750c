"""``zsl label``: the labels of a whole photo library."""

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import clusters, meanings, notes, options, printing
from zsl_cli.cli.terminal.libraries import FIRST_FAILURES, Failures, reasons, summed_up
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.sidecars.naming import Naming
from zsl_cli.support import cpus
from zsl_cli.support.limits import TABLE_FORMATS
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.errors import ImageError
    from zsl_cli.photos.request import LabelRequest
    from zsl_cli.photos.result import LabelResult
    from zsl_cli.photos.sidecars.changes import Change
    from zsl_cli.vocabulary.search.nearest import Nearest


@click.command("label")
@click.argument("sources", nargs=-1, metavar="FOLDER...")
@click.option("-o", "--output", type=options.NonEmpty(), metavar="FILE",
              help="The file to write: .jsonl, .csv or .parquet; - streams JSONL. Default: -, "
                   "unless --report or --xmp is given.")
@click.option("--format", "output_format", type=click.Choice(TABLE_FORMATS),
              help="The format, where the file's name does not tell.")
@click.option("--report", type=options.NonEmpty(), metavar="FILE",
              help="Write a page to look at, too: one HTML file.")
@click.option("--xmp", is_flag=True, help="Write keywords into XMP sidecars beside the photos.")
@click.option("--xmp-naming", type=click.Choice([naming.value for naming in Naming]),
              help="photo.jpg.xmp (full) or photo.xmp (stem); auto, the default, takes what is "
                   "there, or else full.")
@click.option("--xmp-parents/--no-xmp-parents", default=True,
              help="Whether dc:subject has the words above a keyword, too: animal beside dog. "
                   "Default: it has.")
@click.option("--xmp-root", type=options.NonEmpty(), metavar="NAME",
              help="Put all keywords under one in the hierarchical lists, such as zsl|animal|dog.")
@click.option("--undo", is_flag=True,
              help="With --xmp: take out of the sidecars all that zsl ever wrote into them, and "
                   "remove those that it made. Only the options that choose photos, and "
                   "--dry-run, matter then.")
@click.option("--dry-run", is_flag=True,
              help="Write nothing; say what there is to do and, with --xmp, print what would "
                   "change.")
@clusters.options
@options.photos
@options.catalogue
@options.read_again
@click.option("--force", is_flag=True, help="Replace a file that zsl label did not write.")
@options.answers
@options.keywords
@options.candidates
@options.explain
@options.paths
@options.language
@options.model_and_vocabulary
@options.reading
@options.common
def command(sources: tuple[str, ...], output: str | None, report: str | None, xmp: bool,
            undo: bool, dry_run: bool, engine: str, files_from: str | None, keywords: bool,
            confidence: float | None, most: int | None, labels: tuple[str, ...],
            labels_file: Path | None, explain: bool, quiet: bool, verbose: bool, debug: bool,
            **others: Any) -> int:
    """Name what is in every photo of a FOLDER; run again, it does only what is new or changed.

    \b
      zsl label ~/Pictures -o labels.jsonl
      zsl label ~/Pictures -o labels.parquet --report report.html
      zsl label ~/Pictures --xmp --confidence 0.9 --dry-run
      zsl label ~/Pictures --xmp --undo
      zsl label s3://photos/2025 -o s3://labels/2025 --engine ray --address auto
    """
    paths = options.listed_photos(sources, files_from)
    over_many = clusters.given(engine, {**others, "output": output, "report": report, "xmp": xmp,
                                        "undo": undo, "dry_run": dry_run, "explain": explain})
    for name in (*clusters.PARAMETERS, *(clusters.NOT_THERE if engine == "ray" else ())):
        others.pop(name, None)
    if undo:
        if not xmp:
            raise click.UsageError("--undo is for --xmp")
        if output is not None or report is not None:
            raise click.UsageError("--undo takes sidecars back and writes nothing: give neither "
                                   "--output nor --report")
        chosen = {name: others[name] for name in ("include", "exclude", "hidden", "follow_links")}
        return _undo(sources, paths, dry_run, chosen, quiet=quiet, verbose=verbose)
    cpus.one_blas_thread()
    if str(labels_file) == "-" and files_from == "-":
        raise click.UsageError("standard input cannot be both --files-from and --labels-file")
    names = options.read_labels(labels, labels_file)
    if explain and names is None:
        raise click.UsageError("--explain is for the words of --labels and --labels-file")
    from zsl_cli.classifier.keyword_rule import KEYWORD
    from zsl_cli.photos.labelling import label
    from zsl_cli.photos.request import LabelRequest

    if engine == "ray":
        return _on_ray(dict(
            others, sources=sources, files_from=paths, output=output, labels=names, **over_many,
            **options.read_keywords(keywords, confidence, most)), quiet=quiet, verbose=verbose,
            debug=debug)
    streamed = output == "-" or (output is None and report is None and not xmp)
    request = LabelRequest(
        sources, paths, output=printing.stream() if streamed else output, report=report,
        xmp=xmp, dry_run=dry_run, labels=names,
        **options.read_keywords(keywords, confidence, most), **others)
    if xmp and request.threshold and confidence is None:
        printing.note("--threshold is of labels and their scores; keywords are those whose "
                      f"--confidence is {KEYWORD:g} or more")
    prints = streamed or (dry_run and xmp)  # which a bar on the same terminal would disturb
    terminal = _Terminal(request, quiet=quiet, verbose=verbose, explain=explain)
    with terminal.shown(quiet or (prints and sys.stdout.isatty())):
        result = label(request, terminal)
    return int(not result.ok) if request.works else 0


def _on_ray(asked: dict[str, Any], *, quiet: bool, verbose: bool, debug: bool) -> int:
    from zsl_cli.photos.cluster.engine import label_on_ray
    from zsl_cli.photos.cluster.request import ClusterRequest

    request = ClusterRequest(**asked)
    terminal = _Cluster(verbose=verbose)
    # What Ray's own processes say does not go past what tells of them.
    with nullcontext() if debug else printing.alone_on_standard_error(), terminal.shown(quiet):
        result = label_on_ray(request, terminal)
    return int(not result.ok)


def _undo(sources: tuple[str, ...], paths: "str | Iterator[str] | None", dry_run: bool,
          chosen: dict[str, Any], *, quiet: bool, verbose: bool) -> int:
    from zsl_cli.photos.undo import UndoRequest, undo

    terminal = _Changes(dry_run=dry_run, verbose=verbose)
    with terminal.shown(quiet or (dry_run and sys.stdout.isatty())):
        result = undo(UndoRequest(sources, paths, dry_run=dry_run, **chosen), terminal)
    would = "would be " if dry_run else ""
    printing.note(f"{counted(result.sidecars, 'sidecar')} {would}taken back, {result.removed:,} of "
                  f"them removed, {result.sidecar_reasons.total():,} failed")
    return int(not result.ok)


class _Cluster(Failures, Reporter):
    """Names the first failures, shows a bar and sums up."""

    def ended(self, result: "LabelResult") -> None:
        """Sum up."""
        self.end()
        _sum_up(_summary(result, dry_run=False, goes_on=True))


class _Changes(Failures, Reporter):
    """Names the first failures (``verbose``: all of them), and in a dry run prints what would
    change."""

    def __init__(self, *, dry_run: bool, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self._dry_run = dry_run
        self._warned = 0  # changes of sidecars

    def sidecar_failed(self, path: str, error: "ImageError") -> None:
        """Tell the first ones."""
        self.photo_failed(path, error)

    def sidecar_changed(self, change: "Change") -> None:
        """In a dry run, print what would change; warn of the first ones to warn of."""
        if change.warning:
            self._warned += 1
            if self.verbose or self._warned <= FIRST_FAILURES:
                printing.say(f"{change.path}: {change.warning}")
        if self._dry_run:
            for line in change.diff():
                printing.put(line)


class _Terminal(_Changes):
    """Shows a bar, too, and sums up."""

    def __init__(self, request: "LabelRequest", *, quiet: bool, verbose: bool,
                 explain: bool) -> None:
        super().__init__(dry_run=request.dry_run, verbose=verbose)
        self._request, self._quiet, self._explain = request, quiet, explain

    def loaded(self, classifier: "Classifier", nearest: "Nearest") -> None:
        """Tell what is used, and what labels were taken to mean."""
        if self._explain or not self._quiet:
            meanings.say(classifier, self._request.under or (), nearest, explain=self._explain)
        notes.say_what_is_used(classifier, nearest)

    def ended(self, result: "LabelResult") -> None:
        """Sum up, or say what there is to do."""
        if not self._request.works:
            printing.put(_plan(result))
            return
        self.end()
        goes_on = not self._request.dry_run and self._request.stream is None
        _sum_up(_summary(result, dry_run=self._request.dry_run, goes_on=goes_on))


def _plan(result: "LabelResult") -> str:
    """What a run would do."""
    return (f"{counted(result.todo, 'photo')} to read, {result.kept:,} known already"
            + (f"; would write {' and '.join(result.outputs)}" if result.outputs else ""))


def _sum_up(lines: Iterator[str]) -> None:
    printing.note(next(lines))
    for line in lines:
        printing.note(line, before=" " * len(printing.NAME))


def _summary(result: "LabelResult", *, dry_run: bool, goes_on: bool) -> Iterator[str]:
    """What has happened, as lines; ``goes_on``: whether the next run begins where this one
    ended."""
    yield from summed_up(result)
    if result.frequent:
        yield "most frequent: " + ", ".join(
            f"{name} {count:,}" for name, count in result.frequent)
    if result.sidecars:
        yield (f"{counted(result.sidecars, 'sidecar')} "
               + ("would be changed" if dry_run else "changed"))
    if result.sidecar_reasons:
        yield (f"{counted(result.sidecar_reasons.total(), 'photo')} without keywords, since "
               "the sidecar could not be brought up to date:")
        yield from reasons(result.sidecar_reasons)
    for path in result.left:
        yield (f"{path} is left as it was before this run" if os.path.exists(path) else
               f"{path} is not written yet")
    if dry_run and result.outputs:
        yield f"would write: {', '.join(result.outputs)}"
    elif result.outputs:
        yield from (f"written: {path}" for path in result.outputs)
    if result.interrupted:
        yield "interrupted" + ("; run the same command again to go on" if goes_on else "")
