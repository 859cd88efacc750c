"""Networks of timm, torchvision, OpenCLIP and Hugging Face: an exported folder gives what the
library's own pipeline gives, on real photographs."""

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from networks import (  # noqa: E402
    import_open_clip,
    import_timm,
    import_torchvision,
    import_transformers,
    lively,
    write_clip,
    write_siglip,
)

from zsl_cli import Classifier, Model  # noqa: E402
from zsl_cli.authoring.exporting import ExportRequest, export, plan  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.authoring.networks.weights import Weights  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

PHRASES = ["a cat", "a dog", "A photo of a golden retriever", "café", "two  spaces, and more!",
           "日本", "one of the many very long lines " * 30]
SAME_PIXELS, WHOLE_PIPELINE = 0.9999, 0.999


@pytest.fixture(scope="module")
def photos(skimage_photos, tmp_path_factory):
    """Real photographs, one of them large, one upright. (Of a JPEG much larger than the input the
    decoder makes a smaller picture right away, which is quicker and not quite the same.)"""
    folder = tmp_path_factory.mktemp("photos")
    found = []
    for name, size in (("chelsea.jpg", (451, 300)), ("coffee.png", (2400, 1600)),
                       ("rocket.png", (640, 427)), ("astronaut.png", (512, 512)),
                       ("motorcycle_left.jpg", (300, 451))):
        source = next(skimage_photos.glob(f"{name.split('.')[0]}.*"))
        with Image.open(source) as image:
            found.append(folder / name)
            image.info.pop("icc_profile", None)  # which libraries' own pipelines pass over
            image.convert("RGB").resize(size).save(found[-1])
    return found


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def exported(tmp_path, checkpoint, architecture=None, size=None, **options):
    """An export's folder as a Model, and the plan it was made by."""
    hints = Hints(architecture, InputOptions(size=size))
    planned = plan.make(ExportRequest(checkpoint, tmp_path / "out", hints, **options))
    export(planned)
    return Model.load(tmp_path / "out", device="cpu"), planned


def cosines(a, b):
    a, b = (np.asarray(part, np.float64) for part in (a, b))
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def agree(model, photos, theirs, prepared, width):
    """Assert that the model's embeddings, in their first ``width`` dimensions, are the
    library's: from the pixels that zsl made, and from what the library prepares itself."""
    found = model.embed(photos)[:, :width]
    mean, std = (torch.tensor(model.manifest.entries["normalisation"][name]).view(1, -1, 1, 1)
                 for name in ("mean", "std"))
    pixels = torch.from_numpy(np.stack([model.read(photo) for photo in photos]))
    with torch.inference_mode():
        same = theirs((pixels.permute(0, 3, 1, 2).float() - mean) / std)
        whole = theirs(torch.stack([prepared(opened(photo)) for photo in photos]))
    assert cosines(found, same).min() >= SAME_PIXELS
    assert cosines(found, whole).min() >= WHOLE_PIPELINE


@pytest.mark.parametrize(("name", "size"), [
    ("test_resnet.r160_in1k", 96),
    pytest.param("mobilenetv3_small_050", 96, marks=pytest.mark.slow),
    ("test_efficientnet.r160_in1k", 96), ("test_vit.r160_in1k", 96)])
def test_networks_of_timm(tmp_path, photos, name, size):
    timm = import_timm()
    sized = {"img_size": size} if "vit" in name else {}
    network = lively(timm.create_model(name, num_classes=9, **sized))
    torch.save({"state_dict": {f"module.{key}": value
                               for key, value in network.state_dict().items()}},
               tmp_path / "last.pth.tar")
    (tmp_path / "last.pth.tar").rename(tmp_path / "last.pth")
    model, planned = exported(tmp_path, tmp_path / "last.pth", f"timm:{name}", size)
    config = timm.data.resolve_data_config({"input_size": (3, size, size)}, model=network)
    transform = timm.data.create_transform(**config, is_training=False)
    agree(model, photos, lambda pixels: network.forward_head(
        network.forward_features(pixels), pre_logits=True), transform, planned.features.width)
    classifier = Classifier.load(tmp_path / "out", device="cpu")
    with torch.inference_mode():
        best = network(torch.stack([transform(opened(photo)) for photo in photos])).argmax(1)
    assert [found.labels[0].id for found in classifier.classify(photos)] == [
        f"class-{number}" for number in best.tolist()]


