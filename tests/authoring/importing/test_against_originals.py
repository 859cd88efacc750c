"""What is imported where PyTorch is not installed answers as the original library does."""

import json
import shutil

import networks
import numpy as np
import published
import pytest
from PIL import Image

from zsl_cli import Classifier, Model

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

TEXTS = ["a dog", "Golden Retriever", "the big red bus"]
PHRASES = ["a dog", "Golden Retriever", "the big red bus", "a photo of a snow leopard.",
           "café, naïve!", "jack-o'-lantern 3", "a " * 40]


@pytest.fixture(scope="session")
def photos(skimage_photos):
    """Photographs without their colour profiles, which the originals pass over."""
    opened = []
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"):
        with Image.open(skimage_photos / name) as image:
            opened.append(Image.fromarray(np.asarray(image.convert("RGB"))))
    return [*opened, opened[1].crop((30, 20, 231, 293))]


def _unit(rows):
    rows = rows.numpy() if hasattr(rows, "numpy") else rows
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _features(output):
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def meaning(vectors):
    """Without the two dimensions behind, which have room for a label prior."""
    return _unit(vectors[:, :-2])


def of_images(original, pixels):
    with torch.inference_mode():
        return _unit(_features(original.model.get_image_features(
            pixel_values=torch.as_tensor(pixels))))


