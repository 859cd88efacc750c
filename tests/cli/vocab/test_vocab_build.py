"""``zsl vocab build``: word vectors and labels → a vocabulary folder."""

import gzip
import json

import numpy as np
import pytest
import word_vectors as files
from word_vectors import BINARY, FOUND

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import build as builder
from zsl_cli.cli.vocab.build import command
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label


def unit(vector):
    return vector / np.linalg.norm(vector)


def test_every_word_is_a_label(build):
    result, vocabulary = build()
    assert result.returncode == 0, result.stderr
    words = files.WORDS[:-1]  # the end of a sentence is no word
    assert [label.id for label in vocabulary.labels] == words
    assert vocabulary.label(3).name == "great white shark"
    assert vocabulary.manifest.entries["vectors"] == {"file": "vectors.bin",
                                                      "format": "word2vec binary"}
    np.testing.assert_allclose(vocabulary.vectors, [unit(FOUND[word]) for word in words],
                               atol=1e-6)
    assert b"10 labels of 6 dimensions (10 with a vector of their own)" in result.stderr
    assert result.stdout == b""


def test_imagenets_labels_come_from_the_class_lists_of_a_given_folder(build, wordnet,
                                                                    tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "imagenet_synsets.txt").write_text("n00000006\nn00000002\nn99999999\n")
    vectors = files.binary(files.vectors(["crane", "animal", "bird", "machine"]))
    where = ("--wordnet", str(tmp_path), "--class-lists", "lists")
    result, vocabulary = build("--labels", "imagenet-1k", *where, vectors=vectors)
    assert result.returncode == 0, result.stderr
    assert [label.id for label in vocabulary.labels] == ["n00000002", "n00000006"]
    result, _ = build("--labels", "imagenet-21k", *where, "--force", vectors=vectors)
    assert result.returncode == 2
    assert "imagenet21k_goog_synsets.txt: No such file" in result.stderr.decode()


CHOICES = {"phrases": builder.PHRASES, "oov": builder.OOV, "dtype": builder.DTYPES}


def test_the_command_line_and_a_request_have_the_same_choices():
    offered = {option.name: option for option in command.params}
    for name, choices in CHOICES.items():
        assert tuple(offered[name].type.choices) == choices
        assert offered[name].default == getattr(builder.BuildRequest, name)


LABELS = "Great white shark\ntiger shark\nCAFÉ\nunicorn shark\na red panda\n"


def test_labels_of_a_list_and_their_vectors(build):
    result, vocabulary = build(labels=LABELS)
    assert result.returncode == 0, result.stderr
    assert [label.name for label in vocabulary.labels] == [
        "Great white shark", "tiger shark", "CAFÉ", "a red panda"]
    mean = unit(unit(FOUND["tiger"]) + unit(FOUND["shark"]))
    red_panda = unit(unit(FOUND["red"]) + unit(FOUND["panda"]))
    np.testing.assert_allclose(vocabulary.vectors, [
        unit(FOUND["great_white_shark"]), mean, unit(FOUND["café"]), red_panda], atol=1e-6)
    said = result.stderr.decode()
    assert ("1 of 5 labels left out, since words of theirs are unknown: 'unicorn shark'; the "
            "words that cost most: 'unicorn' (1)") in said
    assert "4 labels of 6 dimensions (2 with a vector of their own, 2 the mean of" in said
    assert vocabulary.manifest.entries["built"]["left_out"] == 1


def test_phrases_by_their_own_vector_alone_or_by_the_mean_alone(build):
    result, vocabulary = build("--phrases", "token", labels=LABELS + "the great white shark\n")
    assert [label.name for label in vocabulary.labels] == [
        "Great white shark", "CAFÉ", "the great white shark"]
    said = result.stderr.decode()
    assert "1 of 6 labels left out, since words of theirs are unknown: 'unicorn shark'" in said
    assert ("2 of 6 labels left out, without a phrase of their own (--phrases auto takes the mean "
            "of the words): 'tiger shark', 'a red panda'\n") in said
    for options, message in ((("--oov", "error"), b"1 of 1 label without a phrase of their own in"),
                             ((), b"knows no phrase of the 1 label of labels.txt: 'tiger shark'")):
        result, _ = build("--phrases", "token", "--force", *options, labels="tiger shark\n")
        assert result.returncode == 2
        assert message in result.stderr
    _, vocabulary = build("--phrases", "mean", "--force", labels="tiger shark\nsiamese cat\ncafé")
    assert [label.name for label in vocabulary.labels] == ["tiger shark", "café"]


