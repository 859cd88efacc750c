"""What a checkpoint's configuration names is not followed: to no folder, no hub and no code."""

import json
import os
import socket
import sys

import pytest

torch = pytest.importorskip("torch")

from networks import (  # noqa: E402
    import_open_clip,
    import_timm,
    import_transformers,
    write_clip,
)

from zsl_cli.authoring.networks import configurations, tokenization  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints  # noqa: E402
from zsl_cli.authoring.networks.libraries import alone  # noqa: E402
from zsl_cli.authoring.networks.recognise import recognise  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

VISION = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
TEXT = {"context_length": 8, "vocab_size": 100, "width": 64, "heads": 1, "layers": 1}


@pytest.fixture(autouse=True)
def connections(monkeypatch):
    """Those that were tried."""
    tried = []

    def refuse(*arguments, **_options):
        tried.append(arguments)
        raise OSError("a connection")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield tried
    assert tried == []


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A folder with a configuration whose Python leaves a mark, and a user who says yes."""
    folder = tmp_path / "code"
    folder.mkdir()
    mark = tmp_path / "it ran"
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    (folder / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("a question was asked"))
    yield folder
    assert not mark.exists()


def checkpoint(folder, name, config, weights="open_clip_model.safetensors"):
    safetensors = pytest.importorskip("safetensors.torch")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(config))
    safetensors.save_file({"x": torch.zeros(1)}, folder / weights, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("name", ["folder", "somebody/model", "hf-hub:somebody/model", "plain"])
def test_a_text_tower_that_lies_elsewhere_is_refused(tmp_path, code, name):
    name = str(code) if name == "folder" else name
    folder = checkpoint(tmp_path / "clip", "open_clip_config.json", {"model_cfg": {
        "embed_dim": 8, "vision_cfg": VISION,
        "text_cfg": {"hf_model_name": name, "hf_tokenizer_name": name}}})
    with pytest.raises(ZslError, match=r"text_cfg\.hf_model_name, .* leads out of the folder"):
        recognise(folder, Hints())


@pytest.mark.parametrize("name", ["hf-hub:somebody/model", "hf_hub:somebody/model",
                                  "local-dir:elsewhere", "../elsewhere", "file:///elsewhere"])
def test_a_network_of_timm_is_no_address(tmp_path, name):
    import_open_clip()
    folder = checkpoint(tmp_path / "clip", "open_clip_config.json", {"model_cfg": {
        "embed_dim": 8, "vision_cfg": {"image_size": 32, "timm_model_name": name},
        "text_cfg": TEXT}})
    with pytest.raises(ZslError, match="leads out of the folder"):
        recognise(folder, Hints())
    folder = checkpoint(tmp_path / "timm", "config.json", {"architecture": name},
                        "model.safetensors")
    import_timm()
    with pytest.raises(ZslError, match="timm has no model"):
        recognise(folder, Hints())


def test_a_folder_whose_name_is_an_address_is_a_folder(tmp_path):
    import_open_clip()
    folder = checkpoint(tmp_path / "hf-hub:somebody", "open_clip_config.json", {"model_cfg": {
        "embed_dim": 8, "vision_cfg": {**VISION, "timm_model_pretrained": True},
        "text_cfg": {**TEXT, "hf_model_pretrained": True}}})
    with pytest.raises(ZslError, match="hf-hub-somebody-folder"):  # it lacks the weights
        recognise(folder, Hints())


@pytest.mark.parametrize("more", [
    {"architecture": "hf-hub:somebody/model", "model_type": "timm_wrapper"},
    {"architecture": "resnet18", "model_type": "timm_wrapper",
     "model_args": {"checkpoint_path": "weights.bin"}},
    {"model_args": {"pretrained_cfg_overlay": {"file": "weights"}}}, {"backbone": "resnet50"},
    {"use_pretrained_backbone": True},
    {"text_config": {"name": "somebody/text"}}, {"vision": ["../elsewhere"]},
    {"_attn_implementation": "somebody/kernels"},
])
def test_a_configuration_of_transformers_leads_nowhere(tmp_path, more):
    folder = checkpoint(tmp_path / "model", "config.json", {"model_type": "vit", **more},
                        "model.safetensors")
    with pytest.raises(ZslError, match=r"config\.json: .* leads out of the folder"):
        recognise(folder, Hints())


def test_python_beside_a_checkpoint_is_not_imported(code):
    import_transformers()
    with pytest.raises(ZslError, match="auto_map"):
        recognise(code, Hints())
    with pytest.raises(ZslError, match="its tokenizer is code"):
        tokenization.from_folder(code, 8)
    from zsl_cli.authoring.vocabularies import sentences

    with pytest.raises(ZslError, match="zsl runs no code"):
        sentences.encode(["a"], code)


def test_an_adapter_and_a_part_that_lies_elsewhere_are_refused(tmp_path):
    import_transformers()
    folder = checkpoint(tmp_path / "model", "config.json", {"model_type": "vit"},
                        "model.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../elsewhere.safetensors"}}))
    with pytest.raises(ZslError, match="no parts of a checkpoint"):
        recognise(folder, Hints())
    index.unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/model"}')
    with pytest.raises(ZslError, match="an adapter"):
        recognise(folder, Hints())


def test_a_tokenizer_takes_no_file_from_elsewhere(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    folder = tmp_path / "model"
    folder.mkdir()
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({"vocab_file": str(secret)}))
    with pytest.raises(ZslError, match="vocab_file"):
        configurations.vet_tokenizer(folder)
    file.write_text(json.dumps({"tokenizer_file": str(tmp_path / "where it was made"),
                                "name_or_path": "openai/clip-vit-base-patch32",
                                "eos_token": "</s>", "auto_map": None}))
    configurations.vet_tokenizer(folder)


def test_what_configurations_usually_say_passes(tmp_path):
    usual = {
        "_name_or_path": "openai/clip-vit-base-patch32", "architectures": ["CLIPModel"],
        "id2label": {"0": "black/white: a cat"}, "torch_dtype": "torch.float32",
        "vision_config": {"hidden_act": "quick_gelu", "patch_size": 16, "backbone": None},
        "use_pretrained_backbone": False, "use_cache": True, "cache_implementation": "static",
        "backbone_config": {"hidden_act": "gelu"}, "tokenizer_kwargs": {"clean": "canonicalize"},
        "eos_token": "</s>", "mask_token": "[MASK]", "stage_names": ["stem", "stage1"],
        "transformers_version": None, "pretrained_cfg": {"hf_hub_id": "timm/resnet18"},
    }
    configurations.vet(usual, tmp_path / "config.json")
    with pytest.raises(ZslError, match="auto_map"):
        configurations.vet({**usual, "auto_map": {"AutoModel": "mine.Model"}},
                           tmp_path / "config.json")


@pytest.mark.parametrize(("content", "message"), [
    (b"[]", "an object is expected"), (b"{", "not valid JSON"), (b"[" * 10**6, "not valid JSON"),
    (b" " * (1 << 24) + b"{}", "too large"), (b'{"a": ' * 100 + b"1" + b"}" * 100, "too deep"),
    (b'{"a": ' + b"9" * 10**5 + b"}", "not valid JSON")])
def test_a_configuration_has_its_limits(tmp_path, content, message):
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(ZslError, match=message):
        configurations.vet(configurations.read(file), file)


@pytest.mark.parametrize("more", [
    {"hidden_size": 10**12}, {"num_hidden_layers": 10**6}, {"vision_config": {"depths": [10**5]}}])
def test_absurd_numbers_are_refused_before_a_network_is_made(tmp_path, more):
    folder = checkpoint(tmp_path / "model", "config.json", {"model_type": "vit", **more},
                        "model.safetensors")
    with pytest.raises(ZslError, match="which no network has"):
        recognise(folder, Hints())


@pytest.mark.parametrize("config", [
    {"architecture": "test_resnet", "pretrained_cfg": 7},
    {"architecture": ["test_resnet"]},
    {"architecture": "test_resnet", "pretrained_cfg": {"input_size": "large"}},
    {"model_type": ["vit"]}, {"model_type": "vit", "architectures": 7},
    {"model_type": "vit", "image_size": {"height": 1}}])
def test_values_of_wrong_types_are_one_error_of_one_line(tmp_path, config):
    import_timm()
    import_transformers()
    folder = checkpoint(tmp_path / "model", "config.json", config, "model.safetensors")
    with pytest.raises(ZslError) as caught:
        recognise(folder, Hints())
    assert len(str(caught.value).splitlines()) == 1


def test_libraries_are_alone_and_what_comes_after_is_not(connections, monkeypatch):
    monkeypatch.undo()  # the guard of these tests would be met first
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    stdin = sys.stdin
    with alone():
        assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
        assert sys.stdin.read() == ""
        with pytest.raises(ConnectionRefusedError), socket.socket() as end:
            end.connect(("127.0.0.1", 9))
        with pytest.raises(ConnectionRefusedError):
            socket.getaddrinfo("localhost", 80)
    assert sys.stdin is stdin
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert "TRANSFORMERS_OFFLINE" not in os.environ
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()):
        pass


@pytest.mark.parametrize("said", [{"quant_method": "awq"}, {"quant_method": "bitsandbytes"}])
def test_quantised_weights_are_refused_by_what_they_are(tmp_path, said):
    of_hugging_face(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": said}))
    with pytest.raises(ZslError, match=rf"quantised \({said['quant_method']}\).*dequantize"):
        recognise(tmp_path, Hints())


def of_hugging_face(folder):
    transformers = import_transformers()
    config = transformers.ViTConfig(hidden_size=12, intermediate_size=12, num_hidden_layers=1,
                                    num_attention_heads=1, image_size=32, patch_size=16,
                                    _name_or_path="somebody/model")
    transformers.ViTForImageClassification(config).save_pretrained(folder)


def of_clip(folder):
    write_clip(folder, side=32)


def of_open_clip(folder):
    open_clip = import_open_clip()
    safetensors = pytest.importorskip("safetensors.torch")
    config = {"embed_dim": 8, "vision_cfg": VISION, "text_cfg": {**TEXT, "vocab_size": 49408,
                                                                 "context_length": 77}}
    network = open_clip.CLIP(**config)
    safetensors.save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": {**config, "text_cfg": {**config["text_cfg"], "hf_model_pretrained": True}}}))


def of_timm(folder):
    network = import_timm().create_model("test_resnet", num_classes=3)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({
        "architecture": "test_resnet", "num_classes": 3, "pretrained_cfg": {
            "hf_hub_id": "somebody/model", "url": "https://example.org", "custom_load": True,
            "file": "elsewhere.bin", "input_size": [3, 64, 64], "mean": [0.5] * 3,
            "std": [0.5] * 3, "crop_pct": 1.0, "interpolation": "bilinear"}}))


@pytest.mark.parametrize("write", [of_hugging_face, of_clip, of_open_clip, of_timm])
def test_every_origin_is_read_without_a_connection(tmp_path, write):
    write(tmp_path)
    network = recognise(tmp_path, Hints())
    assert network.module is not None
