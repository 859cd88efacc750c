"""A LoRA is merged into the network that it was trained beside as PEFT does it, and no other
adapter is."""

import json

import pytest

torch = pytest.importorskip("torch")

from networks import import_timm, import_transformers, lively  # noqa: E402

from zsl_cli.authoring.networks import lora  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints  # noqa: E402
from zsl_cli.authoring.networks.recognise import recognise  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "init_lora_weights": True,
          "target_modules": ["qkv"], "base_model_name_or_path": "somebody/base"}


def write_lora(folder, tensors, **more):
    safetensors = pytest.importorskip("safetensors.torch")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / lora.CONFIG).write_text(json.dumps({**CONFIG, **more}))
    safetensors.save_file({f"base_model.model.{name}": value for name, value in tensors.items()},
                          folder / lora.WEIGHTS)


def pair(path, out, into, rank=4, seed=0):
    """A and B of a linear layer, neither of them nothing."""
    generator = torch.Generator().manual_seed(seed)
    return {f"{path}.lora_A.weight": torch.randn(rank, *into, generator=generator),
            f"{path}.lora_B.weight": torch.randn(out, rank, *[1] * (len(into) - 1),
                                                 generator=generator)}


def vit(**more):
    transformers = import_transformers()
    return lively(transformers.ViTForImageClassification(transformers.ViTConfig(
        hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3,
        image_size=32, patch_size=16, **more)))


def write_vit(folder, model):
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}))


def write_timm(path):
    timm = import_timm()
    network = lively(timm.create_model("test_vit", num_classes=3))
    torch.save(network.state_dict(), path)
    return network.state_dict()


def merged(path, folder, arch="timm:test_vit"):
    return recognise(path, Hints(arch, adapter=folder))


def refused(path, folder, match):
    with pytest.raises(ZslError, match=match) as error:
        merged(path, folder)
    return str(error.value)


@pytest.mark.parametrize(("more", "scale"), [
    ({}, 2.0), ({"use_rslora": True}, 4.0), ({"lora_alpha": 2}, 0.5),
    ({"alpha_pattern": {"attn.qkv": 12}}, 3.0), ({"alpha_pattern": {r"^blocks\.1.*": 12}}, None)])
def test_the_product_is_added_with_the_scale_of_the_formula(tmp_path, more, scale):
    state = write_timm(tmp_path / "base.pth")
    layer = "blocks.0.attn.qkv"
    out, *into = state[f"{layer}.weight"].shape
    tensors = pair(layer, out, into)
    write_lora(tmp_path / "lora", tensors, **more)
    if scale is None:  # a pattern that could take long
        refused(tmp_path / "base.pth", tmp_path / "lora", "lora_alpha")
        return
    network = merged(tmp_path / "base.pth", tmp_path / "lora")
    found = network.module.state_dict()
    change = scale * tensors[f"{layer}.lora_B.weight"] @ tensors[f"{layer}.lora_A.weight"]
    assert torch.allclose(found[f"{layer}.weight"], state[f"{layer}.weight"] + change, atol=1e-5)
    rest = {name for name in state if not torch.equal(state[name], found[name])}
    assert rest == {f"{layer}.weight"}
    assert "the adapter lora is merged into 1 layers" in network.notes
    assert {file.name for file in network.files} == {"base.pth", lora.CONFIG, lora.WEIGHTS}


def test_convolutions_ranks_of_their_own_and_heads_are_merged(tmp_path):
    timm = import_timm()
    state = lively(timm.create_model("test_resnet", num_classes=3)).state_dict()
    torch.save(state, tmp_path / "base.pth")
    name = next(key for key, value in state.items() if value.ndim == 4 and value.shape[2] == 3)
    layer, shape = name.removesuffix(".weight"), state[name].shape
    tensors = pair(layer, shape[0], shape[1:], rank=2)
    head = {"fc.weight": torch.randn(7, state["fc.weight"].shape[1]), "fc.bias": torch.randn(7)}
    write_lora(tmp_path / "lora", {**tensors, **head}, rank_pattern={layer.split(".")[-1]: 2},
               modules_to_save=["fc"])
    found = merged(tmp_path / "base.pth", tmp_path / "lora", "timm:test_resnet").module.state_dict()
    a, b = tensors[f"{layer}.lora_A.weight"], tensors[f"{layer}.lora_B.weight"]
    change = 4 * torch.einsum("or,rikl->oikl", b[:, :, 0, 0], a)
    assert torch.allclose(found[name], state[name] + change, atol=1e-4)
    assert torch.equal(found["fc.weight"], head["fc.weight"])