def test_a_folder_of_timm_brings_its_own_preprocessing_and_names(tmp_path, photos):
    timm = import_timm()
    network = lively(timm.create_model("test_resnet.r160_in1k", num_classes=3))
    folder = tmp_path / "model"
    folder.mkdir()
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    given = {"input_size": [3, 64, 64], "crop_pct": 0.8, "crop_mode": "squash",
             "interpolation": "bilinear", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
             "label_names": ["ant", "bee", "cow"], "license": "mit"}
    (folder / "config.json").write_text(json.dumps(
        {"architecture": "test_resnet", "num_classes": 3, "pretrained_cfg": given}))
    model, planned = exported(tmp_path, folder)
    named = plan.make(ExportRequest(folder / "pytorch_model.bin",
                                    hints=Hints("timm:test_resnet.r160_in1k")))
    assert named.network.input == planned.network.input
    assert model.preprocessing.fit == "squash"
    assert planned.license == "mit"
    assert [label.name for label in planned.class_labels] == ["ant", "bee", "cow"]
    transform = timm.data.create_transform(**timm.data.resolve_data_config(
        {}, pretrained_cfg={**network.pretrained_cfg, **given}), is_training=False)
    agree(model, photos, lambda pixels: network.forward_head(
        network.forward_features(pixels), pre_logits=True), transform, planned.features.width)


def test_the_right_network_of_timm_is_suggested(tmp_path):
    timm = import_timm()
    state = timm.create_model("resnet18").state_dict()
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ZslError, match="`architecture=timm:resnet18` fits better"):
        plan.make(ExportRequest(tmp_path / "w.pth", hints=Hints("timm:resnet34")))
    with pytest.raises(ZslError, match=r"timm has no model 'resnet19'; near it: .*resnet18"):
        plan.make(ExportRequest(tmp_path / "w.pth", hints=Hints("timm:resnet19")))


@pytest.mark.slow
def test_networks_of_torchvision(tmp_path, photos):
    torchvision = import_torchvision()
    network = lively(torchvision.models.mobilenet_v2(num_classes=5, width_mult=1.0))
    entry = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1
    name = entry.url.rsplit("/", 1)[-1]  # another training than the default, so others numbers
    torch.save(network.state_dict(), tmp_path / name)
    model, _ = exported(tmp_path, tmp_path / name, "torchvision:mobilenet_v2")
    preset = entry.transforms()
    agree(model, photos, lambda pixels: network.features(pixels).mean((2, 3)), preset, 1280)
    planned = plan.make(ExportRequest(tmp_path / name, hints=Hints("torchvision:mobilenet_v2")))
    assert planned.network.input.preprocessing.crop == pytest.approx(224 / 256)
    (tmp_path / name).rename(tmp_path / "mine.pth")
    planned = plan.make(ExportRequest(tmp_path / "mine.pth",
                                      hints=Hints("torchvision:mobilenet_v2")))
    assert planned.network.input.preprocessing.crop == pytest.approx(224 / 232)
    with pytest.raises(ZslError, match="no classification network 'mobilenet_v9'"):
        plan.make(ExportRequest(tmp_path / "mine.pth", hints=Hints("torchvision:mobilenet_v9")))


def texts_agree(model, encode, phrases=PHRASES):
    """Assert that the label encoder gives the library's own text embeddings."""
    found = model.label_encoder.encode(phrases)
    with torch.inference_mode():
        expected = np.concatenate([encode([phrase]).numpy() for phrase in phrases])
    assert cosines(found, expected).min() >= SAME_PIXELS


@pytest.mark.parametrize(("write", "template"), [
    (write_clip, "a photo of a {}."), (write_siglip, "This is a photo of {}.")])
