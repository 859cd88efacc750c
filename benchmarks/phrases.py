"""Prints how well the map of phrases does for labels that it was not fitted to.

    python benchmarks/phrases.py [--data ../shared/data]

The map is fitted anew without the classes of objects-unseen and all labels that share a name with
one of them; then their names are encoded as phrases. Needs the extra vocab and all-MiniLM-L6-v2
(scripts/rebuild-default says how), and some minutes. benchmarks/accuracy.py measures the map that
is in the default model, which was fitted to all labels.
"""

import argparse
from pathlib import Path

import numpy as np
from accuracy import embed, read_set

from zsl_cli import Classifier
from zsl_cli.authoring.vocabularies import sentences
from zsl_cli.authoring.vocabularies.classifier_fit import phrases
from zsl_cli.evaluation.metrics import class_mean_hit_at_k


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--text-encoder", type=Path)
    options = parser.parse_args()
    classifier = Classifier.load(device="cpu")
    vocabulary = classifier.vocabulary
    paths, truth = read_set(options.data / "objects-unseen", vocabulary)
    embeddings = embed(classifier.model, paths)
    classes = np.unique(truth)

    spelled = phrases.spell(vocabulary.labels)
    held = {*classes.tolist()}
    held |= {row for rows in spelled.shared if held & {*rows} for row in rows}
    names = [", ".join((label.name, *label.synonyms)) for label in vocabulary.labels]
    described = [f"{name}: {label.gloss}"
                 for name, label in zip(names, vocabulary.labels, strict=True)]
    encoder = sentences.find_model(options.text_encoder)
    vectors = [sentences.encode(part, encoder)
               for part in (spelled.names, spelled.with_articles, names, described)]
    meaning = np.asarray(vocabulary.vectors[:, :vocabulary.prior_dimension], np.float32)
    prior = np.array([vocabulary.prior(row) for row in range(len(vocabulary))], np.float32)
    prior *= embeddings[0, vocabulary.prior_dimension] / classifier.model.calibration.temperature
    found = phrases.fit(
        phrases.texts_of(spelled, *vectors[:2], names=vectors[2], described=vectors[3],
                         without=held),
        meaning, prior, spelled.shared, phrases.Settings())

    print("| what | measured |\n| --- | --- |")
    for what, form in (("", "{}"), (", with an article", "a {}")):
        texts = [form.format(vocabulary.label(row).name) for row in classes]
        scores = embeddings[:, :meaning.shape[1]] @ found(sentences.encode(texts, encoder)).T
        ranked = classes[(-scores).argsort(axis=1)]
        figures = ", ".join(f"hit@{k} {class_mean_hit_at_k(ranked, truth, k):.3f}"
                            for k in (1, 5))
        print(f"| objects-unseen, its own classes as phrases{what}, and the map fitted without "
              f"{len(held)} labels | {figures} |")


if __name__ == "__main__":
    main()
