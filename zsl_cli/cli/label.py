"""``zsl label``: the labels of a whole photo library."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from zsl_cli import __version__
from zsl_cli.cli.terminal import notes, options
from zsl_cli.cli.terminal.interrupt import Interrupted, interrupts
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.cli.terminal.tally import Tally
from zsl_cli.errors import ImageError
from zsl_cli.support import cpus, folders
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.embedding.walk import Found, Walk
    from zsl_cli.photos.entry import Entry
    from zsl_cli.photos.journal import Counts, Journal
    from zsl_cli.photos.outputs import Output
    from zsl_cli.photos.run import Question, Reading
    from zsl_cli.vocabulary.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@click.command("label")
@click.argument("sources", nargs=-1, metavar="FOLDER...")
@click.option("-o", "--output", metavar="FILE",
              help="The file to write: .jsonl, .csv or .parquet; - streams JSONL. Default: -, "
                   "unless --report or --xmp is given.")
@click.option("--format", "output_format", type=click.Choice(["jsonl", "csv", "parquet"]),
              help="The format, where the file's name does not tell.")
@click.option("--report", metavar="FILE", help="Write a page to look at, too: one HTML file.")
@click.option("--xmp", is_flag=True, help="Write the labels into XMP sidecars beside the photos.")
@click.option("--xmp-naming", type=click.Choice(["auto", "full", "stem"]),
              help="photo.jpg.xmp (full) or photo.xmp (stem); auto, the default, takes what is "
                   "there, or else full.")
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
@options.paths
@options.model_and_vocabulary
@options.reading
@options.common
def command(sources: tuple[str, ...], output: str | None, output_format: str | None,
            report: str | None, xmp: bool, xmp_naming: str | None, dry_run: bool,
            include: tuple[str, ...], exclude: tuple[str, ...], hidden: bool, follow_links: bool,
            files_from: str | None, retry_failed: bool, check_content: bool, force: bool,
            top: int, threshold: float, labels: tuple[str, ...], labels_file: Path | None,
            under: tuple[str, ...], max_depth: int | None, exact: bool | None, ef: int | None,
            paths: bool, model: str, vocabulary: str | None, device: str, jobs: int | None,
            batch_size: int | None, max_pixels: int, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Name what is in every photo of a FOLDER; run again, it does only what is new or changed.

    \b
      zsl label ~/Pictures -o labels.jsonl
      zsl label ~/Pictures -o labels.parquet --report report.html
      zsl label ~/Pictures --xmp --threshold 0.3 --dry-run
    """
    cpus.one_blas_thread()
    _check_usage(sources, files_from, labels_file, xmp_naming if not xmp else None)
    names = options.read_labels(labels, labels_file)
    from zsl_cli.embedding.walk import Walk
    from zsl_cli.photos import outputs, run
    from zsl_cli.photos.journal import Journal

    files, streamed = _outputs(output, output_format, report, xmp)
    used = _Used(model, vocabulary, device, (exact, ef), quiet, verbose, run.Question(
        top, threshold, None if names is None else tuple(names), under or None, max_depth), paths)
    reading = run.Reading(jobs, batch_size, max_pixels, thumbnails=report is not None)
    named = [*sources, *([files_from] if files_from not in (None, "-") else [])]
    where = None if streamed else outputs.journal_path(files, named)
    opened = Journal.open_copy if dry_run else Journal.open
    printing = streamed or (dry_run and xmp)  # which a bar on the same terminal would disturb
    with interrupts(), opened(where, used.settings) as journal, \
            Bar.shown(quiet or (printing and sys.stdout.isatty())) as bar:
        for file in files:
            file.check_own(journal, force)
        found = _found(Walk(include, exclude, hidden, follow_links), sources, files_from)
        counts = journal.scan(
            bar.counted("looking for photos", found), retry_failed=retry_failed,
            check_content=check_content, thumbnails=reading.thumbnails,
            resolve_links=follow_links)
        if not quiet:
            notes.relay(bar.say)
        tally = Tally(bar, counts, verbose)
        tagger = _Tagger(used, xmp_naming or "auto", dry_run, tally) if xmp else None
        if dry_run and not tagger:
            click.echo(tally.plan([file.path for file in files]))
            return 0
        try:
            _work(journal, used, reading, tally, counts, tagger, streamed and not dry_run)
        except Interrupted as stop:
            tally.interrupted = stop.status
        if not dry_run:
            _write(files, journal, used, named, tally, force)
        if not quiet:
            tally.say(journal.entries(), [file.path for file in files], dry_run)
        return tally.status


