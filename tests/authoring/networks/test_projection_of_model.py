"""The projection M out of a model folder."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from zsl_cli import Model
from zsl_cli.support import folders


def test_the_defaults_projection_gives_its_embeddings(cat_jpg):
    import onnx
    import onnxruntime
    import torch
    from onnx import numpy_helper

    from zsl_cli.authoring.exporting.heads import Projected
    from zsl_cli.authoring.networks.projection import Projection

    folder = folders.find(folders.MODEL, "default")
    projection = Projection.of_model(folder)
    assert projection.unit_features
    graph = onnx.load(folder / "encoder.onnx")
    weights = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    classifier = torch.nn.Linear(1280, 1000)
    with torch.no_grad():
        classifier.weight.copy_(torch.tensor(weights["head.classifier.weight_half"]).float())
        classifier.bias.copy_(torch.tensor(weights["head.classifier.bias"]))
    graph.graph.output.append(onnx.helper.make_tensor_value_info(
        "features", onnx.TensorProto.FLOAT, [None, 1280]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    pixels = Model.load("default", device="cpu").read(Path(cat_jpg))[None]
    expected, features = session.run(["embedding", "features"], {"images": pixels})
    with torch.inference_mode():
        found = Projected(projection, 1280, classifier)(torch.tensor(features)).numpy()
    assert np.abs(found - expected).max() < 1e-4
