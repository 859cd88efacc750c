"""Image towers of transformers: the vector is the one that the library itself gives for the image,
and a model whose vector is not known is refused by its name."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from networks import import_transformers, lively, write_clip, write_siglip  # noqa: E402
from small_export import normalised  # noqa: E402

from zsl_cli import Model  # noqa: E402
from zsl_cli.authoring.exporting import ExportRequest, export, plan  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

TOWER = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
         "num_attention_heads": 3}
VISION = {**TOWER, "image_size": 64, "patch_size": 16}
SAME = 0.99999


def saved(folder, model, channels=3):
    """The model in a folder, with the settings of a plain image processor."""
    lively(model).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 3,
        "image_processor_type": "ViTImageProcessor", "rescale_factor": 1 / 255,
        "image_mean": [0.5] * channels, "image_std": [0.5] * channels,
        "size": {"height": 64, "width": 64}}))
    return model


def planned(folder, size=None, **options):
    """What an export of the folder would be."""
    return plan.make(ExportRequest(folder, hints=Hints(None, InputOptions(size=size)), **options))


def vectors(made, size=64):
    """What the planned network gives for two images of noise, and those images."""
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return made.features.body(pixels), pixels


def pooled(output):
    return output.pooler_output


def first(output):
    return output.last_hidden_state[:, 0]


def mean(output):
    return output.last_hidden_state.mean(1)


TOWERS = {
    "CLIP with its projection": (lambda t: t.CLIPVisionModelWithProjection(
        t.CLIPVisionConfig(**VISION, projection_dim=24)), lambda output: output.image_embeds),
    "CLIP without": (lambda t: t.CLIPVisionModel(t.CLIPVisionConfig(**VISION)), pooled),
    "SigLIP with its head": (lambda t: t.SiglipVisionModel(t.SiglipVisionConfig(**VISION)), pooled),
    "SigLIP without": (lambda t: t.SiglipVisionModel(
        t.SiglipVisionConfig(**VISION, vision_use_head=False)), mean),
    "ViT with a pooler": (lambda t: t.ViTModel(t.ViTConfig(**VISION)), pooled),
    "ViT without": (lambda t: t.ViTModel(t.ViTConfig(**VISION), add_pooling_layer=False), first),
    "DINOv2": (lambda t: t.Dinov2Model(t.Dinov2Config(**VISION)), pooled),
    "I-JEPA, which has no class token": (lambda t: t.IJepaModel(
        t.IJepaConfig(**VISION), add_pooling_layer=False), mean),
    "SegFormer, which gives maps": (lambda t: t.SegformerModel(t.SegformerConfig(
        hidden_sizes=[8, 16, 32, 48], num_attention_heads=[1, 2, 2, 3], depths=[1] * 4)),
        lambda output: output.last_hidden_state.mean((2, 3)))}


@pytest.mark.parametrize("kind", [*TOWERS])
def test_the_vector_of_a_tower_is_the_librarys(tmp_path, kind):
    make, wanted = TOWERS[kind]
    model = saved(tmp_path, make(import_transformers()))
    made = planned(tmp_path)
    assert made.kind == "embedding"
    found, pixels = vectors(made)
    with torch.inference_mode():
        torch.testing.assert_close(found, wanted(model(pixel_values=pixels)))
    assert any("gives no vector of the whole image" in note for note in made.notes) == (
        wanted in (first, mean) or "maps" in kind)


@pytest.mark.parametrize("word", ["_orig_mod", "module"])
def test_what_wraps_a_tower_is_passed_over(tmp_path, word):
    safetensors = pytest.importorskip("safetensors.torch")
    make, wanted = TOWERS["ViT with a pooler"]
    model = saved(tmp_path, make(import_transformers()))
    state = safetensors.load_file(tmp_path / "model.safetensors")
    safetensors.save_file({f"{word}.{key.replace('embeddings.', f'embeddings.{word}.', 1)}": value
                           for key, value in state.items()}, tmp_path / "model.safetensors")
    found, pixels = vectors(planned(tmp_path))
    with torch.inference_mode():
        torch.testing.assert_close(found, wanted(model(pixel_values=pixels)))


def test_a_masked_autoencoder_sees_the_whole_picture_and_its_decoder_is_left_aside(tmp_path,
                                                                                   photos):
    transformers = import_transformers()
    settings = transformers.ViTMAEConfig(
        **VISION, decoder_hidden_size=32, decoder_intermediate_size=32, decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2)
    model = saved(tmp_path / "mae", transformers.ViTMAEForPreTraining(settings))
    made = planned(tmp_path / "mae", output=tmp_path / "out")
    assert any("tensors beside the network are left aside: decoder" in note for note in made.notes)
    export(made)
    exported = Model.load(tmp_path / "out", device="cpu")
    model.vit.config.mask_ratio = 0.0
    model.vit.embeddings.config.mask_ratio = 0.0
    with torch.inference_mode():
        expected = model.vit(pixel_values=normalised(exported, photos)).last_hidden_state[:, 0]
    found = exported.embed(photos)
    expected = torch.nn.functional.normalize(expected).numpy()
    assert (found * expected).sum(1).min() > SAME
    assert (exported.embed(photos) == found).all()


def test_weights_of_masked_training_are_those_of_the_tower(tmp_path):
    transformers = import_transformers()
    saved(tmp_path, transformers.ViTForMaskedImageModeling(
        transformers.ViTConfig(**VISION, encoder_stride=16)))
    made = planned(tmp_path)
    assert made.features.width == 48
    assert any("left aside" in note for note in made.notes)


def test_two_heads_give_the_classes_of_both(tmp_path):
    transformers = import_transformers()
    model = saved(tmp_path, transformers.DeiTForImageClassificationWithTeacher(
        transformers.DeiTConfig(**VISION, id2label={0: "ant", 1: "bee", 2: "cow"},
                                label2id={"ant": 0, "bee": 1, "cow": 2})))
    made = planned(tmp_path)
    assert (made.kind, made.features.width) == ("classes", 3)
    found, pixels = vectors(made)
    with torch.inference_mode():
        torch.testing.assert_close(made.features.classifier(found),
                                   model(pixel_values=pixels).logits)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_the_half_of_a_dual_encoder_that_was_tuned_to_classes_is_a_classifier(tmp_path, kind):
    transformers = import_transformers()
    config = getattr(transformers, f"{kind}Config")(
        vision_config=VISION, text_config=TOWER, id2label={0: "ant", 1: "bee", 2: "cow"})
    model = saved(tmp_path, getattr(transformers, f"{kind}ForImageClassification")(config))
    for size in (64, 96):
        made = planned(tmp_path, size)
        assert (made.kind, made.network.text) == ("classes", None)
        assert [label.name for label in made.network.classes] == ["ant", "bee", "cow"]
        found, pixels = vectors(made, size)
        with torch.inference_mode():
            expected = model(pixel_values=pixels, interpolate_pos_encoding=size != 64).logits
            torch.testing.assert_close(made.features.classifier(found), expected)


def test_two_heads_that_are_alike_for_a_blank_picture_are_both_kept(tmp_path):
    transformers = import_transformers()
    model = saved(tmp_path, transformers.LevitForImageClassificationWithTeacher(
        transformers.LevitConfig(image_size=64, num_labels=3)))
    for head in (model.classifier, model.classifier_distill):
        torch.nn.init.zeros_(head.linear.weight)
    model.save_pretrained(tmp_path)
    assert planned(tmp_path).features.where == "output, its class logits"


@pytest.mark.parametrize("kind", ["CLIP with its projection", "ViT without"])
def test_position_embeddings_are_resampled_as_the_library_does(tmp_path, kind):
    make, wanted = TOWERS[kind]
    model = saved(tmp_path, make(import_transformers()))
    found, pixels = vectors(planned(tmp_path, 96), 96)
    with torch.inference_mode():
        torch.testing.assert_close(found, wanted(
            model(pixel_values=pixels, interpolate_pos_encoding=True)))


@pytest.mark.parametrize("write", [write_clip, write_siglip])
def test_the_grid_of_a_dual_encoder_is_resampled_too(tmp_path, write):
    model = write(tmp_path)
    found, pixels = vectors(planned(tmp_path, 96), 96)
    with torch.inference_mode():
        torch.testing.assert_close(found, model.get_image_features(
            pixel_values=pixels, interpolate_pos_encoding=True).pooler_output)


def test_a_grey_tower_sees_what_pillow_makes_grey(tmp_path, photos):
    transformers = import_transformers()
    folder, out = tmp_path / "grey", tmp_path / "out"
    model = saved(folder, transformers.ViTModel(transformers.ViTConfig(**VISION, num_channels=1)),
                  channels=1)
    export(planned(folder, output=out))
    exported = Model.load(out, device="cpu")
    grey = np.stack([np.asarray(photo.convert("L").convert("RGB").resize((64, 64), 3))[..., 0]
                     for photo in photos])
    pixels = (torch.from_numpy(grey)[:, None].float() / 255 - 0.5) / 0.5
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(pooled(model(pixel_values=pixels))).numpy()
    assert (exported.embed(photos) * expected).sum(1).min() > 0.999


@pytest.mark.parametrize("kind", ["chinese_clip", "metaclip_2", "altclip", "siglip2"])
def test_a_dual_encoder_that_is_not_known_is_refused_by_its_name(tmp_path, kind):
    (tmp_path / "config.json").write_text(json.dumps(
        {"model_type": kind, "vision_config": VISION, "text_config": TOWER}))
    with pytest.raises(ZslError, match=rf": {kind} is a model of images and texts that zsl cannot"):
        planned(tmp_path)
