"""``zsl teach``: a label learns from photos."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.photos.reporter import Reporter
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted, listed, printable

if TYPE_CHECKING:
    from zsl_cli.photos.teaching.result import Learnt, Remark, TeachResult

_NAMED = 10  # labels, photos and remarks
_WEAK = 0.5  # of the lessons of a label, found without themselves


@click.command("teach")
@click.argument("label", required=False, metavar="LABEL")
@click.argument("photos", nargs=-1, metavar="PHOTO...")
@click.option("--under", multiple=True, metavar="LABEL",
              help="LABEL is a new label that lies under this one, unless there is one of its name "
                   "there. May be repeated.")
@click.option("--new", is_flag=True,
              help="What is no label becomes one that lies under nothing.")
@click.option("--not", "denied", multiple=True, metavar="LABEL",
              help="The photos do not show this. May be repeated. Without a LABEL of their own, "
                   "photos are only not this.")
@click.option("--synonym", "synonyms", multiple=True, metavar="NAME",
              help="LABEL is called so, too. May be repeated.")
@click.option("--from", "source", type=options.NonEmpty(), metavar="FILE|FOLDER",
              help="Many corrections: class folders, or a CSV or JSONL file with the columns photo "
                   "and label and, if need be, shows (yes or no) and under.")
@click.option("--from-xmp", "sidecars", type=options.NonEmpty(), multiple=True,
              metavar="FOLDER|PHOTO",
              help="What was added to the keywords that zsl label --xmp wrote, and what was taken "
                   "out, in digiKam, Lightroom or darktable. Words that are no labels are left "
                   "out, but with --new. May be repeated.")
@click.option("--into", type=options.NonEmpty(), metavar="NAME|FOLDER",
              help="The taught vocabulary. Default: mine.")
@click.option("--json", "as_json", is_flag=True, help="What came of it as one JSON object.")
@options.model_and_vocabulary
@options.reading
@options.common
def command(label: str | None, photos: tuple[str, ...], source: str | None, as_json: bool,
            quiet: bool, verbose: bool, debug: bool, **others: Any) -> int:
    """Correct a label once: LABEL learns from each PHOTO, a file, a folder or a pattern.

    What is learnt goes into a vocabulary of your own over the one in use; --vocab mine, or
    ZSL_VOCAB=mine, has the other commands use it.

    \b
      zsl teach ukulele IMG_2041.jpg --not violin
      zsl teach Rufus rufus1.jpg rufus2.jpg --under dog
      zsl teach --from corrections/
      zsl teach --from-xmp ~/Pictures
      zsl classify photo.jpg --vocab mine
    """
    cpus.one_blas_thread()
    if label is not None and others["denied"] and (
            os.path.isfile(label) if photos else os.path.exists(label)):
        photos, label = (label, *photos), None
    from zsl_cli.photos.teaching.request import TeachRequest
    from zsl_cli.photos.teaching.teaching import teach

    request = TeachRequest(label, photos, source=source, **others)
    with _Terminal().shown(quiet) as terminal:
        result = teach(request, terminal)
    for path, error in result.failures:
        printing.say(f"{path}: {as_options(str(error))}")
    if as_json:
        printing.put_json(_record(result))
    else:
        for line in _lines(result):
            printing.put(line)
    if not quiet:
        for remark in result.remarks[:None if verbose else _NAMED]:
            printing.say(_said(remark))
        for line in _advice(result):
            printing.note(line)
    if not result.labels and result.failures:
        return 2
    return int(not result.ok)


class _Terminal(TerminalReporter, Reporter):
    """Shows how photos are read."""


def _lines(result: "TeachResult") -> Iterator[str]:
    for learnt in result.labels[:_NAMED]:
        yield _line(learnt)
    if len(result.labels) > _NAMED:
        yield f"and {len(result.labels) - _NAMED:,} more labels"
    if not result.labels:
        yield ("nothing new" if not result.failures else "nothing was taught")
    if not result.lessons:
        return
    cost = result.cost
    yield (f"{result.name}: {counted(result.lessons, 'lesson')} over {result.base}; of 1,000 "
           f"photos of other labels that were right about {1000 * cost:.0f} "
           f"{'is' if round(1000 * cost) == 1 else 'are'} not any more"
           + (f" ({1000 * result.cost_before:.0f} before)" if result.cost_before else ""))


def _line(learnt: "Learnt") -> str:
    parts = [f"{learnt.name} ({learnt.id}{', new' if learnt.is_new else ''})",
             counted(learnt.shows, "photo") if learnt.shows else ""]
    text = ": ".join(filter(None, parts))
    if learnt.denies:
        text += f"{',' if learnt.shows else ':'} not in {counted(learnt.denies, 'photo')}"
    if learnt.tried:
        text += f"; left out, {learnt.found:,} of {learnt.tried:,} would be found"
    if not learnt.added:
        text += f": also called {', '.join(learnt.synonyms)}"
    return text


def _said(remark: "Remark") -> str:
    what = {"twice": "the same photo as {other}, which is taught already",
            "contradiction": "nearly the same photo as {other}, which was taught as "
                             "{other_label!r}; one of the two may be wrong",
            "outlier": "unlike the other photos of {label!r}; does it show that?",
            "replaced": "the earlier lesson, that it says the opposite of, is replaced"}
    text = what[remark.kind].format(other=remark.other_photo, label=remark.label,
                                    other_label=remark.other_label)
    return f"{remark.photo} ({remark.label}): {text}"


def _advice(result: "TeachResult") -> Iterator[str]:
    if result.known:
        yield f"{counted(result.known, 'lesson')} {'was' if result.known == 1 else 'were'} known"
    if result.unknown:
        words = sorted(result.unknown, key=lambda word: (-result.unknown[word], word))
        yield (f"left out, since {'it is no label' if len(words) == 1 else 'they are no labels'}: "
               f"{listed(list(map(printable, words)), _NAMED)}; --new teaches such words, too")
    if result.left_out:
        yield (f"{counted(result.left_out, 'lesson')} of another model or of a label that is not "
               "there count for nothing; zsl lessons rebuild takes them over")
    weak = [one.name for one in result.labels if one.tried and one.found < _WEAK * one.tried]
    if weak:
        yield f"{', '.join(weak[:_NAMED])}: few of the photos find each other; more would help"
    if result.is_new:
        yield (f"made {result.folder}; --vocab {result.name} uses it, ZSL_VOCAB={result.name} "
               "makes it the default")


def _record(result: "TeachResult") -> dict[str, Any]:
    return {"vocabulary": result.name, "folder": str(result.folder), "base": result.base,
            "lessons": result.lessons, "known": result.known, "left_out": result.left_out,
            "unknown": dict(result.unknown),
            "cost": round(result.cost, 5), "cost_before": round(result.cost_before, 5),
            "labels": [{"id": one.id, "label": one.name, "path": list(one.path),
                        "new": one.is_new, "added": one.added, "shows": one.shows,
                        "denies": one.denies, "found": one.found, "tried": one.tried,
                        "synonyms": list(one.synonyms)}
                       for one in result.labels],
            "remarks": [{"kind": one.kind, "photo": one.photo, "label": one.label,
                         **({"other_photo": one.other_photo, "other_label": one.other_label}
                            if one.other_photo else {})} for one in result.remarks],
            "failures": [{"path": path, "error": {"kind": error.kind, "message": error.plain}}
                         for path, error in result.failures]}