def test_unknown_words_can_be_an_error(build):
    result, vocabulary = build("--oov", "error", labels=LABELS)
    assert result.returncode == 2
    assert b"1 of 5 labels with words that vectors.bin does not know: 'unicorn shark'" in (
        result.stderr)
    assert vocabulary is None


def test_subwords_need_fasttext(build):
    result, vocabulary = build("--oov", "subword", labels=LABELS)
    assert result.returncode == 2
    assert b"--oov subword is for fastText's .bin" in result.stderr
    assert vocabulary is None


def test_subwords_make_vectors_of_unknown_words(build):
    ngrams = pytest.importorskip("gensim.models.fasttext").ft_ngram_hashes
    rows = np.random.default_rng(1).normal(size=(50, files.DIMENSION)).astype(np.float32)
    result, vocabulary = build("--oov", "subword", labels="unicorn\n",
                               vectors=files.fasttext(FOUND, buckets=50, rows=rows))
    assert result.returncode == 0, result.stderr
    expected = unit(rows[ngrams("unicorn", 3, 4, 50)].mean(axis=0))
    np.testing.assert_allclose(vocabulary.vectors[0], expected, atol=1e-6)
    assert vocabulary.manifest.entries["built"]["subword"] == 1


def test_a_synonym_stands_in_for_an_unknown_name_and_parents_are_kept(build):
    table = ("id,name,synonyms,gloss,parent\n1,beast,,,\n2,selachian,shark,a fish,1\n"
             "3,tiger shark,,,2\n4,unknowable,,,2\n5,teapot,,,4\n")
    result, vocabulary = build(labels=table, name="l.csv")
    assert result.returncode == 0, result.stderr
    assert [(label.id, label.parents) for label in vocabulary.labels] == [
        ("2", ()), ("3", ("2",)), ("5", ("2",))]
    assert vocabulary.label(0).gloss == "a fish"
    np.testing.assert_allclose(vocabulary.vectors[0], unit(FOUND["shark"]), atol=1e-6)
    assert vocabulary.manifest.entries["built"]["synonym"] == 1


def test_zeros_nan_and_repeated_words_are_dealt_with(build):
    bad = {**FOUND, "tiger": np.zeros(6, np.float32), "red": np.full(6, np.nan, np.float32),
           "shark2": FOUND["shark"] * 2}
    data = files.text(bad) + b"panda 1 1 1 1 1 1\n"
    result, vocabulary = build(vectors=data.replace(b"12 6\n", b"13 6\n", 1))
    assert result.returncode == 0, result.stderr
    assert not {"tiger", "red"} & {label.id for label in vocabulary.labels}
    np.testing.assert_allclose(vocabulary.vectors[vocabulary.rows["panda"]],
                               unit(FOUND["panda"]), atol=1e-6)
    said = result.stderr.decode()
    assert "left out, with a vector of zeros or NaN: 'tiger', 'red'" in said
    assert "1 word repeated in the vectors; the first of each counts" in said
    assert "1 label with the vector of an earlier one" in said
    assert "shark2" in vocabulary.rows
    _, merged = build("--merge", "--force", vectors=files.text(bad))
    assert "shark2" not in merged.rows
    assert len(merged) == len(vocabulary) - 1