def test_dual_encoders_of_hugging_face(tmp_path, photos, write, template):
    transformers = import_transformers()
    folder = tmp_path / "model"
    folder.mkdir()
    network = write(folder)
    (tmp_path / "labels.txt").write_text("cat\ndog\ngolden retriever\n")
    model, planned = exported(tmp_path, folder,
                              vocab_labels=tmp_path / "labels.txt")
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def image(pixels):
        return network.get_image_features(pixel_values=pixels).pooler_output

    def text(phrases):
        given = tokenizer(phrases, padding="max_length", truncation=True, return_tensors="pt",
                          max_length=network.config.text_config.max_position_embeddings)
        return network.get_text_features(input_ids=given.input_ids).pooler_output

    def prepared(photo):
        return processor(photo, return_tensors="pt").pixel_values[0]

    agree(model, photos, image, prepared, model.dimension)
    texts_agree(model, text)
    own = Classifier.load(tmp_path / "out", device="cpu").vocabulary
    assert [label.name for label in own.labels] == ["cat", "dog", "golden retriever"]
    with torch.inference_mode():
        expected = text([template.replace("{}", label.name) for label in own.labels]).numpy()
    assert cosines(own.vectors, expected).min() >= SAME_PIXELS
    # The probabilities are those of the library, of the phrases as they are written.
    classifier = Classifier.load(tmp_path / "out", device="cpu")
    found = next(classifier.classify([photos[0]], labels=["my cat", "my dog"], top=2))
    with torch.inference_mode():
        a, b = (torch.nn.functional.normalize(part) for part in (
            image(prepared(opened(photos[0]))[None]), text(["my cat", "my dog"])))
        wanted = (network.logit_scale.exp() * a @ b.T).softmax(1)[0].tolist()
    scores = {one.name: one.score for one in found.labels}
    assert [scores["my cat"], scores["my dog"]] == pytest.approx(wanted, abs=0.01)
    assert planned.network.text.templates == (template,)


def test_both_towers_in_int8(tmp_path, photos):
    import_transformers()
    folder = tmp_path / "model"
    folder.mkdir()
    write_clip(folder)
    model, _ = exported(tmp_path, folder, quantize="int8")
    parity = model.manifest.entries["parity"]
    assert parity.keys() == {"float32", "int8", "pipeline", "text float32", "text int8"}
    assert min(parity["int8"]["mean_cosine"], parity["text int8"]["mean_cosine"]) > 0.98
    assert model.label_encoder.encode(["a cat"]).shape == (1, model.dimension)


def test_an_image_classifier_of_hugging_face(tmp_path, photos):
    transformers = import_transformers()
    config = transformers.ViTConfig(
        hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3,
        image_size=64, patch_size=16, id2label={0: "ant", 1: "bee", 2: "cow"},
        label2id={"ant": 0, "bee": 1, "cow": 2})
    network = lively(transformers.ViTForImageClassification(config))
    folder = tmp_path / "model"
    network.save_pretrained(folder, max_shard_size="50KB")
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n")
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "image_processor_type": "ViTImageProcessor", "resample": 2,
        "size": {"height": 64, "width": 64}}))
    assert (folder / "model.safetensors.index.json").exists()
    model, planned = exported(tmp_path, folder)
    assert [label.name for label in planned.class_labels] == ["ant", "bee", "cow"]
    assert planned.license == "cc0-1.0"
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    agree(model, photos, lambda pixels: network.vit(pixel_values=pixels).last_hidden_state[:, 0],
          lambda photo: processor(photo, return_tensors="pt").pixel_values[0], 48)


def test_a_hugging_face_folder_that_lacks_weights_is_refused(tmp_path):
    import_transformers()
    folder = tmp_path / "model"
    folder.mkdir()
    network = write_clip(folder)
    state = network.state_dict()
    state.pop("visual_projection.weight")
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ZslError, match=r"1 missing: visual_projection\.weight"):
        plan.make(ExportRequest(folder))
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ZslError, match="transformers cannot load it"):
        plan.make(ExportRequest(folder))


@pytest.fixture(scope="module")
def open_clip_model(tmp_path_factory):
    """A small dual encoder of OpenCLIP, known to it by name."""
    open_clip = import_open_clip()
    folder = tmp_path_factory.mktemp("open_clip")
    (folder / "tiny-clip.json").write_text(json.dumps({
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 48, "patch_size": 16,
                       "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 48, "heads": 3,
                     "layers": 2}}))
    open_clip.add_model_config(folder / "tiny-clip.json")
    return open_clip, lively(open_clip.create_model("tiny-clip"))


