"""The protocol of an evaluation: candidates, rankings, stacking, kinds of error, tables."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from zsl_cli import Classifier, Vocabulary
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import candidates, measure, mistakes, ranking, stacking, tables
from zsl_cli.evaluation.candidates import Candidates
from zsl_cli.evaluation.datasets import Dataset
from zsl_cli.support import limits
from zsl_cli.support.calibration import Calibration
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
from zsl_cli.vocabulary.names.label import Label

LABELS, DIMENSION = 60, 8


def classifier_of(*, prior=True, seen=range(0, LABELS, 3), flat=False, neighbours=7):
    """Random label vectors, the last dimension being the prior; label i lies under i // 4."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(LABELS, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lines = [Label(f"n{row}", f"label {row}", seen=row in seen,
                   parents=(f"n{row // 4}",) if row and not flat else ()).to_json().encode()
             for row in range(LABELS)]
    manifest = VocabularyManifest("v", "1", "s", DIMENSION, {}, labels=LABELS,
                                  prior_dimension=DIMENSION - 1 if prior else None)
    model = SimpleNamespace(name="m", manifest=manifest,
                            calibration=Calibration(0.2, neighbours))
    return Classifier(model, Vocabulary(manifest, None, lines, vectors))


def subject_of(classifier, images=150, among=LABELS):
    random = np.random.default_rng(6)
    truth = random.integers(0, among, images)
    embeddings = classifier.vocabulary.vectors[truth] * 0.5 + random.normal(
        size=(images, DIMENSION)).astype(np.float32) * 0.25
    return measure.Subject("m", classifier, embeddings.astype(np.float32), truth,
                           [f"{at}.jpg" for at in range(images)],
                           candidates.seen_mask(classifier.vocabulary))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("block", [4_000_000, 100])
def test_answers_and_scores_are_those_of_classify(monkeypatch, whole, block):
    monkeypatch.setattr(ranking, "_BLOCK", block)
    classifier = classifier_of()
    subject = subject_of(classifier, among=30)
    rows = np.arange(LABELS) if whole else np.arange(30)
    found = ranking.rank(classifier, subject.embeddings, subject.truth,
                         Candidates("x", rows, whole), subject.seen, most=5)
    searcher = (classifier.vocabulary.searcher(exact=True) if whole
                else classifier.vocabulary.subset(rows, prior=False))
    expected = [one.labels for one in classifier.answer(subject.embeddings, searcher, 5, 0.0)]
    assert [[f"n{row}" for row in line] for line in found.ranked] == [
        [label.id for label in line] for line in expected]
    np.testing.assert_allclose(found.confidence, [line[0].score for line in expected], rtol=1e-5)


def test_the_place_of_the_right_label_is_counted_among_all_candidates():
    classifier = classifier_of()
    subject = subject_of(classifier)
    found = ranking.rank(classifier, subject.embeddings, subject.truth,
                         Candidates("all", np.arange(LABELS), whole=True), subject.seen,
                         most=LABELS)
    assert found.place.tolist() == [line.tolist().index(label) + 1 for line, label
                                    in zip(found.ranked, subject.truth, strict=True)]


def test_of_equal_scores_the_earlier_label_comes_first_in_the_place_too():
    products = np.array([[0.5, 0.7, 0.5, 0.5]], np.float32)
    assert [ranking._places(products, np.array([column]))[0] for column in range(4)] == [2, 1, 3, 4]


@pytest.mark.parametrize("gamma", [0.0, 0.1, -0.2])
def test_stacking_takes_a_constant_off_seen_labels(gamma):
    classifier = classifier_of(prior=False)
    subject = subject_of(classifier)
    found = ranking.rank(classifier, subject.embeddings, subject.truth,
                         Candidates("all", np.arange(LABELS), whole=True), subject.seen, most=3,
                         stacking=gamma)
    products = subject.embeddings @ classifier.vocabulary.vectors.T - gamma * subject.seen
    np.testing.assert_array_equal(found.ranked, np.argsort(-products, axis=1)[:, :3])


def test_one_curve_gives_the_accuracies_of_every_constant():
    """With few neighbours and strong stacking the nearest of a kind is not among the nearest of
    all, and is found all the same."""
    classifier = classifier_of(neighbours=2)
    subject = subject_of(classifier)
    everything = Candidates("all", np.arange(LABELS), whole=True)
    truth, seen = subject.truth, subject.seen[subject.truth]
    for stacked in (0.0, 3.0):
        rivals = ranking.rank(classifier, subject.embeddings, truth, everything, subject.seen,
                              most=1, stacking=stacked).rivals
        curve = stacking.curve(rivals, truth, subject.seen)
        assert (np.diff(curve.gamma) > 0).all()
        for at in range(0, len(curve.gamma), 7):
            answers = ranking.rank(classifier, subject.embeddings, truth, everything,
                                   subject.seen, most=1, stacking=curve.gamma[at]).ranked[:, 0]
            right = answers == truth
            for of_kind, accuracy in ((seen, curve.seen[at]), (~seen, curve.unseen[at])):
                classes = [right[of_kind & (truth == label)].mean()
                           for label in np.unique(truth[of_kind])]
                assert accuracy == pytest.approx(np.mean(classes), abs=1e-9)
    assert curve.unseen[0] == 0
    assert curve.seen[-1] == pytest.approx(0)