@pytest.mark.parametrize("labels", [None, "tiger\nshark\n"])
def test_very_large_values_have_a_direction_too(build, labels):
    large = {word: vector * np.float32(1e30) for word, vector in FOUND.items()}
    result, vocabulary = build(vectors=files.text(large), labels=labels)
    assert result.returncode == 0, result.stderr
    np.testing.assert_allclose(vocabulary.vectors[vocabulary.find("tiger").row],
                               unit(FOUND["tiger"]), atol=1e-6)
    assert b"zeros or NaN" not in result.stderr


def test_labels_with_the_same_vector_can_be_merged(build):
    table = "id,name,parent\n1,crane,\n2,Crane,1\n3,teapot,2\n"
    _, vocabulary = build(labels=table, name="l.csv")
    assert list(vocabulary.rows) == ["1", "2", "3"]
    _, vocabulary = build("--merge", "--force", labels=table, name="l.csv")
    assert [(label.id, label.parents) for label in vocabulary.labels] == [
        ("1", ()), ("3", ("1",))]


def test_only_labels_that_are_written_are_counted(build):
    bad = {**FOUND, "tiger": -unit(FOUND["shark"]), "red": FOUND["crane"]}
    result, vocabulary = build("--merge", vectors=files.binary(bad),
                               labels="shark\nShark\ntiger shark\ncrane\nred\n")
    assert [label.name for label in vocabulary.labels] == ["shark", "crane"]
    assert b"2 labels of 6 dimensions (2 with a vector of their own)" in result.stderr
    built = vocabulary.manifest.entries["built"]
    assert (built["own"], built["mean"], built["same_vector"]) == (2, 0, 2)


@pytest.mark.parametrize("labels", [None, "w1\nw2\nw99\n"])
def test_a_low_limit_does_not_change_the_space(build, labels):
    many = files.binary(files.vectors([f"w{i}" for i in range(400)]))
    _, every = build(vectors=many)
    _, some = build("--limit", "99", "--force", vectors=many, labels=labels)
    assert [label.name for label in some.labels] == (
        ["w1", "w2"] if labels else [f"w{i}" for i in range(99)])
    assert some.space == every.space
    _, few = build("--limit", "300", "--force", vectors=many, labels=labels)
    assert few.space == every.space


def test_vectors_of_one_collection_share_their_space(build, zsl, tmp_path):
    _, every = build()
    _, some = build("--force", labels="teapot\n")
    assert some.space == every.space
    (tmp_path / "v.txt.gz").write_bytes(gzip.compress(files.text(FOUND, header=False)))
    zsl("vocab", "build", "v.txt.gz", "-o", "glove")
    assert Vocabulary.load(tmp_path / "glove").space == every.space
    _, other = build("--force", vectors=files.binary(files.vectors(files.WORDS[::-1])))
    assert other.space != every.space
    _, named = build("--force", "--space", "mine", "--name", "Mine")
    assert (named.space, named.name) == ("mine", "Mine")


def test_a_vocabulary_gives_vectors_to_another(build, zsl, tmp_path):
    _, every = build()
    (tmp_path / "l.txt").write_text("great white shark\ntiger-shark\n")
    result = zsl("vocab", "build", "out/words", "--labels", "l.txt", "-o", "out/few")
    assert result.returncode == 0, result.stderr
    few = Vocabulary.load(tmp_path / "out" / "few")
    assert few.space == every.space
    np.testing.assert_allclose(few.vectors[0], every.vectors[3], atol=1e-6)
    result = zsl("vocab", "build", "default", "--labels", "l.txt", "-o", "out/more")
    assert result.returncode == 2
    assert b"dimensions beside those of meaning" in result.stderr


def test_options_of_the_folder(build):
    _, vocabulary = build("--dtype", "float16", "--limit", "4", "--m", "8", "--ef", "99")
    assert vocabulary.vectors.dtype == np.float16
    assert len(vocabulary) == 4
    assert (vocabulary.hnsw_parameters.m, vocabulary.hnsw_parameters.ef) == (8, 99)


def test_an_existing_folder_is_replaced_with_force_only(build):
    _, before = build()
    result, after = build("--limit", "2")
    assert result.returncode == 2
    assert b"give --force" in result.stderr
    assert len(after) == len(before)
    result, after = build("--limit", "2", "--force")
    assert result.returncode == 0
    assert len(after) == 2


