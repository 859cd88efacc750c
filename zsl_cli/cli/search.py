"""``zsl search``: photos by words, by photos, and by sums of both."""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import meanings, options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.photos.reporter import Reporter
from zsl_cli.support import cpus, files
from zsl_cli.support.limits import MAX_TOP
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.search.request import Query, Term
    from zsl_cli.photos.search.result import SearchResult
    from zsl_cli.vocabulary.search.nearest import Nearest

_COLUMNS = ("rank", "score", "path", "date")

query_options = options.stack(
    click.option("--image", "images", multiple=True, metavar="PHOTO",
                 help="Photos like this one, which may lie anywhere. May be repeated."),
    click.option("--plus", multiple=True, metavar="WORDS|PHOTO",
                 help="Add these words, or this photo, to the query. May be repeated."),
    click.option("--minus", multiple=True, metavar="WORDS|PHOTO",
                 help="Take them away from it. May be repeated."),
    click.option("--queries", metavar="FILE",
                 help="A query a line, words or the path of a photo; - is standard input. Answers "
                      "as with --jsonl."),
)
order = options.stack(
    click.option("-k", "--top", type=click.IntRange(1, MAX_TOP), default=20, show_default=True,
                 metavar="N", help="How many photos, at most 1000."),
    click.option("--rerank", type=click.Choice(["centre"]),
                 help="Of the photos that are found those that are nearest to the centre of all: "
                      "strays go."),
    click.option("--among", type=click.IntRange(1, MAX_TOP), metavar="N",
                 help="How many photos are reranked. Default: 50, or --top if that is more."),
    click.option("--fold", is_flag=True, help="Near-duplicates as one photo, with their number."),
)
which = options.stack(
    click.option("--in", "within", multiple=True, metavar="FOLDER",
                 help="Only photos in this folder. May be repeated. Default: all that this user "
                      "has indexed."),
    click.option("--path", "paths", multiple=True, metavar="GLOB|FOLDER",
                 help="Only photos whose path below the library matches, or that are in this "
                      "folder. May be repeated."),
    click.option("--since", metavar="DATE",
                 help="Only photos taken then or later: 2024, 2024-07 or 2024-07-01. Photos that "
                      "do not say it go by the file's time."),
    click.option("--until", metavar="DATE", help="Only photos taken then or earlier."),
    click.option("--label", "labels", multiple=True, metavar="LABEL",
                 help="Only photos of which this label is true. May be repeated: all of them."),
    click.option("--under", multiple=True, metavar="LABEL",
                 help="Only photos of which this label is true, or one below it. May be repeated: "
                      "all of them."),
    click.option("--min-confidence", type=options.Finite(0, 1), metavar="P",
                 help="How probable such labels are at least, from 0 to 1. Default: 0.8."),
)
output = options.stack(
    options.output_formats(jsonl="A JSON record a query.", paths="Paths alone, a line each.",
                           paths0="Paths alone, a NUL behind each, as for xargs -0."),
    click.option("--open", "opens", is_flag=True,
                 help="Show a contact sheet in the browser as well."),
    click.option("--sheet", type=click.Path(path_type=Path), metavar="FILE",
                 help="Write the contact sheet, one HTML file, here."),
    click.option("--force", is_flag=True, help="Replace the file of --sheet."),
    click.option("--thumbnails", is_flag=True,
                 help="Show the photos in the terminal, if it shows pictures (kitty, sixel, "
                      "iTerm2)."),
)


@click.command("search")
@click.argument("words", nargs=-1, metavar="WORDS")
@query_options
@order
@which
@output
@options.catalogue
@options.model_and_vocabulary
@options.language
@options.common
def command(words: tuple[str, ...], images: tuple[str, ...], plus: tuple[str, ...],
            minus: tuple[str, ...], queries: str | None, output_format: str | None,
            opens: bool, sheet: Path | None, force: bool, thumbnails: bool, quiet: bool,
            verbose: bool, debug: bool, **others: Any) -> int:
    """Find the photos that WORDS describe, a word or a sentence, among those that are indexed.

    \b
      zsl search "two dogs playing in the snow"
      zsl search --image beach.jpg --top 50 --open
      zsl search --image blue_car.jpg --minus blue --plus red
      zsl search cat --since 2023 --path 'Holidays*' --paths0 | xargs -0 cp -t cats
    """
    _check_output(output_format, sheet, force=force, thumbnails=thumbnails)
    cpus.one_blas_thread()
    asked = list(_queries(words, images, plus, minus, queries))
    from zsl_cli.photos.search.request import SearchRequest
    from zsl_cli.photos.search.searching import search

    if queries is not None and output_format is None and not thumbnails:
        output_format = "jsonl"
    request = SearchRequest(asked, **others)
    kept: list[SearchResult] = []
    counts: Counter[str] = Counter()
    with _Terminal().shown(quiet) as terminal:
        for result in search(request, terminal):
            terminal.end()
            if not thumbnails:
                _print(result, output_format, titled=len(asked) > 1)
            counts.update(failed=result.error is not None, gone=result.gone,
                          empty=not (result.error or result.hits))
            if opens or thumbnails or sheet is not None:
                kept.append(result)
    if thumbnails:  # now that nothing else draws on the terminal, which is asked what it shows
        for result in kept:
            _print(result, None, titled=len(asked) > 1, thumbnails=True)
    _tell(counts, len(asked))
    if (opens or sheet is not None) and counts["failed"] < len(asked):
        _show(kept, sheet, opens=opens)
    if counts["failed"] == len(asked):
        return 2
    return int(bool(counts["failed"]) or terminal.incomplete)


