"""What is projected of a convolutional network: its features, and the ends of its stages."""

import numpy as np
import pytest
import text_model

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from zsl_cli.authoring.training.captions.base_model import BaseModel  # noqa: E402

SIDE = text_model.SIDE


@pytest.fixture
def base(tmp_path):
    """A model with two stages of 3 and 5 channels, the latter with a residual sum, a convolution to
    6, and features that are its mean."""
    random, helper, types = np.random.default_rng(0), onnx.helper, onnx.TensorProto
    folder = text_model.make(tmp_path / "base")
    shapes = {"w1": (3, 3, 3, 3), "w2": (5, 3, 3, 3), "w3": (5, 5, 1, 1), "w4": (6, 5, 1, 1),
              "head": (6, 4)}
    constants = [onnx.numpy_helper.from_array(
        random.standard_normal(shape).astype(np.float32) / 10, name)
        for name, shape in shapes.items()]
    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["floats"], to=types.FLOAT),
        node("Transpose", ["floats"], ["pixels"], perm=[0, 3, 1, 2]),
        node("Conv", ["pixels", "w1"], ["first"], pads=[1, 1, 1, 1]),
        node("Add", ["pixels", "first"], ["stage_1"]),
        node("Conv", ["stage_1", "w2"], ["second"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Conv", ["second", "w3"], ["branch"]),
        node("Add", ["second", "branch"], ["stage_2"]),
        node("Conv", ["stage_2", "w4"], ["last"]),
        node("ReduceMean", ["last"], ["features"], axes=[2, 3], keepdims=0),
        node("MatMul", ["features", "head"], ["mapped"]),
        node("LpNormalization", ["mapped"], ["embedding"], axis=1, p=2)]
    text_model._save(
        folder / "encoder.onnx", nodes,
        [helper.make_tensor_value_info("images", types.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("embedding", types.FLOAT, ["batch", 4])], constants)
    text_model.sign(folder)
    return BaseModel.named(str(folder))


def test_features_and_stage_ends_are_projected_each_of_unit_length(base):
    side = base.images("cpu")
    pixels = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    projected, embeddings = side.parts(side.embed_pixels(list(pixels)))
    assert embeddings.shape == (3, 4)
    assert projected.shape == (3, 6 + 3 + 5)
    for start, end in ((0, 6), (6, 9), (9, 14)):
        assert np.linalg.norm(projected[:, start:end], axis=1) == pytest.approx([1, 1, 1])


def test_features_count_by_their_roots(base):
    side = base.images("cpu")
    pixels = [np.full((SIDE, SIDE, 3), 200, np.uint8)]
    projected, embeddings = side.parts(side.embed_pixels(pixels))
    head = next(onnx.numpy_helper.to_array(one) for one in side.inner.model.graph.initializer
                if one.name == "head")
    features = np.sign(projected[:, :6]) * projected[:, :6] ** 2 @ head
    assert features / np.linalg.norm(features) == pytest.approx(embeddings, abs=1e-4)


def test_without_convolutions_the_embedding_is_projected(tmp_path):
    side = BaseModel.named(str(text_model.make(tmp_path / "base"))).images("cpu")
    projected, embeddings = side.parts(
        side.embed_pixels([np.full((SIDE, SIDE, 3), 9, np.uint8)]))
    assert np.array_equal(projected, embeddings)