def test_the_best_constant_has_the_greatest_harmonic_mean():
    subject = subject_of(classifier_of())
    everything = Candidates("all", np.arange(LABELS), whole=True)
    settings = measure.Settings(resamples=20)
    best = measure.measure(subject, everything, settings, gamma="best")
    for gamma in np.linspace(-0.5, 0.5, 41):
        other = measure.measure(subject, everything, settings, gamma=float(gamma))
        assert other.row["harmonic_hit@1"] <= best.row["harmonic_hit@1"] + 1e-9
    assert best.row["stacking_chosen"] == "on these images"


def test_the_area_under_a_curve_that_is_known():
    """Always right among the seen and among the unseen: the square. Half right: a quarter."""
    truth, seen = np.array([0, 1]), np.array([True, False])
    rivals = ranking.Rivals(np.array([0, 0]), np.array([1, 1]), np.array([0.5, -0.5], np.float32))
    assert stacking.curve(rivals, truth, seen).area == pytest.approx(1)
    truth = np.array([0, 0, 1, 1])
    rivals = ranking.Rivals(np.array([0, 2, 0, 0]), np.array([1, 1, 1, 3]),
                            np.array([0.5, 0.5, -0.5, -0.5], np.float32))
    curve = stacking.curve(rivals, truth, np.array([True, False, True, False]))
    assert curve.area == pytest.approx(0.25)


def test_wrong_answers_are_above_below_beside_or_elsewhere():
    parents = {"animal": [], "bird": ["animal"], "cat": ["animal"], "parrot": ["bird"],
               "tool": [], "macaw": ["parrot"]}
    names = list(parents)
    hierarchy = Hierarchy(names, parents.values())
    pairs = [("parrot", "animal"), ("parrot", "macaw"), ("bird", "cat"), ("bird", "tool"),
             ("macaw", "bird"), ("cat", "cat")]
    truth, answers = (np.array([names.index(pair[at]) for pair in pairs]) for at in (0, 1))
    assert mistakes.kinds(answers, truth, hierarchy) == {
        "ancestor": 0.4, "descendant": 0.2, "sibling": 0.2, "other": 0.2}
    assert mistakes.kinds(truth, truth, hierarchy) == {}


def dataset(rows):
    rows = np.array(rows)
    return Dataset(tuple(range(len(rows))), rows, ())


def test_named_candidate_sets():
    vocabulary = classifier_of().vocabulary
    seen = candidates.seen_mask(vocabulary)
    images = dataset([3, 4, 4, 5])  # 3 is seen
    chosen = {name: candidates.choose(name, images, vocabulary, seen)
              for name in limits.CANDIDATE_SETS}
    assert chosen["own"].rows.tolist() == [3, 4, 5]
    assert chosen["unseen"].rows.tolist() == [4, 5]
    assert chosen["unseen+seen"].rows.tolist() == sorted([4, 5, *range(0, LABELS, 3)])
    assert chosen["all"].rows.tolist() == list(range(LABELS))
    assert [name for name in chosen if chosen[name].whole] == ["all"]


def test_unseen_candidates_need_seen_and_unseen_labels():
    vocabulary = classifier_of(seen=()).vocabulary
    with pytest.raises(ZslError, match="`seen=FILE`"):
        candidates.choose("unseen", dataset([1]), vocabulary, candidates.seen_mask(vocabulary))
    with pytest.raises(ZslError, match="all classes of the set are seen"):
        candidates.choose("unseen", dataset([1]), vocabulary,
                          candidates.seen_mask(vocabulary, np.array([1])))


def test_a_list_of_labels_names_what_is_unknown(tmp_path):
    vocabulary = classifier_of().vocabulary
    path = tmp_path / "list.txt"
    path.write_text("label 7\n\n n3 \nno such\nLabel_7\n")
    found = candidates.read_list(path, vocabulary)
    assert found.rows.tolist() == [3, 7]
    assert found.unknown == ("no such",)
    path.write_text("no such\n")
    with pytest.raises(ZslError, match="knows none of its 1 lines"):
        candidates.read_list(path, vocabulary)
    path.write_bytes(b"\xff")
    with pytest.raises(ZslError, match="not UTF-8"):
        candidates.read_list(path, vocabulary)


def test_only_images_whose_label_is_a_candidate_count():
    subject = subject_of(classifier_of())
    found = measure.measure(subject, Candidates("few", np.array([1, 2, 3])),
                             measure.Settings(resamples=10))
    assert found.row["images"] == np.isin(subject.truth, [1, 2, 3]).sum()
    assert found.row["hit@5"] is found.row["chance@5"] is None  # there are three
    assert found.row["chance@2"] == pytest.approx(2 / 3)
    assert measure.measure(subject, Candidates("none", np.array([], int)),
                            measure.Settings()) is None


