"""The whole way from a photograph to its embedding is compared with the library's own, and what was
assumed of the preprocessing is said and kept."""

import json
import logging

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from networks import (  # noqa: E402
    import_open_clip,
    import_timm,
    import_torchvision,
    import_transformers,
    lively,
    write_clip,
)

from zsl_cli import Classifier  # noqa: E402
from zsl_cli.authoring.exporting import ExportRequest, export, plan  # noqa: E402
from zsl_cli.authoring.networks import data_configs  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.support.progress import Reporter  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")


class Lines(Reporter):
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    warn = say


def exported(checkpoint, output, hints=None):
    reporter = Lines()
    export(ExportRequest(checkpoint, output, hints or Hints()), reporter)
    return json.loads((output / "model.json").read_text()), "\n".join(reporter.lines)


@pytest.fixture
def resnet(tmp_path):
    timm = import_timm()
    network = lively(timm.create_model("test_resnet", num_classes=4))
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    return tmp_path / "resnet.pth"


NAMED = Hints("timm:test_resnet")


def test_a_network_of_timm_is_compared_from_the_photograph_on(resnet, tmp_path):
    timm = import_timm()
    manifest, said = exported(resnet, tmp_path / "m", NAMED)
    assert manifest["compared_with"] == f"timm {timm.__version__}"
    assert manifest["parity"]["pipeline"]["min_cosine"] >= 0.999
    assert manifest["parity"]["pipeline"]["images"] >= 4
    assert f"from photograph to embedding it agrees with timm {timm.__version__}: " in said
    assert "smallest cosine 1.000000" in said
    assert manifest["assumed"] == [
        "preprocessing: no file says it; as timm knows it for test_resnet: size 160, "
        "interpolation bilinear, crop 0.9524, mean 0.5 0.5 0.5, std 0.5 0.5 0.5"]
    card = (tmp_path / "m" / "README.md").read_text()
    assert "the way from a photograph with that of timm" in card
    assert "| assumed | preprocessing: no file says it" in card


@pytest.mark.parametrize("wrong", [
    {"mean": (0.2, 0.1, 0.5)}, {"crop_mode": "squash"}, {"std": (0.4, 0.6, 0.5)},
    {"crop_pct": 0.9}, {"input_size": (3, 96, 96)}])
def test_a_preprocessing_that_is_read_wrongly_is_refused(resnet, tmp_path, monkeypatch, wrong):
    right = data_configs.of_timm
    monkeypatch.setattr(data_configs, "of_timm", lambda config: right({**config, **wrong}))
    with pytest.raises(ZslError, match=r"timm .*itself .* the preprocessing is not as it is read "
                                       r"here .*say it with `size`, `crop`"):
        exported(resnet, tmp_path / "m", NAMED)
    assert not (tmp_path / "m").exists()


def test_another_filter_for_resizing_is_said(resnet, tmp_path, monkeypatch):
    right = data_configs.of_timm
    monkeypatch.setattr(data_configs, "of_timm", lambda config: right(
        {**config, "interpolation": "lanczos"}))
    _, said = exported(resnet, tmp_path / "m", NAMED)
    assert "from photograph to embedding it agrees with timm" in said
    assert " roughly: pixels within " in said


def test_a_network_that_is_not_the_librarys_any_more_is_refused(resnet, tmp_path, monkeypatch):
    from zsl_cli.authoring.exporting import stages

    planned = plan.make(ExportRequest(resnet, tmp_path / "m", hints=NAMED))
    torch.nn.init.normal_(planned.network.module.conv1[0].weight)
    with pytest.raises(ZslError, match="what becomes of photographs is not what timm"):
        stages.export(planned)


