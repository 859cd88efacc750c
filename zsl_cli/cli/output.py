"""Predictions as a table, JSONL, JSON or CSV."""

import csv
import importlib
import io
import json
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.classifier import Prediction, ScoredLabel

_BAR_WIDTH = 20
_NARROW = 50  # columns; below, the bar gives way to the label
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def printable(text: str) -> str:
    """Text with what would steer a terminal (control characters, bytes that are no UTF-8)
    written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def warm_up(output_format: str | None) -> None:
    """Import on another thread what ``write`` will need, while a model is being loaded."""
    if output_format is None:
        threading.Thread(target=_import_rich, daemon=True).start()


def _import_rich() -> None:
    for module in ("rich.console", "rich.table", "rich.text"):
        importlib.import_module(module)


def write(predictions: Iterable["Prediction"], output_format: str | None, model: str,
          vocabulary: str) -> Iterator["Prediction"]:
    """Print predictions as they come, and hand each on once it is printed.

    The bytes of a path that is not UTF-8 survive: as ``\\udcXX`` escapes in JSON, as themselves
    in CSV.
    """
    if output_format is None:
        yield from _write_tables(predictions)
    elif output_format == "csv":
        yield from _write_csv(predictions)
    else:
        yield from _write_json(predictions, model, vocabulary, array=output_format == "json")


def _put(text: str, errors: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", errors))
    sys.stdout.buffer.flush()


def _write_json(predictions: Iterable["Prediction"], model: str, vocabulary: str, *,
                array: bool) -> Iterator["Prediction"]:
    before = "[\n" if array else ""
    for prediction in predictions:
        line = json.dumps(prediction.record(model, vocabulary), ensure_ascii=False)
        _put(before + line + ("" if array else "\n"), "backslashreplace")
        before = ",\n" if array else ""
        yield prediction
    if array:
        _put("[]\n" if before == "[\n" else "\n]\n", "strict")


def _write_csv(predictions: Iterable["Prediction"]) -> Iterator["Prediction"]:
    def put(rows: list[tuple]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        _put(text.getvalue(), "surrogateescape")

    put([("path", "rank", "id", "label", "score", "error")])
    for prediction in predictions:
        if not prediction.labels:
            put([(prediction.path, "", "", "", "", str(prediction.error or ""))])
        put([(prediction.path, rank, found.id, found.name, f"{found.score:.6f}", "")
             for rank, found in enumerate(prediction.labels, start=1)])
        yield prediction


def _write_tables(predictions: Iterable["Prediction"]) -> Iterator["Prediction"]:
    from rich.console import Console

    console = Console(highlight=False)
    if console.width < 1:  # COLUMNS=0
        console = Console(highlight=False, width=80)
    for prediction in predictions:
        if prediction.error is None:
            console.print(table(prediction, bars=console.width >= _NARROW))
        yield prediction


def table(prediction: "Prediction", *, bars: bool = True) -> Any:
    """A rich table: rank, label, what it means where the name alone is ambiguous, score, bar."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=Text(printable(prediction.path), style="bold"), title_justify="left",
                 box=None, pad_edge=False, show_header=False, expand=True)
    grid.add_column(justify="right", style="dim", width=4)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(justify="right", width=5)
    if bars:
        grid.add_column(style="green", width=_BAR_WIDTH)
    for rank, found in enumerate(prediction.labels, start=1):
        bar = [_bar(found.score)] if bars else []
        grid.add_row(str(rank), _label(found), f"{found.score:.3f}", *bar)
    if not prediction.labels:
        grid.add_row("", Text("no label reaches the threshold", style="italic"))
    return grid


def _label(found: "ScoredLabel") -> Any:
    from rich.text import Text

    text = Text(printable(found.name), style="bold")
    if found.label.ambiguous:
        text.append(f"  {printable(found.label.gloss)}", style="not bold dim")
    return text


def _bar(score: float) -> str:
    full, rest = divmod(round(score * _BAR_WIDTH * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
