"""``zsl vocab export`` and ``index``."""

import json

import numpy as np
import pytest
from royal import make

from zsl_cli import Vocabulary
from zsl_cli.support import folders
from zsl_cli.support.folders import VOCABULARY


def test_index_is_built_ahead_and_then_found(zsl, royal, tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = zsl("vocab", "index", str(royal), "--ef", "50", env=env)
    assert "recall@10     1.0000" in first.stdout.decode()
    assert "ef 50" in first.stdout.decode()
    assert "building the index of 8 labels" in first.stderr.decode()
    again = zsl("vocab", "index", str(royal), "--json", env=env)
    assert again.stderr == b""
    told = json.loads(again.stdout)
    assert (told["m"], told["recall@10"]) == (16, 1.0)
    assert told["path"] == str(next((tmp_path / "cache").rglob("*.bin")))
    other = zsl("vocab", "index", str(royal), "--m", "8", "--ef-construction", "40", env=env)
    assert "use the vocabulary's own M 16" in other.stderr.decode()
    assert len(list((tmp_path / "cache").rglob("*.bin"))) == 2
    assert zsl("vocab", "index", str(royal), "--m", "1").returncode == 2


@pytest.mark.usefixtures("posix")
def test_an_index_is_not_kept_where_others_may_write(zsl, royal, tmp_path):
    folder = tmp_path / "cache" / "zsl" / "hnsw"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    result = zsl("vocab", "index", str(royal), env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert f"nowhere: {folder} can be written to by others" in result.stdout.decode()
    assert list(folder.iterdir()) == []


def test_a_table_has_names_with_tabs_and_ends_of_line(zsl, royal, tmp_path):
    result = zsl("vocab", "export", str(royal), "-o", "labels.tsv", "--format", "tsv", "--vectors")
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "labels.tsv").read_text("utf-8").splitlines()
    assert lines[0] == "id\tname\tsynonyms\tgloss\tparents\tvector"
    assert len(lines) == 9
    cells = [line.split("\t") for line in lines[1:]]
    assert cells[7][:3] == ["w8", "a\\tb\\n\\\\c", "queen"]
    assert cells[4][3:5] == ["a chessman", "w6|w1"]
    vectors = np.array([line[5].split() for line in cells], np.float64).astype(np.float16)
    np.testing.assert_array_equal(vectors, Vocabulary.load(royal).vectors)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_gensim_reads_the_word2vec_text(zsl, tmp_path, dtype):
    models = pytest.importorskip("gensim.models")
    folder = make(tmp_path / "royal", prior=False, dtype=dtype)
    result = zsl("vocab", "export", str(folder), "-o", "words.txt", "--format", "word2vec")
    assert result.returncode == 0
    assert "1 label stands under its id" in result.stderr.decode()
    assert "for the same models, with --space words\n" in result.stderr.decode()
    read = models.KeyedVectors.load_word2vec_format(str(tmp_path / "words.txt"))
    assert read.index_to_key == ["king", "queen", "man", "woman", "w5", "x-ray_fish",
                                 "great_white_shark", "a_b_\\c"]
    np.testing.assert_array_equal(read.vectors.astype(dtype), Vocabulary.load(folder).vectors)


def test_export_leaves_an_existing_file_alone_and_streams(zsl, royal, tmp_path):
    (tmp_path / "there.tsv").write_text("mine")
    base = ("vocab", "export", str(royal), "--format", "tsv", "-o")
    result = zsl(*base, "there.tsv")
    assert result.returncode == 2
    assert "--force" in result.stderr.decode()
    assert (tmp_path / "there.tsv").read_text() == "mine"
    assert zsl(*base, "there.tsv", "--force").returncode == 0
    assert zsl(*base, "-").stdout == (tmp_path / "there.tsv").read_bytes()
    assert zsl(*base, "a/new/folder.tsv").returncode == 0
    assert (tmp_path / "a" / "new" / "folder.tsv").read_bytes() == (
        tmp_path / "there.tsv").read_bytes()
    assert zsl(*base, "there.tsv/x").returncode == 2
    assert zsl(*base, "-", "--vectors").stdout.startswith(b"id\t")
    assert zsl("vocab", "export", str(royal), "--format", "word2vec", "--vectors", "-o",
               "-").returncode == 2


def test_an_export_that_fails_leaves_nothing_behind(zsl, royal, tmp_path):
    manifest = json.loads((royal / "vocabulary.json").read_text())
    (royal / "labels.jsonl").write_bytes(b"{}\n" * 8)
    manifest["files"] = folders.describe_files(royal, "vectors.npy", "labels.jsonl")
    (royal / "vocabulary.json").write_text(json.dumps(manifest))
    assert folders.read_manifest(VOCABULARY, royal)
    before = sorted(tmp_path.iterdir())
    result = zsl("vocab", "export", str(royal), "-o", "new/out.tsv", "--format", "tsv")
    assert result.returncode == 2
    assert "labels.jsonl, line 1" in result.stderr.decode()
    assert sorted(tmp_path.iterdir()) == before
