"""What cannot be imported is refused in one line, and nothing is left behind."""

import json
import shutil

import numpy as np
import published
import pytest

onnx = pytest.importorskip("onnx")


@pytest.fixture
def ready(clip, tmp_path):
    """A folder in transformers.js' layout that a test may spoil."""
    return shutil.copytree(clip.ready, tmp_path / "ready")


def refused(tmp_path, *arguments, expected):
    """The message holds all that is expected, and nothing was written."""
    result = published.zsl("models", "import", "-o", tmp_path / "m", *arguments)
    assert result.returncode == 2, result.stderr
    message = result.stderr.splitlines()[-1]
    for part in expected:
        assert part in message
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*m"))
    assert not list(tmp_path.glob(".m*"))


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def edit(path, function):
    model = onnx.load(path)
    function(model)
    onnx.save(model, path)


def test_a_folder_of_no_known_layout(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path, tmp_path / "empty", expected=[
        "none of the known layouts", "onnx/vision_model.onnx", "visual/model.onnx",
        "--image-output", "--size"])


def test_weights_of_pytorch_are_for_export(clip, tmp_path):
    folder = tmp_path / "torch"
    folder.mkdir()
    shutil.copy(clip.folder / "model.safetensors", folder)
    refused(tmp_path, folder, expected=["zsl export"])


def test_two_text_models(ready, tmp_path):
    refused(tmp_path, ready / "onnx" / "text_model.onnx", ready / "onnx" / "text_model.onnx",
            expected=["two text models"])


def test_a_text_model_alone(ready, tmp_path):
    refused(tmp_path, ready / "onnx" / "text_model.onnx", expected=["a text model alone"])


def test_an_output_with_a_vector_for_each_token(siglip, tmp_path):
    refused(tmp_path, siglip.ready, "--image-output", "last_hidden_state",
            expected=["last_hidden_state has 3 dimensions"])


def test_an_output_that_is_not_there(ready, tmp_path):
    refused(tmp_path, ready, "--image-output", "features", expected=[
        "no output features", "image_embeds"])


def test_operators_of_the_makers_own(ready, tmp_path):
    def add(model):
        model.graph.node[-1].domain = "com.example"
        model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))

    path = ready / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    add(model)
    path.write_bytes(model.SerializeToString())
    refused(tmp_path, ready, expected=["operators of com.example", "zsl runs none"])


def test_an_operator_that_the_runtime_lacks(ready, tmp_path):
    path = ready / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    model.graph.node[-1].op_type = "Frobnicate"
    path.write_bytes(model.SerializeToString())
    refused(tmp_path, ready, expected=["ONNX Runtime cannot load it", "Frobnicate"])


def test_a_loop_is_never_run(ready, tmp_path):
    path = ready / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    model.graph.node[-1].op_type = "Loop"
    path.write_bytes(model.SerializeToString())
    refused(tmp_path, ready, expected=["Loop in it, which need not end"])


def test_a_tokenizer_of_another_model(ready, tmp_path):
    import tokenizers

    other = tokenizers.Tokenizer(tokenizers.models.WordLevel(
        {f"w{number}": number for number in range(2000)}, unk_token="w0"))
    other.save(str(ready / "tokenizer.json"))
    refused(tmp_path, ready, expected=["the tokenizer of another model", "2,000 tokens"])


def test_a_size_that_the_graph_does_not_take(ready, tmp_path):
    refused(tmp_path, ready, "--size", "96", expected=["vision_model.onnx", "[3, 96, 96]"])


def test_settings_that_are_not_understood(ready, tmp_path):
    change(ready / "preprocessor_config.json", do_flip_channel_order=True)
    refused(tmp_path, ready, expected=["preprocessor_config.json", "do_flip_channel_order True"])


@pytest.mark.parametrize("damage", ["cut", "empty", "pointer", "pickle"])
def test_a_damaged_download(ready, tmp_path, damage):
    path = ready / "onnx" / "vision_model.onnx"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:len(content) // 2], "empty": b"",
                      "pointer": b"version https://git-lfs.github.com/spec/v1\n",
                      "pickle": b"PK\x03\x04 archive/data.pkl"}[damage])
    refused(tmp_path, ready, expected=[{
        "cut": "no ONNX model, or one that is cut off", "empty": "empty",
        "pointer": "Git LFS", "pickle": "zsl export"}[damage]])


@pytest.mark.parametrize("location", ["../vision_model.onnx_data", "/etc/passwd", "a\\b"])
def test_weights_that_lie_elsewhere(ready, tmp_path, location):
    path = ready / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    tensor = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    refused(tmp_path, ready, expected=["does not lie beside it"])


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_weights_in_another_file_that_are_not_all_there(ready, tmp_path, damage):
    path = ready / "onnx" / "vision_model.onnx"
    published.with_weights_beside(path)
    data = path.with_name("vision_model.onnx_data")
    if damage == "missing":
        data.unlink()
    else:
        data.write_bytes(data.read_bytes()[:1000])
    refused(tmp_path, ready, expected=["vision_model.onnx_data"])


def test_a_broken_int8_tower(ready, tmp_path):
    def spoil(model):
        for tensor in model.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.ndim == 2 and values.dtype == np.float32:
                noise = np.random.default_rng(0).permutation(values.ravel()).reshape(values.shape)
                tensor.CopyFrom(onnx.numpy_helper.from_array(noise, tensor.name))

    for name in ("vision_model", "text_model"):
        path = ready / "onnx" / f"{name}_int8.onnx"
        shutil.copy(ready / "onnx" / f"{name}.onnx", path)
        edit(path, spoil)
    refused(tmp_path, ready, "--form", "int8", expected=["does not agree with fp32", "--form"])


def test_a_form_that_is_not_there(ready, tmp_path):
    refused(tmp_path, ready, "--form", "q4", expected=["--form q4: there is fp32"])


def test_one_of_several_models_where_there_is_one(ready, tmp_path):
    refused(tmp_path, ready, "--variant", "s9", expected=["--variant", "transformers.js, has one"])


def test_a_configuration_whose_parts_are_no_objects_is_passed_over(ready, tmp_path):
    (ready / "config.json").write_text(json.dumps(
        {"vision_config": 3, "text_config": [1], "text_cfg": "x", "model_type": 7}))
    result = published.zsl("models", "import", "-o", tmp_path / "m", ready)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("content", ['{"a":', "[1]"])
def test_a_configuration_that_is_none(ready, tmp_path, content):
    (ready / "config.json").write_text(content)
    refused(tmp_path, ready, expected=["config.json"])


def test_a_text_graph_without_its_tokenizer(ready, tmp_path):
    (ready / "tokenizer.json").unlink()
    refused(tmp_path, ready, expected=["no tokenizer.json beside it", "--tokenizer"])


def test_towers_of_two_models(ready, siglip, tmp_path):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(siglip.ready / name, ready / name)
    shutil.copy(siglip.ready / "onnx" / "text_model.onnx", ready / "onnx" / "text_model.onnx")
    refused(tmp_path, ready, expected=["24 dimensions", "48", "not of one model"])


def test_no_name_and_no_folder(ready):
    result = published.zsl("models", "import", ready)
    assert result.returncode == 2
    assert "--name" in result.stderr


def test_the_missing_extra_is_named(ready, tmp_path):
    result = published.zsl("models", "import", ready, "-o", tmp_path / "m", missing=("onnx",))
    assert result.returncode == 2
    assert "pip install 'zsl-cli[hub]'" in result.stderr