def test_what_the_user_says_is_neither_assumed_nor_compared(resnet, tmp_path):
    said = InputOptions(size=96, mean=(0.1,), std=(0.2,), crop=1.0, interpolation="bicubic")
    manifest, lines = exported(resnet, tmp_path / "m", Hints("timm:test_resnet", said))
    assert "assumed" not in manifest
    assert "compared_with" not in manifest
    assert "preprocessing: " not in lines
    assert "its preprocessing is the one that was asked for, and not compared" in lines
    assert "pipeline" not in manifest["parity"]
    # A size alone is one that timm itself can be asked for.
    manifest, lines = exported(resnet, tmp_path / "n",
                               Hints("timm:test_resnet", InputOptions(size=96)))
    assert manifest["parity"]["pipeline"]["min_cosine"] >= 0.999
    assert "size" not in manifest["assumed"][0]


@pytest.mark.parametrize("way", ["folder", "file"])
@pytest.mark.parametrize("arguments", [{}, {"global_pool": "max"}, {"img_size": 96}])
def test_what_timm_saves_is_made_as_timm_makes_it(tmp_path, way, arguments, skimage_photos):
    timm = import_timm()
    name = "test_vit" if "img_size" in arguments else "test_resnet"
    labels = ["ant", "bee", "cow", "dog"]
    network = lively(timm.create_model(name, num_classes=4, **arguments))
    folder = tmp_path / "saved"
    timm.models.save_for_hf(network, folder, model_config={"label_names": labels})
    assert "model_args" in json.loads((folder / "config.json").read_text())
    checkpoint, hints = ((folder, Hints()) if way == "folder" else
                         (folder / "pytorch_model.bin", Hints(f"timm:{name}")))
    manifest, _ = exported(checkpoint, tmp_path / "m", hints)
    assert manifest["parity"]["pipeline"]["min_cosine"] >= 0.999
    assert "assumed" not in manifest
    photo = skimage_photos / "chelsea.png"
    found = next(Classifier.load(tmp_path / "m", device="cpu").classify([photo], top=4))
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(
        timm.create_model(f"local-dir:{folder}", pretrained=True)), is_training=False)
    from PIL import Image

    with torch.inference_mode():
        expected = network(transform(Image.open(photo))[None]).softmax(1)[0].tolist()
    scores = {label.name: label.score for label in found.labels}
    assert [scores[one] for one in labels] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("fine_tuned", [True, False])
def test_a_network_of_timm_that_transformers_saved_is_one_of_timm(tmp_path, fine_tuned):
    transformers, timm = import_transformers(), import_timm()
    config = transformers.TimmWrapperConfig(
        architecture="test_resnet", pretrained_cfg={**vars(timm.get_pretrained_cfg("test_resnet")),
                                                    "mean": [0.5] * 3, "std": [0.5] * 3},
        **({"id2label": {0: "ant", 1: "bee", 2: "cow"}} if fine_tuned else {"num_labels": 0}))
    model = lively((transformers.TimmWrapperForImageClassification if fine_tuned
                    else transformers.TimmWrapperModel)(config))
    model.save_pretrained(tmp_path)
    made = plan.make(ExportRequest(tmp_path))
    assert made.network.architecture == "timm:test_resnet"
    assert made.network.input.mean == (127.5,) * 3
    if fine_tuned:
        assert [label.name for label in made.network.classes] == ["ant", "bee", "cow"]
    pixels = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        found = made.features.body(pixels)
        if fine_tuned:
            found = made.features.classifier(found)
        output = model(pixels)
    torch.testing.assert_close(found, output.logits if fine_tuned else output.pooler_output)


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "mobilenetv3_small_050"])
def test_weights_without_a_classifier_are_no_classifier(tmp_path, name):
    timm = import_timm()
    network = timm.create_model(name, num_classes=0)  # biases of nothing, as they begin
    torch.save(network.state_dict(), tmp_path / "w.pth")
    made = plan.make(ExportRequest(tmp_path / "w.pth", hints=Hints(f"timm:{name}")))
    assert (made.kind, made.features.where) == ("embedding", "output")
    pixels = torch.randn(2, 3, 224, 224) if "mobile" in name else torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        torch.testing.assert_close(made.features.body(pixels), network.eval()(pixels))


