"""``zsl label``: the labels of a whole photo library."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from zsl_cli import __version__, folders
from zsl_cli.cli import notes, options
from zsl_cli.cli.interrupt import one_interrupt
from zsl_cli.cli.output import printable
from zsl_cli.cli.progress import Bar
from zsl_cli.cli.tally import Tally
from zsl_cli.errors import ImageError

if TYPE_CHECKING:
    from zsl_cli.classifier import Classifier
    from zsl_cli.labeling.entry import Entry, Made
    from zsl_cli.labeling.journal import Journal
    from zsl_cli.labeling.outputs import Output
    from zsl_cli.labeling.run import Question, Reading
    from zsl_cli.nearest import Nearest
    from zsl_cli.vocabulary import Vocabulary
    from zsl_cli.walk import Found, Walk


@click.command("label")
@click.argument("sources", nargs=-1, metavar="FOLDER...")
@click.option("-o", "--output", metavar="FILE",
              help="The file to write: .jsonl, .csv or .parquet; - streams JSONL. Default: -, "
                   "unless --report or --xmp is given.")
@click.option("--format", "output_format", type=click.Choice(["jsonl", "csv", "parquet"]),
              help="The format, where the file's name does not tell.")
@click.option("--report", metavar="FILE", help="Write a page to look at, too: one HTML file.")
@click.option("--xmp", is_flag=True, help="Write the labels into XMP sidecars beside the photos.")
@click.option("--xmp-naming", type=click.Choice(["auto", "full", "stem"]), default="auto",
              show_default=True, help="photo.jpg.xmp (full) or photo.xmp (stem); auto takes what "
                                      "is there, or else full.")
@click.option("--dry-run", is_flag=True,
              help="Write nothing; say what there is to do and, with --xmp, print what would "
                   "change.")
@click.option("--include", multiple=True, metavar="GLOB",
              help="Only images that match. May be repeated.")
@click.option("--exclude", multiple=True, metavar="GLOB",
              help="No images and folders that match. May be repeated.")
@click.option("--hidden", is_flag=True,
              help="Hidden folders, @eaDir, node_modules and __MACOSX as well.")
@click.option("--follow-links", is_flag=True, help="Symbolic links as well.")
@click.option("--files-from", metavar="FILE",
              help="Read paths from a list, a line each or NUL-separated; - is standard input.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run.")
@click.option("--check-content", is_flag=True,
              help="Read every file to see whether it changed; by default only those whose size "
                   "or times did.")
@click.option("--force", is_flag=True, help="Replace a file that zsl label did not write.")
@options.answers
@options.candidates
@options.model_and_vocabulary
@options.reading
@options.common
def command(sources: tuple[str, ...], output: str | None, output_format: str | None,
            report: str | None, xmp: bool, xmp_naming: str, dry_run: bool,
            include: tuple[str, ...], exclude: tuple[str, ...], hidden: bool, follow_links: bool,
            files_from: str | None, retry_failed: bool, check_content: bool, force: bool,
            top: int, threshold: float, labels: str | None, labels_file: Path | None,
            under: tuple[str, ...], exact: bool | None, model: str, vocabulary: str, device: str,
            jobs: int | None, batch_size: int | None, max_pixels: int, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Name what is in every photo of a FOLDER; run again, it does only what is new or changed.

    \b
      zsl label ~/Pictures -o labels.jsonl
      zsl label ~/Pictures -o labels.parquet --report report.html
      zsl label ~/Pictures --xmp --threshold 0.3 --dry-run
    """
    if not sources and files_from is None:
        raise click.UsageError("name a FOLDER, or give --files-from")
    if str(labels_file) == "-" and files_from == "-":
        raise click.UsageError("standard input cannot be both --files-from and --labels-file")
    names = options.read_labels(labels, labels_file)
    from zsl_cli.labeling import outputs, run
    from zsl_cli.labeling.journal import Journal
    from zsl_cli.walk import Walk

    files, streamed = _outputs(output, output_format, report, xmp)
    outputs.check(files)
    used = _Used(model, vocabulary, device, exact, quiet, verbose, run.Question(
        top, threshold, None if names is None else tuple(names), under or None))
    reading = run.Reading(jobs, batch_size, max_pixels, thumbnails=report is not None)
    named = [*sources, *([files_from] if files_from not in (None, "-") else [])]
    where = None if streamed else outputs.journal_path(files, named)
    opened = Journal.open_copy if dry_run else Journal.open
    with one_interrupt(), Bar.shown(quiet) as bar, opened(where, used.settings) as journal:
        if where is not None and not dry_run:
            outputs.claim(journal, where, files, force)
        found = _found(Walk(include, exclude, hidden, follow_links), sources, files_from)
        counts = journal.scan(
            bar.counted("looking for photos", found), retry_failed=retry_failed,
            check_content=check_content, thumbnails=reading.thumbnails,
            resolve_links=follow_links)
        tally = Tally(bar, counts, verbose)
        tagger = _Tagger(used, xmp_naming, dry_run, tally) if xmp else None
        if dry_run and not tagger:
            tally.say_plan([file.path for file in files])
            return 0
        try:
            if tagger and counts.kept:
                bar.start("looking at sidecars", counts.kept)
                tagger.tag(journal.entries())
            if counts.todo:
                for entries in _label(journal, used, reading, bar, counts.todo):
                    tally.add(entries)
                    if tagger:
                        tagger.tag(entries)
                    if streamed and not dry_run:
                        _stream(entries, used.made)
        except KeyboardInterrupt:
            tally.interrupted = True
        if not dry_run:
            _write(files, journal, used, sources, tally)
        if not quiet:
            tally.say(journal.entries(), [file.path for file in files])
        return tally.status


