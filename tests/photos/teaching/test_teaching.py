"""Teaching by photographs, with the embedded default; through the library."""

import json
import os
import shutil

import numpy as np
import pytest

from zsl_cli import Classifier, IndexRequest, Vocabulary, index
from zsl_cli.embedding.model import Model
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.teaching import exchanging, forgetting, overview, rebuilding
from zsl_cli.photos.teaching.request import TeachRequest
from zsl_cli.photos.teaching.teaching import teach
from zsl_cli.support import folders


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A data folder of one's own."""
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZSL_VOCAB", raising=False)
    return tmp_path / "home"


@pytest.fixture
def scenes(library):
    """24 photographs, six of each of four scenes, by scene: an astronaut, a cat, coffee, a
    rocket."""
    paths = sorted(str(path) for path in library.rglob("*.jpg"))
    return [paths[at:at + 6] for at in range(0, 24, 6)]


def first(paths, vocabulary="mine"):
    classifier = Classifier.load(vocabulary=vocabulary)
    return [one.labels[0].name for one in classifier.classify(paths)]


def test_a_new_label_is_learnt_and_is_a_keyword(scenes):
    result = teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    assert result.ok
    assert (result.name, result.base, result.is_new, result.lessons) == ("mine", "default", True, 3)
    [learnt] = result.labels
    assert (learnt.id, learnt.is_new, learnt.shows) == ("my-chelsea", True, 3)
    assert learnt.path[-2:] == ("cat", "Chelsea")
    assert learnt.tried == 3
    assert 0 <= result.cost < 0.02
    assert first(scenes[1][3:]) == ["Chelsea"] * 3
    assert "Chelsea" not in first(scenes[3])
    [answer] = Classifier.load(vocabulary="mine").classify(scenes[1][3:4], keywords=True)
    assert {"Chelsea", "cat"} <= {one.name for one in answer.keywords}


def test_a_correction_towards_a_label_and_away_from_another(scenes):
    wrong = first(scenes[3], "default")
    result = teach(TeachRequest("jukebox", scenes[3][:2], denied=wrong[:1]))
    assert {(one.name, one.shows, one.denies) for one in result.labels} == {
        ("jukebox", 2, 0), (wrong[0], 0, 2)}
    assert first(scenes[3][2:]) == ["jukebox"] * 4


def test_what_photos_do_not_show_alone(scenes):
    wrong = first(scenes[3][:1], "default")[0]
    teach(TeachRequest(None, scenes[3][:1], denied=[wrong]))
    assert first(scenes[3][:1]) != [wrong]


def test_forgetting_restores_the_vectors_bit_for_bit(scenes):
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    before = Vocabulary.load("mine")
    teach(TeachRequest("jukebox", scenes[3][:2], denied=["rocket"], synonyms=["music box"]))
    assert Vocabulary.load("mine").look_up("music box")
    change = forgetting.forget(["jukebox"])
    assert change.lessons == 2
    forgetting.forget(["rocket"])
    after = Vocabulary.load("mine")
    assert after.vectors.tobytes() == before.vectors.tobytes()
    assert after.taught.seconds.vectors.tobytes() == before.taught.seconds.vectors.tobytes()
    match = after.look_up("music box")
    assert match is None or after.label(match.row).name != "jukebox"
    change = forgetting.forget(["Chelsea"])
    assert change.labels == ("Chelsea",)
    default = Vocabulary.load("default")
    assert Vocabulary.load("mine").vectors.tobytes() == default.vectors.tobytes()


def test_only_a_photo_is_forgotten(scenes):
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    assert forgetting.forget([], photos=scenes[1][:1]).lessons == 1
    [label] = overview.overview().labels
    assert [lesson.path for lesson in label.lessons] == scenes[1][1:3]
    with pytest.raises(ZslError, match="no lesson is of this photo"):
        forgetting.forget([], photos=scenes[2][:1])


