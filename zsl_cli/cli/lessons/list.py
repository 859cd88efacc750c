"""``zsl lessons list``: what a taught vocabulary has learnt."""

from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.photos.teaching.overview import Overview, TaughtLabel

_HEAD = ("label", "id", "shown by", "not in", "last", "also called")
_STATES = {"changed": "has changed since; zsl lessons rebuild takes the lessons over",
           "gone": "is not there any more; the vocabulary works as it is"}


@click.command("list")
@click.argument("name", default="mine", metavar="[NAME|FOLDER]")
@click.option("--photos", is_flag=True, help="Each lesson: its photo, and when it was taught.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Each lesson as a JSON object a line.")
@options.common
def command(name: str, photos: bool, as_jsonl: bool, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """The labels that were taught something, and their lessons."""
    from zsl_cli.photos.teaching import overview

    found = overview.overview(name)
    if as_jsonl:
        for label in found.labels:
            for lesson in label.lessons:
                printing.put_json({
                    "id": label.id, "label": label.name, "shows": lesson.shows,
                    "path": lesson.path, "content": lesson.photo, "time": lesson.time},
                    indent=None)
        return
    if photos:
        printing.put_table(("label", "", "photo", "taught"), [
            (label.name, "" if lesson.shows else "not", lesson.path or lesson.photo, lesson.time)
            for label in found.labels for lesson in label.lessons])
    else:
        printing.put_table(_HEAD, [_row(label) for label in found.labels])
    _say(found)


def _row(label: "TaughtLabel") -> tuple[str, ...]:
    shows = sum(lesson.shows for lesson in label.lessons)
    return (label.name, label.id + (" (new)" if label.is_new else ""), f"{shows:,}",
            f"{len(label.lessons) - shows:,}",
            max((lesson.time for lesson in label.lessons), default="")[:10],
            ", ".join(label.synonyms))


def _say(found: "Overview") -> None:
    printing.note(f"{found.folder}: {counted(found.lessons, 'lesson')} over {found.base}, with "
                  f"model {found.model}")
    if found.base_state in _STATES:
        printing.note(f"vocabulary {found.base} {_STATES[found.base_state]}")
