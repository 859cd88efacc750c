"""Prints how good the default model and vocabulary are, as a Markdown table.

    python benchmarks/accuracy.py [--data ../shared/data] [--float32 build/float32]

--data: folders objects-seen, objects-unseen, groceries/val, imagenet-sample of class folders
    named ``<WordNet id>_<name>``.
--float32: the default model exported without quantisation (scripts/rebuild-default makes it).
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from zsl_cli import Classifier, Model
from zsl_cli.embedding import images, stream
from zsl_cli.embedding.walk import images_in
from zsl_cli.evaluation.metrics import class_mean_hit_at_k, recall_at_k


def read_set(folder, vocabulary):
    """The images whose class the vocabulary has, and the rows of their classes."""
    pairs = [(path, vocabulary.rows.get(Path(path).parent.name.partition("_")[0]))
             for path in images_in(str(folder))]
    pairs = [pair for pair in pairs if pair[1] is not None]
    return [path for path, _ in pairs], np.array([row for _, row in pairs])


def embed(model, paths):
    """The embeddings of all paths; an unreadable one is an error here."""
    items = ((path, lambda m, p=path: m.read(p)) for path in paths)
    batches = list(stream.embed(model, items, jobs=2))
    assert not any(error for batch in batches for error in batch.errors)
    return np.concatenate([batch.embeddings for batch in batches])


def hits(nearest, embeddings, truth, ks):
    """``hit@k`` for each k, mean over classes."""
    ranked, _ = nearest.search(embeddings, max(ks))
    return ", ".join(f"hit@{k} {class_mean_hit_at_k(ranked, truth, k):.3f}" for k in ks)


def right_or_above(nearest, embeddings, truth, hierarchy):
    """The share of images whose first label is that of the class or lies above it."""
    first = nearest.search(embeddings, 1)[0][:, 0].tolist()
    return np.mean([row in hierarchy.descendants(top)
                    for row, top in zip(truth.tolist(), first, strict=True)])


def as_phrases(classifier, rows, chosen):
    """The search among these labels, the chosen ones as phrases that are encoded although the
    vocabulary knows them; and the row that it answers with for each label."""
    vocabulary = classifier.vocabulary
    names = [vocabulary.label(row).name for row in chosen]
    vectors = classifier.model.label_encoder.encode(names)
    known = sorted({*rows} - {*chosen})
    phrases = {f"{number} {name}": vector  # two labels may have one name
               for number, (name, vector) in enumerate(zip(names, vectors, strict=True))}
    answers = {row: row for row in known}
    answers |= {row: len(vocabulary) + place for place, row in enumerate(chosen)}
    return vocabulary.subset(known, prior=False, phrases=phrases), answers


def phrase_hits(classifier, embeddings, truth):
    """``hit@1`` with all classes as phrases, and with every other one, in turn: of the photographs
    of phrases and of known names."""
    classes = sorted(set(truth.tolist()))
    nearest, answers = as_phrases(classifier, classes, classes)
    ranked, _ = nearest.search(embeddings, 1)
    alone = class_mean_hit_at_k(ranked, np.array([answers[row] for row in truth]), 1)
    mixed = {"phrases": [], "names": []}
    for chosen in (classes[::2], classes[1::2]):
        nearest, answers = as_phrases(classifier, classes, chosen)
        ranked, _ = nearest.search(embeddings, 1)
        expected = np.array([answers[row] for row in truth])
        for what, among in (("phrases", np.isin(truth, chosen)),
                            ("names", ~np.isin(truth, chosen))):
            mixed[what].append(class_mean_hit_at_k(ranked[among], expected[among], 1))
    return (f"hit@1 {alone:.3f}; half of them as phrases: phrases {np.mean(mixed['phrases']):.3f}, "
            f"known names {np.mean(mixed['names']):.3f}")


def enlarged(path, shorter=3000):
    """The JPEG bytes of a photograph blown up to the size that cameras give."""
    with Image.open(path) as image:
        pixels = image.convert("RGB")
    scale = shorter / min(pixels.size)
    file = io.BytesIO()
    pixels.resize((round(pixels.width * scale), round(pixels.height * scale)),
                  Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    return file.getvalue()


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--float32", type=Path)
    options = parser.parse_args()
    classifier = Classifier.load(device="cpu")
    model, vocabulary = classifier.model, classifier.vocabulary
    everything = vocabulary.searcher(exact=True)

    def row(what, figures):
        print(f"| {what} | {figures} |", flush=True)

    print(f"Model {model.name} {model.manifest.version}, vocabulary {vocabulary.name}, "
          f"{len(vocabulary):,} labels. Hits are means over classes.\n")
    row("what", "measured")
    row("---", "---")
    sets = {name: read_set(options.data / name, vocabulary)
            for name in ("objects-seen", "objects-unseen", "groceries/val")}
    found = {name: embed(model, paths) for name, (paths, _) in sets.items()}
    for name, ks in (("objects-seen", (1, 5)), ("objects-unseen", (1, 5, 20)),
                     ("groceries/val", (1, 5))):
        truth = sets[name][1]
        row(f"{name}, {len(truth)} images of {len(set(truth))} classes, all labels",
            hits(everything, found[name], truth, ks))
    truth = sets["objects-unseen"][1]
    row("objects-unseen, its own classes as candidates",
        hits(vocabulary.subset(truth, prior=False), found["objects-unseen"], truth, (1, 5)))

    sample, sample_truth = read_set(options.data / "imagenet-sample", vocabulary)
    sample_found = embed(model, sample)
    row(f"imagenet-sample, {len(sample)} images, all labels (photographs of seen classes, "
        "probably seen in training)", hits(everything, sample_found, sample_truth, (1, 5))
        + "; the first is the class or above it "
        f"{right_or_above(everything, sample_found, sample_truth, vocabulary.hierarchy):.3f}")
    for name in ("objects-unseen", "objects-seen"):
        row(f"{name}, its own classes as phrases only",
            phrase_hits(classifier, found[name], sets[name][1]))
    row("imagenet-sample, the 1,000 classes as phrases only",
        phrase_hits(classifier, sample_found, sample_truth))
    queries = np.concatenate([*found.values(), sample_found])
    exact, _ = everything.search(queries, 10)
    approximate, _ = vocabulary.searcher(exact=False).search(queries, 10)
    row(f"HNSW against exact search, {len(queries)} embeddings of photographs, "
        f"ef {vocabulary.hnsw_parameters.ef}",
        f"recall@10 {recall_at_k(approximate, exact, 10):.4f}")
    top, _ = everything.search(sample_found, 1)
    if options.float32:
        full = embed(Model.load(options.float32, device="cpu"), sample)
        used = vocabulary.vectors.any(axis=0)  # slack dimensions would flatter the cosine
        a, b = (part[:, used] for part in (full, sample_found))
        cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
        row("int8 against float32, imagenet-sample",
            f"same top-1 {(everything.search(full, 1)[0] == top).mean():.3f}, mean cosine "
            f"{cosine.mean():.4f} in the dimensions that labels use")
    same = []
    for path in sample[::5]:
        data = enlarged(path)
        pixels = [images.load(data, model.preprocessing, reduced=reduced)
                  for reduced in (True, False)]
        ranked, _ = everything.search(model.embed_pixels(pixels), 1)
        same.append(ranked[0, 0] == ranked[1, 0])
    row(f"reduced-size decoding against plain, {len(same)} of imagenet-sample enlarged to "
        "3,000 pixels", f"same top-1 {np.mean(same):.3f}")


if __name__ == "__main__":
    main()