def _check_output(output_format: str | None, sheet: Path | None, *, force: bool,
                  thumbnails: bool) -> None:
    """Raise click.UsageError or ZslError for what can't be shown or written in the end."""
    if str(sheet) == "-":
        raise click.UsageError("--sheet is a file, and not standard output; give another name")
    if sheet is not None:
        files.check_new_file(sheet, force=force, parameter="sheet")
    elif force:
        raise click.UsageError("--force is for --sheet")
    if thumbnails and not sys.stdout.isatty():
        raise click.UsageError("--thumbnails is for a terminal; --open and --sheet are for others")
    if thumbnails and output_format:
        raise click.UsageError(f"--thumbnails is for people, not for --{output_format}")


def _tell(counts: "Counter[str]", queries: int) -> None:
    if counts["gone"]:
        printing.note(f"{counted(counts['gone'], 'photo')} left out, deleted or moved since; zsl "
                      "index brings the catalogue up to date")
    if counts["empty"] and queries == 1:
        printing.note("no photo is found")


class _Terminal(TerminalReporter, Reporter):
    """Shows how the index over many photos is made, what labels were taken for, and which
    libraries are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.incomplete = False

    def left_out(self, line: str) -> None:
        """Tell it, and remember that not all was searched."""
        self.incomplete = True
        super().left_out(line)

    def loaded(self, classifier: "Classifier", nearest: "Nearest") -> None:
        """Tell what a label of the filters was taken to mean."""
        meanings.say(classifier, (), nearest)


def _queries(words: Sequence[str], images: Sequence[str], plus: Sequence[str],
             minus: Sequence[str], file: str | None) -> "Iterator[Query]":
    from zsl_cli.photos.search.request import Query, term_of

    said = " ".join(words)
    if words and not said.strip():
        raise click.UsageError("an empty query finds nothing: give words, or --image PHOTO")
    first: list[Term] = [] if not words else [term_of(said)]
    more: list[Term] = [*map(Path, images), *map(term_of, plus)]
    less: list[Term] = [*map(term_of, minus)]
    if file is None:
        if not first and not more:
            raise click.UsageError("nothing to search for: give words, or --image PHOTO")
        yield Query((*first, *more), tuple(less))
        return
    if words:
        raise click.UsageError("give WORDS or --queries, not both")
    for line in _lines(file):
        yield Query((term_of(line), *more), tuple(less))


def _lines(file: str) -> list[str]:
    """The lines of ``--queries`` that are not empty."""
    from zsl_cli.support.text_lists import text_of

    if file == "-" and sys.stdin is None:
        raise click.UsageError("--queries -: standard input is closed")
    try:
        with click.open_file(file, "rb") as opened:
            text = text_of(opened.read(), f"--queries {file}")
    except OSError as error:
        raise click.UsageError(f"--queries {file}: {error.strerror or error}") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise click.UsageError(f"--queries {file}: there is no query in it")
    return lines


def _print(result: "SearchResult", output_format: str | None, *, titled: bool,
           thumbnails: bool = False) -> None:
    from zsl_cli.classifier.predictions import to_json

    if result.error is not None:
        named = titled and result.query.text not in str(result.error)
        said = f"{result.query.text}: " if named else ""
        printing.say(f"{said}{as_options(str(result.error))}")
    if output_format == "jsonl":
        printing.put_bytes(to_json(result.record()) + b"\n")
    elif output_format is not None:
        end = b"\n" if output_format == "paths" else b"\0"
        printing.put_bytes(b"".join(os.fsencode(hit.path) + end for hit in result.hits))
    elif result.error is None:
        if titled:
            printing.put(result.query.text)
        if thumbnails:
            _put_pictures(result)
        else:
            printing.put_table(_COLUMNS, list(_rows(result)))


def _rows(result: "SearchResult") -> Iterator[list[str]]:
    for rank, hit in enumerate(result.hits, start=1):
        alike = f"  (+{len(hit.alike)} alike)" if hit.alike else ""
        yield [str(rank), f"{hit.score:.3f}", hit.path + alike, hit.date]


def _put_pictures(result: "SearchResult") -> None:
    from zsl_cli.cli.terminal import pictures
    from zsl_cli.photos.search.sheet import thumbnail

    for hit, row in zip(result.hits, _rows(result), strict=True):
        pictures.put(thumbnail(hit.path))
        printing.put("  ".join(row))


def _show(results: "Iterable[SearchResult]", sheet: Path | None, *, opens: bool) -> None:
    """Write the contact sheet, to a temporary place unless another is given, and open it."""
    from zsl_cli.photos.search import sheet as sheets

    if sheet is None:
        handle, name = tempfile.mkstemp(prefix="zsl-search-", suffix=".html")
        os.close(handle)
        sheet = Path(name)
    try:
        with files.replacing(sheet) as file:
            sheets.write(file, results)
    except OSError as error:
        raise files.cannot_write(sheet, error) from error
    if not opens:
        return
    import webbrowser

    if not webbrowser.open(sheet.absolute().as_uri()):
        printing.say(f"no browser can be opened; the contact sheet is {sheet}")