def _check_usage(sources: Sequence[str], files_from: str | None, labels_file: Path | None,
                 naming_without_xmp: str | None) -> None:
    """Raise UsageError for options that make no sense together."""
    if not sources and files_from is None:
        raise click.UsageError("name a FOLDER, or give --files-from")
    if "-" in sources:
        raise click.UsageError("to read a list of paths from standard input, give --files-from -")
    if naming_without_xmp:
        raise click.UsageError("--xmp-naming is for --xmp")
    if str(labels_file) == "-" and files_from == "-":
        raise click.UsageError("standard input cannot be both --files-from and --labels-file")


def _outputs(output: str | None, output_format: str | None, report: str | None,
             xmp: bool) -> "tuple[list[Output], bool]":
    """The files to write, and whether records are streamed to standard output."""
    from zsl_cli.photos.outputs import Output
    from zsl_cli.photos.tables import format_of

    streamed = output == "-" or (output is None and report is None and not xmp)
    if streamed and output_format not in (None, "jsonl"):
        raise click.UsageError(
            f"standard output gets JSONL; name a file with -o for {output_format}")
    if output_format is not None and output is None:
        raise click.UsageError("--format is for the file that -o names")
    files = []
    if report is not None:
        files.append(Output(report, "report"))
        files[-1].check()
    if output is not None and not streamed:
        Output(output, "").check()
        files.insert(0, Output(output, format_of(output, output_format)))
    if len({os.path.realpath(file.path) for file in files}) < len(files):
        raise click.UsageError(f"{report} cannot be both the output and the report")
    return files, streamed


def _found(walk: "Walk", sources: Sequence[str], files_from: str | None) -> "Iterator[Found]":
    from zsl_cli.embedding.walk import listed

    def names() -> Iterator[str]:
        try:
            with click.open_file(str(files_from), "rb") as file:
                yield from listed(cast("BinaryIO", file))
        except OSError as error:
            raise click.UsageError(f"--files-from {files_from}: {error.strerror}") from error
        except RuntimeError as error:  # click's word for a standard input that is closed
            raise click.UsageError("--files-from -: standard input is closed") from error

    yield from walk.expand(sources)
    if files_from is not None:
        yield from walk.expand(names(), patterns=False)


class _Used:
    """The model and the vocabulary: what they say of themselves at once, they themselves when
    they are needed, which in a run with nothing to do is never."""

    def __init__(self, model: str, vocabulary: str | None, device: str,
                 search: tuple[bool | None, int | None], quiet: bool, verbose: bool,
                 question: "Question", paths: bool) -> None:
        """search: the two options that say how labels are searched, --exact and --ef."""
        from zsl_cli.classifier.candidates import choose
        from zsl_cli.classifier.pairing import vocabulary_for
        from zsl_cli.photos.entry import Provenance
        from zsl_cli.vocabulary.nearest import EXACT_UP_TO
        from zsl_cli.vocabulary.vocabulary import Vocabulary

        self._model = folders.find(folders.MODEL, model)
        of_model = folders.read_manifest(folders.MODEL, self._model)
        self._labels = vocabulary_for(self._model, of_model, vocabulary)
        self._vocabulary: Vocabulary | None = None
        if self._labels is None:
            self._vocabulary = Vocabulary.empty(of_model.space, of_model.dimension)
            of_labels = self._vocabulary.manifest
        else:
            of_labels = folders.read_manifest(folders.VOCABULARY, self._labels)
        exact, self._ef = search
        self._exact = exact if exact is not None else (
            of_labels.labels * of_labels.dimension <= EXACT_UP_TO)
        self.path_of = self._path_names if paths else None
        self.question = question
        self.settings = question.settings(of_model.entries, of_labels.entries,
                                          exact=self._exact, ef=self._ef)
        self.made = Provenance(of_model.name, of_labels.name, __version__)
        self._device, self._quiet, self._verbose = device, quiet, verbose
        if (question.labels or question.under or question.max_depth is not None
                or self._labels is None):
            choose(self.vocabulary, question.labels, question.under,  # said before all else
                   max_depth=question.max_depth, phrases=of_model.encodes_phrases)

    def _path_names(self, id_: str) -> tuple[str, ...]:
        return self.vocabulary.path_names(id_)

    def load(self, images: int) -> "tuple[Classifier, Nearest]":
        """The classifier, and the search over the candidate labels.

        How they work does not depend on the number of images, so that a run that is resumed gives
        the same scores to the last digit.
        """
        from zsl_cli.classifier.classifier import Classifier
        from zsl_cli.embedding.model import Model
        from zsl_cli.vocabulary.vocabulary import Vocabulary

        loading = None
        if self._vocabulary is None and self._labels:  # on another thread than the model
            loading = Vocabulary.start_loading(self._labels, exact=self._exact, queries=images,
                                               ef=self._ef)
        model = Model.load(self._model, device=self._device, threads=1)
        if loading is not None:
            self._vocabulary = loading.result()
        classifier = Classifier(model, self.vocabulary)
        question = self.question
        nearest = classifier.candidates(
            question.labels, question.under, max_depth=question.max_depth, exact=self._exact,
            ef=self._ef, images=images)
        if not self._quiet:
            notes.say_meanings(classifier, question.labels or (), question.under or (), nearest)
        if self._verbose:
            notes.say_what_is_used(classifier, nearest)
        return classifier, nearest

    @property
    def vocabulary(self) -> "Vocabulary":
        """The vocabulary, loaded once."""
        from zsl_cli.vocabulary.vocabulary import Vocabulary

        if self._vocabulary is None:
            assert self._labels is not None
            self._vocabulary = Vocabulary.load(self._labels)
        return self._vocabulary

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """See Vocabulary.lineage; a phrase, which is its own id, lies under nothing."""
        if id_ not in self.vocabulary.rows:
            return ((id_, id_),)
        return self.vocabulary.lineage(id_)


