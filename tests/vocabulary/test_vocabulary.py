"""A vocabulary folder: labels, names with several senses, subsets, the search."""

import json

import numpy as np
import pytest
from small_sets import LABELS, make

from zsl_cli import Vocabulary
from zsl_cli.errors import FolderError, UnknownLabelError
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.search.nearest import HnswParameters


@pytest.fixture
def vocabulary(tmp_path):
    return Vocabulary.load(make(tmp_path / "six"))


def test_labels_come_back_as_they_were_written(vocabulary):
    assert vocabulary.labels == LABELS
    assert len(vocabulary) == 6


@pytest.mark.parametrize(("text", "id_"), [
    ("n3", "n3"), ("animal", "n1"), ("  ANIMAL ", "n1"), ("ara  ararauna", "n6"),
    ("Macaw", "n6"), ("blue macaw", "n6"), ("lifting_crane", "n5")])
def test_a_label_is_found_by_id_name_or_synonym(vocabulary, text, id_):
    assert vocabulary.label(vocabulary.find(text).row).id == id_


def test_composed_and_decomposed_letters_are_the_same(tmp_path):
    vocabulary = Vocabulary.load(make(tmp_path / "v", [
        Label("a", "piñata"), Label("b", "cafe\u0301")]))
    assert [vocabulary.find(name).row for name in ("PIN\u0303ATA", "CAFÉ")] == [0, 1]


def test_of_several_senses_the_most_usual_is_taken_and_the_others_are_told(vocabulary):
    match = vocabulary.find("crane")
    assert match.row == 4  # the prior of the machine is higher
    assert match.others == (2,)
    assert vocabulary.find("n3").others == ()


def test_an_unknown_label_names_the_nearest(vocabulary):
    with pytest.raises(UnknownLabelError, match=r"unknown label 'cranne'.*nearest.*crane"):
        vocabulary.find("cranne")
    with pytest.raises(UnknownLabelError, match="no name of this vocabulary is like it"):
        vocabulary.find("zzzzzz")


def test_search_gives_ids_and_products(vocabulary):
    query = np.zeros((1, 7), np.float32)
    query[0, 1], query[0, 6] = 0.6, 0.8
    ids, scores = vocabulary.search(query, k=2)
    assert ids == [["n2", "n5"]]
    np.testing.assert_allclose(scores, [[0.68, 0.4]], atol=1e-3)


