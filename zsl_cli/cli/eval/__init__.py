"""``zsl eval``: how good models are on a labelled set of images, or on captions."""

import math
import time
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.eval import figures, kinds
from zsl_cli.cli.terminal import notes, options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter, duration
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.support.limits import KS, MAX_RESAMPLES, MAX_SEED, MAX_TOP, SENTENCES
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zsl_cli.embedding.feature_cache import Features
    from zsl_cli.evaluation.measure import Subject
    from zsl_cli.vocabulary.names.label import Match
    from zsl_cli.vocabulary.vocabulary import Vocabulary


def _read_ks(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        ks = [0]
    if ks[0] < 1 or ks[-1] > MAX_TOP:
        raise click.BadParameter(f"{text!r}: whole numbers from 1 to {MAX_TOP}, separated by "
                                 "commas, are expected")
    return tuple(ks)


def _read_stacking(_ctx: click.Context, _param: click.Parameter,
                   texts: tuple[str, ...]) -> tuple[float | str, ...]:
    constants: list[float | str] = []
    for text in texts:
        try:
            value = text if text == "best" else float(text)
        except ValueError:
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            raise click.BadParameter(f"{text!r}: a number, or best, is expected")
        constants.append(value)
    return tuple(dict.fromkeys(constants))


@click.command("eval")
@click.argument("dataset", metavar="DATASET", required=False)
@click.option("--model", "models", multiple=True, metavar="NAME|FOLDER",
              help="A model to evaluate; may be repeated. Default: default.")
@click.option("--vocab", "vocabularies", multiple=True, metavar="NAME|FOLDER",
              help="The labels: once for all models, or once for each, in the same order. "
                   "Default: as zsl classify chooses it.")
@options.device
@click.option("--candidates", multiple=True, metavar="own|all|unseen|unseen+seen|FILE",
              help="The labels that may be answered; may be repeated. own: the set's classes; "
                   "all: the whole vocabulary; unseen: those of own that the model was not "
                   "trained on; unseen+seen: the same and all that it was trained on; or a file "
                   "with a label a line. Default: own and all.")
@click.option("--seen", metavar="FILE",
              help="The labels that the model was trained on, one a line. Default: what the "
                   "vocabulary says.")
@click.option("--stacking", multiple=True, callback=_read_stacking, metavar="GAMMA|best",
              help="Also with this constant taken off the scores of seen labels (calibrated "
                   "stacking); best is that of the best harmonic mean on these very images. May "
                   "be repeated.")
@click.option("--k", "ks", default=",".join(map(str, KS)), show_default=True, callback=_read_ks,
              metavar="K,K", help="The k of hit@k and of hierarchical precision@k; with --captions "
                                  "of Recall@k, there 1,5,10 by default.")
@click.option("--resamples", type=click.IntRange(1, MAX_RESAMPLES), default=1000, show_default=True,
              metavar="N", help="Of the bootstrap, for the intervals.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True,
              metavar="N", help="What the bootstrap draws from.")
@click.option("--confidence", type=options.Finite(0, 1), metavar="P",
              help="Also what comes of keywords that are at least so sure, from 0 to 1: share "
                   "right, information kept, calibration, risk over coverage. With --words that "
                   "of precision and recall; there it is 0.8 by default.")
@click.option("--captions", type=options.NonEmpty(), metavar="FILE",
              help="In the place of DATASET: images and sentences that describe them. How well the "
                   "sentence finds its photo, and the photo its sentences: Recall@k and median "
                   "rank. A CSV file with the columns image and caption, Flickr's token file, or "
                   "the JSON of COCO or Karpathy.")
@click.option("--sentences", multiple=True, type=click.Choice(SENTENCES),
              help="With --captions: how sentences get their vectors; may be repeated. Default: "
                   "the first of these that the model and its vocabulary allow.")
@click.option("--words", type=options.NonEmpty(), metavar="FILE",
              help="In the place of DATASET: the same files, for several things in each image: "
                   "the confidence of everyday words is compared with what the captions say.")
@click.option("--images", type=options.NonEmpty(), metavar="FOLDER",
              help="With --captions and --words: where the paths of images begin. Default: the "
                   "file's folder.")
@click.option("--split", metavar="NAME",
              help="With --captions and --words: only the lines that have this in the column "
                   "split.")
@click.option("--most", type=click.IntRange(1), metavar="N",
              help="With --words: how many words, the most frequent first. Default: 30.")
@click.option("--word", "asked", multiple=True, metavar="LABEL",
              help="With --words: this word; may be repeated. Default: the most frequent.")
@options.output_formats(json="All figures as one JSON object.", csv="All figures as CSV.",
                        markdown="The tables as Markdown.")
@click.option("--report", type=options.NonEmpty(), metavar="FILE",
              help="Write a page to look at, too: one HTML file with plots and photos. It replaces "
                   "a page of zsl eval.")
@click.option("--force", is_flag=True, help="Let it replace any file.")
@click.option("--no-cache", is_flag=True,
              help="Read all images, and keep nothing for the next time.")
@options.reading
@options.common
@click.pass_context
def command(context: click.Context, output_format: str | None, report: str | None, force: bool,
            quiet: bool, verbose: bool, debug: bool, **values: Any) -> int:
    """Measure models on DATASET: a folder with a folder for each class, named by its label, or a
    CSV file with the columns path and label; or on images and their captions, with --captions
    search by sentences, with --words the things that these name.

    \b
      zsl eval photos/
      zsl eval photos/ --confidence 0.9
      zsl eval --captions captions.csv --images photos/
      zsl eval --words captions.csv --images photos/
      zsl eval photos/ --candidates unseen --candidates unseen+seen --stacking best
      zsl eval photos/ --model a --vocab va --model b --vocab vb --markdown
      zsl eval photos/ --report photos.html --json > photos.json
    """
    started = time.perf_counter()
    evaluation = kinds.evaluation(context, values)
    if report is not None:
        from zsl_cli.evaluation import page_parts

        page_parts.check_place(report, force=force)
    with _Terminal().shown(quiet) as reporter:
        result = evaluation(reporter)
    try:
        figures.write(result, output_format)
    finally:  # the page is wanted, too, where the reader of the figures has gone
        if report is not None:
            result.write_page(report, force=force)
    printing.detail(duration(time.perf_counter() - started))
    return int(not result.ok)


class _Terminal(TerminalReporter, Reporter):
    """Tells what is used and what does not count, too."""

    def left_out(self, lines: "Sequence[str]", kind: str) -> None:
        """Tell the first ones."""
        notes.say_uncounted(lines, kind)

    def understood(self, vocabulary: "Vocabulary", classes: "Iterable[Match]") -> None:
        """Tell of names with several senses."""
        notes.say_senses(vocabulary, classes)

    def embedded(self, subject: "Subject", features: "Features") -> None:
        """Tell what is used."""
        printing.detail(f"model {subject.name} on {subject.classifier.model.device}, vocabulary "
                        f"{subject.vocabulary_name}, {counted(len(features.kept), 'image')}, "
                        f"{features.cached:,} of them from the cache")
