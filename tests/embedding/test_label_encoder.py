"""The label encoder of a model folder: phrases to vectors, and files that are not what they
should be."""

import json

import numpy as np
import pytest
import text_model

from zsl_cli import Model
from zsl_cli.errors import FolderError


@pytest.fixture
def folder(tmp_path):
    return text_model.make(tmp_path / "colours")


@pytest.fixture
def encoder(folder):
    return Model.load(folder, device="cpu").label_encoder


def expected(phrase):
    """What the label encoder's own definition gives."""
    words = [text_model.WORDS.get(word, 1) for word in phrase.split()][:16]
    total = text_model.TABLE[words].sum(axis=0)
    return total / np.linalg.norm(total)


def test_phrases_become_unit_vectors_exactly_as_they_are_written(encoder):
    phrases = ["red", "a red bus", "red blue", "Red", "ein grünes Auto", "红色的汽车"]
    vectors = encoder.encode(phrases)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 4)
    np.testing.assert_allclose(vectors, [expected(phrase) for phrase in phrases], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_phrase_is_no_vector(encoder):
    assert encoder.encode([]).shape == (0, 4)


def test_a_phrase_of_a_thousand_words_is_cut(encoder):
    long = " ".join(["red"] * 16 + ["blue"] * 984)
    np.testing.assert_allclose(encoder.encode([long, "red"]), [expected("red")] * 2, atol=1e-6)


def test_a_thousand_phrases_come_back_in_their_order(encoder):
    words = list(text_model.COLOURS)
    phrases = [" ".join(words[digit] for digit in (n % 3, n // 3 % 3, n // 9 % 3))
               for n in range(1000)]
    np.testing.assert_allclose(encoder.encode(phrases), [expected(p) for p in phrases], atol=1e-6)


def test_vectors_of_any_length_are_brought_to_one(folder):
    onnx = pytest.importorskip("onnx")
    path = folder / "label_encoder.onnx"
    graph = onnx.load(path)
    graph.graph.node[-1].CopyFrom(onnx.helper.make_node("Identity", ["mean"], ["embedding"]))
    onnx.save(graph, path)
    text_model.sign(folder)
    found = Model.load(folder, device="cpu").label_encoder.encode(["red blue"])
    np.testing.assert_allclose(found, [expected("red blue")], atol=1e-6)


@pytest.mark.parametrize("options", [
    {"mask": False}, {"length": 16}, {"mask": False, "length": 16}])
def test_the_mask_is_optional_and_the_length_may_be_fixed(folder, options):
    text_model.label_encoder(folder / "label_encoder.onnx", **options)
    text_model.sign(folder)
    found = Model.load(folder, device="cpu").label_encoder.encode(["red", "red blue"])
    np.testing.assert_allclose(found, [expected("red"), expected("red blue")], atol=1e-6)


def test_padding_counts_for_nothing_where_the_graph_has_a_mask(folder):
    padded = text_model.TABLE.copy()
    padded[0] = 1
    text_model.label_encoder(folder / "label_encoder.onnx", table=padded)
    text_model.sign(folder)
    found = Model.load(folder, device="cpu").label_encoder.encode(["red", "a red blue bus"])
    np.testing.assert_allclose(found, [expected("red"), expected("a red blue bus")], atol=1e-6)


def test_padding_to_the_longest_phrase_suits_a_graph_of_any_length(folder):
    text_model.tokenizer(folder / "tokenizer.json", padding=0)
    text_model.sign(folder)
    found = Model.load(folder, device="cpu").label_encoder.encode(["red", "a red blue bus"])
    np.testing.assert_allclose(found, [expected("red"), expected("a red blue bus")], atol=1e-6)


def test_a_batch_that_is_fixed_at_one_is_filled_phrase_by_phrase(folder):
    text_model.label_encoder(folder / "label_encoder.onnx", batch=1)
    text_model.sign(folder)
    found = Model.load(folder, device="cpu").label_encoder.encode(["red", "a red blue bus", "blue"])
    np.testing.assert_allclose(
        found, [expected("red"), expected("a red blue bus"), expected("blue")], atol=1e-6)


def test_it_is_loaded_once_and_only_when_it_is_asked_for(folder):
    (folder / "label_encoder.onnx").write_bytes(b"")
    model = Model.load(folder, device="cpu")
    assert model.encodes_phrases
    with pytest.raises(FolderError, match="changed since"):
        _ = model.label_encoder
    text_model.label_encoder(folder / "label_encoder.onnx")
    assert model.label_encoder is model.label_encoder


def test_a_model_without_one_says_so(tmp_path):
    model = Model.load(text_model.make(tmp_path / "mute", text=False), device="cpu")
    assert not model.encodes_phrases
    assert model.label_encoder is None


@pytest.mark.parametrize("file", ["label_encoder.onnx", "tokenizer.json"])
def test_a_changed_or_missing_file_is_refused_by_name(folder, file):
    with (folder / file).open("ab") as changed:
        changed.write(b" ")
    with pytest.raises(FolderError, match=rf"{file}: changed since it was written"):
        _ = Model.load(folder, device="cpu").label_encoder
    (folder / file).unlink()
    with pytest.raises(FolderError, match=rf"{file}: No such file"):
        _ = Model.load(folder, device="cpu").label_encoder


@pytest.mark.parametrize(("options", "message"), [
    ({"ids": "tokens"}, "expected the inputs input_ids"),
    ({"ids_type": "INT32"}, "expected the inputs input_ids"),
    ({"batch": 2}, "batch dynamic"),
    ({"output": "vector"}, r"expected an output, embedding, float32 \[batch, 4\]"),
    ({"table": np.eye(5, dtype=np.float32), "dimension": 5}, r"embedding, float32 \[batch, 4\]"),
    ({"length": 77}, "padding to 77 tokens"),
])
def test_a_graph_that_breaks_the_contract_is_refused(folder, options, message):
    text_model.label_encoder(folder / "label_encoder.onnx", **options)
    text_model.sign(folder)
    with pytest.raises(FolderError, match=message):
        _ = Model.load(folder, device="cpu").label_encoder


@pytest.mark.parametrize(("options", "message"), [
    ({"padding": None}, "expected padding and truncation"),
    ({"truncation": None}, "expected padding and truncation"),
])
def test_a_tokenizer_that_breaks_the_contract_is_refused(folder, options, message):
    text_model.tokenizer(folder / "tokenizer.json", **options)
    text_model.sign(folder)
    with pytest.raises(FolderError, match=rf"tokenizer\.json: {message}"):
        _ = Model.load(folder, device="cpu").label_encoder


@pytest.mark.parametrize(("file", "data", "message"), [
    ("tokenizer.json", b"{", r"tokenizer\.json: tokenizers cannot load it"),
    ("tokenizer.json", b"[]", r"tokenizer\.json: tokenizers cannot load it"),
    ("label_encoder.onnx", b"no graph", r"label_encoder\.onnx: ONNX Runtime cannot load it"),
])
def test_files_that_are_something_else_are_refused(folder, file, data, message):
    (folder / file).write_bytes(data)
    text_model.sign(folder)
    with pytest.raises(FolderError, match=message):
        _ = Model.load(folder, device="cpu").label_encoder


@pytest.mark.parametrize(("change", "message"), [
    # words that the graph has no vector for
    (lambda path: text_model.tokenizer(path / "tokenizer.json",
                                       words={**text_model.WORDS, "red": 99}),
     r"label_encoder\.onnx: ONNX Runtime cannot run it"),
    # phrases longer than what the others are padded to
    (lambda path: text_model.tokenizer(path / "tokenizer.json", padding=2, truncation=9),
     r"its truncation is longer than its padding, so that phrases have \[2, 4\] tokens"),
    (lambda path: text_model.label_encoder(path / "label_encoder.onnx",
                                           table=text_model.TABLE * np.float32(np.nan)),
     "a vector without a direction for 'red'"),
])
def test_graph_and_tokenizer_that_do_not_fit_are_an_error_of_the_folder(folder, change, message):
    change(folder)
    text_model.sign(folder)
    encoder = Model.load(folder, device="cpu").label_encoder
    with pytest.raises(FolderError, match=message):
        encoder.encode(["red", "one two red four"])


def test_models_say_what_they_can_do(zsl, tmp_path):
    env = {"ZSL_HOME": str(tmp_path)}
    folder = text_model.make(tmp_path / "models" / "colours")
    text_model.make(tmp_path / "models" / "mute", text=False)
    text_model.make_vocabulary(folder / "vocab", name="paints")
    lines = zsl("models", "list", env=env).stdout.decode().splitlines()
    assert lines[0] == ("colours\t1\tspace colours, dimension 4, encodes phrases, "
                        "own vocabulary of 3 labels")
    assert lines[1] == "mute\t1\tspace colours, dimension 4"
    shown = zsl("models", "show", "colours", env=env).stdout.decode()
    assert "encodes phrases: yes (templates: a photo of a {}.)" in shown
    assert "own vocabulary: 3 labels" in shown
    mute = zsl("models", "show", "mute", env=env).stdout.decode()
    assert "encodes phrases: no" in mute
    assert "own vocabulary: none" in mute
    found = json.loads(zsl("models", "show", "colours", "--json", env=env).stdout)
    assert found["own_vocabulary"]["name"] == "paints"
    assert found["text"] == {"templates": ["a photo of a {}."]}


def test_many_templates_are_counted_and_not_listed_in_one_line(zsl, tmp_path):
    folder = text_model.make(tmp_path / "m", text=False)
    text_model.label_encoder(folder / "label_encoder.onnx")
    text_model.tokenizer(folder / "tokenizer.json")
    manifest = json.loads((folder / "model.json").read_text())
    manifest["text"] = {"templates": [f"{number} {{}}" for number in range(80)]}
    (folder / "model.json").write_text(json.dumps(manifest))
    text_model.sign(folder)
    shown = zsl("models", "show", str(folder)).stdout.decode()
    assert "encodes phrases: yes (templates: 0 {}, 1 {}, 2 {}, and 77 more)\n" in shown


@pytest.mark.parametrize(("damage", "message"), [
    (lambda folder: (folder / "label_encoder.onnx").write_bytes(b"x"),
     "label_encoder.onnx: changed"),
    (lambda folder: (folder / "tokenizer.json").write_bytes(b"x"), "tokenizer.json: changed"),
    (lambda folder: (folder / "vocab" / "labels.jsonl").write_bytes(b"x"), "labels.jsonl: changed"),
    (lambda folder: (folder / "vocab" / "vocabulary.json").unlink(), "vocabulary.json: No such"),
    (lambda folder: (text_model.label_encoder(folder / "label_encoder.onnx", output="out"),
                     text_model.sign(folder)), "expected an output, embedding"),
    (lambda folder: (text_model.tokenizer(folder / "tokenizer.json",
                                          words={"[PAD]": 0, "[UNK]": 99}),
                     text_model.sign(folder)), "ONNX Runtime cannot run it"),
    (lambda folder: (folder / "vocab" / "vocabulary.json").write_text(
        (folder / "vocab" / "vocabulary.json").read_text().replace('"colours"', '"sounds"')),
     "space 'sounds'"),
])
def test_verify_looks_at_the_label_encoder_and_at_the_own_vocabulary(
        zsl, tmp_path, damage, message):
    folder = text_model.make(tmp_path / "colours")
    text_model.make_vocabulary(folder / "vocab")
    assert zsl("models", "verify", str(folder)).returncode == 0
    damage(folder)
    result = zsl("models", "verify", str(folder))
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1
