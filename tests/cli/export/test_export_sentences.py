"""A sentence encoder and a map of phrases become the label encoder of a model without text."""

import functools
import json
import shutil

import numpy as np
import pytest
from networks import WORDS, import_transformers, lively

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from export_runs import refused  # noqa: E402
from small_export import ARCH  # noqa: E402

from zsl_cli import Classifier, Model  # noqa: E402
from zsl_cli.authoring.exporting import export, plan, sentences  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.authoring.networks.phrase_map import PhraseMap  # noqa: E402
from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.support import folders  # noqa: E402
from zsl_cli.vocabulary import writing  # noqa: E402
from zsl_cli.vocabulary.names.label import Label  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

WIDTH, K, D = 48, 5, 8
SPACE = "meanings"
TEXTS = ["a cat", "dog", "one two three four five six seven eight nine ten", "Ünknown cat",
         "a very long phrase " * 40]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A folder with a small sentence encoder in the layout of sentence-transformers."""
    transformers = import_transformers()
    folder = tmp_path_factory.mktemp("sentences")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(WORDS)), "a", "cat", "dog",
              *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"), *"bcdefghijklmnop"]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(tokens)), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(dict.fromkeys(tokens)), hidden_size=WIDTH, intermediate_size=96,
        num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=128)
    lively(transformers.BertModel(config)).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(
        {"word_embedding_dimension": WIDTH, "pooling_mode_cls_token": False,
         "pooling_mode_mean_tokens": True}))
    return folder


def phrase_map(folder, **changes):
    random = np.random.default_rng(0)
    landmarks = random.normal(size=(20, WIDTH))
    given = {"landmarks": landmarks / np.linalg.norm(landmarks, axis=1, keepdims=True),
             "weights": 0.15 * random.normal(size=(20, K)), "bias": 0.1 * random.normal(size=K),
             "width": 0.5, "dimension": D, "space": SPACE, "slack": D - 2,
             "encoder": folders.sha256(folder / "model.safetensors")}
    return PhraseMap(**{**given, **changes})


def expected(encoder, phrases, texts):
    """By transformers' own classes, a text at a time, and the equation in NumPy."""
    transformers = import_transformers()
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder)
    network = transformers.AutoModel.from_pretrained(encoder).eval()
    found = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            x = network(**tokens).last_hidden_state[0].mean(0).numpy()
        x = x / np.linalg.norm(x)
        y = np.exp((phrases.landmarks @ x - 1) / phrases.width) @ phrases.weights + phrases.bias
        vector = np.zeros(phrases.dimension)
        length = np.linalg.norm(y)
        if phrases.slack is None:
            vector[:len(y)] = y / length
        else:
            vector[:len(y)] = y / max(length, 1)
            vector[phrases.slack] = np.sqrt(max(1 - length ** 2, 0))
        found.append(vector)
    return np.array(found)


def request(workplace, encoder, phrases, **options):
    width = 48
    random = np.random.default_rng(1)
    projection = Projection(random.normal(size=(D, width)).astype(np.float32), space=SPACE)
    return plan.ExportRequest(
        workplace / "small.pth", options.pop("output", None),
        Hints("small_network:make", InputOptions(size=48)), projection=projection,
        phrase_map=phrases, text_encoder=encoder, **options)


@pytest.fixture(scope="module")
def exported(small, encoder, tmp_path_factory):
    """The model folder of a form, exported once; do not change it."""

    @functools.cache
    def of_form(form):
        folder = tmp_path_factory.mktemp(form) / "out"
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(small[1].parent))
            export(request(small[1].parent, encoder, phrase_map(encoder), output=folder,
                           quantize="none" if form == "float32" else form))
        return folder

    return of_form