def _work(journal: "Journal", used: _Used, reading: "Reading", tally: Tally, counts: "Counts",
          tagger: "_Tagger | None", streamed: bool) -> None:
    """Bring the sidecars of what is done up to date, and label what is to do."""
    if tagger and counts.kept:
        tally.bar.start("looking at sidecars", counts.kept)
        tagger.tag(journal.entries())
    if counts.todo:
        for entries in _label(journal, used, reading, tally.bar, counts.todo):
            tally.add(entries)
            if tagger:
                tagger.tag(entries)
            if streamed:
                _stream(entries, used)


def _label(journal: "Journal", used: _Used, reading: "Reading", bar: Bar,
           todo: int) -> "Iterator[list[Entry]]":
    from zsl_cli.photos import run

    bar.start("loading the model")
    classifier, nearest = used.load(todo)
    bar.start("labelling", todo)
    yield from run.label(journal, classifier, nearest, used.question, reading)


class _Tagger:
    """Keywords into sidecars, or what would change onto standard output."""

    def __init__(self, used: _Used, naming: str, dry_run: bool, tally: Tally) -> None:
        from zsl_cli.photos import sidecars

        self._sidecars = sidecars.Sidecars(sidecars.Naming(naming))
        self._used, self._dry_run, self._tally = used, dry_run, tally

    def tag(self, entries: "Iterable[Entry]") -> None:
        """Bring the sidecars of some photos up to date."""
        from zsl_cli.photos import sidecars
        from zsl_cli.photos.xmp import Keyword

        for entry in entries:
            if entry.error is not None or not os.path.lexists(entry.path):
                continue
            keywords = [Keyword(found.name, tuple(name for _, name in
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
                self._tally.fail_sidecar(entry.path, error)


def _stream(entries: "Iterable[Entry]", used: _Used) -> None:
    from zsl_cli.photos.tables import json_line

    sys.stdout.buffer.writelines(json_line(entry, used.made, used.path_of)
                                 for entry in entries)
    sys.stdout.buffer.flush()


def _write(files: "Sequence[Output]", journal: "Journal", used: _Used, sources: Sequence[str],
           tally: Tally, force: bool) -> None:
    """Write the outputs, but in the middle of a run none that has labels which the journal does
    not hold: those of a finished run with other settings."""
    for file in files:
        if tally.interrupted and file.would_lose(journal):
            tally.notes.append(f"{file.path} is left as it was before this run")
            continue
        tally.bar.start(f"writing {os.path.basename(file.path)}")
        file.write(journal, used.made, sources, used.lineage, force=force,
                   path_of=used.path_of)
        tally.notes.append(f"written: {file.path}")
    if not tally.interrupted:
        journal.note_complete()