def test_indexed_photos_are_not_read_again(scenes, library, monkeypatch):
    index(IndexRequest([str(library)]))

    def opened(*_arguments, **_more):
        raise AssertionError("a photo is read")
    monkeypatch.setattr(Model, "load", opened)
    assert teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"])).lessons == 3


def test_a_lesson_that_is_known_is_not_learnt_twice(scenes):
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    manifest = (folders.find(folders.VOCABULARY, "mine") / "vocabulary.json").read_bytes()
    result = teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    assert (result.known, result.lessons, result.labels) == (3, 3, ())
    assert (folders.find(folders.VOCABULARY, "mine") / "vocabulary.json").read_bytes() == manifest


def test_the_last_word_counts_and_is_remarked(scenes):
    teach(TeachRequest("rocket", scenes[3][:1]))
    result = teach(TeachRequest(None, scenes[3][:1], denied=["rocket"]))
    assert [one.kind for one in result.remarks] == ["replaced"]
    [label] = overview.overview().labels
    assert [lesson.shows for lesson in label.lessons] == [False]


def test_contradictory_lessons_change_nothing(scenes, own_home):
    with pytest.raises(ZslError, match="which is true"):
        teach(TeachRequest("rocket", scenes[3][:1], denied=["rocket"]))
    copy = scenes[3][0] + ".copy.jpg"
    shutil.copy(scenes[3][0], copy)
    table = own_home.parent / "corrections.csv"
    table.write_text(f"photo,label,shows\n{scenes[3][0]},rocket,yes\n{copy},rocket,no\n")
    with pytest.raises(ZslError, match="the same photo"):
        teach(TeachRequest(source=table))
    assert not (own_home / "vocab" / "mine").exists()


def test_a_photo_that_cannot_be_read_is_a_failure_and_the_others_are_learnt(scenes, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    result = teach(TeachRequest("Chelsea", [str(bad), "missing.jpg", *scenes[1][:2]],
                                under=["cat"]))
    assert not result.ok
    assert {path for path, _ in result.failures} == {str(bad), "missing.jpg"}
    assert result.lessons == 2
    nothing = teach(TeachRequest("Garfield", [str(bad)], under=["cat"]))
    assert nothing.labels == ()
    assert overview.overview().labels[0].name == "Chelsea"
    assert Vocabulary.load("mine").look_up("Garfield") is None


def test_a_name_of_several_labels_is_asked_for_by_id(scenes):
    with pytest.raises(ZslError, match=r"name of 2 labels; give the id.*n02012849"):
        teach(TeachRequest("crane", scenes[3][:1]))
    assert teach(TeachRequest("n02012849", scenes[3][:1])).labels[0].name == "crane"
    assert teach(TeachRequest("crane", scenes[3][1:2], under=["bird"])).labels[0].id == "n02012849"


def test_names_that_no_label_can_have(scenes):
    for name in ("Rex, Jerry", "cats/Tom", "a|b", "?!", "x" * 200, "a\x1b[1m"):
        with pytest.raises(ZslError, match="name of a label"):
            teach(TeachRequest(name, scenes[1][:1], under=["cat"]))
    with pytest.raises(ZslError, match=r"unknown label 'Chelsey'.*under"):
        teach(TeachRequest("Chelsey", scenes[1][:1]))


def test_requests_that_make_no_sense():
    for request in ({}, {"label": "x"}, {"photos": ["a"]}, {"label": " ", "photos": ["a"]},
                    {"source": "f", "label": "x"}, {"synonyms": ["a"], "photos": ["b"]}):
        with pytest.raises(RequestError):
            TeachRequest(**request)


def test_class_folders_and_tables_teach_alike(scenes, tmp_path):
    classes = tmp_path / "classes"
    for name, paths in (("Chelsea", scenes[1]), ("n04099969_rocker", scenes[3])):
        (classes / name).mkdir(parents=True)
        for path in paths[:2]:
            shutil.copy(path, classes / name)
    result = teach(TeachRequest(source=classes, under=["cat"], new=True))
    assert result.lessons == 4
    table = classes / "table.csv"
    table.write_text("path;label;under;sign\n" + "".join(
        f"{label}/{os.path.basename(path)};{label};{under};+\n" for label, paths, under in (
            ("Chelsea", scenes[1], "cat"), ("n04099969_rocker", scenes[3], ""))
        for path in paths[:2]))
    assert teach(TeachRequest(source=table, into="other")).lessons == 4
    one, other = (Vocabulary.load(name) for name in ("mine", "other"))
    assert one.taught.rows.tolist() == other.taught.rows.tolist()
    assert np.allclose(one.taught.vectors, other.taught.vectors, atol=1e-5)
    lines = tmp_path / "lines.jsonl"
    lines.write_text(json.dumps({"photo": scenes[3][5], "label": "rocket", "shows": False}))
    assert teach(TeachRequest(source=lines, into="other")).labels[0].denies == 1


@pytest.mark.parametrize("text", [
    "a,b\n1,2\n", "photo,label\nx.jpg,\n", "photo,label\n,cat\n", '{"label": 3, "photo": "x"}',
    '{"label"', "photo,label,shows\nx.jpg,cat,maybe\n", "", 'photo,label\n"x', "[1]"])
def test_files_that_say_nothing(tmp_path, text):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(ZslError, match=r"f\.csv"):
        teach(TeachRequest(source=tmp_path / "f.csv"))


def test_lessons_are_handed_on_without_photos(scenes, tmp_path, monkeypatch):
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"], synonyms=["the tabby"]))
    assert exchanging.export(tmp_path / "lessons.jsonl") == 3
    assert str(tmp_path) not in (tmp_path / "lessons.jsonl").read_text()
    with pytest.raises(ZslError, match="exists"):
        exchanging.export(tmp_path / "lessons.jsonl")
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "elsewhere"))
    change = exchanging.take_over(tmp_path / "lessons.jsonl")
    assert (change.lessons, change.labels, change.left_out) == (3, ("Chelsea",), ())
    assert first(scenes[1][3:]) == ["Chelsea"] * 3
    assert Vocabulary.load("mine").look_up("the tabby")


