"""The weights beside an adapter are another network's than the one that was trained: they are never
exported in its place."""

import json

import pytest

torch = pytest.importorskip("torch")

from networks import import_timm, import_transformers, lively  # noqa: E402

from zsl_cli.authoring.networks import adapters  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints  # noqa: E402
from zsl_cli.authoring.networks.recognise import recognise  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query", "value"],
          "base_model_name_or_path": "somebody/base"}


def write_adapter(folder, prefix="base_model.model.vit.encoder.layer.0.attention.attention.query"):
    safetensors = pytest.importorskip("safetensors.torch")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    safetensors.save_file({f"{prefix}.lora_A.weight": torch.zeros(4, 48),
                           f"{prefix}.lora_B.weight": torch.zeros(48, 4)},
                          folder / "adapter_model.safetensors")


def write_vit(folder):
    transformers = import_transformers()
    lively(transformers.ViTForImageClassification(transformers.ViTConfig(
        hidden_size=48, intermediate_size=96, num_hidden_layers=1, num_attention_heads=3,
        image_size=32, patch_size=16, num_labels=3))).save_pretrained(folder)


def refused(path, hints=None):
    with pytest.raises(ZslError, match=r"an adapter \(.*merge_and_unload") as error:
        recognise(path, hints or Hints())
    return str(error.value)


@pytest.mark.parametrize("left", [("adapter_config.json", "adapter_model.safetensors"),
                                  ("adapter_config.json",), ("adapter_model.safetensors",)])
def test_an_adapter_beside_its_base_is_refused(tmp_path, left):
    write_adapter(tmp_path / "model")
    write_vit(tmp_path / "model")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if name not in left:
            (tmp_path / "model" / name).unlink()
    refused(tmp_path / "model")
    refused(tmp_path / "model" / "model.safetensors", Hints("timm:vit_tiny_patch16_224"))


def test_an_adapter_alone_is_refused_as_a_folder_and_as_a_file(tmp_path):
    write_adapter(tmp_path / "lora")
    refused(tmp_path / "lora")
    refused(tmp_path / "lora" / "adapter_model.safetensors", Hints("timm:vit_tiny_patch16_224"))


def test_an_adapter_beside_a_model_of_timm_is_refused(tmp_path):
    timm = import_timm()
    timm.models.save_for_hf(timm.create_model("test_resnet", num_classes=3), tmp_path / "model")
    write_adapter(tmp_path / "model")
    refused(tmp_path / "model")


def test_an_adapter_in_a_folder_of_the_folder_is_said(tmp_path):
    write_vit(tmp_path / "model")
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "ViTImageProcessor", "size": 32}))
    write_adapter(tmp_path / "model" / "birds")
    assert "the adapter in birds is not applied" in recognise(tmp_path / "model", Hints()).notes


@pytest.mark.parametrize("prefix", ["", "lora.", "adapter."])
def test_tensors_of_an_adapter_among_those_of_a_network_are_refused(tmp_path, prefix):
    timm = import_timm()
    state = timm.create_model("test_resnet", num_classes=3).state_dict()
    if prefix == "":
        state |= {"fc.lora_A.default.weight": torch.zeros(2, 96),
                  "fc.lora_B.default.weight": torch.zeros(3, 2)}
    elif prefix == "lora.":
        state = {f"backbone.{key}": value for key, value in state.items()} | {
            "lora.layer1.lora_up.weight": torch.zeros(2, 2)}
    else:
        state = {f"backbone.{key}": value for key, value in state.items()} | {
            "adapter.0.weight": torch.zeros(2, 2)}
    torch.save(state, tmp_path / "last.pth")
    with pytest.raises(ZslError, match=r"tensors of an adapter"):
        recognise(tmp_path / "last.pth", Hints("timm:test_resnet"))


def test_what_networks_themselves_have_is_no_adapter():
    timm = import_timm()
    for name in ("test_resnet", "test_vit", "test_convnext", "test_efficientnet"):
        adapters.refuse_among(timm.create_model(name).state_dict(), "model")
