"""``zsl vocab verify``."""

import json
import sys

import numpy as np
import pytest
import wordnet_files
from royal import VECTORS, make, unit

from zsl_cli.cli.vocab import verify as verify_command
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label


def verify(zsl, folder, *options):
    """Exit status, and the states of the checks by name."""
    result = zsl("vocab", "verify", str(folder), "--json", "--quiet", *options)
    report = json.loads(result.stdout)
    assert report["ok"] == (result.returncode == 0)
    assert bool(result.stderr) == (result.returncode == 2)
    return result.returncode, {check["name"]: check for check in report["checks"]}


def test_verify_of_a_sound_vocabulary(zsl, royal):
    status, checks = verify(zsl, royal)
    assert status == 0
    assert {name: check["state"] for name, check in checks.items()} == {
        "files": "ok", "space": "note", "norms": "ok", "ids": "ok", "names": "note",
        "parents": "note", "cycles": "ok", "identical": "ok", "index": "ok"}
    assert checks["names"]["examples"] == ["king: 2 times"]
    assert checks["parents"]["examples"] == ["w6: nowhere"]
    text = zsl("vocab", "verify", str(royal), "--without-index")
    assert "ok     norms: all vectors have length 1" in text.stdout.decode()
    assert "index" not in text.stdout.decode()


@pytest.mark.parametrize(("dtype", "length", "said"), [
    (np.float16, np.nan, "1 vectors without a finite number"), (np.float16, 0, "1 vectors zero"),
    (np.float16, 1.01, "of another length than 1"),
    (np.float32, 1.001, "of another length than 1")])
def test_verify_names_vectors_that_are_no_unit_vectors(zsl, tmp_path, dtype, length, said):
    vectors = unit(VECTORS)
    vectors[3] *= length
    status, checks = verify(zsl, make(tmp_path / "v", vectors=vectors, dtype=dtype))
    assert (status, checks["norms"]["state"]) == (2, "wrong")
    assert said in checks["norms"]["message"]
    assert checks["norms"]["examples"][0].startswith("row 4, w4 (woman): length")
    assert "index" not in checks


def test_verify_finds_ids_twice_cycles_and_identical_vectors(zsl, tmp_path):
    labels = [Label("a", "one", parents=("b",)), Label("b", "two", parents=("a",)),
              Label("c", "three"), Label("c", "four")]
    vectors = np.eye(4)
    vectors[3] = vectors[2]
    result = zsl("vocab", "verify", str(make(tmp_path / "v", labels, vectors)))
    assert result.returncode == 2
    out = result.stdout.decode()
    assert "WRONG  ids: 1 ids stand more than once\n         c: 2 times" in out
    assert "WRONG  cycles: 1 cycles among the parents\n         a > b > a" in out
    assert "note   identical: 2 labels share their vector with another, in 1 groups" in out
    assert "three, four" in out
    assert "ids, cycles: wrong; 1 ids stand more than once (c: 2 times)" in result.stderr.decode()


def test_verify_measures_the_recall_of_the_index(zsl, tmp_path):
    vectors = unit(np.random.default_rng(0).normal(size=(3000, 24)))
    labels = [Label(str(row), str(row)) for row in range(3000)]
    poor = make(tmp_path / "poor", labels, vectors, hnsw={"m": 2, "ef_construction": 4, "ef": 1})
    status, checks = verify(zsl, poor)
    assert (status, checks["index"]["state"]) == (2, "wrong")
    assert "below 0.99" in checks["index"]["message"]
    assert verify(zsl, poor, "--without-index")[0] == 0
    assert verify(zsl, make(tmp_path / "good", labels, vectors))[1]["index"]["state"] == "ok"


def test_verify_of_a_changed_file_goes_no_further(zsl, royal):
    with (royal / "labels.jsonl").open("ab") as file:
        file.write(b"\n")
    status, checks = verify(zsl, royal)
    assert (status, list(checks)) == (2, ["files"])
    assert "labels.jsonl: changed" in checks["files"]["message"]