def test_a_base_that_changed_or_is_gone_is_told_of_and_nothing_is_lost(scenes, own_home):
    base = own_home / "vocab" / "own"
    shutil.copytree(folders.embedded(folders.VOCABULARY) / "default", base)
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"], vocabulary="own"))
    assert overview.overview().base_state == "same"
    manifest = (base / "vocabulary.json").read_text()
    labels = (base / "labels.jsonl").read_text().splitlines(keepends=True)
    (base / "labels.jsonl").write_text("".join(labels).replace('"name": "organism"',
                                                               '"name": "living being"', 1))
    entries = folders.read_manifest(folders.VOCABULARY, base).entries
    folders.write_manifest(folders.VOCABULARY, base, {
        **{key: value for key, value in entries.items() if key != "format"},
        "files": folders.describe_files(base, *entries["files"])})
    assert manifest != (base / "vocabulary.json").read_text()
    assert overview.overview().base_state == "changed"
    with pytest.raises(ZslError, match="as it was then"):
        teach(TeachRequest("Chelsea", scenes[1][3:4], under=["cat"], vocabulary="own"))
    assert rebuilding.rebuild().lessons == 3
    assert overview.overview().base_state == "same"
    assert Vocabulary.load("mine").look_up("living being")
    shutil.rmtree(base)
    assert overview.overview().base_state == "gone"
    with pytest.raises(ZslError, match="own"):
        rebuilding.rebuild()
    assert teach(TeachRequest("my-chelsea", scenes[1][3:4], into="mine")).lessons == 4
    assert first(scenes[1][4:]) == ["Chelsea"] * 2


