"""Notes on standard error that several commands give."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.support.wording import counted, listed, more, quoted

if TYPE_CHECKING:
    from collections import Counter

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.vocabulary.label import Label, Match
    from zsl_cli.vocabulary.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_PHRASES = 5  # that a note names
_UNCOUNTED = 5  # examples of a kind that are named
_LOOKED_AT = 200  # for names that are spelt alike
_KINDS = {"raw": "raw file", "jxl": "JPEG XL file"}  # that need an extra, by the extra
_LONGEST = 200  # characters of a phrase that may be a name


class _Relay(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        printing.say(as_options(record.getMessage()))


def relay() -> None:
    """Say from now on what the library logs, such as that it builds an index."""
    log = logging.getLogger("zsl_cli")
    log.handlers = [_Relay(logging.INFO)]
    log.setLevel(logging.INFO)
    log.propagate = False


def say_meanings(classifier: "Classifier", labels: Sequence[str], under: Sequence[str],
                 nearest: "Nearest") -> None:
    """Tell which sense a name with several was taken to have, which of the labels lie elsewhere
    than under what was asked for, and which are phrases that the model encoded or that were
    composed; without a vocabulary all are, which goes without saying.

    nearest: what ``classifier.candidates`` made of the labels and of ``under``.
    """
    if not labels and not under:
        return
    from zsl_cli.vocabulary.listed import meaning
    from zsl_cli.vocabulary.phrases import compose
    from zsl_cli.vocabulary.subset import Subset

    vocabulary = classifier.vocabulary
    known = [match for label in labels if (match := meaning(label, vocabulary))]
    say_senses(vocabulary, [*known, *map(vocabulary.find, under)])
    if known and isinstance(nearest, Subset):
        say_left_out([match.text for match in known if match.row not in nearest])
    phrases = nearest.phrases if isinstance(nearest, Subset) else ()
    if phrases and not classifier.model.encodes_phrases:
        for phrase in phrases[:_PHRASES]:
            say_composed(vocabulary, phrase, compose(vocabulary, phrase))
    elif phrases and len(vocabulary):
        printing.note(f"not in vocabulary {vocabulary.name}, so encoded as phrases: "
                      + listed(_with_near_names(vocabulary, phrases), _PHRASES))


def say_untranslated(vocabulary: "Vocabulary", nearest: "Nearest | None" = None) -> None:
    """Tell how many labels, of those that may be answered, have no name in the language."""
    from zsl_cli.vocabulary.spoken import untranslated
    from zsl_cli.vocabulary.subset import Subset

    rows = nearest.of_vocabulary if isinstance(nearest, Subset) else None
    if missing := untranslated(vocabulary, rows):
        printing.note(missing)


def say_left_out(labels: Sequence[str]) -> None:
    """Tell which labels of the user's list are no candidates."""
    if labels:
        context = click.get_current_context()
        limits = [option for name, option in (("under", "--under"), ("max_depth", "--max-depth"))
                  if context.params.get(name) not in (None, ())]
        printing.note(f"left out by {' and '.join(limits)}: "
                      + listed([quoted(label) for label in labels], _PHRASES))


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


def _with_near_names(vocabulary: "Vocabulary", phrases: Sequence[str]) -> list[str]:
    """Each phrase quoted, with the names that are nearly spelt so; what may be a slip comes
    first."""
    from zsl_cli.vocabulary.label import normal_name

    near = [vocabulary.spelling.like(normal_name(phrase)[:_LONGEST])
            for phrase in phrases[:_LOOKED_AT]]
    near += [[] for _ in phrases[_LOOKED_AT:]]
    said = [quoted(phrase) + (f" (a name near it: {', '.join(like)})" if like else "")
            for phrase, like in zip(phrases, near, strict=True)]
    return [said[place] for place in sorted(range(len(said)), key=lambda place: not near[place])]


def say_senses(vocabulary: "Vocabulary", matches: "Iterable[Match]") -> None:
    """Tell which sense a name with several was taken to have, once for each label."""
    said = set()
    for match in matches:
        if match.others and match.row not in said:
            said.add(match.row)
            others = listed([_sense(vocabulary.label(row)) for row in match.others],
                            separator="; ")
            printing.note(f"{match.text} taken as {_sense(vocabulary.label(match.row))}. Others, "
                          f"by id: {others}")


def say_composed(vocabulary: "Vocabulary", phrase: str, rows: Iterable[int]) -> None:
    """Tell of which labels, by their rows, a phrase was composed."""
    words = " + ".join(vocabulary.name_of(vocabulary.label(row)) for row in rows)
    printing.note(f"{phrase!r} is no label of vocabulary {vocabulary.name}, so composed: {words}")


def _sense(label: "Label") -> str:
    return f"{label.id} ({shorten(label.gloss or label.name, 60)})"


def say_what_is_used(classifier: "Classifier", nearest: "Nearest") -> None:
    """Tell the model, its device, the vocabulary and the kind of search."""
    from zsl_cli.vocabulary.nearest import Hnsw

    search = "hnsw" if isinstance(nearest, Hnsw) else "exact"
    printing.detail(f"model {classifier.model.name} on {classifier.model.device}, vocabulary "
                    f"{classifier.vocabulary.name}, {search} search")
