"""Word vectors and labels → a vocabulary folder, from Python."""

from unicodedata import normalize

import pytest
import without_click
from word_vectors import BINARY

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import build
from zsl_cli.errors import FolderError, RequestError

CHOICES = {"phrases": build.PHRASES, "oov": build.OOV, "dtype": build.DTYPES}


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_no_choice_is_refused_with_those_that_are(name, tmp_path):
    for value in CHOICES[name]:
        build.BuildRequest(tmp_path / "v", tmp_path, **{name: value})
    expected = f"`{name}` is one of {', '.join(CHOICES[name])}, and not 'tokn'"
    with pytest.raises(RequestError, match=expected):
        build.BuildRequest(tmp_path / "v", tmp_path, **{name: "tokn"})


@pytest.mark.parametrize(("what", "message"), [
    ({"limit": "3"}, "`limit` must be a whole number at least 1, not '3'"),
    ({"hnsw": {"m": 1}}, "`m` must be a whole number from 2 to 512, not 1"),
    ({"sources": ("me",)}, "`sources`: a list of {name, license, url} is expected"),
    ({"places": "wordnet-3.0"}, "`places` takes a Places"), ({"output": None}, "`output`")])
def test_what_makes_no_sense_is_refused_before_any_work(what, message):
    with pytest.raises(RequestError, match=message):
        build.BuildRequest(**{"vectors": "v", "output": "o", **what})


class Steps(dict):
    """Of each piece of work how much there was, and how much was done; and what was said."""

    def __init__(self):
        self.lines = []

    def start(self, description, total=None, unit=""):
        self.at = description
        self[description] = [total, 0]

    def advance(self, done):
        self[self.at][1] += done

    def say(self, line):
        self.lines.append(line)


def test_a_build_says_what_it_is_at_and_how_much_of_it(tmp_path):
    (tmp_path / "vectors.bin").write_bytes(BINARY)
    (tmp_path / "l.txt").write_text("tiger\nunicorn\nshark\ntiger shark\n")
    words = build.build_vocabulary(
        build.BuildRequest(tmp_path / "vectors.bin", tmp_path / "words")).folder
    steps = Steps()
    result = build.build_vocabulary(build.BuildRequest(
        words, tmp_path / "few", tmp_path / "l.txt", phrases="token"), steps)
    assert list(steps.items()) == [
        ("reading labels", [None, 0]), ("reading vectors", [10, 10]),
        ("making label vectors", [4, 4]), ("writing", [2, 2])]
    assert any("`phrases=auto` takes the mean of the words" in line for line in steps.lines)
    assert (result.folder, result.manifest.name) == (tmp_path / "few", "few")
    assert (result.report.own, result.report.left_out) == (2, ["unicorn"])
    assert [label.name for label in Vocabulary.load(result.folder).labels] == ["tiger", "shark"]


def test_vectors_in_either_normal_form_are_found_and_lost_accents_said(tmp_path):
    names = ["café", "jalapeño", "résumé"]
    (tmp_path / "v.txt").write_text(
        f"cafe 1 0 0\n{normalize('NFD', 'café')} 0 1 0\n{normalize('NFC', 'jalapeño')} 0 0 1\n"
        "resume 1 1 0\n", encoding="utf-8")
    (tmp_path / "l.txt").write_text("\n".join(normalize("NFD", name) if name == "jalapeño" else name
                                              for name in names), encoding="utf-8")
    steps = Steps()
    folder = build.build_vocabulary(build.BuildRequest(
        tmp_path / "v.txt", tmp_path / "v", tmp_path / "l.txt"), steps).folder
    assert Vocabulary.load(folder).vectors.argmax(axis=1).tolist() == [1, 2, 0]
    assert "1 label with the vectors of words without their accents: 'résumé'" in steps.lines


def test_a_vocabulary_is_built_where_there_is_no_click(tmp_path, environment):
    (tmp_path / "vectors.bin").write_bytes(BINARY)
    (tmp_path / "labels.txt").write_text("tiger\nunicorn\n")
    assert without_click.run("""
from zsl_cli import BuildRequest, build_vocabulary

result = build_vocabulary(BuildRequest("vectors.bin", "vocab/mine", "labels.txt"))
print(result.folder, result.manifest.labels, result.manifest.space, result.report.left_out)
""", tmp_path, environment) == [
        f"vocab/mine 1 {Vocabulary.load(tmp_path / 'vocab' / 'mine').space} ['unicorn']"]


@pytest.mark.parametrize(("vectors", "labels"), [("out/v.bin", None), ("v.bin", "out/l.txt")])
def test_what_is_read_does_not_go_with_what_is_replaced(tmp_path, vectors, labels):
    build.build_vocabulary(build.BuildRequest(_vectors(tmp_path / "v.bin"), tmp_path / "out"))
    (tmp_path / "out" / "l.txt").write_text("tiger\n")
    _vectors(tmp_path / "out" / "v.bin")
    with pytest.raises(FolderError, match=r"lies in .*out, which would be replaced"):
        build.build_vocabulary(build.BuildRequest(
            tmp_path / vectors, tmp_path / "out", labels and tmp_path / labels, force=True))
    assert (tmp_path / "out" / "v.bin").exists()


def _vectors(path):
    path.write_bytes(BINARY)
    return path