def test_what_cannot_be_taught(scenes, own_home):
    with pytest.raises(ZslError, match="comes with zsl"):
        teach(TeachRequest("rocket", scenes[3][:1], into="default"))
    teach(TeachRequest("rocket", scenes[3][:1]))
    with pytest.raises(ZslError, match="itself taught"):
        teach(TeachRequest("rocket", scenes[3][:1], vocabulary="mine", into="other"))
    with pytest.raises(ZslError, match="no taught vocabulary"):
        overview.overview("default")
    assert teach(TeachRequest("rocket", scenes[3][1:2], vocabulary="mine")).lessons == 2


def test_the_environment_chooses_the_vocabulary(scenes, monkeypatch):
    teach(TeachRequest("Chelsea", scenes[1][:3], under=["cat"]))
    monkeypatch.setenv("ZSL_VOCAB", "mine")
    assert first(scenes[1][3:4], None) == ["Chelsea"]
    assert teach(TeachRequest("Chelsea", scenes[1][3:4])).lessons == 4
    monkeypatch.setenv("ZSL_VOCAB", "none of these")
    with pytest.raises(ZslError, match="ZSL_VOCAB"):
        first(scenes[1][3:4], None)




def test_what_stands_beside_other_things_can_be_denied(scenes):
    def sure(vocabulary):
        classifier = Classifier.load(vocabulary=vocabulary)
        evidence = classifier.evidence(classifier.model.embed(scenes[0]))
        return evidence.confidences[:, classifier.vocabulary.find("person").row]
    before = sure("default")
    assert (before > 0.5).all()
    teach(TeachRequest(None, scenes[0][:1], denied=["person"]))
    after = sure("mine")
    assert after[0] < 0.3
    assert (after < before).all()
    forgetting.forget(["person"])
    assert sure("mine").tolist() == before.tolist()


def test_further_names_need_no_photo_but_a_new_label_does(scenes):
    result = teach(TeachRequest("jukebox", synonyms=["music box", "Wurlitzer"]))
    [learnt] = result.labels
    assert learnt.added == 0
    assert "Wurlitzer" in learnt.synonyms
    assert Vocabulary.load("mine").find("wurlitzer").row == Vocabulary.load("mine").find(
        "jukebox").row
    with pytest.raises(ZslError, match="one photo at least"):
        teach(TeachRequest("Rex", under=["dog"], synonyms=["Rexy"]))
    assert Vocabulary.load("mine").look_up("Rex") is None or len(Vocabulary.load("mine")) == len(
        Vocabulary.load("default"))


def test_a_new_label_that_no_photo_shows_any_more_is_never_first(scenes):
    teach(TeachRequest("Chelsea", scenes[1][:1], under=["cat"]))
    teach(TeachRequest(None, scenes[1][:1], denied=["Chelsea"]))
    assert "Chelsea" not in first([path for scene in scenes for path in scene])


def test_another_vocabulary_is_made_over_the_base_of_the_one_in_use(scenes, monkeypatch, tmp_path):
    teach(TeachRequest("Chelsea", scenes[1][:1], under=["cat"]))
    monkeypatch.setenv("ZSL_VOCAB", "mine")
    result = teach(TeachRequest("jukebox", scenes[3][:1], into=tmp_path / "other"))
    assert (result.base, result.folder, result.lessons) == ("default", tmp_path / "other", 1)
    assert Vocabulary.load(tmp_path / "other").look_up("Chelsea") is None


@pytest.mark.parametrize("label", [
    {"id": "my-x", "name": "a, b"}, {"id": "my-x", "name": "<b>\x1b[1m"},
    {"id": "a b", "name": "x"}, {"id": "my-x", "name": "x", "synonyms": ["a/b"]},
    {"id": "n1", "further": ["a|b"]}])
def test_names_of_somebody_else_are_looked_at(tmp_path, label):
    (tmp_path / "l.jsonl").write_text(json.dumps(label) + "\n")
    with pytest.raises(ZslError, match=r"l\.jsonl"):
        exchanging.take_over(tmp_path / "l.jsonl")
