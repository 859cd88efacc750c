"""``zsl export --adapter``: what is written is the network with the LoRA in it."""

import copy
import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import torch
from export_runs import refused, run
from small_export import ARCH, normalised

from zsl_cli import Model

pytestmark = pytest.mark.usefixtures("operators_made_once")


def write_lora(folder, **more):
    """A LoRA of the last convolution, and a new head."""
    safetensors = pytest.importorskip("safetensors.torch")
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": 2, "lora_alpha": 1, **more}))
    torch.manual_seed(1)
    tensors = {"11.lora_A.weight": torch.randn(2, 32, 1, 1),
               "11.lora_B.weight": torch.randn(48, 2, 1, 1),
               "15.weight": torch.randn(5, 48), "15.bias": torch.zeros(5)}
    safetensors.save_file({f"base_model.model.{name}": value for name, value in tensors.items()},
                          folder / "adapter_model.safetensors")
    return tensors


def test_a_lora_is_in_what_is_exported(workplace, small, photos, capsys):
    tensors = write_lora(workplace / "birds")
    run(workplace, "small.pth", *ARCH, "--adapter", "birds", "-o", "out")
    said = capsys.readouterr().err
    assert "the adapter birds is merged into 1 layers, and 2 tensors taken in place" in said
    model = Model.load(workplace / "out", device="cpu")
    body = copy.deepcopy(small[0][:-1])
    with torch.no_grad():
        a, b = (tensors[f"11.lora_{half}.weight"].flatten(1) for half in "AB")
        body[11].weight += (0.5 * b @ a)[:, :, None, None]
        logits = body(normalised(model, photos)) @ tensors["15.weight"].T
    expected = logits - logits.mean(1, keepdim=True)
    vectors = np.load(workplace / "out" / "vocab" / "vectors.npy").astype(np.float32)
    found = model.embed(photos) @ vectors.T
    found -= found.mean(1, keepdims=True)
    cosines = torch.nn.functional.cosine_similarity(torch.from_numpy(found), expected)
    assert cosines.min() > 0.9999
    entry = json.loads((workplace / "out" / "model.json").read_text())["checkpoint"]
    assert "adapter_model.safetensors" in entry["file"]


def test_an_adapter_that_is_not_merged_is_refused_by_the_name_of_the_option(workplace):
    write_lora(workplace / "birds", use_dora=True)
    message = refused(workplace, "small.pth", *ARCH, "--adapter", "birds")
    assert "use_dora True, which is not merged here" in message
    write_lora(workplace / "beside")
    (workplace / "beside" / "small.pth").write_bytes((workplace / "small.pth").read_bytes())
    message = refused(workplace, "beside/small.pth", *ARCH)
    assert "merges a LoRA of PEFT's that lies in a folder of its own" in message
