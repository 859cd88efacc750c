"""An export from Python: a request in, a result out, and no part of the command line."""

from pathlib import Path, PurePath

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import without_click
from small_export import SIDE, make_plan

from zsl_cli.authoring.exporting import ExportRequest, export, plan
from zsl_cli.authoring.networks.hints import Hints, InputOptions
from zsl_cli.authoring.networks.network import Input
from zsl_cli.errors import FolderError, RequestError, ZslError
from zsl_cli.support.preprocessing import Preprocessing

pytestmark = pytest.mark.usefixtures("operators_made_once")

CODE = f"""
import json
from pathlib import Path
from zsl_cli import ExportRequest, export
from zsl_cli.authoring.exporting import Hints, InputOptions
from zsl_cli.support.progress import Reporter

class Telling(Reporter):
    def say(self, line):
        print("said:", line)

result = export(ExportRequest(
    "small.pth", "models/small",
    Hints("small_network:make", InputOptions(size={SIDE}, crop=0.9)), class_names="names.txt",
    calibration_images="photos"), Telling())
print(result.folder, result.manifest.name, result.manifest.weights, result.labels)
print(result.manifest.parity["float32"].images, result.comparison, "torch" in sys.modules)
print(result.manifest == type(result.manifest).from_entries(result.manifest.entries, Path("x")))
entries = dict(result.manifest.entries)
entries.pop("format")
print(json.dumps(result.manifest.to_entries()) == json.dumps(entries))
"""


def test_a_model_is_exported_where_there_is_no_click(workplace, environment, skimage_photos):
    (workplace / "names.txt").write_text("".join(f"thing {n}\n" for n in range(12)))
    (workplace / "photos").mkdir()
    (workplace / "photos" / "chelsea.png").write_bytes((skimage_photos / "chelsea.png")
                                                       .read_bytes())
    printed = without_click.run(CODE, workplace, environment)
    said = [line for line in printed if line.startswith("said: ")]
    assert said[0].startswith("said: read small.pth: small_network:make, features of 48 ")
    assert said[-1] == "said: wrote models/small"
    assert printed[len(said):] == ["models/small small float32 own", "5 () True", "True", "True"]


def test_parts_that_do_not_go_together_are_refused_at_once(tmp_path):
    for message, options in (
            ("`phrase_map` and `text_encoder` belong together", {"phrase_map": tmp_path}),
            ("`vocabulary` gives the space its name", {"space": "a", "vocabulary": "default"}),
            ("`space` takes letters, digits", {"space": "a b"}),
            (r"`template='a dog'`: it must hold {} once", {"templates": ("a dog",)}),
            ("`quantize` is one of none, int8, fp16, and not 'int4'", {"quantize": "int4"}),
            ("`features_from` is one of", {"features_from": "end"}),
            (r"`template='a {x} {}'`: .* no other brace", {"templates": "a {x} {}"}),
            ("`temperature` must be a number above 0, not 0.0", {"temperature": 0.0}),
            ("`temperature` must be a number above 0, not '1'", {"temperature": "1"}),
            ("`sources`: a list of {name, license, url}", {"sources": [{"name": "me"}]}),
            ("`hints` takes a Hints", {"hints": "timm:resnet18"}),
            ("`checkpoint` takes a path, not None", {"checkpoint": None}),
            ("`output` takes a path, not 3", {"output": 3})):
        with pytest.raises(RequestError, match=message):
            ExportRequest(**{"checkpoint": tmp_path / "c.pth", **options})


def test_paths_may_be_texts(tmp_path):
    texts = ExportRequest(
        f"{tmp_path}/c.pth", "out", Hints(tokenizer="t.json"), class_names="names",
        phrase_map="p.npz", text_encoder="encoder", projection="c.pth:M", vocabulary=Path("mine"),
        vocab_labels=PurePath("labels"), calibration_images="photos")
    assert texts == ExportRequest(
        tmp_path / "c.pth", Path("out"), Hints(tokenizer=Path("t.json")),
        class_names=Path("names"), phrase_map=Path("p.npz"), text_encoder=Path("encoder"),
        projection="c.pth:M", vocabulary="mine", vocab_labels="labels",
        calibration_images="photos")


@pytest.mark.parametrize(("checkpoint", "name"), [
    ("run/checkpoint.pt", "checkpoint-model"), ("last.pth.tar", "last-model"),
    ("model.safetensors.index.json", "model-model"), ("clip/", "clip-model")])
def test_a_model_is_named_after_its_checkpoint(tmp_path, checkpoint, name):
    request = ExportRequest(tmp_path / checkpoint)
    assert (str(request.folder), request.model_name) == (name, name)
    assert ExportRequest(tmp_path / checkpoint, tmp_path / "mine").model_name == "mine"
    assert ExportRequest(tmp_path / checkpoint, tmp_path / "mine", name="own").model_name == "own"


def test_a_place_that_must_not_be_replaced_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "model.json").touch()
    with pytest.raises(FolderError, match="there exists; give `force` to replace it"):
        ExportRequest(tmp_path / "no.pth", tmp_path / "there").check_output()
    ExportRequest(tmp_path / "no.pth", tmp_path / "there", force=True).check_output()
    (tmp_path / "there" / "own.pth").touch()
    for checkpoint, projection in (("there/own.pth", None), ("no.pth", "there/own.pth")):
        request = ExportRequest(tmp_path / checkpoint, tmp_path / "there", force=True,
                                projection=projection and tmp_path / projection)
        with pytest.raises(FolderError, match=r"lies in .*there, which would be replaced"):
            request.check_output()


def test_a_plan_is_refused_as_its_request_is(workplace):
    (workplace / "out").mkdir()
    (workplace / "out" / "model.json").touch()
    (workplace / "small.pth").rename(workplace / "out" / "small.pth")
    made = make_plan(workplace, "out/small.pth", force=True)
    with pytest.raises(FolderError, match=r"lies in .*out, which would be replaced"):
        export(made)
    assert (workplace / "out" / "small.pth").exists()


def test_a_folder_without_photographs_is_no_calibration(tmp_path):
    for images in (tmp_path, str(tmp_path), ()):
        with pytest.raises(ZslError, match="no photograph there"):
            plan.make(ExportRequest(tmp_path / "no.pth", hints=Hints(input=InputOptions()),
                              calibration_images=images))


@pytest.mark.parametrize(("mean", "std", "expected"), [
    ((0.5,), (0.25,), ((127.5,), (63.75,))), ((127, 116, 104), (1,), ((127, 116, 104), (1,))),
    (None, (58, 57, 57), ((1, 2, 3), (58, 57, 57))), (None, None, ((1, 2, 3), (4, 5, 6))),
    ((0.5,), None, ((127.5,), (4, 5, 6)))])
def test_mean_and_std_are_of_one_unit(mean, std, expected):
    recognised = Input(Preprocessing(SIDE), (1, 2, 3), (4, 5, 6))
    made = InputOptions(mean=mean, std=std).over(recognised)
    assert (made.mean, made.std) == expected


def test_what_makes_no_sense_of_an_input_is_refused_at_once():
    for message, options in (
            ("`fit` is one of crop, squash, pad, and not 'round'", {"fit": "round"}),
            ("`interpolation` is one of", {"interpolation": "sinc"}),
            ("`mean` takes one finite number or three, not 0.5", {"mean": 0.5}),
            ("`std` must be above 0", {"std": (0.0,)})):
        with pytest.raises(RequestError, match=message):
            InputOptions(**options)