def of_texts(original, phrases):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(original.folder)
    ids = tokenizer(phrases, padding="max_length" if original.kind == "siglip" else True,
                    truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        return _unit(_features(original.model.get_text_features(input_ids=ids)))


def processed(original, photos):
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(original.folder)
    return processor(images=photos, return_tensors="pt").pixel_values


def _as_open_clip(original, photos):
    """As OpenCLIP's transform does it, by torchvision."""
    networks.import_open_clip()
    from open_clip.transform import image_transform

    settings = json.loads((original.folder / "preprocessor_config.json").read_text())
    transform = image_transform(
        original.model.config.vision_config.image_size, is_train=False,
        mean=settings["image_mean"], std=settings["image_std"],
        resize_mode="squash" if original.kind == "siglip" else "shortest")
    return torch.stack([transform(photo) for photo in photos])


def assert_same_vectors(folder, original, photos, least=0.9999, whole=0.999, prepare=processed):
    """As the original: the networks, the texts with their tokens, and photographs with all that
    is done to them."""
    model = Model.load(folder)
    pixels = np.stack([model.read(photo) for photo in photos])
    settings = json.loads((original.folder / "preprocessor_config.json").read_text())
    ready = (pixels / 255 - settings["image_mean"]) / settings["image_std"]
    expected = of_images(original, ready.transpose(0, 3, 1, 2).astype(np.float32))
    assert (meaning(model.embed_pixels(list(pixels))) * expected).sum(axis=1).min() >= least
    assert (meaning(model.label_encoder.encode(PHRASES)) * of_texts(original, PHRASES)).sum(
        axis=1).min() >= least
    assert (meaning(model.label_encoder.encode(TEXTS)) * of_texts(original, TEXTS)).sum(
        axis=1).min() >= least
    images = of_images(original, prepare(original, photos))
    assert (meaning(model.embed(photos)) * images).sum(axis=1).min() >= whole
    return model


def imported(output, *arguments):
    result = published.zsl("models", "import", "-o", output, *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads((output / "model.json").read_text()), result.stderr


def test_two_graphs_of_transformers_js(original, photos, tmp_path):
    manifest, told = imported(tmp_path / "m", original.ready)
    assert_same_vectors(tmp_path / "m", original, photos)
    assert manifest["published"]["layout"] == "transformers.js"
    assert any("logit scale" in line for line in manifest["published"]["assumed"])
    assert "assumed: a logit scale" in told
    kept = {path.name for path in (tmp_path / "m").iterdir()}
    assert kept == {"encoder.onnx", "label_encoder.onnx", "tokenizer.json", "model.json",
                    "README.md"}


def probabilities(folder, photos):
    """Of the first phrases for each photo, ``[photos, phrases]``."""
    labels = PHRASES[:5]
    rows = []
    for prediction in Classifier.load(folder).classify(photos, labels=labels):
        by_name = {label.name: label.score for label in prediction.labels}
        rows.append([by_name[label] for label in labels])
        scores = [label.score for label in prediction.labels]
        assert scores == sorted(scores, reverse=True)
    return np.array(rows)


def expected_probabilities(original, photos):
    """As transformers' pipeline has them: of each label on its own by a SigLIP."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(original.folder)
    ids = tokenizer(PHRASES[:5], padding="max_length" if original.kind == "siglip" else True,
                    truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        logits = original.model(input_ids=ids, pixel_values=processed(original, photos)
                                ).logits_per_image
    return (logits.sigmoid() if original.kind == "siglip" else logits.softmax(dim=1)).numpy()


def numbers_of(original):
    """The logit scale, and of a SigLIP the logit bias."""
    scale = float(original.model.logit_scale.detach().exp())
    return (scale, float(original.model.logit_bias.detach())) if original.kind == "siglip" else (
        scale, None)


def test_probabilities_are_those_of_the_original(original, photos, tmp_path):
    scale, bias = numbers_of(original)
    imported(tmp_path / "m", original.ready, "--logit-scale", scale,
             *(["--logit-bias", bias] if bias is not None else []))
    np.testing.assert_allclose(probabilities(tmp_path / "m", photos),
                               expected_probabilities(original, photos), atol=0.002)


def test_scale_and_bias_are_read_from_weights_that_lie_beside_the_graphs(original, photos,
                                                                         tmp_path):
    ready = shutil.copytree(original.ready, tmp_path / "ready")
    shutil.copy(original.folder / "model.safetensors", ready)
    manifest, told = imported(tmp_path / "m", ready)
    assert "logit scale" not in told
    scale, bias = numbers_of(original)
    assert 0.9 / manifest["calibration"]["temperature"] == pytest.approx(scale, rel=1e-5)
    assert manifest["calibration"].get("bias") == (
        None if bias is None else pytest.approx(bias, rel=1e-5))
    np.testing.assert_allclose(probabilities(tmp_path / "m", photos),
                               expected_probabilities(original, photos), atol=0.002)


def test_one_merged_graph_whose_scale_and_bias_are_measured(original, photos, tmp_path):
    published.merged(original.model, original.folder, tmp_path / "ready")
    manifest, told = imported(tmp_path / "m", tmp_path / "ready")
    assert_same_vectors(tmp_path / "m", original, photos)
    scale, bias = numbers_of(original)
    assert 0.9 / manifest["calibration"]["temperature"] == pytest.approx(scale, rel=1e-3)
    assert manifest["calibration"].get("bias") == (
        None if bias is None else pytest.approx(bias, abs=1e-3))
    assert "logit scale" not in told
    np.testing.assert_allclose(probabilities(tmp_path / "m", photos),
                               expected_probabilities(original, photos), atol=0.002)


def test_jinas_one_graph_with_its_own_words_for_preparation(clip, photos, tmp_path):
    published.jina_clip(clip.model, clip.folder, tmp_path / "ready")
    manifest, _ = imported(tmp_path / "m", tmp_path / "ready")
    assert_same_vectors(tmp_path / "m", clip, photos, prepare=_as_open_clip)
    assert manifest["features"] == "l2norm_image_embeddings"
    assert manifest["input"]["fit"] == "crop"


@pytest.mark.parametrize(("folder", "config", "scale", "bias"), [
    ("transformers.js", {"model_type": "siglip"}, 117.330795, -12.932437),
    ("transformers.js", {"model_type": "siglip", "text_config": {"vocab_size": 256_000}},
     112.668907, -16.771725),
    ("transformers.js", {"model_type": "siglip", "vision_config": {"image_size": 512}}, 112, None),
    ("Immich", {"init_logit_bias": -10, "vision_cfg": {
        "image_size": 384, "timm_model_name": "vit_so400m_patch14_siglip_384"},
        "text_cfg": {"context_length": 24, "vocab_size": 32_000, "hf_tokenizer_name": "x"}},
     112.33, -16.545139)])
def test_a_published_size_has_its_own_scale_and_bias(siglip, tmp_path, folder, config, scale,
                                                     bias):
    ready = tmp_path / "ready"
    if folder == "Immich":
        published.immich(siglip.model, siglip.folder, ready)
    else:
        shutil.copytree(siglip.ready, ready)
    (ready / "config.json").write_text(json.dumps(config))
    manifest, told = imported(tmp_path / "m", ready)
    assert 0.9 / manifest["calibration"]["temperature"] == pytest.approx(scale)
    assert manifest["calibration"].get("bias") == bias
    assert f"assumed: a logit scale of {scale:g}" in told
    assert "say otherwise with --logit-scale and --logit-bias, or put the original's" in told
    assert not any("say otherwise" in line for line in manifest["published"]["assumed"])
    assert "logit bias" in told


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_immichs_folders_with_a_fixed_batch(kind, request, photos, tmp_path):
    original = request.getfixturevalue(kind)
    published.immich(original.model, original.folder, tmp_path / "ready")
    imported(tmp_path / "m", tmp_path / "ready")
    assert_same_vectors(tmp_path / "m", original, photos, prepare=_as_open_clip)


def test_qdrants_two_repositories(clip, photos, tmp_path):
    vision, text = published.qdrant(clip.model, clip.folder, tmp_path)
    manifest, _ = imported(tmp_path / "m", vision, text)
    assert_same_vectors(tmp_path / "m", clip, photos)
    assert set(manifest["published"]["files"]) == {"model.onnx", "text/model.onnx"}


def test_more_weights_than_one_file_takes_lie_beside_it(clip, photos, tmp_path, monkeypatch):
    from zsl_cli.authoring.importing import ImportRequest, import_model, onnx_models

    monkeypatch.setattr(onnx_models, "MOST_BYTES", 100_000)
    import_model(ImportRequest(clip.ready, tmp_path / "m"))
    manifest = json.loads((tmp_path / "m" / "model.json").read_text())
    assert {"encoder.onnx_data", "label_encoder.onnx_data"} <= set(manifest["files"])
    assert_same_vectors(tmp_path / "m", clip, photos)
    assert published.zsl("models", "verify", tmp_path / "m").returncode == 0


def test_half_precision_and_integers_are_measured_against_fp32(original, photos, tmp_path):
    ready = shutil.copytree(original.ready, tmp_path / "ready")
    published.in_half_precision(ready)
    published.in_int8(ready)
    manifest, _ = imported(tmp_path / "half", ready, "--form", "fp16")
    assert_same_vectors(tmp_path / "half", original, photos, least=0.999)
    assert manifest["weights"] == "fp16"
    assert manifest["parity"]["text fp16"]["min_cosine"] > 0.999
    manifest, _ = imported(tmp_path / "int8", ready, "--form", "int8")
    assert_same_vectors(tmp_path / "int8", original, photos, least=0.95, whole=0.95)
    assert 0.98 < manifest["parity"]["int8"]["mean_cosine"] < 1


def test_four_bits_are_measured_against_fp32(clip, photos, tmp_path):
    ready = shutil.copytree(clip.ready, tmp_path / "ready")
    published.in_four_bits(ready)
    manifest, _ = imported(tmp_path / "m", ready, "--form", "q4")
    assert manifest["weights"] == "q4"
    assert 0.95 < manifest["parity"]["text q4"]["mean_cosine"] < 1
    assert_same_vectors(tmp_path / "m", clip, photos, least=0.9, whole=0.9)


@pytest.mark.parametrize("one_file_a_tensor", [False, True])
def test_weights_in_other_files(clip, photos, tmp_path, one_file_a_tensor):
    published.transformers_js(clip.model, clip.folder, tmp_path / "ready")
    for path in sorted((tmp_path / "ready" / "onnx").glob("*.onnx")):
        published.with_weights_beside(path, one_file_a_tensor)
    manifest, _ = imported(tmp_path / "m", tmp_path / "ready")
    assert_same_vectors(tmp_path / "m", clip, photos)
    assert set(manifest["files"]) == {"encoder.onnx", "label_encoder.onnx", "tokenizer.json"}


def test_a_model_of_open_clips_in_immichs_layout(photos, tmp_path):
    open_clip = networks.import_open_clip()
    tower = {"layers": 2, "width": 64}
    small = networks.lively(open_clip.CLIP(
        32, {**tower, "image_size": 64, "patch_size": 16, "head_width": 32},
        {**tower, "heads": 2, "context_length": 77, "vocab_size": 49_408}))
    published.immich_of_open_clip(small, tmp_path / "ready", 64)
    manifest, _ = imported(tmp_path / "m", tmp_path / "ready")
    model = Model.load(tmp_path / "m")
    transform = open_clip.image_transform(64, is_train=False)
    with torch.inference_mode():
        images = _unit(small.encode_image(torch.stack([transform(one) for one in photos])))
        texts = _unit(small.encode_text(open_clip.get_tokenizer("ViT-B-32")(PHRASES)))
    assert (meaning(model.embed(photos)) * images).sum(axis=1).min() > 0.999
    assert (meaning(model.label_encoder.encode(PHRASES)) * texts).sum(axis=1).min() > 0.9999
    assert manifest["text"]["templates"] == ["a photo of a {}."]
