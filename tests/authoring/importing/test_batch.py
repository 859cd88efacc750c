"""A batch that an exporter froze at 1 is freed where the graph allows it: several inputs at once
get what each of them gets alone."""

import shutil

import networks
import numpy as np
import published
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.usefixtures("operators_made_once")


def _frozen(module, example, path, *, dynamo):
    if dynamo:
        pytest.importorskip("onnxscript")
        with torch.inference_mode():
            torch.onnx.export(module, (example,), str(path), dynamo=True, opset_version=18,
                              external_data=False, input_names=["given"],
                              output_names=["vectors"], verbose=False)
    else:
        published.write_onnx(module, [example], ["given"], ["vectors"], path, dynamic=False)
    return path


def _open_clip(half):
    open_clip = networks.import_open_clip()
    tower = {"layers": 2, "width": 64}
    model = networks.lively(open_clip.CLIP(
        32, {**tower, "image_size": 64, "patch_size": 16, "head_width": 32},
        {**tower, "heads": 2, "context_length": 77, "vocab_size": 1000}))

    class Half(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, given):
            return (self.model.encode_image if half == "image" else self.model.encode_text)(
                given, normalize=True)

    return Half().eval(), (torch.zeros(1, 3, 64, 64) if half == "image"
                           else torch.ones(1, 77, dtype=torch.int32))


def _timm(name):
    timm = networks.import_timm()
    return (networks.lively(timm.create_model(name, num_classes=0, exportable=True)),
            torch.zeros(1, 3, 160, 160))


def _siglip(folder, half):
    networks.import_transformers()
    vision, text = published.towers(published.siglip(folder))

    class Half(torch.nn.Module):
        def __init__(self, tower):
            super().__init__()
            self.tower = tower

        def forward(self, given):
            return self.tower(given)[1]

    return (Half(vision).eval(), torch.zeros(1, 3, 64, 64)) if half == "image" else (
        Half(text).eval(), torch.ones(1, 24, dtype=torch.int64))


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("kind", ["open_clip image", "open_clip text", "siglip image",
                                  "siglip text", "test_vit", "test_resnet"])
def test_three_at_once_get_what_each_gets_alone(kind, dynamo, tmp_path):
    import onnxruntime

    from zsl_cli.authoring.importing import batch

    library, _, half = kind.partition(" ")
    module, example = (_open_clip(half) if library == "open_clip" else _siglip(tmp_path, half)
                       if library == "siglip" else _timm(kind))
    path = _frozen(module, example, tmp_path / "frozen.onnx", dynamo=dynamo)
    model = onnx.load(path)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert batch.free(model)
    random = np.random.default_rng(0)
    shape = (3, *example.shape[1:])
    given = (random.random(shape, np.float32) if example.is_floating_point() else
             random.integers(2, 90, shape).astype(example.numpy().dtype))
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    alone = onnxruntime.InferenceSession(str(path), quiet)
    one_by_one = np.concatenate([alone.run(None, {"given": given[at:at + 1]})[0]
                                 for at in range(3)])
    together = onnxruntime.InferenceSession(model.SerializeToString(), quiet)
    np.testing.assert_allclose(together.run(None, {"given": given})[0], one_by_one, rtol=1e-3,
                               atol=1e-5 * np.abs(one_by_one).max())
    assert np.abs(np.diff(one_by_one, axis=0)).max() > 1e-4


@pytest.mark.parametrize("form", ["fp16", "int8"])
def test_other_forms_of_a_frozen_graph(siglip, tmp_path, form):
    import onnxruntime

    from zsl_cli.authoring.importing import batch

    ready = published.immich(siglip.model, siglip.folder, tmp_path / "ready")
    shutil.copytree(ready / "visual", tmp_path / "onnx")
    (tmp_path / "onnx" / "model.onnx").rename(tmp_path / "onnx" / "vision_model.onnx")
    (published.in_half_precision if form == "fp16" else published.in_int8)(tmp_path)
    path = tmp_path / "onnx" / f"vision_model_{'fp16' if form == 'fp16' else 'quantized'}.onnx"
    model = onnx.load(path)
    assert batch.free(model)
    given = np.random.default_rng(0).random((3, 3, 64, 64), np.float32)
    alone = onnxruntime.InferenceSession(str(path))
    one_by_one = np.concatenate([alone.run(None, {"image": given[at:at + 1]})[0]
                                 for at in range(3)])
    together = onnxruntime.InferenceSession(model.SerializeToString()).run(
        None, {"image": given})[0]
    assert (one_by_one * together).sum(axis=1) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("dynamo", [False, True])
