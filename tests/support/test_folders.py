"""Manifests, hashes, looking folders up by name, and writing them whole."""

import json
import os
from pathlib import Path

import pytest

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL, VOCABULARY


def make(folder, **changes):
    """A model folder with one file."""
    folder.mkdir(parents=True)
    (folder / "encoder.onnx").write_bytes(b"weights")
    manifest = {"name": folder.name, "version": "1", "space": "s", "dimension": 4,
                "input": {"size": 8}, "files": folders.describe_files(folder, "encoder.onnx")}
    folders.write_manifest(MODEL, folder, {**manifest, **changes})
    return folder


@pytest.fixture
def user_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "zsl"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def test_a_name_is_looked_up_in_zsl_home_then_the_users_data_then_the_embedded(user_home):
    assert folders.find(MODEL, "default") == folders.embedded(MODEL) / "default"
    in_data = make(user_home / "data" / "zsl" / "models" / "default")
    assert folders.find(MODEL, "default") == in_data
    in_home = make(user_home / "zsl" / "models" / "default")
    assert folders.find(MODEL, "default") == in_home


def test_a_path_is_taken_as_it_is(user_home):
    folder = make(user_home / "mine")
    assert folders.find(MODEL, folder) == folder
    assert folders.find(MODEL, str(folder)) == folder


def test_a_folder_in_the_way_does_not_shadow_a_known_name(user_home, monkeypatch):
    make(user_home / "default")
    mine = make(user_home / "mine")
    monkeypatch.chdir(user_home)
    assert folders.find(MODEL, "default") == folders.embedded(MODEL) / "default"
    assert folders.find(MODEL, "./default").resolve() == (user_home / "default").resolve()
    assert folders.find(MODEL, "mine").resolve() == mine.resolve()


def test_an_unknown_name_lists_the_known_ones(user_home):
    make(user_home / "zsl" / "models" / "birds")
    with pytest.raises(FolderError, match=r"no model called 'fish'; known models: birds, default"):
        folders.find(MODEL, "fish")


@pytest.mark.parametrize("name", ["..", "../models/default", "", "/"])
def test_a_name_never_leaves_the_homes(user_home, name):
    with pytest.raises(FolderError):
        folders.find(VOCABULARY, name)


def test_a_changed_file_is_refused_by_name(user_home):
    folder = make(user_home / "mine")
    manifest = folders.read_manifest(MODEL, folder)
    folders.check_file(folder, "encoder.onnx", manifest)
    (folder / "encoder.onnx").write_bytes(b"WEIGHTS")
    with pytest.raises(FolderError, match=r"encoder\.onnx: changed since it was written"):
        folders.check_file(folder, "encoder.onnx", manifest)
    (folder / "encoder.onnx").unlink()
    with pytest.raises(FolderError, match="No such file"):
        folders.check_file(folder, "encoder.onnx", manifest)


@pytest.mark.parametrize(("text", "message"), [
    ("{", "not valid JSON"), ("[]", "lacks format"),
    ("[" * 100_000, "not valid JSON"), ('{"format": 1}', "lacks name"),
    (None, "No such file"),
])
def test_a_broken_manifest_says_what_is_wrong(user_home, text, message):
    folder = make(user_home / "mine")
    (folder / "model.json").unlink()
    if text is not None:
        (folder / "model.json").write_text(text)
    with pytest.raises(FolderError, match=message):
        folders.read_manifest(MODEL, folder)


def test_a_manifest_of_a_later_format_is_refused(user_home):
    folder = make(user_home / "mine", format=2)
    with pytest.raises(FolderError, match="format 2"):
        folders.read_manifest(MODEL, folder)


TEXT_FILES = {name: {"sha256": "0", "bytes": 1} for name in ("label_encoder.onnx",
                                                             "tokenizer.json")}


