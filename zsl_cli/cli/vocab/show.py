"""``zsl vocab show``: what a manifest says, or all about one label."""

import json
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import folder_commands, notes, options
from zsl_cli.cli.vocab.neighbours import table
from zsl_cli.support import folders
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_CHILDREN = 20  # that are printed
_NEIGHBOURS = 8


@click.command("show")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("--label", metavar="LABEL", help="Show this label: its name, a synonym or its id.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@options.common
def command(name: str, label: str | None, as_json: bool, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """Everything that a vocabulary's manifest says, or all about one label."""
    if label is None:
        folder_commands.show(folders.VOCABULARY, name, as_json)
        return
    from zsl_cli.classifier.meaning import Term, neighbours
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(name)
    match = vocabulary.find(label)
    if not quiet:
        notes.say_senses(vocabulary, [match])
    found = neighbours(vocabulary, (Term(1, match.text, (match,)),), _NEIGHBOURS)
    about = _about(vocabulary, match.row)
    if as_json:
        click.echo(json.dumps({**about, "neighbours": [
            {**_named(vocabulary, row), "score": round(score, 6)} for row, score in found]},
            indent=2, ensure_ascii=False))
        return
    for line in _lines(about):
        click.echo(printable(line))
    click.echo("neighbours  cosine")
    for line in table(vocabulary, found):
        click.echo(f"    {line}")


def _named(vocabulary: "Vocabulary", row: int) -> dict[str, Any]:
    return {"id": vocabulary.label(row).id, "label": vocabulary.label(row).name}


def _about(vocabulary: "Vocabulary", row: int) -> dict[str, Any]:
    label, hierarchy = vocabulary.label(row), vocabulary.hierarchy
    paths = [[vocabulary.label(above).name for above in hierarchy.lineage(parent)]
             for parent in hierarchy.parents(row)]
    return {"id": label.id, "label": label.name, "synonyms": list(label.synonyms),
            "gloss": label.gloss, "seen": label.seen,
            "paths": [[*path, label.name] for path in paths] or [[label.name]],
            "children": [_named(vocabulary, child) for child in hierarchy.children(row)],
            "vocabulary": vocabulary.name}


def _lines(about: dict[str, Any]) -> list[str]:
    from zsl_cli.classifier.predictions import PATH_SEPARATOR

    children = [child["label"] for child in about["children"]]
    more = [f"and {len(children) - _CHILDREN:,} more"] if len(children) > _CHILDREN else []
    values = [("id", about["id"]), ("name", about["label"]),
              ("synonyms", ", ".join(about["synonyms"])), ("gloss", about["gloss"]),
              ("seen", "yes, the model's CNN was trained on images of it" if about["seen"]
               else "no"),
              *(("path", PATH_SEPARATOR.join(path)) for path in about["paths"]),
              ("children", ", ".join([*children[:_CHILDREN], *more]) or "none")]
    return [f"{name:10}  {value}" for name, value in values if value]
