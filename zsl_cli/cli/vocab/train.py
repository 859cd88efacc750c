"""``zsl vocab train``: word vectors from plain text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_training.training import WordTrainingResult
    from zsl_cli.authoring.vocabularies.wordnet import WordNet

_PATH = click.Path(path_type=Path)


@click.command("train")
@click.argument("corpus", type=_PATH)
@click.option("-o", "--output", type=options.NonEmpty(Path), required=True, metavar="FOLDER",
              help="The vocabulary folder to write.")
@click.option("--dimension", type=click.IntRange(2, 4096), default=300, show_default=True,
              metavar="D", help="Of the vectors.")
@click.option("--window", type=click.IntRange(1, 1000), default=20, show_default=True,
              metavar="N", help="The most words to each side of a word that it is to predict.")
@click.option("--loss", type=click.Choice(["negative", "hierarchical"]), default="negative",
              show_default=True, help="Negative sampling, or hierarchical softmax.")
@click.option("--negative", type=click.IntRange(1, 100), default=5, show_default=True,
              metavar="N", help="Noise words a word, for negative sampling.")
@click.option("--sample", type=options.Finite(0, 1), default=1e-5, show_default=True, metavar="F",
              help="Words more frequent than this share of the text are often skipped; 0 skips "
                   "none.")
@click.option("--epochs", type=click.IntRange(1, 1000), default=5, show_default=True,
              metavar="N", help="How often the text is gone through.")
@click.option("--learning-rate", type=options.Finite(0, 1, min_open=True), default=0.025,
              show_default=True, metavar="R", help="At the start; it falls to nearly 0.")
@click.option("--phrases/--no-phrases", default=True, show_default=True,
              help="Whether words that often stand together become one, up to four.")
@click.option("--phrase-threshold", type=options.Finite(0), default=100.0, show_default=True,
              metavar="S", help="The least score of a phrase; a lower one joins more.")
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True, metavar="N",
              help="Words that occur less often are left out.")
@click.option("--max-words", type=click.IntRange(2, 20_000_000), default=155_000,
              show_default=True, metavar="N", help="How many words to keep, the most frequent.")
@click.option("--centre/--no-centre", default=True, show_default=True,
              help="Whether the mean of all vectors is taken away from each at the end.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
              metavar="N", help="With --workers 1, the same seed gives the same vectors, bit for "
                                "bit, on the same machine.")
@click.option("-j", "--workers", type=click.IntRange(1, 1024), metavar="N",
              help="Threads. Default: the usable cores.")
@click.option("--save-every", type=options.Finite(0, min_open=True), default=5.0, show_default=True,
              metavar="MINUTES", help="How often the training is saved, to go on after a crash.")
@options.wordnet
@options.sources("the manifest")
@click.option("--restart", is_flag=True, help="Throw away what an unfinished training has done.")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.hnsw_parameters
@options.common
def command(corpus: Path, output: Path, dimension: int, window: int, loss: Any, negative: int,
            sample: float, epochs: int, learning_rate: float, phrases: bool,
            phrase_threshold: float, min_count: int, max_words: int, centre: bool, seed: int,
            workers: int | None, save_every: float, wordnet: Path | None, sources: Path | None,
            restart: bool, force: bool, m: int | None, ef_construction: int | None,
            ef: int | None, quiet: bool, verbose: bool, debug: bool) -> None:
    """Train skip-gram word vectors on a corpus of plain text.

    CORPUS is a UTF-8 text file, plain or compressed (gzip, bzip2, xz), or a folder of such
    files, which are read in the order of their names. A line is a paragraph or a sentence: words of
    different lines have nothing to do with one another.

    Interrupted or killed, the command goes on where it was when it is run again. Until it is done
    it keeps its work beside the output, in .NAME.zsl-training.

    Standard output gets one line, with --quiet too: how the vectors agree with WordNet (Spearman
    correlation). Without WordNet's files it stays empty.
    """
    from zsl_cli.authoring.vocabularies.word_training import prepare, skipgram, training
    from zsl_cli.authoring.vocabularies.wordnet import WordNet

    # better an error now than in an hour
    nouns = None if wordnet is None else WordNet(wordnet)
    request = training.WordTrainingRequest(
        corpus, output,
        prepare.Settings(min_count, max_words, phrase_threshold if phrases else None),
        skipgram.Settings(dimension, window, loss, negative, sample, epochs, learning_rate, seed),
        centre=centre, workers=workers, save_every=60 * save_every,
        force=force, restart=restart, hnsw=options.read_hnsw(m, ef_construction, ef),
        sources=options.read_sources(sources))
    with TerminalReporter().shown(quiet) as reporter:
        try:
            result = training.train(request, reporter)
        except KeyboardInterrupt:
            if training.is_unfinished(output):
                printing.note("interrupted; run the same command again to go on")
            raise
        printing.note(f"wrote {output}: {counted(len(result.words), 'word')}, "
                      f"{counted(dimension, 'dimension')}")
        reporter.start("comparing with WordNet")
        try:
            line, missing = _agreement(result, nouns), None
        except ZslError as error:
            line, missing = None, as_options(str(error))
        except KeyboardInterrupt:
            printing.note(f"interrupted; {output} is whole, only the comparison with WordNet was "
                          "stopped")
            raise
    if line is None:
        printing.note(f"the vectors are not compared with WordNet: {missing}")
    else:
        printing.put(line)


def _agreement(result: "WordTrainingResult", nouns: "WordNet | None") -> str:
    """How the vectors agree with WordNet, by default with that which lies in a usual place; in
    words. Raises ZslError where there is no WordNet."""
    from zsl_cli.authoring.vocabularies import wordnet

    agreement = result.agreement(nouns or wordnet.load(None))
    if agreement is None:
        return "too few of the words are nouns that WordNet knows to compare the vectors with it"
    return str(agreement)