@pytest.mark.parametrize("where", [(), ("--wordnet", "wordnet")], ids=["none", "made"])
def test_verify_with_similarity_reports_what_is_wrong_with_the_files(zsl, royal, tmp_path, where):
    (tmp_path / "wordnet").mkdir()
    wordnet_files.write(tmp_path / "wordnet")
    (royal / "vectors.npy").write_bytes(b"")
    status, checks = verify(zsl, royal, "--similarity", *where)
    assert (status, list(checks)) == (2, ["files"])


def test_verify_without_a_wordnet_does_the_other_checks_and_says_so(zsl, royal):
    status, checks = verify(zsl, royal, "--similarity")
    missing = checks.pop("similarity")
    assert (status, missing["state"]) == (2, "wrong")
    assert missing["message"].startswith("not compared: no data.noun in ")
    assert checks == verify(zsl, royal)[1]


def test_verify_compares_with_the_wordnet_that_is_named(zsl, royal, tmp_path):
    pytest.importorskip("scipy")
    (tmp_path / "wordnet").mkdir()
    wordnet_files.write(tmp_path / "wordnet")
    for options, env in ((("--wordnet", "wordnet"), {}), ((), {"WNSEARCHDIR": "wordnet"})):
        result = zsl("vocab", "verify", str(royal), "--similarity", "--json", *options, env=env)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["checks"][-1] == {
            "name": "similarity", "state": "note", "examples": [],
            "message": "too few of the names are nouns that WordNet knows"}


def test_verify_without_scipy_does_the_other_checks_and_says_so(royal, tmp_path, monkeypatch,
                                                                capsys):
    wordnet_files.write(tmp_path)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(ZslError, match=r"not compared: .*scipy"):
        verify_command.command.main([str(royal), "--similarity", "--wordnet", str(tmp_path),
                                     "--json", "-q"], standalone_mode=False)
    checks = {check["name"]: check["state"] for check in
              json.loads(capsys.readouterr().out)["checks"]}
    assert (checks["files"], checks["similarity"]) == ("ok", "wrong")


def test_verify_hashes_every_file_once(royal, monkeypatch, capsys):
    (royal / "notes.txt").write_text("mine")
    manifest = json.loads((royal / "vocabulary.json").read_text())
    manifest["files"] |= folders.describe_files(royal, "notes.txt")
    (royal / "vocabulary.json").write_text(json.dumps(manifest))
    hashed = []

    def sha256(path, digest=folders.sha256):
        hashed.append(path.name)
        return digest(path)

    monkeypatch.setattr(folders, "sha256", sha256)
    monkeypatch.setattr("zsl_cli.authoring.vocabularies.wordnet.load", lambda _folder: object())
    monkeypatch.setattr("zsl_cli.authoring.vocabularies.similarity.agreement", lambda *_: None)
    verify_command.command.main([str(royal), "--similarity", "--without-index", "-q"],
                                standalone_mode=False)
    assert sorted(hashed) == ["labels.jsonl", "notes.txt", "vectors.npy"]
    assert "similarity: too few" in capsys.readouterr().out
    (royal / "notes.txt").write_text("ours")
    with pytest.raises(ZslError, match=r"notes\.txt: changed"):
        verify_command.command.main([str(royal), "-q"], standalone_mode=False)


def test_quiet_leaves_out_notes_and_not_what_was_asked_for(zsl, royal):
    quiet = zsl("vocab", "verify", str(royal), "--without-index", "-q")
    assert quiet.stdout == zsl("vocab", "verify", str(royal), "--without-index").stdout != b""
    assert quiet.stderr == b""


def test_verify_says_at_once_that_there_is_no_wordnet(zsl, royal, tmp_path):
    result = zsl("vocab", "verify", str(royal), "--similarity", "--wordnet", str(tmp_path / "no"))
    assert result.returncode == 2
    assert str(tmp_path / "no") in result.stderr.decode()
    assert result.stdout == b""