@pytest.mark.slow
@pytest.mark.parametrize("form", ["float32", "int8", "fp16"])
def test_the_label_encoder_gives_what_the_map_says(exported, encoder, form):
    phrases = phrase_map(encoder)
    folder = exported(form)
    model = Model.load(folder, device="cpu")
    found = model.label_encoder.encode(TEXTS)
    wanted = expected(encoder, phrases, TEXTS)
    np.testing.assert_allclose(found, wanted, atol=1e-5 if form == "float32" else 0.03)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found[:, [K, D - 1]] == 0).all()
    # neither the other phrases of a batch nor their length play a part
    alone = np.concatenate([model.label_encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, found, atol=1e-5)
    assert model.manifest.entries["text"] == {"templates": [], "encoder": "BertModel",
                                      "sha256": phrases.encoder, "landmarks": 20}
    assert f"text {form}" in model.manifest.entries["parity"]
    assert "20 landmarks" in (folder / "README.md").read_text()
    for file in ("encoder.onnx", "label_encoder.onnx"):  # no line of whose code made which node
        assert str(folders.__file__.rpartition("/")[0]).encode() not in (
            folder / file).read_bytes()


def test_int8_weights_are_made_floats_once_and_looked_up_as_they_are(exported):
    graph = onnx.load(exported("int8") / "label_encoder.onnx").graph
    assert not {"DequantizeLinear", "DynamicQuantizeLinear"} & {
        node.op_type for node in graph.node}
    large = [tensor for tensor in graph.initializer if np.prod(tensor.dims) > 1000]
    assert large
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.INT8}
    words = next(tensor.name for tensor in large if "word_embeddings" in tensor.name)
    assert [node.op_type for node in graph.node if words in node.input] == ["Gather"]


def test_without_slack_vectors_are_scaled_and_long_ones_have_none(encoder):
    for phrases in (phrase_map(encoder, slack=None),
                    phrase_map(encoder, bias=np.full(K, 5.0))):
        tower = sentences.tower(encoder, phrases)
        ids = torch.tensor([one.ids for one in tower.tokenizer.encode_batch(TEXTS)])
        with torch.inference_mode():
            found = torch.nn.functional.normalize(tower.module(ids), dim=1).numpy()
        np.testing.assert_allclose(found, expected(encoder, phrases, TEXTS), atol=1e-5)


def test_phrases_stand_beside_the_labels_of_the_space(exported, tmp_path, skimage_photos):
    folder = shutil.copytree(exported("float32"), tmp_path / "out")
    vectors = np.eye(3, D, dtype=np.float32)
    (folder / "vocab").mkdir()
    writing.write(folder / "vocab", "own", SPACE,
                            [Label(name, name) for name in ("cat", "bird", "fish")], vectors)
    classifier = Classifier.load(folder)
    (answer,) = classifier.classify([skimage_photos / "chelsea.png"],
                                    labels=["my cat", "cat", "bird"], top=3)
    assert {label.name: label.phrase for label in answer.labels} == {
        "my cat": True, "cat": False, "bird": False}
    assert sum(label.score for label in answer.labels) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("changes", "message"), [
    ({"space": "elsewhere"}, "'elsewhere', and the model of 'meanings'"),
    ({"dimension": 9, "slack": None}, "of 9 dimensions, and the embedding has 8"),
    ({"encoder": "00"}, r"model\.safetensors: not the weights that the map"),
    ({"landmarks": np.eye(20, 30)}, "takes sentence vectors of 30 dimensions, .*have 48")])
def test_a_map_of_something_else_is_refused(
        workplace, encoder, monkeypatch, changes, message):
    monkeypatch.syspath_prepend(str(workplace))
    with pytest.raises(ZslError, match=message):
        plan.make(request(workplace, encoder, phrase_map(encoder, **changes)))


@pytest.mark.parametrize(("change", "message"), [
    (lambda folder: (folder / "model.safetensors").unlink(), r"there is no model\.safetensors"),
    (lambda folder: (folder / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true}'), "pooling_mode_cls_token; the mean"),
    (lambda folder: (folder / "1_Pooling" / "config.json").write_text("[]"), "1_Pooling"),
    (lambda folder: [path.unlink() for path in folder.glob("*oken*")]
     + [(folder / "vocab.txt").unlink(missing_ok=True)], "no tokenizer in it"),
    (lambda folder: (folder / "config.json").write_text("{}"), "cannot load it"),
])
def test_a_folder_that_is_no_sentence_encoder_is_refused(encoder, tmp_path, change, message):
    shutil.copytree(encoder, tmp_path / "copy")
    change(tmp_path / "copy")
    with pytest.raises(ZslError, match=message):
        sentences.tower(tmp_path / "copy", phrase_map(encoder))


def test_map_and_encoder_belong_together_on_the_command_line(zsl, workplace):
    result = zsl("export", "small.pth", *ARCH, "--phrase-map", "p.npz")
    assert result.returncode == 2
    assert b"--phrase-map and --text-encoder belong together" in result.stderr
    assert not (workplace / "small-model").exists()
    for options, message in (
            (("--text-encoder", "folder"), "--phrase-map and --text-encoder belong together"),
            (("--phrase-map", "p.npz", "--text-encoder", "x"),
             "p.npz: cannot be read as a map of phrases")):
        assert message in refused(workplace, "small.pth", *ARCH, *options)
