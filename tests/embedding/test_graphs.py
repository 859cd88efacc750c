"""Graphs that lean on other files, that need not end, or that give what they should not."""

import gc
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import text_model
from PIL import Image

from zsl_cli import Model
from zsl_cli.embedding import graphs, sessions
from zsl_cli.errors import FolderError, NotFiniteError
from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL

onnx = pytest.importorskip("onnx")
helper, types = onnx.helper, onnx.TensorProto
PHOTOS = [Image.new("RGB", (20, 20), colour) for colour in text_model.COLOURS.values()]


@pytest.fixture
def folder(tmp_path):
    return text_model.make(tmp_path / "colours")


def change(folder, edit, name="encoder.onnx"):
    """Edit a graph of a folder, and sign it."""
    model = onnx.load(folder / name)
    edit(model)
    (folder / name).write_bytes(model.SerializeToString())
    text_model.sign(folder)
    return folder


def list_file(folder, name):
    """Have the manifest list a further file."""
    manifest = folders.read_manifest(MODEL, folder)
    files = {**manifest.entries["files"], **folders.describe_files(folder, name)}
    entries = {**manifest.entries, "files": files}
    del entries["format"]
    folders.write_manifest(MODEL, folder, entries)


def external(tensor, location):
    """Have a tensor's numbers lie in another file."""
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = types.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(data)))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return data


def embeddings(folder):
    return Model.load(folder, device="cpu").embed(PHOTOS)


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "sub/weights.bin",
                                      "/etc/passwd", "", "*/_ORT_MEM_ADDR_/*", "model.json",
                                      "README.md"])
@pytest.mark.parametrize("name", ["encoder.onnx", "label_encoder.onnx"])
def test_weights_in_a_file_that_is_not_listed_are_refused(folder, location, name, monkeypatch):
    (folder / "README.md").write_bytes(bytes(64))
    monkeypatch.chdir(folder)
    change(folder, lambda model: external(model.graph.initializer[0], location), name)
    with pytest.raises(FolderError, match=rf"{name}: it has weights in .*, which the manifest"):
        _ = Model.load(folder, device="cpu").label_encoder


@pytest.mark.parametrize("where", ["attribute", "branch", "sparse", "function"])
def test_weights_of_other_files_are_found_wherever_they_stand(folder, where):
    tensor = helper.make_tensor("w", types.FLOAT, [1], [1.0])
    tensor.raw_data = bytes(4)
    tensor.ClearField("float_data")
    external(tensor, "elsewhere")
    constant = helper.make_node("Constant", [], ["w"], value=tensor)

    def edit(model):
        if where == "attribute":
            model.graph.node.append(constant)
        elif where == "branch":
            branch = helper.make_graph([constant], "b", [], [])
            model.graph.node.append(helper.make_node("If", ["c"], ["d"], then_branch=branch))
        elif where == "sparse":
            model.graph.sparse_initializer.add().values.CopyFrom(tensor)
        else:
            model.functions.add().node.append(constant)

    change(folder, edit)
    with pytest.raises(FolderError, match="weights in elsewhere"):
        Model.load(folder, device="cpu")


def test_weights_in_listed_files_are_hashed_and_run(folder, monkeypatch, tmp_path):
    expected = Model.load(folder, device="cpu").label_encoder.encode(["red", "blue"])
    kept = []
    change(folder, lambda model: kept.append(
        external(model.graph.initializer[0], "label_encoder.data")), "label_encoder.onnx")
    (folder / "label_encoder.data").write_bytes(kept[0])
    list_file(folder, "label_encoder.data")
    monkeypatch.chdir(tmp_path)
    encoder = Model.load(folder, device="cpu").label_encoder
    np.testing.assert_array_equal(encoder.encode(["red", "blue"]), expected)
    (folder / "label_encoder.data").write_bytes(kept[0][::-1])
    with pytest.raises(FolderError, match=r"label_encoder\.data: changed since"):
        _ = Model.load(folder, device="cpu").label_encoder


def test_what_was_hashed_is_what_is_run(folder, monkeypatch):
    expected = embeddings(folder)
    read = folders.read_file

    def read_and_replace(path, name, manifest):
        content = read(path, name, manifest)
        (path / name).write_bytes(b"something else")
        return content

    monkeypatch.setattr(folders, "read_file", read_and_replace)
    np.testing.assert_array_equal(embeddings(folder), expected)


