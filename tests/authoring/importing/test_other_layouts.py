"""MobileCLIP 2's folder of several models, multilingual text towers of sentence-transformers,
graphs with ends of their own, and texts that are cleaned first."""

import json
import shutil

import numpy as np
import published
import pytest

from zsl_cli import Model

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")


def imported(output, *arguments):
    result = published.zsl("models", "import", "-o", output, *arguments)
    assert result.returncode == 0, result.stderr
    return Model.load(output), json.loads((output / "model.json").read_text())


def _unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def meaning(vectors):
    return _unit(vectors[:, :-2])


def test_one_of_several_models_in_a_folder(clip, tmp_path):
    ready = tmp_path / "ready"
    for size in ("s0", "s2"):
        shutil.copytree(clip.ready / "onnx", ready / "onnx" / size)
        for name in ("config.json", "preprocessor_config.json"):
            shutil.copy(clip.ready / name, ready / "onnx" / size)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(clip.ready / name, ready)
    refused = published.zsl("models", "import", "-o", tmp_path / "m", ready)
    assert refused.returncode == 2
    assert "s0, s2" in refused.stderr
    _, manifest = imported(tmp_path / "m", ready, "--variant", "s2")
    assert manifest["published"]["layout"] == "MobileCLIP 2"
    assert "onnx/s2/vision_model.onnx" in manifest["published"]["files"]


def _sentence_transformer(folder, dimension):
    """A DistilBERT whose tokens are averaged and mapped, as sentence-transformers publishes it;
    returns what it gives for ids and a mask."""
    import tokenizers
    import transformers

    words = {word: number for number, word in enumerate(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ein", "hund", "katze", "rot", "chien", "rouge"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    torch.manual_seed(0)
    network = transformers.DistilBertModel(transformers.DistilBertConfig(
        vocab_size=len(words), dim=32, n_layers=2, n_heads=2, hidden_dim=64,
        max_position_embeddings=40, attn_implementation="eager")).eval()

    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids,
                                attention_mask=attention_mask).last_hidden_state

    ones = torch.ones(2, 5, dtype=torch.int64)
    published.write_onnx(States().eval(), [ones, ones], ["input_ids", "attention_mask"],
                         ["last_hidden_state"], folder / "onnx" / "model.onnx")
    dense = np.random.default_rng(0).normal(size=(dimension, 32)).astype(np.float32)
    for name, content in {
            "1_Pooling": {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True,
                          "pooling_mode_cls_token": False},
            "2_Dense": {"in_features": 32, "out_features": dimension, "bias": False,
                        "activation_function": "torch.nn.modules.linear.Identity"}}.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps(content))
    from safetensors.numpy import save_file

    save_file({"linear.weight": dense}, folder / "2_Dense" / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"pad_token": "[PAD]", "model_max_length": 10**30}))
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "distilbert", "max_position_embeddings": 40}))

    def encode(phrases):
        rows = []
        for phrase in phrases:
            ids = torch.tensor([tokenizer.encode(phrase).ids])
            with torch.inference_mode():
                states = network(input_ids=ids, attention_mask=torch.ones_like(ids))
            rows.append(states.last_hidden_state.mean(dim=1).numpy()[0] @ dense.T)
        return _unit(np.stack(rows))

    return encode


def test_a_multilingual_text_tower_beside_the_image_tower(clip, tmp_path):
    expected = _sentence_transformer(tmp_path / "text", 24)
    model, _ = imported(tmp_path / "m", clip.ready / "onnx" / "vision_model.onnx",
                        tmp_path / "text", "--size", "64", "--mean", "0.5", "--std", "0.5")
    phrases = ["ein hund", "katze", "chien rouge rouge", "ein " * 60]
    found = meaning(model.label_encoder.encode(phrases[:3]))
    assert (found * expected(phrases[:3])).sum(axis=1).min() > 0.9999
    assert model.label_encoder.encode(phrases).shape == (4, 26)