@pytest.mark.slow
def test_dual_encoders_of_open_clip(tmp_path, photos, open_clip_model):
    open_clip, network = open_clip_model
    torch.save({"epoch": 3, "name": "tiny-clip", "state_dict": {
        f"module.{key}": value for key, value in network.state_dict().items()}},
        tmp_path / "epoch_3.pt")
    model, _ = exported(tmp_path, tmp_path / "epoch_3.pt", "open_clip:tiny-clip")
    transform = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(
        **network.visual.preprocess_cfg), is_train=False)
    agree(model, photos, network.encode_image, transform, 24)
    tokenizer = open_clip.get_tokenizer("tiny-clip")
    texts_agree(model, lambda phrases: network.encode_text(tokenizer(phrases)))
    assert model.calibration.temperature == pytest.approx(
        1 / network.logit_scale.exp().item(), rel=1e-5)


def test_a_folder_of_open_clip(tmp_path, photos, open_clip_model):
    safetensors = pytest.importorskip("safetensors.torch")
    open_clip, network = open_clip_model
    folder = tmp_path / "my own clip"  # which OpenCLIP does not know by name
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"another library's")
    safetensors.save_file({key: value.contiguous() for key, value in network.state_dict().items()},
                          folder / "open_clip_model.safetensors")
    given = {"size": 64, "mode": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3,
             "interpolation": "bilinear", "resize_mode": "longest", "fill_color": 7}
    (folder / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": open_clip.get_model_config("tiny-clip"), "preprocess_cfg": given}))
    model, _ = exported(tmp_path, folder)
    transform = open_clip.transform.image_transform_v2(
        open_clip.transform.PreprocessCfg(**given), is_train=False)
    undecoded = [photo for photo in photos if photo.suffix == ".png"]
    agree(model, undecoded, network.encode_image, transform, 24)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    import sys

    for library, name in (("timm", "timm:resnet18"), ("torchvision", "torchvision:resnet18"),
                          ("open_clip", "open_clip:ViT-B-32")):
        for module in {library, *(m for m in sys.modules if m.startswith(f"{library}."))}:
            monkeypatch.setitem(sys.modules, module, None)
        torch.save({"a": torch.ones(1)}, tmp_path / "w.pth")
        wanted = rf"`architecture={name}` needs .*: pip install 'zsl-cli\[checkpoints\]'"
        with pytest.raises(ZslError, match=wanted):
            plan.make(ExportRequest(tmp_path / "w.pth", hints=Hints(name)))


@pytest.mark.parametrize(("settings", "expected"), [
    ({"size": 224, "crop_size": 224, "do_center_crop": True}, (224, 1.0, "crop")),
    ({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224},
      "do_center_crop": True}, (224, 0.875, "crop")),
    ({"size": {"height": 384, "width": 384}}, (384, 1.0, "squash")),
    ({"size": {"height": 256, "width": 256}, "crop_size": 224, "do_center_crop": True},
     (224, 0.875, "squash")),
    ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, (224, 0.875, "crop")),
    ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, (384, 1.0, "squash")),
    ({"size": 224}, (224, 1.0, "squash")), ({}, (96, 1.0, "squash"))])
def test_image_processors_of_hugging_face_are_understood(settings, expected):
    from zsl_cli.authoring.networks import processors

    found = processors.of_processor(settings, 96).preprocessing
    assert (found.size, found.crop, found.fit) == pytest.approx(expected)


def test_weights_without_a_name_are_recognised_where_it_can_be(tmp_path):
    from zsl_cli.authoring.networks.origins import lite0

    torch.save({"state_dict": lite0.EfficientNetLite0().state_dict()}, tmp_path / "lite0.pth")
    planned = plan.make(ExportRequest(tmp_path / "lite0.pth"))
    assert planned.network.architecture == "efficientnet-lite0"
    assert planned.class_labels[0].name == "tench"
    assert not lite0.fits(Weights(tmp_path, (), {"fc.weight": torch.zeros(2, 2)}))