def test_a_multilingual_text_tower_with_a_mask(tmp_path, dynamo):
    import onnxruntime

    from zsl_cli.authoring.importing import batch

    transformers = networks.import_transformers()
    torch.manual_seed(0)
    network = transformers.XLMRobertaModel(transformers.XLMRobertaConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=90, attn_implementation="eager")).eval()

    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            states = self.network(input_ids=input_ids, attention_mask=attention_mask)[0]
            mask = attention_mask.unsqueeze(-1).float()
            return (states * mask).sum(1) / mask.sum(1)

    ones = torch.ones(1, 77, dtype=torch.int32)
    names, path = ["input_ids", "attention_mask"], tmp_path / "frozen.onnx"
    if dynamo:
        pytest.importorskip("onnxscript")
        torch.onnx.export(Mean().eval(), (ones, ones), str(path), dynamo=True, opset_version=18,
                          external_data=False, input_names=names, output_names=["vectors"],
                          verbose=False)
    else:
        published.write_onnx(Mean().eval(), [ones, ones], names, ["vectors"], path, dynamic=False)
    model = onnx.load(path)
    assert batch.free(model)
    ids = np.random.default_rng(0).integers(2, 90, (3, 77)).astype(np.int32)
    mask = (np.arange(77) < np.array([[77], [9], [3]])).astype(np.int32)
    given = {"input_ids": ids, "attention_mask": mask}
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    alone = onnxruntime.InferenceSession(str(path), quiet)
    one_by_one = np.concatenate([alone.run(None, {
        name: value[at:at + 1] for name, value in given.items()})[0] for at in range(3)])
    together = onnxruntime.InferenceSession(model.SerializeToString(), quiet)
    np.testing.assert_allclose(together.run(None, given)[0], one_by_one, rtol=1e-3, atol=1e-4)


def test_a_graph_through_which_no_batch_can_be_followed_is_left_as_it_is():
    from zsl_cli.authoring.importing import batch

    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Einsum", ["x"], ["y"], equation="ab->ab")], "g",
        [helper.make_tensor_value_info("x", types.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", types.FLOAT, [1, 4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    before = model.SerializeToString()
    assert not batch.free(model)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_immichs_frozen_towers_take_any_batch_when_imported(kind, request, tmp_path):
    original = request.getfixturevalue(kind)
    published.immich(original.model, original.folder, tmp_path / "ready")
    result = published.zsl("models", "import", tmp_path / "ready", "-o", tmp_path / "m")
    assert result.returncode == 0, result.stderr
    assert "one by one" not in result.stderr
    for name in ("encoder.onnx", "label_encoder.onnx"):
        (end,) = onnx.load(tmp_path / "m" / name, load_external_data=False).graph.input
        assert end.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_batch_that_is_said_to_be_free_and_is_frozen_inside(tmp_path):
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(0).normal(size=(3 * 8 * 8, 4)).astype(np.float32)
    graph = helper.make_graph([
        helper.make_node("Reshape", ["pixels", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["embedding"])], "g",
        [helper.make_tensor_value_info("pixels", types.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("embedding", types.FLOAT, ["batch", 4])],
        [onnx.numpy_helper.from_array(weights, "weights"),
         onnx.numpy_helper.from_array(np.array([1, 192]), "flat")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                                ir_version=8), tmp_path / "encoder.onnx")
    result = published.zsl("models", "import", tmp_path / "encoder.onnx", "-o", tmp_path / "m",
                           "--size", "8", "--mean", "0", "--std", "1")
    assert result.returncode == 0, result.stderr
    from zsl_cli import Model

    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    expected = pixels.transpose(0, 3, 1, 2).reshape(3, -1).astype(np.float32) @ weights
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(Model.load(tmp_path / "m").embed_pixels(list(pixels)), expected,
                               atol=1e-5)
    assert "one by one" not in result.stderr
