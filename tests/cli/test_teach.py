"""``zsl teach`` and ``zsl lessons``: the real command line, photographs, the embedded default."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def mine(zsl, tmp_path):
    """The command line with a data folder of one's own."""
    def run(*arguments, **more):
        env = {"ZSL_HOME": str(tmp_path / "home"), **more.pop("env", {})}
        return zsl(*arguments, env=env, **more)
    return run


@pytest.fixture
def cats(library):
    """Six photographs of a cat."""
    return [str(path) for path in sorted(library.rglob("*.jpg"))[6:12]]


def test_a_label_is_taught_used_listed_and_forgotten(mine, cats, tmp_path):
    result = mine("teach", "Chelsea", *cats[:3], "--under", "cat", "--not", "lynx")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.decode().splitlines()
    assert any(line.startswith("Chelsea (my-chelsea, new): 3 photos; left out, ") for line in lines)
    assert lines[-1].startswith("mine: 6 lessons over default; of 1,000 photos of other labels")
    assert b"ZSL_VOCAB=mine" in result.stderr
    result = mine("classify", cats[3], "--vocab", "mine", "--jsonl", "--keywords")
    record = json.loads(result.stdout)
    assert record["labels"][0] | {"score": 0, "confidence": 0} == {
        "id": "my-chelsea", "label": "Chelsea", "score": 0, "confidence": 0}
    assert "Chelsea" in [one["label"] for one in record["keywords"]]
    assert record["vocabulary"] == "mine"
    result = mine("label", str(tmp_path / "photos"), "--xmp", env={"ZSL_VOCAB": "mine"})
    assert result.returncode == 0, result.stderr
    with open(cats[3] + ".xmp", encoding="utf-8") as sidecar:
        assert "cat|Chelsea" in sidecar.read()
    result = mine("search", "Chelsea", "--vocab", "mine", "--top", "3", "--jsonl")
    assert result.returncode == 0, result.stderr
    assert b"photos" in result.stdout
    rows = mine("lessons", "list").stdout.decode().splitlines()
    assert ["Chelsea", "my-chelsea (new)", "3", "0"] in [row.split("\t")[:4] for row in rows]
    rows = [json.loads(row) for row in mine("lessons", "list", "--jsonl").stdout.splitlines()]
    assert [row["path"] for row in rows if row["shows"]] == cats[:3]
    result = mine("lessons", "forget", "Chelsea")
    assert result.stdout.decode() == "3 lessons forgotten; Chelsea no label any more\n"
    result = mine("classify", cats[3], "--vocab", "mine", "--jsonl")
    assert json.loads(result.stdout)["labels"][0]["label"] != "Chelsea"


def test_what_came_of_it_for_programs_and_lessons_handed_on(mine, cats, tmp_path):
    (tmp_path / "c.csv").write_text("photo,label,under\n" + "".join(
        f"{path},Chelsea,cat\n" for path in cats[:2]))
    result = mine("teach", "--from", "c.csv", "--json")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["lessons"], record["known"], record["failures"]) == (2, 0, [])
    [label] = record["labels"]
    assert (label["id"], label["new"], label["shows"], label["tried"]) == ("my-chelsea", True, 2, 2)
    assert mine("lessons", "export", "-o", "l.jsonl").returncode == 0
    result = mine("lessons", "import", "l.jsonl", "--into", "other")
    assert result.returncode == 0, result.stderr
    assert b"new: Chelsea" in result.stdout
    result = mine("classify", cats[3], "--vocab", "other", "--jsonl")
    assert json.loads(result.stdout)["labels"][0]["label"] == "Chelsea"
    assert mine("lessons", "rebuild", "other").returncode == 0


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (["teach"], 2, b"say which label"),
    (["teach", "cat"], 2, b"no photo"),
    (["teach", "cat", "missing.jpg"], 2, b"missing.jpg"),
    (["teach", "crane", "PHOTO"], 2, b"n02012849"),
    (["teach", "Chelsy", "PHOTO"], 2, b"--under LABEL"),
    (["teach", "a,b", "PHOTO", "--under", "cat"], 2, b"comma"),
    (["teach", "cat", "PHOTO", "--from", "x"], 2, b"--from"),
    (["teach", "cat", "PHOTO", "--not", "cat"], 2, b"which is true"),
    (["teach", "cat", "PHOTO", "missing.jpg"], 1, b"missing.jpg"),
    (["teach", "--not", "cat", "PHOTO"], 0, b""),
    (["teach", "--from", "none.csv"], 2, b"none.csv"),
    (["lessons", "list"], 2, b"mine"),
    (["lessons", "list", "default"], 2, b"zsl teach"),
    (["lessons", "forget"], 2, b"--all"),
    (["lessons", "import", "none"], 2, b"none"),
])
def test_each_bad_input_is_said_clearly(mine, cats, arguments, status, said):
    result = mine(*(cats[0] if one == "PHOTO" else one for one in arguments))
    assert result.returncode == status, result.stderr
    assert said in result.stderr
    assert b"Traceback" not in result.stderr


def test_two_teachers_at_once_lose_nothing(mine, cats, environment, tmp_path):
    assert mine("teach", "Chelsea", cats[0], "--under", "cat").returncode == 0
    env = {**environment, "ZSL_HOME": str(tmp_path / "home")}
    running = [subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "teach", "Chelsea", path], env=env, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE) for path in cats[1:4]]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    rows = mine("lessons", "list", "--jsonl").stdout.splitlines()
    assert {json.loads(row)["path"] for row in rows} == set(cats[:4])
