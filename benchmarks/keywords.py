"""Prints how good keywords and their confidence are, as a Markdown table.

    python benchmarks/keywords.py [--data ../shared/data] [--split val] [--sheet sheet.html]

--data: folders objects-seen, objects-unseen and groceries/val of class folders named ``<WordNet
    id>_<name>``, and flickr8k with captions.csv and images.
--split: only photographs of flickr8k that are of this split of captions.csv.
--sheet: also write a page of 60 photographs of flickr8k with their keywords, to look at: how many
    would you keep?

Figures of class folders are means over classes. What a photograph of flickr8k shows is what at
least one of its captions says (see evaluation/captions/caption_words.py).
"""

import argparse
from pathlib import Path

import numpy as np
from accuracy import read_set

from zsl_cli import Classifier
from zsl_cli.embedding import feature_cache
from zsl_cli.evaluation import captions, metrics, page_parts, selective
from zsl_cli.evaluation.candidates import Candidates, seen_mask
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.evaluation.captions.words import confidences_of, most_said
from zsl_cli.evaluation.ranking import rank
from zsl_cli.support.files import replacing
from zsl_cli.support.html_page import escaped, isolated
from zsl_cli.support.version import __version__

SETS = ("objects-seen", "objects-unseen", "groceries/val")
CONFIDENCE = 0.9
CONFIDENCES = (*(step / 50 for step in range(5, 50)), 0.99, 0.995, 0.999)
"""At which precision is looked for."""

ALONE = ("sunset", "red panda", "fire truck", "cake", "pizza", "banana", "guitar", "piano",
         "horse", "cat", "elephant", "airplane", "umbrella", "laptop", "candle", "bed", "castle",
         "lighthouse", "Christmas tree", "wheelchair")
"""Each of these alone as ``--labels``, on photographs that it is not in."""

PHOTOS = 200
SHEET = 60


def embed(classifier, paths):
    """The embeddings of all paths, kept in the cache; an unreadable one is an error here."""
    model = classifier.model
    features = feature_cache.embed(model, paths, identity=feature_cache.identity_of(model))
    assert not features.failed, features.failed
    return features.values


def evenly(number, size):
    """So many of ``range(size)``, spread evenly."""
    return np.unique(np.linspace(0, size - 1, min(number, size)).round().astype(int))


def keyword_figures(classifier, embeddings, truth):
    """What ``zsl eval --confidence`` measures, at CONFIDENCE and at what keywords have by
    default."""
    vocabulary = classifier.vocabulary
    everything = Candidates("all", np.arange(len(vocabulary)), whole=True)
    ranking = rank(classifier, embeddings, truth, everything, seen_mask(vocabulary), most=20)
    return ranking, [selective.measure(classifier, embeddings, truth, ranking, confidence).row
                     for confidence in (CONFIDENCE, 0.8)]


def told(classifier, evidence, kinds):
    """Of each image at each of CONFIDENCES whether one of its keywords is among these labels, for
    several sets of them; bool ``[sets, CONFIDENCES, n]``."""
    sets = [{classifier.vocabulary.label(row).id for row in rows} for rows in kinds]
    answers = np.empty((len(sets), len(CONFIDENCES), len(evidence.main)), bool)
    for at, confidence in enumerate(CONFIDENCES):
        for image, words in enumerate(classifier.keywords(evidence, confidence=confidence)):
            ids = {one.id for one in words}
            answers[:, at, image] = [not ids.isdisjoint(of_set) for of_set in sets]
    return answers


def at_precision(kept, there, least):
    """The most of the images with it that are told, among the confidences at which at least so
    many of those who are told have it; and that confidence and precision."""
    best = (0.0, None, None)
    for confidence, of_images in zip(CONFIDENCES, kept, strict=True):
        all_told = np.count_nonzero(of_images)
        precision = np.count_nonzero(of_images & there) / all_told if all_told else 0.0
        recall = np.count_nonzero(of_images & there) / np.count_nonzero(there)
        if precision >= least and recall > best[0]:
            best = (recall, confidence, precision)
    recall, confidence, precision = best
    return f"{recall:.0%}" + ("" if confidence is None else
                              f" (at {confidence:g}, precision {precision:.1%})")


def told_at(kept, there, confidence=0.8):
    """Share told and precision at one confidence."""
    of_images = kept[CONFIDENCES.index(confidence)]
    all_told = np.count_nonzero(of_images)
    right = np.count_nonzero(of_images & there)
    return (f"at {confidence:g} {right / np.count_nonzero(there):.0%}"
            + (f", precision {right / all_told:.1%}" if all_told else ""))


