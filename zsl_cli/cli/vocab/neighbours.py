"""``zsl vocab neighbours``: what is near to a label, or to a sum of labels, by meaning."""

from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import notes, options, printing
from zsl_cli.support.spreadsheet import safe

if TYPE_CHECKING:
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary
    from zsl_cli.vocabulary.words.meaning import Term


@click.command("neighbours")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@options.vocabulary
@options.language
@click.option("-k", "--top", type=click.IntRange(1, options.MAX_TOP), default=10,
              show_default=True, metavar="K", help="How many labels, at most 1000.")
@options.output_formats(jsonl="One JSON object, in a line.", json="One JSON object.",
                        csv="CSV, a row a label.")
@options.common
def command(words: tuple[str, ...], vocabulary: str, language: str | None, top: int,
            output_format: str | None, quiet: bool, verbose: bool, debug: bool) -> None:
    """The labels whose meaning is nearest to that of a WORD.

    WORD is a name, a synonym or an id. With + and - between blanks, sums of labels; the
    labels of the sum are left out of the answer. What is no label is composed of its words.

    \b
      zsl vocab neighbours tabby
      zsl vocab neighbours kitchen cat
      zsl vocab neighbours "king - man + woman" --vocab vocab/wiki

    The scores are cosines. A label prior, which a vocabulary may have, does not count.
    """
    from zsl_cli.vocabulary.vocabulary import Vocabulary
    from zsl_cli.vocabulary.words.meaning import neighbours, read_sum

    labels = Vocabulary.load(vocabulary, language=language)
    terms = read_sum(labels, " ".join(words))
    nearest = neighbours(labels, terms, top)
    if not quiet:
        notes.say_untranslated(labels)
        notes.say_senses(labels, [match for term in terms for match in term.matches],
                         every=True)
        for term in terms:
            if len(term.matches) > 1:
                notes.say_composed(labels, term.text, term.rows)
    if output_format is None:
        for line in table(labels, nearest):
            printing.put(line)
    elif output_format == "csv":
        from zsl_cli.classifier.predictions import DIGITS

        rows = [(rank, safe(labels.label(row).id), safe(labels.name_of(labels.label(row))),
                 f"{score:.{DIGITS}f}")
                for rank, (row, score) in enumerate(nearest, start=1)]
        printing.put_csv([("rank", "id", "label", "score"), *rows])
    else:
        printing.put_json(_record(labels, terms, nearest),
                          indent=2 if output_format == "json" else None)


def table(vocabulary: "Vocabulary", nearest: list[tuple[int, float]]) -> list[str]:
    """Lines for people: rank, cosine, name, and where the name has several senses the id and what
    it means."""
    from zsl_cli.vocabulary.words.spoken import spoken

    lines = []
    for rank, (row, score) in enumerate(nearest, start=1):
        label = spoken(vocabulary, vocabulary.label(row))
        sense = f"  ({label.id}) {label.gloss}" if label.ambiguous else ""
        lines.append(f"{rank:4}  {score:6.3f}  {label.name}{sense}")
    return lines


def _record(vocabulary: "Vocabulary", terms: "tuple[Term, ...]",
            nearest: list[tuple[int, float]]) -> dict[str, Any]:
    from zsl_cli.classifier.predictions import label_record
    from zsl_cli.vocabulary.words.spoken import spoken

    def of(row: int) -> "Label":
        return spoken(vocabulary, vocabulary.label(row))

    def meant(term: "Term") -> dict[str, Any]:
        labels = [label_record(of(row)) for row in term.rows]
        return labels[0] if len(labels) == 1 else {"phrase": term.text, "words": labels}

    return {"terms": [{"sign": "+" if term.sign > 0 else "-", **meant(term)} for term in terms],
            "labels": [label_record(of(row), score) for row, score in nearest],
            "vocabulary": vocabulary.name}
