"""Figures as tables, for people, and as JSON and CSV, for programs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zsl_cli.evaluation.mistakes import KINDS
from zsl_cli.support import spreadsheet
from zsl_cli.support.spreadsheet import safe

Row = dict[str, Any]

NOTHING = "–"
"""Where there is nothing to be said."""


@dataclass(frozen=True)
class Table:
    """A table to look at: a heading, what it shows, the names of the columns, and the lines. The
    first ``texts`` columns are text and the others numbers."""

    heading: str
    note: str
    columns: list[str]
    lines: list[list[str]]
    texts: int


def tables(rows: Sequence[Row], ks: Sequence[int], *, narrow: bool = False) -> list[Table]:
    """What there is to be said of these rows; a table that would be empty is left out, but for
    that of hits.

    ks: rising.
    narrow: with the interval of the first k alone, so that a line fits into a terminal.
    """
    columns = [("model", lambda row: row["model"])]
    if len({(row["model"], row["vocabulary"]) for row in rows}) > len(
            {row["model"] for row in rows}):
        columns.append(("vocabulary", lambda row: row["vocabulary"]))
    columns.append(("candidates", lambda row: row["candidates"]))
    if any(row["stacking"] is not None for row in rows):
        columns.append(("stacking", _stacking))
    texts = len(columns)
    columns += [("labels", lambda row: f"{row['labels']:,}"),
                ("images", lambda row: f"{row['images']:,}")]
    of_images, of_classes, precision = ([f"{name}@{k}" for k in ks]
                                        for name in ("hit", "class_hit", "hp"))
    first, chance = of_images[0], f"chance@{ks[0]}"

    def table(heading: str, note: str, figures: "list[tuple[str, Callable[[Row], str]]]",
              among: Sequence[Row] = rows) -> Table:
        shown = [*columns, *figures]
        return Table(heading, note, [name for name, _ in shown],
                     [[value(row) for _, value in shown] for row in among], texts)

    def hits(names: list[str]) -> "list[tuple[str, Callable[[Row], str]]]":
        return [(name.removeprefix("class_"),
                 (_plain if narrow and name != names[0] else _with_interval)(name)[1])
                for name in names]

    few = f" {NOTHING}: fewer labels than k." if any(
        ks[-1] > row["labels"] for row in rows) else ""
    note = "In brackets: 95 % bootstrap interval." + few
    parts = [
        table("Flat hit@k, mean over images", note, [*hits(of_images), _plain(chance)]),
        table("Flat hit@k, mean over classes", note, hits(of_classes))]
    if any(row[precision[0]] is not None for row in rows):
        parts.append(table("Hierarchical precision@k",
                           "DeViSE, section 4; mean over images." + few,
                           [_plain(name) for name in precision]))
    if both := [row for row in rows if row["ausuc"] is not None]:
        parts.append(table(
            f"Seen and unseen classes, {first}",
            "Mean over classes, and their harmonic mean; AUSUC is the area under the curve of "
            "unseen over seen classes for all constants of stacking.",
            [(name, _with_interval(f"{name}_{first}")[1])
             for name in ("seen", "unseen", "harmonic")] + [("AUSUC", _plain("ausuc")[1])], both))
    parts.append(table(
        "Confidence, and how wrong answers are wrong",
        "ECE: expected calibration error. Shares of the wrong first answers that lie above, below "
        "or beside the right label.",
        [("ECE", _plain("ece")[1]), ("median rank", lambda row: f"{row['median_rank']:,g}"),
         *((kind, _plain(f"wrong_{kind}")[1]) for kind in KINDS)]))
    if of_keywords := [row for row in rows if row.get("keyword_right") is not None]:
        confidence = of_keywords[0]["confidence"]
        parts.append(table(
            f"Keywords at confidence {confidence:g}",
            "The first keyword of each image, mean over classes. Right: the label, above or below "
            "it, or no keyword. Information: what it keeps of the label's (Deng et al., 2012). "
            "Error: calibration error, of the first score, then of confidence. AURC: mean risk up "
            "to the greatest coverage.",
            [("right", _with_interval("keyword_right")[1]),
             ("information", _with_interval("keyword_information")[1]),
             ("none", _plain("keyword_refused")[1]),
             ("error, score", _plain("calibration_error_of_score")[1]),
             ("error", _plain("calibration_error")[1]), ("AURC", _plain("aurc")[1]),
             ("coverage", _plain("coverage")[1])], of_keywords))
    return parts


def _stacking(row: Row) -> str:
    if row["stacking"] is None:
        return NOTHING
    return f"{row['stacking']:.4g}" + (" (best)" if row["stacking_chosen"] else "")


def _plain(name: str) -> "tuple[str, Callable[[Row], str]]":
    return name, lambda row: share(row[name])


def _with_interval(name: str) -> "tuple[str, Callable[[Row], str]]":
    return name, lambda row: with_interval(row, name)


def with_interval(row: Row, name: str) -> str:
    """A figure of a row from 0 to 1, its interval in brackets."""
    if row[name] is None:
        return NOTHING
    ends = (share(row[f"{name}_{end}"]).removeprefix("0") for end in ("low", "high"))
    return f"{share(row[name])} ({'–'.join(ends)})"


def share(value: float | None) -> str:
    """A number from 0 to 1 as tables show it."""
    if value is None:
        return NOTHING
    return f"{value:.3f}" if value == 0 or value >= 0.0005 else f"{value:.1g}"


def to_markdown(shown: Sequence[Table]) -> str:
    """The tables in Markdown, with their headings."""
    parts = []
    for table in shown:
        head = [table.columns, [":--" if at < table.texts else "--:"
                                for at in range(len(table.columns))]]
        lines = ["| " + " | ".join(_escaped(cell) for cell in line) + " |"
                 for line in [*head, *table.lines]]
        parts.append("\n".join([f"**{table.heading}.** {table.note}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _escaped(cell: str) -> str:
    for character in "\\|<>*`[]_":
        cell = cell.replace(character, "\\" + character)
    return cell


def to_csv(rows: Sequence[Row]) -> str:
    """A line for each row, a column for each figure; texts that a spreadsheet would run as a
    formula get an apostrophe before them."""
    cells = [[safe(value) if isinstance(value, str) else value
              for value in (_rounded(row).get(name) for name in rows[0])] for row in rows]
    return spreadsheet.to_csv([list(rows[0]), *cells])


def to_json(rows: Sequence[Row], **about: Any) -> str:
    """``{"rows": […]}`` and what else there is to be said."""
    return json.dumps({"rows": [_rounded(row) for row in rows], **about}, indent=2,
                      ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(row: Row) -> Row:
    return {name: round(value, 6) if isinstance(value, float) else value
            for name, value in row.items()}