@pytest.mark.parametrize(("said", "names"), [
    ({"label_names": ["ant", "bee"]}, ["ant", "bee"]), ({"labels": ["ant", "bee"]}, ["ant", "bee"]),
    ({"label_names": {"1": "bee", "0": "ant"}}, ["ant", "bee"]),
    ({"label_names": ["n1", "n2"], "label_descriptions": {"n1": "ant", "n2": "bee"}},
     ["ant", "bee"]), ({"label_names": {"0": "ant", "2": "cow"}}, None)])
def test_names_of_classes_are_read_wherever_timm_writes_them(tmp_path, said, names):
    timm = import_timm()
    network = timm.create_model("test_resnet", num_classes=2)
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    size = {"input_size": [3, 96, 96]}
    (tmp_path / "config.json").write_text(json.dumps(
        {"architecture": "test_resnet", **(
            {**size, **said} if "labels" in said else {"pretrained_cfg": size, **said})}))
    classes = plan.make(ExportRequest(tmp_path)).network.classes
    assert (classes and [label.name for label in classes]) == names


@pytest.mark.parametrize(("arguments", "words"), [
    ({"checkpoint_path": "/somewhere/else.pth"}, "leads out of the folder"),
    ({"pretrained": True}, "leads out of the folder"),
    ({"no_such_argument": 3}, "cannot make test_resnet with the arguments")])
def test_arguments_that_lead_elsewhere_or_nowhere_are_refused(tmp_path, arguments, words):
    timm = import_timm()
    torch.save(timm.create_model("test_resnet", num_classes=2).state_dict(), tmp_path / "model.pth")
    (tmp_path / "config.json").write_text(json.dumps(
        {"architecture": "test_resnet", "model_args": arguments, "pretrained_cfg": {}}))
    with pytest.raises(ZslError, match=words):
        plan.make(ExportRequest(tmp_path))


def test_published_networks_of_torchvision_get_their_input_changed_as_there(tmp_path):
    torchvision = import_torchvision()
    network = lively(torchvision.models.googlenet(num_classes=3, aux_logits=False,
                                                  init_weights=False))
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    planned = plan.make(ExportRequest(tmp_path / "mine.pth", hints=Hints("torchvision:googlenet")))
    pixels = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    network.transform_input = True
    with torch.inference_mode():
        expected = network(pixels)
        found = planned.features.classifier(planned.features.body(pixels))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert any("its input is changed" in note for note in planned.notes)
    assert "these weights are none of those published" in planned.network.assumed.line


@pytest.mark.parametrize("known_by", ["name", "hash"])
def test_published_weights_of_torchvision_are_known_by_name_or_hash(tmp_path, monkeypatch,
                                                                    known_by):
    torchvision = import_torchvision()
    from zsl_cli.authoring.networks.origins import torchvision as origin

    entry = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1  # not the default
    file = entry.url.rsplit("/", 1)[-1]
    name = file if known_by == "name" else "renamed.pth"
    torch.save(lively(torchvision.models.mobilenet_v2(num_classes=3)).state_dict(), tmp_path / name)
    if known_by == "hash":
        begins = file.removesuffix(".pth").rpartition("-")[2]
        monkeypatch.setattr(origin.folders, "sha256", lambda path: begins.ljust(64, "0"))
    planned = plan.make(ExportRequest(tmp_path / name, hints=Hints("torchvision:mobilenet_v2")))
    assert planned.network.input.preprocessing.crop == pytest.approx(224 / 256)
    assert planned.network.assumed is None


NOTED = {"mean": [0.0] * 3, "std": [1.0] * 3, "interpolation": "bilinear"}