def test_hnsw_and_exact_search_agree(vocabulary, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    queries = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
    assert vocabulary.search(queries, 3, exact=False)[0] == vocabulary.search(queries, 3)[0]
    assert list((tmp_path / "cache").rglob("*.bin"))


def test_a_handful_of_queries_never_builds_an_index(vocabulary, monkeypatch):
    monkeypatch.setattr("zsl_cli.vocabulary.search.index_cache.Hnsw",
                        lambda *_, **__: pytest.fail("built"))
    ids, _ = vocabulary.search(np.zeros((20, 7), np.float32), 3)
    assert len(ids) == 20


def test_a_subset_answers_in_the_vocabularys_rows_and_can_leave_the_prior_out(vocabulary):
    query = np.zeros((1, 7), np.float32)
    query[0, 2], query[0, 6] = 0.3, 0.9
    rows, _ = vocabulary.subset([4, 2]).search(query, 5)
    assert rows.tolist() == [[4, 2]]
    rows, scores = vocabulary.subset([4, 2], prior=False).search(query, 5)
    assert rows.tolist() == [[2, 4]]
    np.testing.assert_allclose(scores, [[0.3, 0]], atol=1e-3)


def test_a_subset_has_phrases_behind_the_vocabularys_rows(vocabulary):
    phrase = np.array([0, 0, 0.6, 0, 0, 0, 0.8], np.float32)
    subset = vocabulary.subset([4], phrases={"a heron": phrase, "a digger": phrase[::-1]})
    query = np.zeros((1, 7), np.float32)
    query[0, 2], query[0, 6] = 1, 0.5
    rows, scores = subset.search(query, 5)
    assert rows.tolist() == [[6, 4, 7]]
    np.testing.assert_allclose(scores, [[0.6, 0.25, 0]], atol=1e-3)  # no prior in phrases
    assert [subset.label(row).id for row in (4, 6, 7)] == ["n5", "a heron", "a digger"]
    assert subset.label(6) == Label("a heron", "a heron")
    assert len(subset) == 3


def test_an_empty_vocabulary_finds_nothing(vocabulary):
    empty = Vocabulary.empty("s", 7)
    assert (len(empty), empty.name, empty.labels) == (0, "phrases", [])
    ids, scores = empty.search(np.zeros((2, 7), np.float32), 3, exact=False)
    assert (ids, scores.shape) == ([[], []], (2, 0))
    assert empty.look_up("cat") is None
    with pytest.raises(UnknownLabelError):
        empty.find("cat")


def test_descendants_by_any_path(vocabulary):
    assert vocabulary.hierarchy.descendants(0) == [0, 1, 2, 5]
    assert vocabulary.hierarchy.descendants(3) == [3, 4]


def test_a_cycle_among_parents_does_no_harm(tmp_path):
    labels = [Label("a", "a", parents=("b",)), Label("b", "b", parents=("a", "nowhere"))]
    vocabulary = Vocabulary.load(make(tmp_path / "cycle", labels))
    assert vocabulary.hierarchy.descendants(0) == [0, 1]


def test_a_changed_file_is_refused(tmp_path):
    folder = make(tmp_path / "six")
    data = bytearray((folder / "vectors.npy").read_bytes())
    data[-1] ^= 1
    (folder / "vectors.npy").write_bytes(data)
    with pytest.raises(FolderError, match=r"vectors\.npy: changed since"):
        Vocabulary.load(folder)


def rewrite(folder, name, data):
    """Replace a file, and its hash with it."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "vocabulary.json").read_text())
    manifest["files"] = folders.describe_files(folder, "vectors.npy", "labels.jsonl")
    (folder / "vocabulary.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("hnsw", [{"m": "16"}, {"ef": 0}, {"ef": 10**9}, {"width": 3}, [1], None])
def test_impossible_parameters_of_the_index_are_refused(tmp_path, hnsw):
    vocabulary = Vocabulary.load(make(tmp_path / "six", hnsw=hnsw))
    with pytest.raises(FolderError, match=r"vocabulary\.json: hnsw: "):
        vocabulary.searcher(exact=False)


def test_parameters_that_the_manifest_leaves_out_suit_the_number_of_labels(tmp_path):
    assert Vocabulary.load(make(tmp_path / "a", hnsw={"m": 8})).hnsw_parameters == (
        HnswParameters(m=8))
    assert Vocabulary.load(make(tmp_path / "b")).hnsw_parameters == HnswParameters()


def test_files_that_contradict_each_other_are_refused(tmp_path):
    folder = make(tmp_path / "six")
    rewrite(folder, "labels.jsonl", b"{}\n")
    with pytest.raises(FolderError, match=r"6 labels of dimension 7.*1 lines"):
        Vocabulary.load(folder)
    with pytest.raises(FolderError, match=r"of dimension 8, .* holds float16"):
        Vocabulary.load(make(tmp_path / "eight", dimension=8))


HUGE = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1%s, 7)}\n" % (b"0" * 30)


@pytest.mark.parametrize("content", ["archive", b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00",
                                     b"\x93NUMPY\x01\x00%c\x00" % len(HUGE) + HUGE])
def test_what_is_no_array_is_refused(tmp_path, content):
    folder = make(tmp_path / "six")
    if content == "archive":
        np.savez(tmp_path / "a.npz", np.eye(6, 7))
        content = (tmp_path / "a.npz").read_bytes()
    rewrite(folder, "vectors.npy", content)
    with pytest.raises(FolderError, match=r"vectors\.npy"):
        Vocabulary.load(folder)


def test_pickled_vectors_are_refused(tmp_path):
    folder = make(tmp_path / "six")
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    rewrite(folder, "vectors.npy", (tmp_path / "evil.npy").read_bytes())
    with pytest.raises(FolderError, match="Python objects"):
        Vocabulary.load(folder)


@pytest.mark.parametrize("line", [
    b"no json", b"[]", b'{"id": "n1"}', b"\xff\xfe", b'{"id": "n1", "name": "a", "synonyms": [1]}',
    b'{"id": "n1", "name": "a", "synonyms": "abc"}', b'{"id": "n1", "name": "a", "parents": [[]]}',
    b'{"id": "n1", "name": "a", "parents": {"n2": 1}}', b"[" * 100_000])
def test_a_line_that_is_no_label_is_named(tmp_path, line):
    folder = make(tmp_path / "six")
    lines = (folder / "labels.jsonl").read_bytes().splitlines()
    rewrite(folder, "labels.jsonl", b"\n".join([lines[0], line, *lines[2:]]))
    vocabulary = Vocabulary.load(folder)
    assert vocabulary.label(0).name == "animal"
    with pytest.raises(FolderError, match=r"labels\.jsonl, line 2"):
        _ = vocabulary.labels


@pytest.mark.parametrize(("name", "gloss"), [
    ("lemon", "yellow oval fruit"),  # not the colour
    ("leopard", "large feline"),  # not its pelt
    ("chair", "a seat for one person"),  # not an electric one
    ("train", "public transport"),  # not of gears
    ("glass", "a container for holding liquids"),  # not a field glass
    ("bat", "nocturnal"),  # not a cricket bat
    ("car", "a motor vehicle with four"),  # not a cable car
    ("TV", "an electronic device"), ("bike", "a wheeled vehicle that has two"),
    ("glasses", "optical instrument"), ("orange", "round yellow to orange fruit")])
def test_a_name_means_what_it_usually_means_in_pictures(name, gloss):
    vocabulary = Vocabulary.load()
    for spelt in (name, f"a {name}"):
        assert vocabulary.label(vocabulary.find(spelt).row).gloss.startswith(gloss)
