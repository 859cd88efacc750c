"""Prints how well sentences find photographs, and photographs sentences, as a Markdown table.

    python benchmarks/captions.py [--data ../shared/data] [--split val] [--model FOLDER ...]
                                  [--train]

--data: a folder flickr8k with captions.csv and images.
--split: only photographs of this split of captions.csv.
--model: trained models (see zsl train), each a row more; may be repeated.
--train: train a model with each sentence encoder on the split ``train``, each a row more: under
    half an hour on two cores.

Each row is a way of making the vector of a sentence, and each photograph one of all that are
ranked. The numbers of ``encoder+words`` were chosen on the split ``train``.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from zsl_cli import RetrievalRequest, evaluate_retrieval
from zsl_cli.authoring.training.captions import CaptionRequest, train_on_captions
from zsl_cli.authoring.training.captions.encoders import Lstm, Mean, Sum
from zsl_cli.support.limits import RECALL_KS


@dataclass(frozen=True)
class Row:
    """What is measured, and what the table calls it.

    model: by name or folder; way: one of SENTENCES, None for the best that the model has.
    """

    name: str
    model: str = "default"
    way: str | None = None


UNTRAINED = (
    Row("mean of the word vectors", way="mean"),
    Row("sum of the word vectors", way="sum"),
    Row("the default's own phrase encoder", way="encoder"),
    Row("the same and the words' vectors (the default)", way="encoder+words"),
)

TRAINED = {
    "mean of word vectors": CaptionRequest("", "", Mean()),
    "sum of word vectors": CaptionRequest("", "", Sum()),
    "LSTM": CaptionRequest("", "", Lstm()),
    "LSTM, hardest negatives": CaptionRequest("", "", Lstm(), hardest=True),
    "linear over the sentence encoder": CaptionRequest("", "", epochs=10, validation="none"),
}
"""Without its photographs. Words are learned with a tenth of these held out; how many epochs the
linear map takes was seen so once, and then it learns from all."""

PAPERS = (
    ("Kiros et al., 2014: LSTM, VGG-19; Flickr8k, 1,000 photographs",
     ("12.5", "37.0", "51.5", "10"), ("18.0", "40.9", "55.0", "8")),
)
"""What papers print, in per cent: image search, then image annotation, each Recall@1, 5, 10 and the
median rank."""

_QUERIES = ("sentence", "image")


def trained(name, request, data, folder):
    """Train a model, and the row that it is."""
    output = folder / name.replace(" ", "-").replace(",", "")
    train_on_captions(replace(request, captions=data / "flickr8k/captions.csv", output=output,
                              images=data / "flickr8k/images", split="train"))
    return Row(f"trained: {name}", output / "model")


def measured(row, data, split):
    """The figures of a row by what is asked, ``sentence`` or ``image``."""
    result = evaluate_retrieval(RetrievalRequest(
        data / "flickr8k/captions.csv", data / "flickr8k/images", split, models=row.model,
        sentences=row.way or ()))
    assert result.ok or row.way in ("mean", "sum"), result.left_out  # these need a known word
    return {found["query"]: found for found in result.rows}


def cells(found):
    """The cells of a measured row."""
    for query in _QUERIES:
        of_query = found[query]
        for k in RECALL_KS:
            low, high = (100 * of_query[f"recall@{k}_{end}"] for end in ("low", "high"))
            yield f"{100 * of_query[f'recall@{k}']:.1f} ({low:.0f}–{high:.0f})"
        yield f"{of_query['median_rank']:g}"


def by_chance(found):
    """The cells of a ranking at random."""
    for query in _QUERIES:
        yield from (f"{100 * found[query][f'chance@{k}']:.1f}" for k in RECALL_KS)
        yield f"{found[query]['chance_median_rank']:g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--train", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        rows = [*UNTRAINED, *(Row(f"trained: {Path(model).name}", model)
                              for model in options.model)]
        if options.train:
            rows += [trained(name, request, options.data, Path(work))
                     for name, request in TRAINED.items()]
        print_table(rows, options)


def print_table(rows, options):
    """Measure the rows, and print them between the headings and what is beside them."""
    figures = [f"R@{k}" for k in RECALL_KS]
    print("| sentences | " + " | ".join(
        [*(f"image search {name}" for name in figures), "median rank",
         *(f"annotation {name}" for name in figures), "median rank"]) + " |")
    print("|---|" + 2 * (len(figures) + 1) * "--:|")
    for row in rows:
        found = measured(row, options.data, options.split)
        print(f"| {row.name} | " + " | ".join(cells(found)) + " |", flush=True)
    print("| chance | " + " | ".join(by_chance(found)) + " |")
    for name, search, annotation in PAPERS:
        print(f"| {name} | " + " | ".join([*search, *annotation]) + " |")


if __name__ == "__main__":
    main()
