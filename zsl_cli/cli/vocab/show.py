"""``zsl vocab show``: what a manifest says, or all about one label."""

from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import folder_commands, notes, options, printing
from zsl_cli.cli.vocab.neighbours import table
from zsl_cli.support import folders
from zsl_cli.support.wording import more

if TYPE_CHECKING:
    from zsl_cli.vocabulary.about import About

_CHILDREN = 20  # that are printed
_NEIGHBOURS = 8


@click.command("show")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("--label", metavar="LABEL", help="Show this label: its name, a synonym or its id.")
@options.language
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@options.common
def command(name: str, label: str | None, language: str | None, as_json: bool, quiet: bool,
            verbose: bool, debug: bool) -> None:
    """What a vocabulary's manifest says, or all about one label."""
    if label is None and language is not None:
        raise click.UsageError("--language is for --label")
    if label is None:
        folder_commands.show(folders.VOCABULARY, name, as_json)
        return
    from zsl_cli.classifier.predictions import label_record
    from zsl_cli.vocabulary.about import about
    from zsl_cli.vocabulary.vocabulary import Vocabulary
    from zsl_cli.vocabulary.words.meaning import Term, neighbours
    from zsl_cli.vocabulary.words.spoken import spoken

    vocabulary = Vocabulary.load(name, language=language)
    match = vocabulary.find(label)
    if not quiet:
        notes.say_untranslated(vocabulary)
        notes.say_senses(vocabulary, [match], every=True)
    nearest = neighbours(vocabulary, (Term(1, match.text, (match,)),), _NEIGHBOURS)
    known = about(vocabulary, match.row)
    if as_json:
        printing.put_json({**_record(known), "vocabulary": vocabulary.name, "neighbours": [
            label_record(spoken(vocabulary, vocabulary.label(row)), score)
            for row, score in nearest]})
        return
    for line in _lines(known):
        printing.put(line)
    printing.put("neighbours  cosine")
    for line in table(vocabulary, nearest):
        printing.put(f"    {line}")


def _record(known: "About") -> dict[str, Any]:
    from zsl_cli.classifier.predictions import label_record

    label = known.label
    return {**label_record(label), **({"other_names": list(known.others)} if known.others else {}),
            "synonyms": list(label.synonyms), "gloss": label.gloss,
            "seen": label.seen, "paths": [list(path) for path in known.paths],
            "children": [label_record(child) for child in known.children]}


def _lines(known: "About") -> list[str]:
    from zsl_cli.classifier.predictions import PATH_SEPARATOR

    label = known.label
    children = [child.name for child in known.children]
    rest = [f"and {more(len(children) - _CHILDREN)}"] if len(children) > _CHILDREN else []
    values = [("id", label.id), ("name", label.name), ("also", ", ".join(known.others)),
              ("synonyms", ", ".join(label.synonyms)),
              ("gloss", label.gloss),
              ("seen", "yes, the model's CNN was trained on images of it" if label.seen else "no"),
              *(("path", PATH_SEPARATOR.join(path)) for path in known.paths),
              ("children", ", ".join([*children[:_CHILDREN], *rest]) or "none")]
    return [f"{name:10}  {value}" for name, value in values if value]