@pytest.mark.parametrize(("noted", "mean", "words"), [
    ([NOTED, NOTED], 0.0, "as for all weights that OpenCLIP knows for tiny-clip"),
    ([NOTED, {**NOTED, "mean": [0.5] * 3}], 0.4815, "published weights differ in it"),
    ([], 0.4815, "as OpenCLIP has it for tiny-clip"),
    ([NOTED, {**NOTED, "mean": [0.5] * 3, "url": "https://x/mine.pt"}], 0.5, None)])
def test_weights_for_open_clip_are_prepared_for_as_those_published(tmp_path, monkeypatch, noted,
                                                                   mean, words):
    open_clip = import_open_clip()
    (tmp_path / "tiny-clip.json").write_text(json.dumps({
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": 1, "width": 48, "patch_size": 16,
                       "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 48, "heads": 3,
                     "layers": 1}}))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    torch.save(open_clip.create_model("tiny-clip").state_dict(), tmp_path / "mine.pt")
    tags = {f"tag{number}": one for number, one in enumerate(noted)}
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: [*tags])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda name, tag: tags[tag])
    logging.getLogger().setLevel(logging.WARNING)
    planned = plan.make(ExportRequest(tmp_path / "mine.pt", hints=Hints("open_clip:tiny-clip")))
    assert planned.network.input.mean[0] / 255 == pytest.approx(mean, abs=1e-4)
    assert (planned.network.assumed is None) == (words is None)
    assert words is None or any(words in note for note in planned.notes)
    assert planned.reference.failure is None
    assert planned.reference.outputs.shape[1] == 24


def test_a_dual_encoder_of_transformers_with_one_file_for_all_its_processors(tmp_path):
    transformers = import_transformers()
    folder = tmp_path / "clip"
    folder.mkdir()
    write_clip(folder)
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({
        "processor_class": "CLIPProcessor", "image_processor": {
            "image_processor_type": "CLIPImageProcessor", "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3, "size": {"shortest_edge": 72}, "resample": 3,
            "crop_size": {"height": 64, "width": 64}, "do_center_crop": True}}))
    manifest, _ = exported(folder, tmp_path / "m")
    assert manifest["normalisation"]["mean"] == [127.5] * 3
    assert manifest["compared_with"] == f"transformers {transformers.__version__}"
    assert manifest["parity"]["pipeline"]["min_cosine"] >= 0.999
    assert "assumed" not in manifest


def test_a_folder_of_transformers_without_a_word_on_it_is_exported_with_one(tmp_path):
    transformers = import_transformers()
    model = lively(transformers.ConvNextForImageClassification(transformers.ConvNextConfig(
        hidden_sizes=[16, 24, 32, 40], depths=[1, 1, 1, 1], image_size=224, num_labels=4)))
    model.save_pretrained(tmp_path / "convnext")
    manifest, lines = exported(tmp_path / "convnext", tmp_path / "m")
    assert manifest["normalisation"]["mean"] == pytest.approx([123.675, 116.28, 103.53])
    assert manifest["assumed"][0].startswith(
        "preprocessing: no processor_config.json or preprocessor_config.json says it; as for "
        "convnext usually: size 224, crop 0.875")
    assert f"{manifest['assumed'][0]}; say otherwise with `size`, `crop`" in lines
    assert "pipeline" not in manifest["parity"]


def test_channels_in_the_order_of_mobilevit(tmp_path):
    transformers = import_transformers()
    model = lively(transformers.MobileViTForImageClassification(transformers.MobileViTConfig(
        image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 64],
        num_attention_heads=2, num_labels=3)))
    model.save_pretrained(tmp_path / "mobilevit")
    transformers.MobileViTImageProcessor(size={"shortest_edge": 72}, crop_size=64).save_pretrained(
        tmp_path / "mobilevit")
    manifest, _ = exported(tmp_path / "mobilevit", tmp_path / "m")
    assert manifest["parity"]["pipeline"]["min_cosine"] >= 0.999
