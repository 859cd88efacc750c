"""The CSV of captions."""

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.evaluation import captions


def written(folder, text, name="captions.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_lines_of_one_image_are_its_captions(tmp_path):
    path = written(tmp_path, "image,caption,more\na.jpg,A dog .,x\nb.jpg,Snow,x\n"
                             'a.jpg,"A poodle, wet",x\n')
    found = captions.read(path)
    assert found.paths == (tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert found.captions == (("A dog .", "A poodle, wet"), ("Snow",))


def test_paths_go_on_from_another_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    path = written(tmp_path, "\ufeffcaption,image\nA dog,a.jpg\n")
    assert captions.read(path, tmp_path / "photos").paths == (tmp_path / "photos" / "a.jpg",)


def test_one_split_alone(tmp_path):
    path = written(tmp_path, "image,caption,split\na.jpg,A dog,train\nb.jpg,Snow,val\n")
    assert captions.read(path, split="val").captions == (("Snow",),)
    assert len(captions.read(path)) == 2
    with pytest.raises(ZslError, match=r"no line is of the split 'test', but of train, val"):
        captions.read(path, split="test")


@pytest.mark.parametrize(("text", "message"), [
    ("path,label\na,b\n", "names no column image or caption; expected"),
    ("image,text\na,b\n", "names no column caption; expected"),
    ("", "names no column"),
    ("image,caption\n", "no captions are listed"),
    ("image,caption\na.jpg,\n", "line 2: the caption is empty")])
def test_what_is_wrong_with_a_file_is_told(tmp_path, text, message):
    with pytest.raises(ZslError, match=message):
        captions.read(written(tmp_path, text))


def test_captions_that_cannot_be_used_are_left_out_and_the_rest_is_read(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_bytes(b"image,caption\na.jpg,A dog\na.jpg,\n,Snow\nb.jpg,H\xfcndchen\n"
                     b"c.jpg,A cat\nd.jpg,\"" + b"on and on " * 20_000 + b"\"\ne.jpg,Snow\n")
    found = captions.read(path)
    assert [one.name for one in found.paths] == ["a.jpg", "c.jpg", "e.jpg"]
    assert found.captions == (("A dog",), ("A cat",), ("Snow",))
    assert [(where.rpartition(" ")[2], str(error).partition(": ")[2][:30])
            for where, error in found.failed] == [
        ("3", "the caption is empty"), ("4", "there is no image"),
        ("5", "'H\\udcfcndchen' is not UTF-8 t"), ("7", "a caption of 199,999 character")]
    kept = found.without(lambda caption: ZslError("a cat") if "cat" in caption else None)
    assert [one.name for one in kept.paths] == ["a.jpg", "e.jpg"]
    assert len(kept.failed) == 5


def test_a_split_needs_its_column(tmp_path):
    with pytest.raises(ZslError, match="names no column split"):
        captions.read(written(tmp_path, "image,caption\na,b\n"), split="val")


def test_files_and_folders_that_are_not_there(tmp_path):
    with pytest.raises(ZslError, match=r"gone\.csv: No such file"):
        captions.read(tmp_path / "gone.csv")
    with pytest.raises(ZslError, match="nowhere: no such folder"):
        captions.read(written(tmp_path, "image,caption\na,b\n"), tmp_path / "nowhere")