class Flickr:
    """The captioned photographs, their confidences and what the captions say."""

    def __init__(self, classifier, folder, split):
        self.classifier = classifier
        self.captioned = captions.read(folder / "captions.csv", folder / "images", split)
        self.embeddings = embed(classifier, self.captioned.paths)
        self.words = CaptionWords(classifier.vocabulary, ALONE)
        self.said = CaptionWords(classifier.vocabulary).of(self.captioned.captions)

    def there(self, rows):
        """Whether an image is said to show one of these labels."""
        return np.array([not said.isdisjoint(rows) for said in self.said.rows])

    def word_rows(self):
        """Person, and the 30 most frequent words for things and places."""
        person = self.words.row("person")
        things = self.words.everyday - self.words.people
        return [person, *most_said(self.said.own.items(), things, 30)]

    def lines(self):
        """(what, figures) of all lines that are measured on these photographs."""
        rows = self.word_rows()
        shown = confidences_of(self.classifier, self.embeddings, rows)
        there = np.array([[row in said for row in rows] for said in self.said.rows])
        precision = [metrics.average_precision(shown[:, at], there[:, at])
                     for at in range(len(rows))]
        errors = [metrics.equal_mass_error(shown[:, at].astype(float), there[:, at])
                  for at in range(len(rows))]
        label = self.classifier.vocabulary.label
        yield "flickr8k: person", f"AP {precision[0]:.3f}"
        yield ("flickr8k: the 30 most frequent things and places",
               f"mean AP {np.mean(precision[1:]):.3f} (" + ", ".join(
                   f"{label(row).word} {value:.2f}" for row, value in
                   zip(rows[1:], precision[1:], strict=True)) + ")")
        evidence = self.classifier.evidence(self.embeddings)
        dog = self.words.row("dog")
        of_people, of_dogs = self.there(self.words.people), self.there([dog])
        kept, kept_dog = told(self.classifier, evidence, [self.words.people, [dog]])
        yield (f"flickr8k: {np.count_nonzero(of_people)} photographs with people, a keyword for "
               "people at 95 % precision",
               f"{at_precision(kept, of_people, 0.95)}; {told_at(kept, of_people)}")
        yield (f"flickr8k: {np.count_nonzero(of_dogs)} photographs with dogs, the keyword \"dog\" "
               "at 97 % precision",
               f"{at_precision(kept_dog, of_dogs, 0.97)}; {told_at(kept_dog, of_dogs)}")
        yield ("flickr8k: calibration error of confidence",
               f"person {errors[0]:.3f}, mean of the 30 words {np.mean(errors[1:]):.3f}")
        yield from self.alone()

    def alone(self):
        """Each of ALONE as the only label, on photographs that it is not said to be in."""
        shares = {}
        for word in ALONE:
            row = self.words.row(word)
            without = np.flatnonzero(~np.array([row in said or any(
                word.casefold() in caption.casefold() for caption in texts) for said, texts in
                zip(self.said.rows, self.captioned.captions, strict=True)]))
            chosen = without[evenly(PHOTOS, len(without))]
            nearest = self.classifier.candidates([word])
            evidence = self.classifier.evidence(self.embeddings[chosen], nearest)
            shares[word] = float((evidence.confidences[:, 0] >= 0.8).mean())
        worst = sorted(shares, key=shares.get, reverse=True)[:3]
        photos = min(PHOTOS, len(self.captioned))
        yield (f"`--labels X` alone, {len(ALONE)} words × {photos} photographs without X, kept at "
               "0.8", f"{np.mean(list(shares.values())):.1%} (most: "
               + ", ".join(f"{word} {shares[word]:.0%}" for word in worst) + ")")

    def sheet(self, path, made):
        """A page of 60 photographs, spread evenly, with their keywords."""
        chosen = evenly(SHEET, len(self.captioned))
        evidence = self.classifier.evidence(self.embeddings[chosen])
        thumbnails = page_parts.Thumbnails()
        items = []
        for at, words in zip(chosen.tolist(), self.classifier.keywords(evidence), strict=True):
            shown = " · ".join(f"{isolated(one.name)} {one.confidence:.2f}" for one in words)
            caption = self.captioned.captions[at][0]
            photo = self.captioned.paths[at]
            items.append(f"<li>{thumbnails.of(photo)}<p><strong>{shown or '–'}</strong></p>"
                         f'<p class="file">{isolated(caption)}</p></li>')
        about = page_parts.About("flickr8k, keywords at 0.8", __version__, made, len(chosen))
        with replacing(path) as file:
            file.write(page_parts.document([
                page_parts.head(about), f"<p>{escaped('Below each: its first caption.')}</p>",
                f'<ul class="photos">{"".join(items)}</ul>']))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="default")
    parser.add_argument("--vocab")
    parser.add_argument("--split")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    classifier = Classifier.load(options.model, options.vocab, device="cpu", images=1000)
    vocabulary = classifier.vocabulary

    def row(what, figures):
        print(f"| {what} | {figures} |", flush=True)

    print(f"Model {classifier.model.name} {classifier.model.manifest.version}, vocabulary "
          f"{vocabulary.name}, {len(vocabulary):,} labels.\n")
    row("what", "measured")
    row("---", "---")
    errors = {}
    for name in SETS:
        paths, truth = read_set(options.data / name, vocabulary)
        embeddings = embed(classifier, paths)
        ranking, of_confidences = keyword_figures(classifier, embeddings, truth)
        errors[name] = of_confidences[0]
        for figures in of_confidences:
            row(f"{name}, first keyword at {figures['confidence']:g}",
                f"right {figures['keyword_right']:.3f}, information kept "
                f"{figures['keyword_information']:.3f}, none {figures['keyword_refused']:.3f}")
        row(f"{name}, risk over coverage", f"AURC {errors[name]['aurc']:.3f} up to coverage "
            f"{errors[name]['coverage']:.2f}")
        ks = (5, 20) if name == "objects-unseen" else (1,)
        if name == "objects-unseen":
            own = vocabulary.subset(truth, prior=False).search(embeddings, 1)[0]
            row(f"{name}, own classes by name",
                f"hit@1 {metrics.class_mean_hit_at_k(own, truth, 1):.3f}")
        row(f"{name}, all labels", ", ".join(
            f"hit@{k} {metrics.class_mean_hit_at_k(ranking.ranked, truth, k):.3f}" for k in ks))
    row("calibration error of the first score, and of confidence", "; ".join(
        f"{name} {of_set['calibration_error_of_score']:.3f}, {of_set['calibration_error']:.3f}"
        for name, of_set in errors.items()))
    flickr = Flickr(classifier, options.data / "flickr8k", options.split)
    for what, figures in flickr.lines():
        row(what, figures)
    if options.sheet:
        flickr.sheet(options.sheet, f"model {classifier.model.name}")


if __name__ == "__main__":
    main()