def endless(kind):
    """A node that computes again and again."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])], "body",
        [helper.make_tensor_value_info("i", types.INT64, []),
         helper.make_tensor_value_info("go", types.BOOL, [])],
        [helper.make_tensor_value_info("on", types.BOOL, [])])
    return helper.make_node(kind, ["", ""], [], body=body)


@pytest.mark.parametrize("kind", ["Loop", "Scan"])
def test_a_graph_that_need_not_end_is_refused(folder, kind):
    change(folder, lambda model: model.graph.node.append(endless(kind)))
    with pytest.raises(FolderError, match=rf"encoder\.onnx: it has {kind} in it"):
        Model.load(folder, device="cpu")


@pytest.mark.parametrize("calls", [lambda at: [at + 1, at + 1], lambda at: [0]])
def test_functions_that_call_one_another_without_measure_are_refused(folder, calls):
    def edit(model):
        for at in range(30):
            function = model.functions.add(name=f"f{at}", domain="own")
            function.node.extend(helper.make_node(f"f{to}", [], [], domain="own")
                                 for to in calls(at) if to < 30)
        function.node.append(helper.make_node("Identity", ["x"], ["y"]))
        model.graph.node.append(helper.make_node("f0", [], [], domain="own"))

    change(folder, edit)
    with pytest.raises(FolderError, match="functions call one another"):
        Model.load(folder, device="cpu")


def test_a_function_may_be_called_as_an_operator_is(folder):
    content = onnx.load(folder / "encoder.onnx")
    function = content.functions.add(name="Cast", domain="own")
    function.node.append(helper.make_node("Cast", ["x"], ["y"], to=types.FLOAT))
    assert graphs._Found(content.SerializeToString()).nodes() == 4


def test_what_was_looked_through_is_not_held(folder):
    content = (folder / "encoder.onnx").read_bytes()
    held = sys.getrefcount(content)
    gc.disable()  # a large model would stay until Python looks for cycles
    try:
        graphs.vet(content, folder / "encoder.onnx")
        assert sys.getrefcount(content) == held
    finally:
        gc.enable()


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 99, b"PK\x03\x04", b"    ORTM    ",
                                     b"\x3a\xff\xff\xff\xff\x0f", b"\x0b" * 50])
def test_what_is_no_graph_is_refused(folder, content):
    (folder / "encoder.onnx").write_bytes(content)
    text_model.sign(folder)
    with pytest.raises(FolderError, match=r"encoder\.onnx: ONNX Runtime cannot load it"):
        Model.load(folder, device="cpu")


@pytest.mark.parametrize("end", ["input", "output"])
def test_a_name_of_a_dimension_that_is_no_text_is_refused(folder, end):
    def edit(model):
        (value,) = getattr(model.graph, end)
        value.type.tensor_type.shape.dim[0].dim_param = "MARKED"

    change(folder, edit)
    path = folder / "encoder.onnx"
    path.write_bytes(path.read_bytes().replace(b"MARKED", b"\xffARKED"))
    text_model.sign(folder)
    with pytest.raises(FolderError, match=r"encoder\.onnx: ONNX Runtime cannot load it"):
        Model.load(folder, device="cpu")


def fix_batch(model, size):
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = size


def test_a_batch_of_one_is_run_image_by_image(folder):
    expected = embeddings(folder)
    change(folder, lambda model: fix_batch(model, 1))
    np.testing.assert_array_equal(embeddings(folder), expected)
    change(folder, lambda model: fix_batch(model, 8))
    with pytest.raises(FolderError, match="takes 8 images at once"):
        Model.load(folder, device="cpu")


def constants(value):
    def edit(model):
        model.graph.node[-1].output[0] = "before"
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(np.float32(value), "factor"))
        model.graph.node.append(helper.make_node("Mul", ["before", "factor"], ["embedding"]))
    return edit


def flat(model):
    """The output has more rows than there are images, whatever it says."""
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("Concat", ["before", "before"], ["embedding"], axis=0))


def cast(model):
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(
        helper.make_node("Cast", ["before"], ["embedding"], to=types.DOUBLE))
    model.graph.output[0].type.tensor_type.elem_type = types.DOUBLE


def more_inputs(model):
    model.graph.input.append(helper.make_tensor_value_info("more", types.FLOAT, [1]))


def failing(model):
    model.graph.node[0].input[0] = "cut"
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.array([7, 5], np.int64), "shape"))
    model.graph.node.insert(0, helper.make_node("Reshape", ["images", "shape"], ["cut"]))


@pytest.mark.parametrize(("edit", "message"), [
    (flat, r"gave \[6, 4\] for 3 images"),
    (cast, "expected an output, embedding"), (more_inputs, "expected one input, images"),
    (failing, "ONNX Runtime cannot")])
def test_what_a_graph_should_not_give_is_one_error_of_one_line(folder, edit, message):
    change(folder, edit)
    with pytest.raises(FolderError, match=message) as caught:
        embeddings(folder)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("number", [np.nan, 0, np.inf])
def test_an_embedding_without_a_direction_is_an_error_of_its_image(folder, number, cat):
    change(folder, constants(number))
    with pytest.raises(NotFiniteError, match="no direction"):
        Model.load(folder).embed([cat])


class Endless:
    """A session that runs until it is told to stop."""

    def get_providers(self):
        return ["CPUExecutionProvider"]

    def run(self, _names, _inputs, options):
        while not options.terminate:
            time.sleep(0.01)
        stopped.set()
        return [np.ones((1, 4), np.float32)]


stopped = threading.Event()


@pytest.mark.usefixtures("posix")
def test_an_interrupt_ends_what_the_main_thread_runs(tmp_path):
    stopped.clear()
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        sessions.run(Endless(), {}, tmp_path)
    assert stopped.wait(5)
    timer.join()
