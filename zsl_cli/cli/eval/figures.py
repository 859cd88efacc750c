"""What ``zsl eval`` prints and writes."""

from typing import TYPE_CHECKING

from zsl_cli.cli.terminal import printing
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.evaluation.captions.words_result import WordsResult
    from zsl_cli.evaluation.result import EvaluationResult
    from zsl_cli.evaluation.tables import Table

_WIDE = 160  # columns, where there is no terminal


def say_differences(result: "EvaluationResult") -> None:
    """Tell when rows of one candidate set are of different images."""
    for name, numbers in result.differences:
        printing.note(f"{name}: the rows are of different images ("
                      + " and ".join(f"{number:,}" for number in numbers)
                      + "), since the vocabularies differ in the classes that they know or have as "
                      "seen")


def write(result: "EvaluationResult | WordsResult", output_format: str | None) -> None:
    """All figures on standard output. Raises OSError."""
    from zsl_cli.evaluation import tables

    if output_format is None:
        _print_tables(result.tables(narrow=True))
        return
    if output_format == "json":
        printing.put_text(result.to_json())
    elif output_format == "csv":
        printing.put_text(result.to_csv())
    else:
        printing.put_text(tables.to_markdown(result.tables()))


def _print_tables(shown: "Sequence[Table]") -> None:
    from rich.table import Table
    from rich.text import Text

    console = printing.console(_WIDE)
    for number, table in enumerate(shown):
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
