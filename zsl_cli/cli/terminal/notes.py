"""Notes on standard error that several commands give."""

import logging
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.support import folders
from zsl_cli.support.wording import counted, listed, more

if TYPE_CHECKING:
    from collections import Counter

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.vocabulary.names.label import Label, Match
    from zsl_cli.vocabulary.search.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_UNCOUNTED = 5  # examples of a kind that are named
_KINDS = {"raw": "raw file", "jxl": "JPEG XL file"}  # that need an extra, by the extra


class _Relay(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        printing.say(as_options(record.getMessage()))


def relay() -> None:
    """Say from now on what the library logs, such as that it builds an index."""
    log = logging.getLogger("zsl_cli")
    log.handlers = [_Relay(logging.INFO)]
    log.setLevel(logging.INFO)
    log.propagate = False


def say_untranslated(vocabulary: "Vocabulary", nearest: "Nearest | None" = None) -> None:
    """Tell how many labels, of those that may be answered under a name that is not the user's own,
    have none in the language."""
    from zsl_cli.vocabulary.search.subset import Subset
    from zsl_cli.vocabulary.words.spoken import untranslated

    rows = nearest.unnamed if isinstance(nearest, Subset) else None
    if missing := untranslated(vocabulary, rows):
        printing.note(missing)


def passed_over(counts: "Counter[str]") -> Iterator[str]:
    """What lies in the folders and was not read (Walk.passed_over), a line a kind."""
    from zsl_cli.embedding.walk import LINK

    for kind, count in counts.items():
        if kind == LINK:
            context = click.get_current_context()
            way = ("; --follow-links follows them" if "follow_links" in context.params else "")
            yield f"{counted(count, 'symbolic link')} not followed{way}"
        else:
            yield (f"{counted(count, _KINDS[kind])} not read: pip install 'zsl-cli[{kind}]'")


def say_uncounted(lines: Sequence[str], kind: str) -> None:
    """Tell what of a labelled set does not count, the first things of a kind or with ``--verbose``
    all of them (a Report of evaluation.left_out)."""
    shown = lines if printing.asked("verbose") else lines[:_UNCOUNTED]
    for line in shown:
        printing.say(as_options(line))
    if len(lines) > len(shown):
        printing.say(f"and {more(len(lines) - len(shown), kind)} (--verbose names them all)")


def say_senses(vocabulary: "Vocabulary", matches: "Iterable[Match]", *,
               every: bool = False) -> None:
    """Tell which sense a name with several was taken to have, once for each label, where that is in
    doubt, or in ``every`` case."""
    said = set()
    for match in matches:
        doubt = every or in_doubt(vocabulary, match.text, match.row, match.others)
        if match.others and doubt and match.row not in said:
            said.add(match.row)
            others = listed([_sense(vocabulary.label(row)) for row in match.others],
                            separator="; ")
            printing.note(f"{match.text} taken as {_sense(vocabulary.label(match.row))}. Others, "
                          f"by id: {others}")


def in_doubt(vocabulary: "Vocabulary", text: str, row: int, others: Sequence[int]) -> bool:
    """Whether a text may well mean another label than that of this row: one that has it for a plain
    word, too, or any where the label itself does not."""
    from zsl_cli.vocabulary.names.name_index import alike

    def is_plain(row: int) -> bool:
        return any(alike(text, word) for word in vocabulary.label(row).plain)

    return bool(others) and (not is_plain(row) or any(map(is_plain, others)))


def say_composed(vocabulary: "Vocabulary", phrase: str, rows: Iterable[int]) -> None:
    """Tell of which labels, by their rows, a phrase was composed."""
    printing.note(composed(vocabulary, phrase, rows))


def composed(vocabulary: "Vocabulary", phrase: str, rows: Iterable[int]) -> str:
    """Of which labels, by their rows, a phrase was composed."""
    words = " + ".join(vocabulary.name_of(vocabulary.label(row)) for row in rows)
    return f"{phrase!r} is no label of vocabulary {vocabulary.name}, so composed: {words}"


def _sense(label: "Label") -> str:
    return f"{label.id} ({shorten(label.gloss or label.name, 60)})"


def say_default_rule(model: Path) -> None:
    """Tell of a model that was just made how its confidences would be fitted, where they are
    not."""
    rule = folders.read_manifest(folders.MODEL, model).confidence
    if not rule.fitted_on:
        printing.note(f"confidences are by {rule.origin}: zsl models calibrate "
                      f"{shlex.quote(str(model))} PHOTOS --force fits them")


def say_what_is_used(classifier: "Classifier", nearest: "Nearest") -> None:
    """Tell the model, its device, the vocabulary and the kind of search."""
    from zsl_cli.vocabulary.search.nearest import Hnsw

    search = "hnsw" if isinstance(nearest, Hnsw) else "exact"
    model = classifier.model
    device = model.device if model.is_open else "no device yet"
    printing.detail(f"model {model.name} on {device}, vocabulary "
                    f"{classifier.vocabulary.name}, {search} search")