@pytest.mark.parametrize("seen", [range(0, LABELS, 3), ()])
def test_where_every_k_is_above_the_number_of_candidates_nothing_is_said_of_hits(seen):
    """Not the hits of images of both kinds of class, and not those of one kind alone."""
    subject = subject_of(classifier_of(seen=seen), among=5)
    found = measure.measure(subject, Candidates("own", np.arange(5)),
                             measure.Settings(ks=(10,), resamples=10))
    for name in ("hit", "class_hit", "hp", "chance", "seen_hit", "unseen_hit", "harmonic_hit"):
        assert found.row[f"{name}@10"] is None
    assert found.row["labels"] == 5
    assert found.row["median_rank"] >= 1


def test_a_table_says_what_a_dash_in_it_means():
    subject = subject_of(classifier_of(), among=5)
    for ks, said in (((1, 5), False), ((1, 10), True), ((10,), True)):
        row = measure.measure(subject, Candidates("own", np.arange(5)),
                               measure.Settings(ks=ks, resamples=10)).row
        notes = [table.note for table in tables.tables([row], ks) if "@k" in table.heading]
        assert all(("fewer labels than k" in note) == said for note in notes)


def test_a_row_is_the_same_each_time_and_within_its_intervals():
    subject = subject_of(classifier_of())
    everything = Candidates("all", np.arange(LABELS), whole=True)
    rows = [measure.measure(subject, everything, measure.Settings(resamples=200)).row
            for _ in range(2)]
    assert rows[0] == rows[1]
    for name in ("hit@1", "class_hit@5", "hp@2", "seen_hit@1", "unseen_hit@1", "harmonic_hit@1"):
        assert rows[0][f"{name}_low"] <= rows[0][name] <= rows[0][f"{name}_high"]
    other = measure.measure(subject, everything, measure.Settings(resamples=200, seed=1)).row
    assert other["hit@1"] == rows[0]["hit@1"]
    assert other["hit@1_low"] != rows[0]["hit@1_low"] or other["hp@5_low"] != rows[0]["hp@5_low"]


def test_seen_and_unseen_are_means_over_their_own_classes():
    subject = subject_of(classifier_of())
    found = measure.measure(subject, Candidates("all", np.arange(LABELS), whole=True),
                             measure.Settings(resamples=10))
    right = found.ranking.ranked[:, 0] == subject.truth
    for name, of_kind in (("seen", subject.seen), ("unseen", ~subject.seen)):
        labels = [label for label in np.unique(subject.truth) if of_kind[label]]
        assert found.row[f"{name}_hit@1"] == pytest.approx(
            np.mean([right[subject.truth == label].mean() for label in labels]))


@pytest.fixture
def rows():
    subject = subject_of(classifier_of())
    sets = [Candidates("own|<b>", np.arange(30)), Candidates("all", np.arange(LABELS), whole=True)]
    return [measure.measure(subject, one, measure.Settings(resamples=10), gamma=gamma).row
            for one in sets for gamma in (0.0, 0.25)]


def test_json_and_csv_have_all_figures_and_agree(rows):
    as_json = json.loads(tables.to_json(rows, dataset="x"))
    as_csv = list(csv.DictReader(io.StringIO(tables.to_csv(rows))))
    assert as_json["dataset"] == "x"
    assert [row["candidates"] for row in as_json["rows"]] == [
        "own|<b>", "own|<b>", "all", "all"]
    assert [row["stacking"] for row in as_json["rows"]] == [None, 0.25, None, 0.25]
    for one, other in zip(as_json["rows"], as_csv, strict=True):
        assert {name: "" if value is None else str(value) for name, value in one.items()} == other
    assert all(0 <= row["hit@5"] <= 1 for row in as_json["rows"])


def test_csv_runs_no_formula(rows):
    text = tables.to_csv([{**rows[0], "model": "=1+1"}])
    assert text.splitlines()[1].startswith("'=1+1,")


def test_markdown_has_a_line_a_row_and_escapes(rows):
    text = tables.to_markdown(tables.tables(rows, limits.KS))
    block = text.split("\n\n")[1].splitlines()
    assert len(block) == 2 + len(rows)
    assert "own\\|\\<b\\>" in block[2]
    assert {line.replace("\\|", "").count("|") for line in block} == {block[0].count("|")}
    assert f"{rows[0]['hit@1']:.3f}" in block[2]


def test_without_a_hierarchy_nothing_is_said_of_it():
    subject = subject_of(classifier_of(flat=True))
    row = measure.measure(subject, Candidates("all", np.arange(LABELS), whole=True),
                           measure.Settings(resamples=10)).row
    assert row["hp@1"] is row["wrong_other"] is None
    headings = [table.heading for table in tables.tables([row], limits.KS)]
    assert "Hierarchical precision@k" not in headings