def test_a_graph_that_takes_uint8_and_gives_what_is_named_by_an_option(tmp_path):
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph([
        helper.make_node("Cast", ["photo"], ["floats"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["embedding"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["floats"], ["other"], axes=[1, 2], keepdims=0)], "g",
        [helper.make_tensor_value_info("photo", types.UINT8, [1, 32, 32, 3])],
        [helper.make_tensor_value_info("other", types.FLOAT, [1, 3]),
         helper.make_tensor_value_info("embedding", types.FLOAT, [1, 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                                ir_version=8),
              tmp_path / "encoder.onnx")
    model, manifest = imported(tmp_path / "m", tmp_path / "encoder.onnx", "--size", "32", "--mean",
                               "0", "--std", "1", "--image-output", "other")
    pixels = np.random.default_rng(0).integers(1, 256, (4, 32, 32, 3), dtype=np.uint8)
    expected = _unit(pixels.max(axis=(1, 2)).astype(np.float32))
    np.testing.assert_allclose(model.embed_pixels(list(pixels)), expected, atol=1e-6)
    assert "normalisation" not in manifest
    assert "prior_room" not in manifest
    assert not model.encodes_phrases


def test_a_batch_that_cannot_be_freed_goes_through_one_by_one(tmp_path):
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(0).normal(size=(32 * 32 * 3, 4)).astype(np.float32)
    graph = helper.make_graph([
        helper.make_node("Einsum", ["pixels"], ["same"], equation="abcd->bcd"),
        helper.make_node("Reshape", ["same", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["embedding"])], "g",
        [helper.make_tensor_value_info("pixels", types.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("embedding", types.FLOAT, [1, 4])],
        [onnx.numpy_helper.from_array(weights, "weights"),
         onnx.numpy_helper.from_array(np.array([1, 3072]), "flat")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                                ir_version=8),
              tmp_path / "encoder.onnx")
    model, manifest = imported(tmp_path / "m", tmp_path / "encoder.onnx", "--size", "32", "--mean",
                               "0", "--std", "1")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    expected = _unit(pixels.transpose(0, 3, 1, 2).reshape(3, -1).astype(np.float32) @ weights)
    np.testing.assert_allclose(model.embed_pixels(list(pixels)), expected, atol=1e-3)
    assert any("one by one" in line for line in manifest["published"]["assumed"])


def test_texts_are_cleaned_as_open_clip_does_where_its_configuration_says_so(clip, tmp_path):
    published.immich(clip.model, clip.folder, tmp_path / "ready", clean="canonicalize")
    model, _ = imported(tmp_path / "m", tmp_path / "ready")
    one, other = model.label_encoder.encode(["A dog's,  big_bus!", "a dogs big bus"])
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(("kind", "tokens"), [("siglip2", "Other"), ("siglip", "GemmaTokenizer")])
def test_texts_of_siglip_2_are_lower_case(siglip, tmp_path, kind, tokens):
    ready = shutil.copytree(siglip.ready, tmp_path / "ready")
    for name, more in (("config.json", {"model_type": kind}),
                       ("tokenizer_config.json", {"tokenizer_class": tokens})):
        settings = json.loads((ready / name).read_text())
        (ready / name).write_text(json.dumps({**settings, **more}))
    model, manifest = imported(tmp_path / "m", ready)
    one, other = model.label_encoder.encode(["A Golden Retriever", "a golden retriever"])
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert manifest["text"]["templates"] == ["This is a photo of {}."]


@pytest.mark.parametrize(("name", "content", "size"), [
    ("processor_config.json", {"image_processor": {
        "image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 64},
        "crop_size": {"height": 64, "width": 64}, "do_center_crop": True, "resample": 3,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3}}, 64),
    ("open_clip_config.json", {"model_cfg": {}, "preprocess_cfg": {
        "size": 64, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic",
        "resize_mode": "shortest"}}, 64)])
def test_preparation_is_read_from_every_place(clip, tmp_path, name, content, size):
    ready = shutil.copytree(clip.ready, tmp_path / "ready")
    (ready / "preprocessor_config.json").unlink()
    (ready / name).write_text(json.dumps(content))
    _, manifest = imported(tmp_path / "m", ready)
    assert manifest["input"]["size"] == size
    assert manifest["normalisation"]["mean"] == [127.5] * 3


def test_what_is_not_said_is_assumed_and_said(clip, tmp_path):
    ready = shutil.copytree(clip.ready, tmp_path / "ready")
    file = ready / "preprocessor_config.json"
    settings = json.loads(file.read_text())
    del settings["image_mean"]
    file.write_text(json.dumps(settings))
    _, manifest = imported(tmp_path / "m", ready)
    assert any("what preprocessor_config.json does not say" in line
               and line.endswith("mean 0.4815 0.4578 0.4082")
               for line in manifest["published"]["assumed"])


@pytest.mark.parametrize("channels_last", [False, True])
def test_channels_come_in_the_order_that_mobilevits_processor_gives_them(tmp_path, channels_last):
    helper, types = onnx.helper, onnx.TensorProto
    shape, axes = (["batch", 32, 32, 3], [1, 2]) if channels_last else (
        ["batch", 3, 32, 32], [2, 3])
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["pixels"], ["embedding"], axes=axes, keepdims=0)], "g",
        [helper.make_tensor_value_info("pixels", types.FLOAT, shape)],
        [helper.make_tensor_value_info("embedding", types.FLOAT, ["batch", 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                                ir_version=8), tmp_path / "model.onnx")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 40},
        "crop_size": {"height": 32, "width": 32}, "resample": 3}))
    model, _ = imported(tmp_path / "m", tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    pixels[..., 0] //= 4
    expected = _unit(pixels.mean(axis=(1, 2))[:, ::-1].astype(np.float32))
    np.testing.assert_allclose(model.embed_pixels(list(pixels)), expected, atol=1e-5)


def test_a_class_token_that_goes_wrong_is_taken_at_the_end(clip, tmp_path, monkeypatch):
    """Whatever is done to a graph is measured, and done without where it does not agree."""
    from zsl_cli.authoring.importing import ImportRequest, halves, import_model

    import_model(ImportRequest(clip.ready, tmp_path / "early"))

    def broken(model):
        for node in model.graph.node:
            if node.op_type == "Softmax":
                node.op_type = "Identity"
                del node.attribute[:]
        return 1

    monkeypatch.setattr(halves.first_token, "take_early", broken)
    import_model(ImportRequest(clip.ready, tmp_path / "late"))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    early, late = (Model.load(tmp_path / name, device="cpu").embed_pixels([*pixels])
                   for name in ("early", "late"))
    np.testing.assert_allclose(early, late, atol=1e-5)