@pytest.mark.parametrize(("changes", "message"), [
    ({"name": 5}, "name 5 is not a text"),
    ({"name": None}, "name None is not a text"),
    ({"space": ["s"]}, r"space \['s'\] is not a text"),
    ({"dimension": "4"}, "dimension '4' is not a whole number above 0"),
    ({"dimension": 4.0}, "dimension 4.0 is not"),
    ({"dimension": True}, "dimension True is not"),
    ({"dimension": 0}, "dimension 0 is not"),
    ({"dimension": 10**12}, "dimension 1000000000000 is not"),
    ({"dimension": float("inf")}, "dimension inf is not"),
    ({"input": {"size": 10**9}}, "size 1000000000 is not a whole number from 1 to 4096"),
    ({"input": {"size": -1}}, "size -1 is not"), ({"input": {"size": 1.5}}, "size 1.5 is not"),
    ({"input": {"size": True}}, "size True is not"), ({"input": [1]}, "input: "),
    ({"input": {"size": 8, "crop": float("nan")}}, "crop nan is not"),
    ({"calibration": {"temperature": float("inf")}}, "temperature inf is not"),
    ({"calibration": {"temperature": float("nan")}}, "temperature nan is not"),
    ({"calibration": {"neighbours": 10**12}}, "neighbours 1000000000000 is not"),
    ({"files": []}, "plain file names"),
    ({"files": {"../encoder.onnx": {"sha256": "0", "bytes": 1}}}, "plain file names"),
    ({"files": {"/etc/passwd": {"sha256": "0", "bytes": 1}}}, "plain file names"),
    ({"files": {"\ud800": {"sha256": "0", "bytes": 1}}}, "plain file names"),
    ({"files": {"x" * 300: {"sha256": "0", "bytes": 1}}}, "plain file names"),
    ({"files": {"a\0b": {"sha256": "0", "bytes": 1}}}, "plain file names"),
    ({"files": {"encoder.onnx": "0"}}, "plain file names"),
    ({"files": {"encoder.onnx": {"sha256": 5, "bytes": 1}}}, "plain file names"),
    ({"files": {"encoder.onnx": {"sha256": "0", "bytes": "1"}}}, "plain file names"),
    ({"text": {"templates": []}}, "belong together"),
    ({"files": TEXT_FILES}, "belong together"),
    ({"files": {"tokenizer.json": {"sha256": "0", "bytes": 1}}}, "belong together"),
    ({"files": TEXT_FILES, "text": None}, "a list, templates, is expected"),
    ({"files": TEXT_FILES, "text": {}}, "a list, templates, is expected"),
    ({"files": TEXT_FILES, "text": {"templates": "a {}"}}, "a list, templates, is expected"),
    ({"files": TEXT_FILES, "text": {"templates": [5]}}, "template 5 is not a text with one {}"),
    ({"files": TEXT_FILES, "text": {"templates": ["a cat"]}}, "template 'a cat' is not"),
    ({"files": TEXT_FILES, "text": {"templates": ["{} {}"]}}, "template '{} {}' is not"),
    ({"files": TEXT_FILES, "text": {"templates": ["{0}"]}}, r"template '\{0\}' is not"),
])
def test_a_model_manifest_of_wrong_values_says_which(user_home, changes, message):
    folder = make(user_home / "mine", **changes)
    with pytest.raises(FolderError, match=message):
        folders.read_manifest(MODEL, folder)


@pytest.mark.parametrize(("content", "message"), [
    (b'{"format": 1, "format": 1}', "two entries of one name"), (b"[" * 10**6, "not valid JSON"),
    (b'{"dimension": ' + b"9" * 10**5 + b"}", "not valid JSON"), (b"\xff\0", "not valid JSON"),
    (b" " * (1 << 24) + b"{}", "too large for a manifest"), (b"7", "lacks format")])
def test_a_manifest_has_its_limits(user_home, content, message):
    folder = make(user_home / "mine")
    (folder / "model.json").write_bytes(content)
    with pytest.raises(FolderError, match=message):
        folders.read_manifest(MODEL, folder)


@pytest.mark.usefixtures("posix")
def test_a_listed_file_that_is_a_pipe_is_not_waited_for(user_home):
    folder = make(user_home / "mine", files={"encoder.onnx": {"sha256": "0", "bytes": 0}})
    (folder / "encoder.onnx").unlink()
    os.mkfifo(folder / "encoder.onnx")
    manifest = folders.read_manifest(MODEL, folder)
    for read in (folders.check_file, folders.read_file):
        with pytest.raises(FolderError, match="changed since"):
            read(folder, "encoder.onnx", manifest)


@pytest.mark.parametrize("name", ["../outside", "sub/../../outside", "..", ".", "", "a\0b", "a\nb",
                                  "..\\outside", "x" * 200, "con\x1b[31m"])
