"""What is published of the preprocessing, wherever a library writes it, gives the pixels that the
library itself makes of photographs which are not square."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from networks import import_open_clip, import_timm, import_transformers  # noqa: E402

from zsl_cli.authoring.exporting import photographs  # noqa: E402
from zsl_cli.authoring.networks import data_configs, published  # noqa: E402
from zsl_cli.authoring.networks.hints import InputOptions  # noqa: E402
from zsl_cli.embedding.images import load  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

SIDE = {"shortest_edge": 96}
SQUARE = {"height": 96, "width": 96}


def ours(prepared, photo):
    """What zsl gives a network for a photograph: ``[3, S, S]``, normalised."""
    pixels = load(photo, prepared.preprocessing).astype(np.float64)
    if prepared.bgr:
        pixels = pixels[..., ::-1]
    return ((pixels - prepared.mean) / prepared.std).transpose(2, 0, 1)


def agree(prepared, theirs, *, off=0.3, most=10):
    """Assert that pixels are the same, but for a step of rounding here and there: so many on the
    average, and at most."""
    for photo in photographs.of_all_shapes():
        expected = np.asarray(theirs(photo), np.float64)
        found = ours(prepared, photo)
        assert found.shape == expected.shape
        step = 1 / np.min(prepared.std)
        assert np.abs(found - expected).mean() <= off * step
        assert np.abs(found - expected).max() <= most * step


def found_in(folder, config=None, **options):
    return published.prepared((folder,), config or {}, InputOptions(**options))


@pytest.mark.parametrize(("kind", "settings"), [
    ("CLIP", {"size": SIDE, "crop_size": 96}),
    ("CLIP", {"size": {"shortest_edge": 110}, "crop_size": 96, "do_rescale": False}),
    ("CLIP", {"size": SIDE, "crop_size": 96, "do_normalize": False}),
    ("CLIP", {"size": SIDE, "crop_size": 96, "use_square_size": False, "do_convert_rgb": True}),
    ("Siglip", {"size": SQUARE}),
    ("ViT", {"size": SQUARE, "resample": 1}),
    ("ViT", {"size": SQUARE, "rescale_factor": 1 / 127.5, "image_mean": [1.0, 1.1, 0.9]}),
    ("ViT", {"size": SQUARE, "image_mean": 0.4, "image_std": 0.3}),
    ("DeiT", {"size": {"height": 110, "width": 110}, "crop_size": 96}),
    ("Beit", {"size": SQUARE, "crop_size": 80, "do_reduce_labels": False}),
    ("Beit", {"size": SQUARE, "crop_size": 80, "do_center_crop": True}),
    ("Bit", {"size": {"shortest_edge": 110}, "crop_size": 96}),
    ("Blip", {"size": SQUARE}),
    ("ConvNext", {"size": SIDE, "crop_pct": 0.8}),
    ("ConvNext", {"size": SIDE}),
    ("ConvNext", {"size": {"shortest_edge": 384}}),
    ("Levit", {"size": SIDE, "crop_size": 96}),
    ("PoolFormer", {"size": SIDE, "crop_size": 96}),
    ("PoolFormer", {"size": SIDE, "crop_size": 90, "crop_pct": 0.95}),
    ("MobileNetV1", {"size": {"shortest_edge": 110}, "crop_size": 96}),
    ("MobileNetV2", {"size": {"shortest_edge": 110}, "crop_size": 96}),
    ("MobileViT", {"size": {"shortest_edge": 110}, "crop_size": 96}),
    ("MobileViT", {"size": {"shortest_edge": 110}, "crop_size": 96,
                   "do_flip_channel_order": False}),
    ("EfficientNet", {"size": SQUARE}),
    ("EfficientNet", {"size": SQUARE, "include_top": False, "rescale_offset": True,
                      "rescale_factor": 1 / 127.5}),
    ("Pvt", {"size": SQUARE}),
    ("Segformer", {"size": SQUARE, "do_reduce_labels": False}),
    ("DINOv3ViT", {"size": SQUARE}),
    ("Flava", {"size": SQUARE, "crop_size": 96}),
    ("ChineseCLIP", {"size": SIDE, "crop_size": 96}),
])
def test_image_processors_of_transformers(tmp_path, kind, settings):
    transformers = import_transformers()
    processor = getattr(transformers, f"{kind}ImageProcessor")(**settings)
    processor.save_pretrained(tmp_path)
    says = found_in(tmp_path)
    assert says.assumed is None  # it writes all that it does
    # DINOv3's resizes numbers that are not rounded, before or after.
    agree(says.input, lambda photo: processor(photo, return_tensors="np")["pixel_values"][0],
          off=0.6 if kind == "DINOv3ViT" else 0.3)


def test_a_share_of_the_shorter_side_is_cut_out_for_perceiver(tmp_path):
    transformers = import_transformers()
    processor = transformers.PerceiverImageProcessor(size=SQUARE, crop_size=110)
    processor.save_pretrained(tmp_path)
    # It cuts out whole pixels of the photograph, and zsl the very share.
    agree(found_in(tmp_path).input,
          lambda photo: processor(photo, return_tensors="np")["pixel_values"][0], off=16,
          most=255)


@pytest.mark.parametrize(("kind", "size"), [
    *((kind, size) for kind in ("CLIP", "ViT", "DeiT") for size in (96, [96, 96])),
    ("ConvNext", 96)])
def test_a_size_of_bare_numbers_means_what_it_means_to_its_processor(tmp_path, kind, size):
    transformers = import_transformers()
    crop = {} if kind in ("ViT", "ConvNext") else {"crop_size": 90, "do_center_crop": True}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": f"{kind}ImageProcessor", "size": size, "resample": 3,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, **crop}))
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    agree(found_in(tmp_path).input,
          lambda photo: processor(photo, return_tensors="np")["pixel_values"][0])


@pytest.mark.parametrize("name", ["processor_config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("kind", ["ConvNextImageProcessor", "ConvNextFeatureExtractor",
                                  "ConvNextImageProcessorFast", None])
def test_a_processor_by_any_of_its_names_or_by_the_model(tmp_path, name, kind):
    settings = {"size": SIDE, "crop_pct": 0.8, "resample": 3, "image_mean": [0.1, 0.2, 0.3],
                "image_std": [0.5] * 3, "feature_extractor_type": kind}
    (tmp_path / name).write_text(json.dumps(
        {"image_processor": settings} if name.startswith("processor") else settings))
    says = found_in(tmp_path, {"model_type": "resnet"})
    assert (says.input.preprocessing.size, says.input.preprocessing.crop) == (96, 0.8)
    assert says.input.mean == pytest.approx((25.5, 51, 76.5))
    assert says.assumed is None


def test_the_nested_processor_goes_first_as_in_transformers(tmp_path):
    common = {"image_processor_type": "ViTImageProcessor", "image_mean": [0.5] * 3,
              "image_std": [0.5] * 3, "resample": 2}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**common, "size": SQUARE}))
    (tmp_path / "processor_config.json").write_text(json.dumps({
        "image_processor": {**common, "size": {"height": 64, "width": 64}}}))
    assert found_in(tmp_path).input.preprocessing.size == 64
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    assert found_in(tmp_path).input.preprocessing.size == 96


@pytest.mark.parametrize(("settings", "words"), [
    ({"image_processor_type": "Siglip2ImageProcessor", "size": SQUARE}, "Siglip2"),
    ({"image_processor_type": "TheirOwnImageProcessor", "size": SQUARE}, "TheirOwn"),
    ({"image_processor_type": "CLIPImageProcessor", "size_divisor": 32}, "size_divisor 32"),
    ({"image_processor_type": "ViTImageProcessor", "do_align_long_axis": True}, "do_align"),
    ({"image_processor_type": "CLIPImageProcessor", "do_flip_channel_order": True}, "do_flip"),
    ({"image_processor_type": "ViTImageProcessor", "pad_size": SQUARE, "do_pad": True}, "pad_size"),
    ({"image_processor_type": "ViTImageProcessor", "do_resize": False}, "does not resize"),
    ({"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 96}}, "squares"),
    ({"image_processor_type": "ViTImageProcessor", "size": {"longest_edge": 64}}, "longest_edge"),
    ({"image_processor_type": "CLIPImageProcessor", "size": SIDE, "crop_size": 112}, "black"),
    ({"image_processor_type": "CLIPImageProcessor", "size": SIDE, "do_center_crop": False},
     "leaves the longer side"),
    ({"image_processor_type": "ViTImageProcessor", "resample": 9}, "resampling 9"),
    ({"image_processor_type": "ViTImageProcessor", "size": "large"}, "not as they should be"),
    ({"image_processor_type": "ViTImageProcessor", "image_mean": ["a"]}, "not as they should be"),
])
def test_what_is_not_understood_is_refused(tmp_path, settings, words):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(ZslError, match=r"preprocessor_config\.json: ") as refused:
        found_in(tmp_path)
    assert words in str(refused.value)


def test_what_is_not_understood_can_be_said_by_the_user(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text('{"size_divisor": 32, "size": 64}')
    says = found_in(tmp_path, size=80, mean=(0.5,), std=(0.25,))
    assert (says.input.preprocessing.size, says.input.mean, says.input.std) == (
        80, (127.5,), (63.75,))
    assert "crop 1, fit crop, interpolation bicubic" in says.assumed.line
    assert "mean" not in says.assumed.line


@pytest.mark.parametrize(("missing", "line"), [
    ("image_mean", "mean 0.4815 0.4578 0.4082"), ("resample", "interpolation bicubic"),
    ("crop_size", "crop 1"), ("size", "size 96")])
def test_what_a_file_leaves_to_its_processor_is_said(tmp_path, missing, line):
    settings = {"image_processor_type": "CLIPImageProcessor", "size": SIDE, "crop_size": 96,
                "do_center_crop": True, "resample": 3, "image_mean": [0.4815, 0.4578, 0.4082],
                "image_std": [0.27] * 3}
    del settings[missing]
    if missing == "crop_size":
        settings["size"] = {"shortest_edge": 224}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    config = {"vision_config": {"image_size": 96}}
    says = found_in(tmp_path, config)
    assert says.assumed.line == ("preprocessing: what preprocessor_config.json does not say, as "
                                 f"its image processor does by itself: {line}")
    assert found_in(tmp_path, config, size=96, crop=1.0, mean=(0.5,),
                    interpolation="bicubic").assumed is None


@pytest.mark.parametrize(("kind", "mean", "crop", "fit"), [
    ("convnext", 0.485, 0.875, "crop"), ("resnet", 0.485, 0.875, "crop"),
    ("vit", 0.5, 1, "squash"), ("swin", 0.485, 1, "squash"), ("deit", 0.485, 0.875, "squash"),
    ("dinov2", 0.485, 1, "crop"), ("siglip", 0.5, 1, "squash"), ("clip", 0.4815, 1, "crop"),
    ("mobilenet_v2", 0.5, 0.875, "crop"), ("somebodys", 0.5, 1, "squash")])
def test_without_a_file_it_is_taken_as_usual_for_the_model_and_said(tmp_path, kind, mean, crop,
                                                                     fit):
    says = found_in(tmp_path, {"model_type": kind, "image_size": 224})
    frame = says.input.preprocessing
    assert (frame.size, frame.fit) == (224, fit)
    assert (frame.crop, says.input.mean[0] / 255) == pytest.approx((crop, mean), abs=1e-4)
    assert says.assumed.values.keys() == {"size", "crop", "fit", "interpolation", "mean", "std"}
    assert kind in says.assumed.line
    with pytest.raises(ZslError, match="preprocessing"):
        found_in(tmp_path, {"model_type": kind})


@pytest.mark.parametrize("settings", [
    {"size": 96, "interpolation": "bilinear", "resize_mode": "squash"},
    {"size": [96, 96], "interpolation": "bicubic", "resize_mode": "longest", "fill_color": 40},
    {"size": 96, "interpolation": "random", "resize_mode": "shortest"}])
def test_settings_of_open_clip(tmp_path, settings):
    open_clip = import_open_clip()
    whole = {"mode": "RGB", "mean": [0.1, 0.5, 0.3], "std": [0.5, 0.2, 0.3], "fill_color": 0,
             **settings}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": {}, "preprocess_cfg": whole}))
    says = found_in(tmp_path)
    assert says.assumed is None
    size = settings["size"]
    agree(says.input, open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(
        **{**whole, "size": tuple(size) if isinstance(size, list) else size}), is_train=False))


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("settings", [
    {"crop_pct": 0.9, "crop_mode": "center", "interpolation": "bilinear"},
    {"crop_pct": 0.9, "crop_mode": "squash"}, {"crop_pct": 1.0, "crop_mode": "border"},
    {"crop_pct": 0.865, "crop_mode": "squash"},
    {"crop_pct": 0.8, "crop_mode": "border", "interpolation": "lanczos"}, {}])
def test_settings_of_timm(tmp_path, settings, nested):
    timm = import_timm()
    said = {"input_size": [3, 96, 96], "mean": [0.1, 0.5, 0.3], "std": [0.5, 0.2, 0.3],
            "test_input_size": [3, 128, 128], "license": "mit", "num_classes": 3, **settings}
    (tmp_path / "config.json").write_text(json.dumps(
        {"architecture": "resnet18", **({"pretrained_cfg": said} if nested else said)}))
    says = found_in(tmp_path)
    assert (says.assumed is None) == bool({"crop_pct", "interpolation"} <= {*settings})
    agree(says.input, timm.data.create_transform(**timm.data.resolve_data_config(
        {}, pretrained_cfg=said), is_training=False))


@pytest.mark.slow
def test_every_configuration_of_timms_published_weights():
    timm = import_timm()
    configurations = {}
    for name in timm.list_pretrained():
        config = timm.data.resolve_data_config(
            {}, pretrained_cfg=timm.models.get_pretrained_cfg(name).to_dict())
        key = (*(config[part] for part in ("input_size", "interpolation", "crop_mode")),
               f"{config['crop_pct']:.4f}")
        if config["input_size"][1] <= 300:
            configurations.setdefault(key, config)
    assert len(configurations) > 20
    for config in configurations.values():
        agree(data_configs.of_timm(config),
              timm.data.create_transform(**config, is_training=False))


@pytest.mark.parametrize(("name", "content"), [
    ("open_clip_config.json", {"preprocess_cfg": {"size": 96, "gamma": 2.2}}),
    ("preprocess_cfg.json", {"size": 96, "gamma": 2.2}),
    ("config.json", {"architecture": "resnet18", "pretrained_cfg": {"gamma": 2.2}}),
    ("config.json", {"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 64, 96]}}),
    ("config.json", {"architecture": "resnet18", "pretrained_cfg": {"crop_mode": "warp"}}),
    ("config.json", {"architecture": "resnet18", "pretrained_cfg": {"crop_pct": "all"}}),
    ("preprocess_cfg.json", {"size": 96, "resize_mode": "fold"})])
def test_settings_of_other_libraries_that_are_not_understood(tmp_path, name, content):
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ZslError, match=r"not known here|not as it should be|only square|crop mode"):
        found_in(tmp_path)


def test_a_picture_between_bars_loses_the_share_that_is_cut_off():
    usual = published.processors.usual("resnet", 64)
    assert usual.preprocessing.crop < 0.9
    frame = InputOptions(fit="pad").over(usual).preprocessing  # the user wants the whole picture
    assert (frame.fit, frame.crop) == ("pad", 1.0)
    wide = Image.new("RGB", (200, 100), "red")
    pixels = load(wide, frame)
    assert (pixels[:, :, 0] > 250).sum() == 64 * 32
    pixels = load(wide, replace(frame, crop=0.5))  # 128 x 64, of which the middle is kept
    assert (pixels[:, :, 0] > 250).all()
