"""``evaluate`` from Python: requests, results, and what a reporter sees."""

import json

import numpy as np
import pytest
import text_model
from painted_sets import LABELS, VECTORS

from zsl_cli import EvaluationRequest, evaluate
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.vocabulary.names.label import Label


class Listener(Reporter):
    """Notes what it is told."""

    def __init__(self):
        self.begun, self.done, self.said, self.used = [], {}, [], []

    def start(self, description, total=None, unit="images"):
        self.begun.append((description, total, unit))
        self.done[description] = 0

    def advance(self, done, failed=0):
        self.done[self.begun[-1][0]] += done

    def note(self, text):
        self.said.append(text)

    warn = note

    def left_out(self, lines, kind):
        self.said += lines

    def embedded(self, subject, features):
        self.used.append((subject.name, subject.vocabulary_name, len(features.kept)))


@pytest.fixture
def request_of(model, photos):
    """Makes requests of the painted model, without a cache."""
    return lambda **what: EvaluationRequest(**{
        "dataset": photos, "models": model, "cache": False, "device": "cpu", **what})


def test_the_rows_are_those_of_the_command_line(zsl, request_of, model, photos):
    result = evaluate(request_of(stacking=[0.1, "best"], ks=(5, 1, 2), resamples=50, seed=3))
    said = zsl("eval", photos, "--model", model, "--stacking", "0.1", "--stacking", "best",
               "--k", "1,2,5", "--resamples", "50", "--seed", "3", "--json", "--device", "cpu")
    assert json.loads(result.to_json()) == json.loads(said.stdout)
    assert result.ok
    assert [outcome.row for outcome in result.outcomes] == result.rows


def test_a_reporter_sees_what_a_bar_shows(request_of, photos):
    (photos / "c3" / "broken.png").write_bytes(b"no image")
    listener = Listener()
    result = evaluate(request_of(), listener)
    assert listener.begun == [("embedding, paint", 10, "images"),
                              ("evaluating", 2, "candidate sets")]
    assert listener.done == {"embedding, paint": 10, "evaluating": 2}
    assert listener.used == [("paint", "vocab", 9)]
    assert [line.rpartition("/")[2] for line in listener.said] == [
        "broken.png: not an image in a known format"]
    assert not result.ok
    assert [one.message for one in result.left_out.unreadable] == ["not an image in a known format"]


def test_rows_of_different_images_are_named(request_of, tmp_path):
    for name, rows in (("first", [0, 1, 2]), ("second", [0, 1, 3])):
        text_model.make_vocabulary(tmp_path / name, vectors=VECTORS[rows],
                                   labels=[LABELS[row] for row in rows])
    result = evaluate(request_of(vocabularies=[tmp_path / "first", tmp_path / "second"],
                                 candidates=["own"]))
    assert [row["vocabulary"] for row in result.rows] == ["first", "second"]
    assert result.differences == [("own", [7, 7])]


@pytest.mark.parametrize(("what", "message"), [
    ({"models": ["a", "b"], "vocabularies": ["a", "b", "c"]},
     "2 `models` and 3 `vocabularies`: give one `vocabulary` for each `model`"),
    ({"candidates": ["nowhere"]}, "`candidates` nowhere: neither a file nor one of own, all"),
    ({"stacking": [float("nan")]}, "`stacking` nan: a number, or best, is expected"),
    ({"ks": ()}, "`ks`: a whole number is expected"),
    ({"ks": (0, 1)}, "`ks` must be a whole number from 1 to 1,000, not 0"),
    ({"ks": "1"}, "`ks` must be a whole number from 1 to 1,000, not '1'"),
    ({"ks": 0}, "`ks` must be a whole number from 1 to 1,000, not 0"),
    ({"stacking": "most"}, "`stacking` 'most': a number, or best, is expected"),
    ({"models": 3}, "`models` takes a name, or several, not 3"),
    ({"dataset": None}, "`dataset` takes a name"),
    ({"resamples": 0}, "`resamples` must be a whole number from 1 to 100,000, not 0"),
    ({"seed": -1}, "`seed` must be"), ({"seed": 2**32}, "`seed` must be"),
    ({"jobs": 0}, "`jobs` must be"), ({"batch_size": 0}, "`batch_size` must be"),
    ({"max_pixels": 0}, "`max_pixels` must be a whole number at least 1, not 0"),
    ({"device": "tpu"}, "`device` is one of auto, cpu, cuda, and not 'tpu'")])
def test_what_makes_no_sense_is_refused(request_of, what, message):
    with pytest.raises(RequestError) as refused:
        evaluate(request_of(**what))
    assert message in str(refused.value)


def test_one_constant_and_an_array_of_ks_are_taken():
    request = EvaluationRequest("set", ks=np.array([5, 1]), stacking=0.3)
    assert (request.settings.ks, request.stacking) == ((1, 5), (0.3,))


def test_a_vocabulary_without_seen_labels_needs_a_list(request_of, tmp_path):
    plain = text_model.make_vocabulary(tmp_path / "plain", vectors=VECTORS, labels=[
        Label(label.id, label.name, label.synonyms) for label in LABELS])
    for what in ({"stacking": [0.1]}, {"candidates": ["unseen"]}):
        with pytest.raises(ZslError, match="give a list of the labels that are: `seen=FILE`"):
            evaluate(request_of(vocabularies=[plain], **what))


def test_a_page_replaces_a_page_and_other_files_only_by_force(request_of, tmp_path):
    result, place = evaluate(request_of()), tmp_path / "page.html"
    result.write_page(place)
    result.write_page(place)
    place.write_text("mine")
    with pytest.raises(ZslError, match=r"`report` .*page\.html exists; give `force`"):
        result.write_page(place)
    assert place.read_text() == "mine"
    result.write_page(place, force=True)
    assert place.read_text().endswith("-->\n")