def test_a_name_reaches_nothing_outside_of_where_names_are_looked_up(
        user_home, tmp_path, monkeypatch, name):
    make(user_home / "zsl" / "outside")
    make(user_home / "zsl" / "models" / "mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(FolderError) as caught:
        folders.find(MODEL, name)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("sources", [5, "abc", {"name": "x"}, None])
def test_sources_that_are_none_make_no_folder_unusable(user_home, sources):
    manifest = folders.read_manifest(MODEL, make(user_home / "mine", sources=sources))
    assert manifest.sources == ()
    assert manifest.entries["sources"] == sources


def test_templates_go_with_a_label_encoder(user_home):
    folder = make(user_home / "mine", files=TEXT_FILES,
                  text={"templates": ["{}", "a photo of a {}.\n"]})
    assert folders.read_manifest(MODEL, folder).encodes_phrases
    mute = make(user_home / "mute")
    assert not folders.read_manifest(MODEL, mute).encodes_phrases


@pytest.mark.parametrize(("changes", "message"), [
    ({"labels": "many"}, "labels 'many' is not a whole number above 0"),
    ({"labels": 0}, "labels 0 is not a whole number above 0"),
    ({"prior_dimension": 4}, "prior_dimension 4 is not a whole number from 1 to 3: the dimensions"),
    ({"prior_dimension": 0}, "prior_dimension 0 is not a whole number from 1 to 3"),
    ({"prior_dimension": True}, "prior_dimension True is not"),
    ({"prior_dimension": "3"}, "prior_dimension '3' is not"),
])
def test_a_vocabulary_manifest_of_wrong_values_says_which(user_home, changes, message):
    folder = user_home / "mine"
    folder.mkdir(parents=True)
    folders.write_manifest(VOCABULARY, folder, {
        "name": "mine", "version": "1", "space": "s", "dimension": 4, "labels": 2, "files": {},
        **changes})
    with pytest.raises(FolderError, match=message):
        folders.read_manifest(VOCABULARY, folder)


@pytest.mark.parametrize("name", ["../secret", "a/b", ".."])
def test_a_manifest_cannot_name_files_elsewhere(user_home, name):
    folder = make(user_home / "mine", files={name: {"sha256": "0", "bytes": 1}})
    with pytest.raises(FolderError, match="plain file names"):
        folders.read_manifest(MODEL, folder)


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "made" / "here"
    with pytest.raises(RuntimeError), folders.new_folder(target) as work:
        (work / "half").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with folders.new_folder(target) as work:
        (work / "whole").touch()
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_a_signal_just_when_the_new_folder_is_made_leaves_nothing(tmp_path, monkeypatch):
    make_folder = os.mkdir

    def interrupted(path, *rest, **named):
        make_folder(path, *rest, **named)
        if os.path.basename(path).startswith(".here-"):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), folders.new_folder(tmp_path / "made" / "here"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_signal_between_old_and_new_puts_the_old_back(tmp_path, monkeypatch):
    target = tmp_path / "here"
    make(target)
    rename = os.rename

    def interrupted(source, destination, **named):
        rename(source, destination, **named)
        if source == target:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), folders.new_folder(target, force=True) as work:
        (work / "new").touch()
    assert {path.name for path in target.iterdir()} == {"model.json", "encoder.onnx"}
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_an_existing_folder_is_replaced_only_by_force(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(FolderError, match="is no model or vocabulary folder"), \
            folders.new_folder(target):
        pass
    with pytest.raises(FolderError, match=(
            "is no model or vocabulary folder, and `force` replaces nothing else")), \
            folders.new_folder(target, force=True):
        pass
    (target / "vocabulary.json").touch()
    with pytest.raises(RuntimeError), folders.new_folder(target, force=True):
        raise RuntimeError
    assert (target / "old").exists()
    with folders.new_folder(target, force=True) as work:
        (work / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_the_embedded_manifests_hold_what_the_contract_wants():
    for kind in (MODEL, VOCABULARY):
        manifest = json.loads((folders.embedded(kind) / "default" / kind.file).read_text())
        assert manifest["name"] == "default"
        assert manifest["sources"]
        assert all({"name", "license", "url"} <= source.keys() for source in manifest["sources"])


def test_a_manifest_keeps_the_bytes_of_a_name_that_is_not_utf8(tmp_path):
    folder = make(tmp_path / "a", sources=[{"name": "caf\udce9 é"}])
    assert b"caf\\udce9 \xc3\xa9" in (folder / "model.json").read_bytes()
    assert folders.read_manifest(MODEL, folder).entries["sources"] == [{"name": "caf\udce9 é"}]


def test_an_empty_folder_is_filled_and_the_root_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with folders.new_folder(tmp_path / "empty") as work:
        (work / "new").touch()
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["new"]
    with pytest.raises(FolderError, match="the root of the file system"):
        folders.check_target(Path("/"), force=True)


def test_what_somebody_else_wrote_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "here"
    with pytest.raises(FolderError, match="give `force`"), folders.new_folder(target) as work:
        (work / "new").touch()
        make(target)
    assert (target / "model.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize(("path", "name"), [
    ("a/b", "b"), (".", "here"), ("a/..", "here"), ("..", "above"), ("link", "link"), ("/", "")])
def test_a_folder_has_one_name(tmp_path, monkeypatch, path, name):
    (tmp_path / "above" / "here" / "a").mkdir(parents=True)
    (tmp_path / "above" / "here" / "link").symlink_to("a")
    monkeypatch.chdir(tmp_path / "above" / "here")
    assert folders.name_of(Path(path)) == name
