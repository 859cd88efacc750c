"""The forms of files of captions."""

import json

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.evaluation import captions
from zsl_cli.evaluation.captions import forms

COCO = {"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
        "annotations": [{"image_id": 9, "caption": "Snow "}, {"image_id": 7, "caption": "A dog"},
                        {"image_id": 7, "caption": "A poodle, wet"}]}
KARPATHY = {"dataset": "coco", "images": [
    {"filename": "a.jpg", "filepath": "val2014", "split": "val",
     "sentences": [{"raw": "A dog", "tokens": ["a", "dog"]}, {"raw": "A poodle"}]},
    {"filename": "b.jpg", "split": "test", "sentences": [{"raw": "Snow"}]}]}


def written(folder, content, name="captions"):
    data = content if isinstance(content, bytes) else (
        content if isinstance(content, str) else json.dumps(content)).encode()
    (folder / name).write_bytes(data)
    return folder / name


def said(path, **options):
    found = captions.read(path, **options)
    return dict(zip([one.name for one in found.paths], found.captions, strict=True))


def test_flickrs_tokens(tmp_path):
    path = written(tmp_path, "a.jpg#0\tA dog , wet .\r\na.jpg#1\tA #2 poodle\tand more\n\n"
                             "b.jpg#0\tSnow\n")
    assert said(path) == {"a.jpg": ("A dog , wet .", "A #2 poodle\tand more"), "b.jpg": ("Snow",)}


def test_kaggles_csv(tmp_path):
    path = written(tmp_path, 'image,caption\na.jpg,"A dog , "" wet"" ."\na.jpg,A poodle\n')
    assert said(path) == {"a.jpg": ('A dog , " wet" .', "A poodle")}


def test_cocos_json(tmp_path):
    assert said(written(tmp_path, COCO)) == {"b.jpg": ("Snow",),
                                             "a.jpg": ("A dog", "A poodle, wet")}


def test_karpathys_json_and_its_splits(tmp_path):
    path = written(tmp_path, KARPATHY)
    assert said(path) == {"a.jpg": ("A dog", "A poodle"), "b.jpg": ("Snow",)}
    assert captions.read(path, split="val").paths == (tmp_path / "val2014" / "a.jpg",)
    with pytest.raises(ZslError, match="no line is of the split 'train', but of test, val"):
        captions.read(path, split="train")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_windows_writes(tmp_path, encoding):
    assert said(written(tmp_path, "image,caption\na.jpg,Zwei Hündchen\n".encode(encoding))) == {
        "a.jpg": ("Zwei Hündchen",)}
    assert said(written(tmp_path, "a.jpg#0\tHündchen\n".encode(encoding))) == {
        "a.jpg": ("Hündchen",)}


def test_the_name_of_a_photo_may_be_any_bytes_and_a_caption_is_text(tmp_path):
    (found,) = captions.read(written(tmp_path, b"image,caption\nph\xe9.jpg,A dog\n")).paths
    assert found.name.encode(errors="surrogateescape") == b"ph\xe9.jpg"
    with pytest.raises(ZslError, match=r"line 2: .* is not UTF-8 text; convert the file first"):
        captions.read(written(tmp_path, b"image,caption\na.jpg,H\xfcndchen\n"))


@pytest.mark.parametrize(("content", "message"), [
    ("just a text\n", "names no column image or caption; expected a CSV file .*JSON of COCO"),
    (b"\x89PNG\r\n\x00\x00", "line 2: this is no text"),
    ('{"images": [', r"broken JSON \(Expecting value"),
    ("[" * 100_000, r"broken JSON"),
    ([1, 2], "JSON without a list of images; expected a CSV"),
    ({"info": {}}, "JSON without a list of images"),
    ({"images": [], "annotations": {}}, "annotations is no list"),
    ({"images": [], "annotations": []}, "no captions are listed in it"),
    ({"images": [3], "annotations": []}, r"images\[0\]: it has no file_name"),
    ({"images": [{"file_name": "a"}], "annotations": []}, r"images\[0\]: it has no id"),
    ({"images": [{"id": 1}], "annotations": []}, r"images\[0\]: it has no file_name"),
    ({**COCO, "annotations": [{"image_id": 1, "caption": "x"}]},
     r"annotations\[0\]: no image has the id 1"),
    ({**COCO, "annotations": [{"image_id": 7, "caption": ["x"]}]},
     r"annotations\[0\]: it has no caption, or one of another kind"),
    ({**COCO, "annotations": [{"image_id": 7, "caption": " "}]},
     r"annotations\[0\]: the caption is empty"),
    ({"images": [{"filename": "a.jpg"}]}, r"images\[0\]: it has no sentences"),
    ({"images": [{"filename": "a.jpg", "sentences": ["a dog"]}]},
     r"images\[0\].sentences\[0\]: it has no raw"),
    ('{"images": [{"filename": "a", "sentences": [{"raw": "\\ud800"}]}]}', "is not UTF-8 text"),
    ("a.jpg#0\tA dog\nb.jpg Snow\n", r"line 2: expected photo.jpg#0, a tab and a caption")])
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path, content, message):
    with pytest.raises(ZslError, match=message) as raised:
        captions.read(written(tmp_path, content))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("content", "message"), [
    ("a.jpg#0\tA dog\n", "tokens tell no split; leave `split` out"),
    (COCO, "a file for each split; leave `split` out")])
def test_forms_without_splits_say_so(tmp_path, content, message):
    with pytest.raises(ZslError, match=message):
        captions.read(written(tmp_path, content), split="val")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(forms, "LARGEST", 40)
    with pytest.raises(ZslError, match="more than 0 MB, which no file of captions has"):
        captions.read(written(tmp_path, "image,caption\n" + 10 * "a.jpg,A dog\n"))