def _outputs(output: str | None, output_format: str | None, report: str | None,
             xmp: bool) -> "tuple[list[Output], bool]":
    """The files to write, and whether records are streamed to standard output."""
    from zsl_cli.labeling.outputs import Output
    from zsl_cli.labeling.tables import format_of

    streamed = output == "-" or (output is None and report is None and not xmp)
    if streamed and output_format not in (None, "jsonl"):
        raise click.UsageError(
            f"standard output gets JSONL; name a file with -o for {output_format}")
    files = []
    if output is not None and not streamed:
        files.append(Output(output, format_of(output, output_format)))
    if report is not None:
        files.append(Output(report, "report"))
    return files, streamed


def _found(walk: "Walk", sources: Sequence[str], files_from: str | None) -> "Iterator[Found]":
    from zsl_cli.walk import listed

    yield from walk.expand(sources)
    if files_from is not None:
        try:
            with click.open_file(files_from, "rb") as file:
                yield from walk.expand(listed(cast("BinaryIO", file)))
        except OSError as error:
            raise click.UsageError(f"--files-from {files_from}: {error.strerror}") from error


class _Used:
    """The model and the vocabulary: what they say of themselves at once, they themselves when
    they are needed, which in a run with nothing to do is never."""

    def __init__(self, model: str, vocabulary: str, device: str, exact: bool | None, quiet: bool,
                 verbose: bool, question: "Question") -> None:
        from zsl_cli.classifier import check_fit
        from zsl_cli.labeling.entry import Made
        from zsl_cli.nearest import EXACT_UP_TO

        of_model = folders.find(folders.MODEL, model)
        of_vocabulary = folders.find(folders.VOCABULARY, vocabulary)
        manifests = (folders.read_manifest(folders.MODEL, of_model),
                     folders.read_manifest(folders.VOCABULARY, of_vocabulary))
        check_fit(of_model.name, manifests[0], of_vocabulary.name, manifests[1])
        self.question = question
        self.settings = question.settings(*manifests)
        self.made = Made(manifests[0]["name"], manifests[1]["name"], __version__)
        self._folders = of_model, of_vocabulary
        self._device, self._quiet, self._verbose = device, quiet, verbose
        self._exact = (manifests[1]["labels"] <= EXACT_UP_TO) if exact is None else exact
        self._classifier: Classifier | None = None

    def load(self, images: int) -> "tuple[Classifier, Nearest]":
        """The classifier, and the search over the candidate labels.

        How they work does not depend on the number of images, so that a run that is resumed gives
        the same scores to the last digit.
        """
        from zsl_cli.classifier import MANY, Classifier

        question = self.question
        images = max(images, MANY)
        classifier = self._classifier = Classifier.load(
            *self._folders, device=self._device, exact=self._exact, images=images)
        if not self._quiet:
            notes.say_senses(classifier, [*(question.labels or ()), *(question.under or ())])
        nearest = classifier.candidates(question.labels, question.under, exact=self._exact,
                                        images=images)
        if self._verbose:
            notes.say_what_is_used(classifier, nearest)
        return classifier, nearest

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """See Vocabulary.lineage."""
        return self._vocabulary.lineage(id_)

    @cached_property
    def _vocabulary(self) -> "Vocabulary":
        from zsl_cli.vocabulary import Vocabulary

        return (self._classifier.vocabulary if self._classifier
                else Vocabulary.load(self._folders[1]))


def _label(journal: "Journal", used: _Used, reading: "Reading", bar: Bar,
           todo: int) -> "Iterator[list[Entry]]":
    from zsl_cli.labeling import run

    bar.start("loading the model")
    classifier, nearest = used.load(todo)
    bar.start("labelling", todo)
    yield from run.label(journal, classifier, nearest, used.question, reading)


class _Tagger:
    """Keywords into sidecars, or what would change onto standard output."""

    def __init__(self, used: _Used, naming: str, dry_run: bool, tally: Tally) -> None:
        from zsl_cli.labeling import sidecars

        self._sidecars = sidecars.Sidecars(sidecars.Naming(naming))
        self._used, self._dry_run, self._tally = used, dry_run, tally

    def tag(self, entries: "Iterable[Entry]") -> None:
        """Bring the sidecars of some photos up to date."""
        from zsl_cli.labeling import sidecars
        from zsl_cli.labeling.xmp import Keyword

        for entry in entries:
            if entry.failure is not None:
                continue
            keywords = [Keyword(found.label, tuple(name for _, name in
                                                   self._used.lineage(found.id)), found.score)
                        for found in entry.labels]
            try:
                for change in self._sidecars.plan(entry.path, keywords, self._used.made):
                    if self._dry_run:
                        for line in change.diff():
                            click.echo(printable(line))
                    else:
                        sidecars.apply(change)
                    self._tally.sidecars += 1
            except ImageError as error:
                self._tally.fail(entry.path, str(error))


def _stream(entries: "Iterable[Entry]", made: "Made") -> None:
    from zsl_cli.labeling.tables import json_line

    sys.stdout.buffer.writelines(json_line(entry, made) for entry in entries)
    sys.stdout.buffer.flush()


def _write(files: "Sequence[Output]", journal: "Journal", used: _Used, sources: Sequence[str],
           tally: Tally) -> None:
    """Write the outputs, unless that would take away what an earlier run with other settings has
    finished, and this one has not."""
    if tally.interrupted and journal.written_with not in (None, used.settings):
        tally.note = "the outputs are still those of the earlier run, with other settings"
        return
    for file in files:
        tally.bar.start(f"writing {os.path.basename(file.path)}")
        file.write(journal, used.made, sources, used.lineage)
    journal.note_written()
