"""Predictions as a table, JSONL, JSON or CSV."""

import importlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zsl_cli.cli.terminal import printing
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

    from zsl_cli.classifier.keyword_rule import KeywordRule
    from zsl_cli.classifier.predictions import PathOf, Prediction, ScoredLabel

_BAR_WIDTH = 20
_CONFIDENCE_WIDTH = 10
_PHRASE = "  phrase"
_BETWEEN = " · "  # keywords
_PROBABLE = 0.05  # a label that is less probable is not worth naming

_NARROW_FOR_PATHS = 100  # columns; below, the bar gives way to the path
_NARROW = 50  # columns; below, the bar gives way to the label
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def warm_up(output_format: str | None) -> None:
    """Import on another thread what ``write`` will need, while a model is being loaded."""
    if output_format is None:
        threading.Thread(target=_import_rich, daemon=True).start()


def _import_rich() -> None:
    for module in ("rich.console", "rich.table", "rich.text"):
        importlib.import_module(module)


def write(predictions: Iterable["Prediction"], output_format: str | None, model: str,
          vocabulary: str, path_of: "PathOf | None" = None,
          rule: "KeywordRule | None" = None) -> Iterator["Prediction"]:
    """Print predictions as they come, and hand each on once it is printed.

    path_of: see predictions.record; then labels are printed with their paths.
    rule: by which they have keywords, if they have any.

    The bytes of a path that is not UTF-8 survive: as ``\\udcXX`` escapes in JSON, as themselves
    in CSV.
    """
    if output_format is None:
        yield from _write_tables(predictions, path_of, rule)
    elif output_format == "csv":
        yield from _write_csv(predictions, path_of, keywords=rule is not None)
    else:
        records = ((prediction, prediction.record(model, vocabulary, path_of))
                   for prediction in predictions)
        yield from (_write_array if output_format == "json" else _write_lines)(records)


def _write_lines(records: "Iterable[tuple[Prediction, dict[str, Any]]]") -> Iterator["Prediction"]:
    from zsl_cli.classifier.predictions import to_json

    for prediction, record in records:
        printing.put_bytes(to_json(record) + b"\n")
        yield prediction


def _write_array(records: "Iterable[tuple[Prediction, dict[str, Any]]]") -> Iterator["Prediction"]:
    from zsl_cli.classifier.predictions import to_json

    before = b"[\n"
    for prediction, record in records:
        printing.put_bytes(before + to_json(record))
        before = b",\n"
        yield prediction
    printing.put_text("[]\n" if before == b"[\n" else "\n]\n")


def _write_csv(predictions: Iterable["Prediction"], path_of: "PathOf | None", *,
               keywords: bool) -> Iterator["Prediction"]:
    from zsl_cli.classifier.predictions import csv_header, csv_lines

    printing.put_csv([csv_header(paths=path_of is not None, keywords=keywords)])
    for prediction in predictions:
        printing.put_text(csv_lines(prediction, path_of=path_of, keywords=keywords))
        yield prediction


def _write_tables(predictions: Iterable["Prediction"], path_of: "PathOf | None",
                  rule: "KeywordRule | None") -> Iterator["Prediction"]:
    console = printing.console()
    for prediction in predictions:
        if prediction.error is None:
            least = _NARROW_FOR_PATHS if path_of else _NARROW
            bars = console.width >= least + (_CONFIDENCE_WIDTH if rule else 0)
            console.print(table(prediction, rule, bars=bars, path_of=path_of))
        yield prediction


def table(prediction: "Prediction", rule: "KeywordRule | None" = None, *, bars: bool = True,
          path_of: "PathOf | None" = None) -> Any:
    """A rich table: the keywords, where ``rule`` chose any, and below them rank, label (with
    ``path_of`` its path), what it means where the name alone is ambiguous, score, bar, and with
    keywords the confidence."""
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(prediction.path), style="bold")
    if rule:
        title = Text("\n").join([title, _keywords(prediction, rule)])
    grid = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False,
                 show_header=rule is not None, header_style="dim", expand=True)
    grid.add_column(justify="right", style="dim", width=4)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column("score", justify="right", width=5)
    if bars:
        grid.add_column(style="green", width=_BAR_WIDTH)
    if rule:
        grid.add_column("confidence", justify="right", width=_CONFIDENCE_WIDTH)
    for rank, scored in enumerate(prediction.labels, start=1):
        bar = [_bar(scored.score)] if bars else []
        label = _Path(path_of(scored.id), scored.phrase) if path_of else _label(scored)
        sure = [] if scored.confidence is None else [f"{scored.confidence:.3f}"]
        grid.add_row(str(rank), label, f"{scored.score:.3f}", *bar, *sure)
    if not prediction.labels:
        grid.add_row("", Text("no label reaches the threshold", style="italic"))
    return grid


def _keywords(prediction: "Prediction", rule: "KeywordRule") -> Any:
    """The keywords in a line, the broad before the specific; or that there is none, and which
    label is the most probable, if any is."""
    from rich.text import Text

    from zsl_cli.classifier.predictions import broad_first

    if prediction.keywords:
        words = [Text(printable(one.name), style="bold green")
                 for one in broad_first(prediction.keywords)]
        return Text(_BETWEEN, style="dim").join(words)
    said = f"no keyword at {rule.confidence:g}"
    best = max(prediction.labels, key=lambda scored: scored.confidence or 0.0, default=None)
    if best and best.confidence and best.confidence >= _PROBABLE:
        said += f"; most probable: {printable(best.name)} {best.confidence:.2f}"
    return Text(said, style="italic")


class _Path:
    """A path from the root to a label, as rich renders it: as much as fits, and behind it the mark
    of a phrase."""

    def __init__(self, names: Sequence[str], phrase: bool) -> None:
        self._names = [printable(name) for name in names]
        self._mark = _PHRASE if phrase else ""

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> Iterator[Any]:
        from rich.text import Text

        from zsl_cli.classifier.predictions import PATH_SEPARATOR

        shown = shortened(self._names, options.max_width - len(self._mark))
        path = Text(PATH_SEPARATOR, style="dim").join(
            [*(Text(name) for name in shown[:-1]), Text(shown[-1], style="bold")])
        yield path.append(self._mark, style="not bold dim italic")


def shortened(names: Sequence[str], width: int) -> list[str]:
    """A path of names as it fits into so many columns: ``…`` in the place of those below the
    root, then of the root too; the last name always stays."""
    from rich.cells import cell_len

    from zsl_cli.classifier.predictions import PATH_SEPARATOR

    def fits(shown: Sequence[str]) -> bool:
        return cell_len(PATH_SEPARATOR.join(shown)) <= width

    tries = [list(names)]
    tries += [[names[0], "…", *names[at:]] for at in range(2, len(names))]
    tries += [["…", *names[at:]] for at in range(2, len(names))]
    return next((shown for shown in tries if fits(shown)), list(names[-1:]))


def _label(scored: "ScoredLabel") -> Any:
    from rich.text import Text

    text = Text(printable(scored.name), style="bold")
    if scored.label.ambiguous:
        text.append(f"  {printable(scored.label.gloss)}", style="not bold dim")
    if scored.phrase:
        text.append(_PHRASE, style="not bold dim italic")
    return text


def _bar(score: float) -> str:
    full, rest = divmod(round(score * _BAR_WIDTH * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