@pytest.mark.usefixtures("any_file_name")
def test_names_that_are_not_utf8_are_kept(zsl, tmp_path):
    (tmp_path / "words\udcff.bin").write_bytes(BINARY)
    (tmp_path / "photos" / "shark\udcff").mkdir(parents=True)
    (tmp_path / "l.jsonl").write_text('{"name": "tiger", "gloss": "\\ud83d \\\\ \u00e9"}\n')
    for labels, expected in (("photos", Label("shark\udcff", "shark\udcff")),
                             ("l.jsonl", Label("tiger", "tiger", gloss="\ud83d \\ \u00e9"))):
        result = zsl("vocab", "build", "words\udcff.bin", "--labels", labels, "-o",
                     f"{labels}\udcff")
        assert result.returncode == 0, result.stderr
        vocabulary = Vocabulary.load(tmp_path / f"{labels}\udcff")
        assert vocabulary.labels == [expected]
        assert vocabulary.manifest.entries["vectors"]["file"] == "words\udcff.bin"


def test_phrases_are_composed_of_known_words(build, zsl, tmp_path, cat_jpg):
    """With a model that maps into this space and does not encode phrases itself."""
    _, vocabulary = build()
    model = a_model_of(vocabulary, tmp_path / "model")
    arguments = ("classify", str(cat_jpg), "--model", str(model), "--vocab", "out/words")
    result = zsl(*arguments, "--labels", "teapot,a tiger shark,Great white shark", "--jsonl")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert {label["label"] for label in record["labels"]} == {
        "teapot", "a tiger shark", "Great white shark"}
    assert b"'a tiger shark' is no label of vocabulary words, so composed: tiger + shark" in (
        result.stderr)
    result = zsl(*arguments, "--labels", "teapto shark")
    assert result.returncode == 2
    assert (b"unknown label 'teapto shark', and it cannot be composed of its words: unknown label "
            b"'teapto'; the nearest names are: teapot") in result.stderr


def a_model_of(vocabulary, folder):
    """The default model, its embedding cut to the vocabulary's dimension."""
    onnx = pytest.importorskip("onnx")
    import shutil

    shutil.copytree(folders.find(folders.MODEL, "default"), folder)
    graph = onnx.load(folder / "encoder.onnx")
    output = graph.graph.output[0]
    for node in graph.graph.node:
        node.output[:] = ["whole" if name == output.name else name for name in node.output]
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph.graph.initializer.extend([
        numpy_helper.from_array(np.array([n], np.int64), name)
        for name, n in (("from", 0), ("to", vocabulary.dimension), ("axis", 1))])
    graph.graph.node.extend([
        helper.make_node("Slice", ["whole", "from", "to", "axis"], ["cut"]),
        helper.make_node("LpNormalization", ["cut"], [output.name], axis=1, p=2)])
    output.type.tensor_type.shape.dim[1].dim_value = vocabulary.dimension
    onnx.save(graph, folder / "encoder.onnx")
    manifest = json.loads((folder / "model.json").read_text())
    for name in ("label_encoder.onnx", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)
    manifest.pop("text", None)
    manifest |= {"space": vocabulary.space, "dimension": vocabulary.dimension,
                 "files": folders.describe_files(folder, "encoder.onnx")}
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("order", [1, -1])
def test_a_label_has_the_vector_of_its_best_spelling_wherever_that_stands(build, order):
    found = files.vectors(["DOG", "dog", "Dog", "Red-Fox", "red_fox", "CAT"][::order])
    _, vocabulary = build(vectors=files.binary(found),
                          labels="dog\nDog\nDOG\nfox of dogs\nred fox\ncat\n")
    assert [label.name for label in vocabulary.labels] == ["dog", "Dog", "DOG", "red fox", "cat"]
    np.testing.assert_allclose(vocabulary.vectors, [unit(found[token]) for token in (
        "dog", "Dog", "DOG", "red_fox", "CAT")], atol=1e-6)
