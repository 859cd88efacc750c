"""``zsl vocab build``: a vocabulary folder from word vectors."""

from pathlib import Path

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support.wording import counted

_PATH = click.Path(path_type=Path)


@click.command("build")
@click.argument("vectors", type=_PATH)
@click.option("-o", "--output", type=options.NonEmpty(Path), required=True, metavar="FOLDER",
              help="The vocabulary folder to write.")
@click.option("--labels", type=options.NonEmpty(), metavar="SOURCE",
              help="wordnet, wordnet:LABEL (what lies below it), imagenet-21k, imagenet-1k; or a "
                   "text file with a label a line, a .csv, .tsv or .jsonl with name and, if "
                   "wanted, id, synonyms, gloss, parents; or a folder of class folders. Default: "
                   "every word of the vectors.")
@click.option("--phrases", type=click.Choice(["auto", "token", "mean"]), default="auto",
              show_default=True,
              help="The vector of a label of several words: its own if there is one, else the "
                   "mean of its words'; only its own; only the mean.")
@click.option("--oov", type=click.Choice(["skip", "error", "subword"]), default="skip",
              show_default=True,
              help="What becomes of labels with unknown words; subword makes vectors of character "
                   "n-grams (fastText's .bin).")
@click.option("--merge", is_flag=True,
              help="Of labels with the same vector keep only the first; of WordNet's senses of a "
                   "word that is the most frequent one.")
@click.option("--limit", type=click.IntRange(1), metavar="N",
              help="Only the first N words of the vectors, most often the commonest.")
@click.option("--dtype", type=click.Choice(["float32", "float16"]), default="float32",
              show_default=True, help="float16 halves the folder and takes longer to load.")
@click.option("--persons", is_flag=True,
              help="Keep WordNet's labels of persons, many of them slurs or judgements.")
@click.option("--name", type=options.NonEmpty(), metavar="NAME",
              help="The vocabulary's name. Default: that of the folder.")
@click.option("--space", type=options.NonEmpty(), metavar="NAME",
              help="The identity of the vectors' space, which a model's must equal. Default: made "
                   "of the vectors themselves.")
@click.option("--member", metavar="FILE", help="The file in a zip archive that holds several.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of the words.")
@options.wordnet
@options.class_lists
@options.sources("the manifest")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.hnsw_parameters
@options.common
def command(vectors: Path, output: Path, labels: str | None, phrases: str, oov: str,
            merge: bool, limit: int | None, dtype: str, persons: bool, name: str | None,
            space: str | None, member: str | None, encoding: str, wordnet: Path | None,
            class_lists: Path | None, sources: Path | None, force: bool, m: int | None,
            ef_construction: int | None, ef: int | None, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """Build a vocabulary of labels that word VECTORS know.

    VECTORS is a file of word2vec (binary or text), GloVe or fastText (.vec or .bin), plain or
    compressed with gzip, bzip2, xz or zip; or a vocabulary, such as zsl vocab train makes.

    \b
      zsl vocab build glove.6B.300d.txt --labels wordnet -o vocab/glove
      zsl vocab build GoogleNews-vectors-negative300.bin.gz --limit 155000 -o vocab/news
      zsl vocab build cc.en.300.bin --labels birds.csv --oov subword -o vocab/birds
    """
    from zsl_cli.authoring.vocabularies.build import BuildRequest, build_vocabulary
    from zsl_cli.authoring.vocabularies.label_lists import Places

    options.check_encoding(encoding)
    request = BuildRequest(
        vectors, output, labels, Places(wordnet, class_lists), persons=persons, limit=limit,
        phrases=phrases, oov=oov, merge=merge, dtype=dtype, member=member, encoding=encoding,
        space=space, hnsw=options.read_hnsw(m, ef_construction, ef),
        sources=options.read_sources(sources), name=name, force=force)
    with TerminalReporter().shown(quiet) as reporter:
        result = build_vocabulary(request, reporter)
    report, manifest = result.report, result.manifest
    ways = [f"{count:,} {how}" for count, how in (
        (report.own, "with a vector of their own"), (report.mean, "the mean of their words'"),
        (report.subword, "of character n-grams")) if count]
    printing.note(f"wrote {output}: {counted(manifest.labels, 'label')} of "
                  f"{counted(manifest.dimension, 'dimension')} "
                  f"({', '.join(ways)}), space {manifest.space}")
