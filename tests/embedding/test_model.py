"""What a model folder must hold to be loaded."""

import json
import shutil

import pytest

from zsl_cli import Model
from zsl_cli.errors import ZslError
from zsl_cli.support import folders


def test_a_model_whose_graph_is_another_is_refused(tmp_path):
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default", tmp_path / "model")
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, "dimension": 7}))
    with pytest.raises(ZslError, match=r"expected an output, embedding, \[batch, 7\]"):
        Model.load(folder, device="cpu")
    (folder / "encoder.onnx").write_bytes(b"no graph")
    manifest["files"] |= folders.describe_files(folder, "encoder.onnx")
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ZslError, match="cannot load it"):
        Model.load(folder, device="cpu")
