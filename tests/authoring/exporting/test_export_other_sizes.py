"""Weights of timm, torchvision and OpenCLIP for images of other sizes, of other releases and with
other channels or activations: as the library itself takes them, and it is said."""

import json
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from networks import (  # noqa: E402
    import_open_clip,
    import_timm,
    import_torchvision,
    lively,
)

from zsl_cli import Model  # noqa: E402
from zsl_cli.authoring.exporting import ExportRequest, export, onnx_files, plan  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")


def planned(folder, state, architecture, size=None, name="w.pth", **options):
    """What an export of these weights would be."""
    torch.save(state, folder / name)
    return plan.make(ExportRequest(folder / name, folder / "out",
                                   Hints(architecture, InputOptions(size=size)), **options))


def same(made, network, size, channels=3):
    """Assert that the planned network gives the other one's logits."""
    pixels = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(made.features.classifier(made.features.body(pixels)),
                                   network.eval()(pixels), rtol=1e-4, atol=1e-4)


# timm -----------------------------------------------------------------------------------------


def test_a_vision_transformer_is_made_for_the_size_that_its_weights_are_for(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_vit", num_classes=4, img_size=96))
    made = planned(tmp_path, network.state_dict(), "timm:test_vit")
    assert made.network.input.preprocessing.size == 96
    assert "its position embeddings are for 96 pixels" in made.notes
    same(made, network, 96)


def test_position_embeddings_are_resampled_as_timm_does(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_vit", num_classes=4))
    made = planned(tmp_path, network.state_dict(), "timm:test_vit", 96)
    assert any(note.startswith("resampled as timm does: pos_embed from") for note in made.notes)
    network.set_input_size(img_size=96)
    same(made, network, 96)


def test_a_last_norm_of_pooled_tokens_tells_that_they_are_pooled(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_vit", num_classes=4, global_pool="avg"))
    made = planned(tmp_path, network.state_dict(), "timm:test_vit")
    assert any("they are averaged" in note for note in made.notes)
    same(made, network, 160)


def test_a_patch_of_another_size_is_another_network(tmp_path):
    timm = import_timm()
    state = timm.create_model("vit_tiny_patch16_224", depth=1, patch_size=32).state_dict()
    with pytest.raises(ZslError, match=r"1 of another shape: patch_embed\.proj\.weight"):
        planned(tmp_path, {key: value for key, value in state.items() if key != "pos_embed"} | {
            "pos_embed": torch.zeros(1, 197, 192)}, "timm:vit_tiny_patch16_224")


def test_the_keys_of_an_original_repository_are_converted_as_timm_does(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("convnext_atto", num_classes=4))
    stem, *_ = [key for key in network.state_dict() if key.startswith("stem.0")]
    theirs = (  # as ConvNeXt's authors have named them
        (r"^stem\.", "downsample_layers.0."), (r"conv_dw", "dwconv"), (r"mlp\.fc", "pwconv"),
        (r"stages\.(\d)\.downsample\.", r"downsample_layers.\1."), (r"head\.fc", "head"),
        (r"stages\.(\d)\.blocks\.", r"stages.\1."), (r"head\.norm", "norm"))
    original = network.state_dict()
    for pattern, new in theirs:
        original = {re.sub(pattern, new, key): value for key, value in original.items()}
    assert stem not in original
    made = planned(tmp_path, {"model": original}, "timm:convnext_atto")
    assert any("converted as timm does" in note for note in made.notes)
    same(made, network, 64)


def test_blocks_that_were_wrapped_some_at_a_time_are_found(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_vit", num_classes=4))
    state = {re.sub(r"^blocks\.(\d+)\.", r"blocks.0.\1.", key): value
             for key, value in network.state_dict().items()}
    same(planned(tmp_path, {"teacher": state, "student": None}, "timm:test_vit"), network, 160)


def test_the_classes_of_two_heads_are_those_of_both(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("deit_tiny_distilled_patch16_224", num_classes=5, depth=1))
    torch.save(network.state_dict(), tmp_path / "w.pth")
    (tmp_path / "config.json").write_text(json.dumps({
        "architecture": "deit_tiny_distilled_patch16_224", "num_classes": 5,
        "model_args": {"depth": 1}, "pretrained_cfg": dict(network.pretrained_cfg)}))
    made = plan.make(ExportRequest(tmp_path / "w.pth"))
    assert (made.kind, made.features.where) == ("classes", "output, its class logits")
    same(made, network, 224)


def test_two_heads_over_the_same_features_are_one_layer(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("levit_128s", num_classes=5))
    made = planned(tmp_path, network.state_dict(), "timm:levit_128s")
    assert made.features.where == "penultimate, input of head and head_dist"
    same(made, network, 224)
    pixels = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(made.features.body(pixels), network.forward_head(
            network.forward_features(pixels), pre_logits=True))


def test_a_grey_network_takes_grey_pictures(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_resnet", num_classes=4, in_chans=1))
    made = planned(tmp_path, network.state_dict(), "timm:test_resnet")
    assert made.network.input.grey
    assert made.network.input.mean == pytest.approx((127.5,))
    same(made, network, 160, channels=1)
    other = timm.create_model("test_resnet", num_classes=4, in_chans=4).state_dict()
    with pytest.raises(ZslError, match="takes 4 channels, and a photo has three"):
        planned(tmp_path, other, "timm:test_resnet")


# torchvision -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_vision_transformer_of_torchvision_for_384_pixels(tmp_path):
    models = import_torchvision().models
    network = lively(models.vit_b_32(image_size=384, num_classes=3))
    made = planned(tmp_path, network.state_dict(), "torchvision:vit_b_32")
    assert made.network.input.preprocessing.size == 384
    same(made, network, 384)
    made = planned(tmp_path, network.state_dict(), "torchvision:vit_b_32", 224)
    smaller = models.vit_b_32(num_classes=3)
    smaller.load_state_dict(models.vision_transformer.interpolate_embeddings(
        224, 32, network.state_dict()))
    same(made, smaller, 224)
    with pytest.raises(ZslError, match=r"cannot make vit_b_32 for 250 pixels"):
        planned(tmp_path, network.state_dict(), "torchvision:vit_b_32", 250)


@pytest.mark.slow
def test_fine_tuned_networks_of_torchvision(tmp_path):
    models, nn = import_torchvision().models, torch.nn
    inception = models.inception_v3(init_weights=False)
    inception.fc, inception.AuxLogits.fc = nn.Linear(2048, 2), nn.Linear(768, 2)
    made = planned(tmp_path, inception.state_dict(), "torchvision:inception_v3")
    assert made.features.classifier.out_features == 2
    squeezenet = lively(models.squeezenet1_1(num_classes=2))
    made = planned(tmp_path, squeezenet.state_dict(), "torchvision:squeezenet1_1")
    assert (made.kind, made.features.width) == ("classes", 2)
    same(made, squeezenet, 224)
    alexnet = models.alexnet(num_classes=3)
    alexnet.features = nn.DataParallel(alexnet.features)
    planned(tmp_path, alexnet.state_dict(), "torchvision:alexnet")


@pytest.mark.slow
def test_the_names_of_torchvisions_own_older_files(tmp_path):
    models = import_torchvision().models
    network = lively(models.densenet121(num_classes=3))
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
             for key, value in network.state_dict().items()}
    same(planned(tmp_path, state, "torchvision:densenet121"), network, 64)


# OpenCLIP --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory):
    """OpenCLIP, knowing a small dual encoder for GELU and for QuickGELU."""
    open_clip = import_open_clip()
    folder = tmp_path_factory.mktemp("small_clip")
    config = {"embed_dim": 24,
              "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16},
              "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1,
                           "layers": 2}}
    for name, quick in (("small-dual", False), ("small-dual-quickgelu", True)):
        (folder / f"{name}.json").write_text(json.dumps({**config, "quick_gelu": quick}))
        open_clip.add_model_config(folder / f"{name}.json")
    return open_clip


class Archived(torch.nn.Module):
    """Both towers under OpenAI's names, and a forward of two arguments that runs the text's."""

    def __init__(self, model):
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        for name, value in model.named_parameters(recurse=False):
            self.register_parameter(name, value)

    def forward(self, image, text):
        states = self.transformer(self.token_embedding(text) + self.positional_embedding)
        return image.mean() + self.ln_final(states).mean() * self.logit_scale


def archive(model, path):
    """OpenAI's way of publishing: a traced program."""
    torch.jit.trace(Archived(model).eval(), (
        torch.zeros(1, 3, 64, 64), torch.zeros(1, 77, dtype=torch.int64)),
        check_trace=False).save(str(path))
    return path


@pytest.mark.parametrize("quick", [True, False])
def test_an_archive_of_openais_tells_its_architecture_and_its_activation(tmp_path, small_clip,
                                                                         quick):
    name = "small-dual" + "-quickgelu" * quick
    network = lively(small_clip.create_model(name))
    path = archive(network, tmp_path / "small.pt")
    other = "small-dual" + "-quickgelu" * (not quick)
    pixels = torch.randn(2, 3, 64, 64)
    for architecture in (None, f"open_clip:{name}", f"open_clip:{other}"):
        made = plan.make(ExportRequest(path, hints=Hints(architecture)))
        assert made.network.architecture == f"open_clip:{name}"
        assert any("is taken" in note and "QuickGELU" in note for note in made.notes) == (
            architecture == f"open_clip:{other}")
        with torch.inference_mode():
            torch.testing.assert_close(made.features.body(pixels), network.encode_image(pixels))


def test_weights_that_do_not_tell_their_activation_are_asked_about(tmp_path, small_clip):
    state = small_clip.create_model("small-dual").state_dict()
    with pytest.raises(ZslError, match=(
            r"`architecture=open_clip:small-dual-quickgelu`.*`architecture=open_clip:small-dual`.*"
            "do not say whether they are for GELU")):
        planned(tmp_path, state, None)
    made = planned(tmp_path, state, "open_clip:small-dual")
    assert any("do not say whether" in note and "GELU is taken" in note for note in made.notes)
    openais = {"input_resolution": 64, "context_length": 77, "vocab_size": 49408}
    made = planned(tmp_path, state | {key: torch.tensor(value) for key, value in openais.items()},
                   "open_clip:small-dual")
    assert made.network.architecture == "open_clip:small-dual-quickgelu"


def test_the_grid_of_a_dual_encoder_is_resampled_as_open_clip_does(tmp_path, small_clip):
    network = lively(small_clip.create_model("small-dual"))
    made = planned(tmp_path, network.state_dict(), "open_clip:small-dual", 96)
    larger = small_clip.create_model("small-dual", force_image_size=96).eval()
    state = dict(network.state_dict())
    small_clip.model.resize_pos_embed(state, larger)
    larger.load_state_dict(state)
    pixels = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(made.features.body(pixels), larger.encode_image(pixels))


# graphs ----------------------------------------------------------------------------------------


class Windows(torch.nn.Module):
    """Attention within four windows of a picture: five dimensions, with a mask or without one."""

    def __init__(self, mask=None):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 4, 4)
        self.mask = mask

    def forward(self, pixels):
        maps = self.stem(pixels)
        count, width, side = maps.shape[0], maps.shape[1], maps.shape[2] // 2
        windows = maps.reshape(count, 2, width // 2, 2, side, 2, side).permute(0, 1, 3, 5, 4, 6, 2)
        tokens = windows.reshape(count, 2, 4, side * side, width // 2)
        attended = torch.nn.functional.scaled_dot_product_attention(
            tokens, tokens * 2, tokens + 1, attn_mask=self.mask)
        return attended.transpose(2, 3).mean(2).flatten(1)


@pytest.mark.parametrize("mask", [
    None, torch.randn(16, 16), torch.rand(1, 1, 4, 16, 16) > 0.3], ids=["none", "sums", "choice"])
def test_attention_of_five_dimensions(tmp_path, photos, mask):
    from zsl_cli.authoring.exporting import graph, heads, parity
    from zsl_cli.authoring.networks.network import Input
    from zsl_cli.support.preprocessing import Preprocessing

    network = lively(Windows(mask))
    encoder = graph.Encoder(network, heads.Plain(32), Input(Preprocessing(32)))
    graph.write_encoder(encoder, tmp_path / "encoder.onnx")
    images = np.stack([np.asarray(photo.resize((32, 32))) for photo in photos])
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(images))[0].numpy()
    found = parity.run(tmp_path / "encoder.onnx", onnx_files.IMAGES, images, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_weights_that_no_one_file_holds_lie_beside_the_graph(tmp_path, photos, monkeypatch):
    timm = import_timm()
    state = lively(timm.create_model("test_vit", num_classes=4)).state_dict()
    export(planned(tmp_path, state, "timm:test_vit"))
    whole = Model.load(tmp_path / "out", device="cpu").embed(photos)
    monkeypatch.setattr(onnx_files, "MOST_BYTES", 1000)
    result = export(planned(tmp_path, state, "timm:test_vit", force=True))
    assert [*result.manifest.files] == ["encoder.onnx", "encoder.onnx.data"]
    assert (tmp_path / "out" / "encoder.onnx.data").stat().st_size > 1000
    np.testing.assert_allclose(Model.load(tmp_path / "out", device="cpu").embed(photos), whole,
                               atol=1e-6)
    with pytest.raises(ZslError, match="int8 is made of a graph with its weights in it"):
        export(planned(tmp_path, state, "timm:test_vit", force=True, quantize="int8"))