@pytest.mark.parametrize("release", ["4", "installed"])
@pytest.mark.parametrize("headless", [False, True])
def test_a_vision_transformer_with_a_new_head_is_what_training_had(tmp_path, release, headless):
    model = vit(num_labels=3)
    base = model
    if headless:  # with a pooler, as in the published ones
        base = import_transformers().ViTModel(model.config)
        base.load_state_dict(model.vit.state_dict(), strict=False)
    write_vit(tmp_path / "base", base)
    layer = "vit.encoder.layer.0.attention.attention.query"
    if release == "installed":
        layer = next(name for name, _ in model.named_modules()
                     if name.endswith(("attention.query", "attention.q_proj")))
    tensors = pair(layer, 48, (48,))
    head = {"classifier.weight": torch.randn(5, 48), "classifier.bias": torch.randn(5)}
    write_lora(tmp_path / "lora", {**tensors, **head}, modules_to_save=["classifier"],
               auto_mapping={"base_model_class": "ViTForImageClassification"})
    network = recognise(tmp_path / "base", Hints(adapter=tmp_path / "lora"))

    own = next(module for name, module in model.named_modules() if name in (
        layer, "vit.layers.0.attention.q_proj"))
    with torch.no_grad():
        own.weight += 2 * tensors[f"{layer}.lora_B.weight"] @ tensors[f"{layer}.lora_A.weight"]
        model.classifier = torch.nn.Linear(48, 5)
        model.classifier.load_state_dict({"weight": head["classifier.weight"],
                                          "bias": head["classifier.bias"]})
    images = torch.randn(2, 3, 32, 32)
    assert torch.allclose(network.module(images), model(images).logits, atol=1e-4)
    assert "the adapter lora is merged into 1 layers, and 2 tensors taken in place of its own" in (
        network.notes)


def test_it_is_what_peft_makes_of_it(tmp_path):
    peft = pytest.importorskip("peft")
    model = vit(num_labels=3)
    write_vit(tmp_path / "base", model)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(
        r=3, lora_alpha=5, target_modules=["q_proj", "query", "fc1", "dense", "projection"],
        modules_to_save=["classifier"], rank_pattern={"fc1": 6}, bias="lora_only"))
    with torch.no_grad():
        for name, value in wrapped.named_parameters():
            if "lora_B" in name or ("modules_to_save" in name or "query.bias" in name):
                torch.nn.init.normal_(value)
    wrapped.save_pretrained(tmp_path / "lora")
    network = recognise(tmp_path / "base", Hints(adapter=tmp_path / "lora"))
    images = torch.randn(2, 3, 32, 32)
    expected = wrapped.eval().merge_and_unload()(images).logits
    assert torch.allclose(network.module(images), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("config", "match"), [
    ({"peft_type": "LOHA"}, "LOHA.*LoRA alone"), ({"use_dora": True}, "use_dora"),
    ({"fan_in_fan_out": True}, "fan_in_fan_out"), ({"lora_bias": True}, "lora_bias"),
    ({"init_lora_weights": "pissa"}, "init_lora_weights.*pissa"), ({"r": 8}, "says r 8"),
    ({"lora_alpha": "8"}, "lora_alpha"), ({"something_new": {"a": 1}}, "something_new"),
    ({"rank_pattern": {"(a+)+": 4}}, "says r None")])
def test_what_is_not_plain_lora_is_refused(tmp_path, config, match):
    state = write_timm(tmp_path / "base.pth")
    layer = "blocks.0.attn.qkv"
    out, into = state[f"{layer}.weight"].shape
    write_lora(tmp_path / "lora", pair(layer, out, (into,)), **config)
    refused(tmp_path / "base.pth", tmp_path / "lora", match)


def test_tensors_that_are_no_pairs_are_refused(tmp_path):
    write_timm(tmp_path / "base.pth")
    for number, names in enumerate((["a.lora_magnitude_vector.weight"], ["a.lora_A.weight"],
                                    ["a.lora_embedding_A"], ["head.weight"])):
        write_lora(tmp_path / str(number), {name: torch.ones(4, 4) for name in names})
        refused(tmp_path / "base.pth", tmp_path / str(number), "none of the tensors|no pairs")


def test_an_adapter_of_another_network_is_refused(tmp_path):
    write_timm(tmp_path / "base.pth")
    write_lora(tmp_path / "names", pair("blocks.0.attention.query", 48, (48,)))
    write_lora(tmp_path / "shapes", pair("blocks.0.attn.qkv", 5, (7,)))
    assert "are not there: blocks.0" in refused(
        tmp_path / "base.pth", tmp_path / "names", "another")
    assert "it is for [5, 7]" in refused(tmp_path / "base.pth", tmp_path / "shapes", "another")


def test_a_folder_without_an_adapter_of_peft_is_refused(tmp_path):
    write_timm(tmp_path / "base.pth")
    (tmp_path / "lora").mkdir()
    refused(tmp_path / "base.pth", tmp_path / "lora", "no adapter_config.json")
    refused(tmp_path / "base.pth", tmp_path / "nowhere", "no such file or folder")
