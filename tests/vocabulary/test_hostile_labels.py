"""Folders whose numbers and parents nobody would write: one clear error, or no more time than the
number of labels asks for."""

import json
import time

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies.label_lists import relinked
from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.vocabulary import checks, writing
from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
from zsl_cli.vocabulary.names.label import LABELS_FILE, Label

MANY = 60_000


def written(folder, labels):
    folder.mkdir()
    vectors = np.ones((len(labels), 2), np.float32)
    writing.write(folder, "v", "s", labels, vectors)
    return folder


def rewritten(folder, *, lines=None, **changes):
    """The folder with other lines of labels, or other entries of its manifest, hashes right."""
    manifest = json.loads((folder / "vocabulary.json").read_text())
    if lines is not None:
        (folder / LABELS_FILE).write_text("".join(line + "\n" for line in lines))
    manifest |= {"files": folders.describe_files(folder, "vectors.npy", LABELS_FILE)} | changes
    (folder / "vocabulary.json").write_text(json.dumps(manifest))
    return folder


def test_a_long_chain_of_parents_takes_no_longer_than_its_length(tmp_path):
    started = time.process_time()
    labels = [Label(str(n), f"label {n}", ("one name for all",), parents=(str(n - 1),) if n else ())
              for n in range(MANY)]
    vocabulary = Vocabulary.load(written(tmp_path / "v", labels))
    assert len(vocabulary.lineage(str(MANY - 1))) == MANY
    assert len(vocabulary.hierarchy.descendants(0)) == MANY
    assert vocabulary.hierarchy.cycles() == []
    assert len(vocabulary.find("one name for all").others) == MANY - 1
    kept = [n in (0, MANY - 2, MANY - 1) for n in range(MANY)]
    assert [label.parents for label in relinked(labels, kept)] == [(), ("0",), (str(MANY - 2),)]
    kept = [n == 0 or n > MANY // 2 for n in range(MANY)]
    fan = [Label(label.id, label.name, parents=label.parents if n <= MANY // 2
                 else (str(MANY // 2),)) for n, label in enumerate(labels)]
    assert {label.parents for label in relinked(fan, kept)} == {(), ("0",)}
    assert time.process_time() - started < 30  # minutes, where a step looks at all before it


def test_parents_in_a_circle_end_where_they_close(tmp_path):
    ids = [str(n) for n in range(MANY)]
    circle = Hierarchy(ids, [(ids[n - 1],) for n in range(MANY)])
    assert len(circle.lineage(5)) == MANY
    assert len(circle.ancestors(5)) == MANY
    assert [len(one) for one in circle.cycles()] == [MANY]
    folder = written(tmp_path / "v", [Label("a", "a", parents=("b",)),
                                      Label("b", "b", parents=("a",))])
    cycles = next(one for one in checks.check(Vocabulary.load(folder), index=False)
                  if one.name == "cycles")
    assert cycles.state == "wrong"
    a, b = (Label(id_, id_, parents=(other,)) for id_, other in ("xy", "yx"))
    assert list(relinked([a, b, Label("c", "c", parents=("x",))], [False, False, True])) == [
        Label("c", "c")]


@pytest.mark.parametrize("entries", [
    {"dimension": 10**12}, {"dimension": 10**400}, {"labels": 10**30}, {"labels": -1},
    {"labels": 1e308}, {"dimension": True}, {"prior_dimension": 10**30}, {"prior_dimension": -1},
    {"hnsw": {"m": 10**30}}, {"hnsw": {"ef_construction": 10**18}}, {"hnsw": {"ef": 10**9}},
    {"hnsw": {"ef": float("nan")}}, {"hnsw": [1]}, {"hnsw": {"what": 1}}, {"hnsw": 5}])
def test_numbers_that_cannot_be_are_one_clear_error(tmp_path, entries):
    folder = rewritten(written(tmp_path / "v", [Label("a", "a"), Label("b", "b")]), **entries)
    with pytest.raises(FolderError, match=r"v(ocabulary\.json)?: "):
        _ = Vocabulary.load(folder).hnsw_parameters


@pytest.mark.parametrize("line", [
    "9" * 5000, '{"id": ' + "9" * 5000 + ', "name": "a"}', "[" * 100_000, '{"id": {}, "name": "a"}',
    '{"id": null, "name": "a"}', '{"id": "a", "name": 1e999}', '{"id": "a", "name": true}',
    '{"id": "a", "name": "a", "parents": "b"}', '{"id": "a", "name": "a", "parents": [1]}', "null"])
def test_a_line_that_is_no_label_is_named(tmp_path, line):
    folder = written(tmp_path / "v", [Label("a", "a"), Label("b", "b")])
    rewritten(folder, lines=[Label("a", "a").to_json(), line])
    with pytest.raises(FolderError, match=r"labels\.jsonl, line 2: "):
        _ = Vocabulary.load(folder).labels


def test_ids_that_stand_twice_are_found_by_the_check(tmp_path):
    folder = written(tmp_path / "v", [Label("a", "one"), Label("a", "two")])
    found = {one.name: one.state for one in checks.check(Vocabulary.load(folder), index=False)}
    assert found["ids"] == "wrong"
