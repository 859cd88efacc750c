"""``zsl catalogues``: the real command line over catalogues of painted pictures."""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import text_model
from label_runs import change
from painted_sets import model, photos  # noqa: F401


@pytest.fixture
def indexed(zsl, model, photos):  # noqa: F811
    """Nine pictures and what is none, in a catalogue of the user's."""
    (photos / "bad.png").write_bytes(b"no photo")
    assert zsl("index", "photos", "--model", "./paint", "--device", "cpu").returncode == 1
    return photos


def listed(zsl, **env):
    result = zsl("catalogues", "list", "--jsonl", **env)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_list_tells_what_there_is(zsl, indexed, catalogues):
    [one] = listed(zsl)
    [folder] = catalogues.iterdir()
    assert one["name"] == folder.name
    assert one["name"].startswith("photos-paint-")
    assert (one["library"], one["model"], one["state"]) == (str(indexed), "paint", "ok")
    assert (one["photos"], one["failed"], one["pending"], one["gone"]) == (9, 1, 0, 0)
    assert one["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert one["scanned"] > 1_700_000_000
    result = zsl("catalogues", "list")
    assert result.returncode == 0
    assert result.stdout.decode().split("\t")[:5] == [folder.name, str(indexed), "paint", "9", "1"]


def test_a_list_tells_what_is_wrong(zsl, indexed, catalogues, tmp_path):
    os.rename(indexed, tmp_path / "away")
    assert [one["state"] for one in listed(zsl)] == ["library not there (moved or not mounted)"]
    os.rename(tmp_path / "away", indexed)
    home = tmp_path / "home"
    os.renames(catalogues, home / "catalogues")
    text_model.make(home / "models" / "paint")
    env = {"env": {"ZSL_HOME": str(home)}}
    assert [one["state"] for one in listed(zsl, **env)] == ["ok"]
    change(home / "catalogues", "UPDATE facts SET value = 'x' WHERE name = 'encoder'")
    assert [one["state"] for one in listed(zsl, **env)] == ["model is another version now"]
    [path] = (home / "catalogues").glob("*/catalogue.sqlite")
    path.write_bytes(b"\0" * 5000)
    result = zsl("catalogues", "list", **env)
    assert result.returncode == 1
    assert result.stdout.strip().endswith(b"damaged")
    assert b"zsl catalogues verify" in result.stderr


@pytest.mark.parametrize("harm", ["changed", "cut off"])
def test_embeddings_that_are_damaged_show_at_a_glance(zsl, indexed, catalogues, harm):
    [path] = catalogues.glob("*/embeddings.f16")
    data = path.read_bytes()
    path.write_bytes(data[:-9] if harm == "cut off" else bytes([data[0] ^ 4]) + data[1:])
    why = {"changed": b"embeddings are not what was written",
           "cut off": b"2 embeddings are not in the file"}[harm]
    result = zsl("catalogues", "list", "--jsonl")
    assert (result.returncode, json.loads(result.stdout)["state"]) == (1, "damaged")
    shown = zsl("catalogues", "show", "photos")
    assert b"\nstate      damaged\n" in shown.stdout
    assert shown.returncode == 1
    for one in (result, shown):
        assert b"is damaged (" + why + b"); `zsl catalogues verify`" in one.stderr


def test_none_is_no_error(zsl, tmp_path):
    for command in ("list", "verify"):
        result = zsl("catalogues", command)
        assert (result.returncode, result.stdout) == (0, b"")
        assert b"no catalogues; zsl index FOLDER makes one" in result.stderr


@pytest.mark.parametrize("name", ["name", "folder", "library", "link"])
def test_one_is_shown_by_its_name_its_folder_or_its_library(zsl, indexed, catalogues, tmp_path,
                                                            name):
    [folder] = catalogues.iterdir()
    os.symlink(indexed, tmp_path / "link")
    asked = {"name": folder.name, "folder": str(folder), "library": "photos", "link": "link"}[name]
    result = zsl("catalogues", "show", asked, "--jsonl")
    one = json.loads(result.stdout)
    assert (one["name"], one["dimension"], one["slots"], one["unused"]) == (folder.name, 4, 9, 0)
    assert one["reasons"] == {"not an image in a known format": 1}
    assert one["bytes_a_photo"] == pytest.approx(one["bytes"] / 9, abs=0.1)
    lines = dict(line.split(maxsplit=1) for line in
                 zsl("catalogues", "show", asked).stdout.decode().splitlines()
                 if not line.startswith(("with", "to", "last")))
    assert lines["photos"] == "9 in 3 folders"
    assert lines["1"] == "× not an image in a known format"
    assert lines["unused"] == "0 of 9 slots"


def test_of_a_folder_in_a_library_that_catalogue_is_named(zsl, indexed, catalogues):
    [folder] = catalogues.iterdir()
    result = zsl("catalogues", "show", "photos/c3")
    assert result.returncode == 2
    assert result.stderr.decode() == (
        "zsl: photos/c3 has no catalogue of its own; the one of the library above it is called "
        f"{folder.name}\n")


def test_a_library_that_is_away_is_found_by_its_name(zsl, indexed, tmp_path):
    os.rename(indexed, tmp_path / "away")
    assert b"not mounted" in zsl("catalogues", "show", "photos").stdout
    result = zsl("catalogues", "show", "nowhere")
    assert result.returncode == 2
    assert b"nowhere: no catalogue is called so" in result.stderr


def test_a_library_with_several_catalogues_asks_which(zsl, indexed):
    zsl("index", "photos/c3")
    zsl("index", "photos")
    result = zsl("catalogues", "remove", "photos", "--yes")
    assert result.returncode == 2
    assert b"has 2 catalogues, for several models; name one: photos-default-" in result.stderr
    assert len(listed(zsl)) == 3


def test_all_catalogues_of_a_library_are_verified(zsl, indexed, catalogues):
    zsl("index", "photos")
    zsl("index", "photos/c3", "--catalogue", "elsewhere")
    [path] = catalogues.glob("photos-default-*/embeddings.f16")
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    result = zsl("catalogues", "verify", "photos", path.parent.name, "./elsewhere")
    assert result.returncode == 1
    assert [line.split(b": ")[1] for line in result.stdout.splitlines() if b": " in line] == [
        b"damaged", b"ok, 9 embeddings compared", b"ok, 2 embeddings compared"]
    repaired = zsl("catalogues", "verify", "photos", "--repair")
    assert repaired.returncode == 0
    assert b"9 photos kept, 1 to be read again" in repaired.stdout
    assert zsl("catalogues", "verify", "photos").returncode == 0


def test_damage_is_told_and_repaired(zsl, indexed, catalogues):
    good = zsl("catalogues", "verify", "photos")
    assert good.returncode == 0
    assert b"ok, 9 embeddings compared" in good.stdout
    [path] = catalogues.glob("*/embeddings.f16")
    data = bytearray(path.read_bytes())
    data[9] ^= 4
    path.write_bytes(data)
    found = zsl("catalogues", "verify")
    assert found.returncode == 1
    assert b": damaged\n  1 embedding that is not what was written\n" in found.stdout
    assert b"--repair saves what can be saved" in found.stderr
    repaired = zsl("catalogues", "verify", "--repair")
    assert repaired.returncode == 0
    assert b"repaired: 9 photos kept, 1 to be read again by zsl index" in repaired.stdout
    assert zsl("catalogues", "verify").returncode == 0
    assert b"1 photo read, 0 failed" in zsl("index", "photos", "--model", "./paint").stderr


def test_a_damaged_one_that_does_not_say_of_what_it_is_has_to_be_named(zsl, indexed, catalogues):
    [path] = catalogues.glob("*/catalogue.sqlite")
    path.write_bytes(b"\0" * 5000)
    result = zsl("catalogues", "verify", "photos", "--repair")
    assert result.returncode == 2
    assert f"have to be named: {path.parent.name}".encode() in result.stderr
    assert b"nothing could be saved" in zsl("catalogues", "verify", path.parent.name,
                                            "--repair").stdout


def test_photos_of_a_damaged_one_are_classified_all_the_same(zsl, indexed, catalogues):
    zsl("index", "photos/c3")
    whole = zsl("classify", "photos/c3", "--jsonl")
    [path] = catalogues.glob("*-default-*/catalogue.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size, = connection.execute("PRAGMA page_size").fetchone()
        roots = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'photos' AND type = 'index'"
        ).fetchall()
    with open(path, "r+b") as file:
        for root, in roots:
            file.seek((root - 1) * size)
            file.write(b"\xae" * size)
    damaged = zsl("classify", "photos/c3", "--jsonl")
    assert (damaged.returncode, damaged.stderr) == (0, b"")
    assert damaged.stdout == whole.stdout


def test_what_cannot_be_saved_is_put_aside(zsl, indexed, catalogues):
    [path] = catalogues.glob("*/catalogue.sqlite")
    path.write_bytes(b"\0" * 5000)
    result = zsl("catalogues", "verify", "--repair")
    assert result.returncode == 1
    assert b"nothing could be saved" in result.stdout
    assert {one.name for one in path.parent.iterdir()} == {
        "catalogue.sqlite.damaged", "embeddings.f16.damaged", "lock"}
    assert b"9 photos read" in zsl("index", "photos", "--model", "./paint").stderr


def test_only_what_zsl_made_is_removed(zsl, indexed, catalogues, tmp_path):
    [folder] = catalogues.iterdir()
    (folder / "mine.txt").write_text("mine")
    refused = zsl("catalogues", "remove", "photos")
    assert refused.returncode == 2
    assert b"--yes" in refused.stderr
    removed = zsl("catalogues", "remove", "photos", "--yes")
    assert removed.returncode == 0
    assert b"deleted" in removed.stderr
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert len(list(indexed.rglob("*.png"))) == 10
    assert b"9 photos read" in zsl("index", "photos", "--model", "./paint").stderr
    shutil.rmtree(folder)
    assert zsl("catalogues", "remove", folder.name, "-y").returncode == 2


def test_what_is_no_catalogue_is_not_removed(zsl, tmp_path):
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / "catalogue.sqlite")) as other:
        other.execute("CREATE TABLE something (x)")
        other.commit()
    result = zsl("catalogues", "remove", "./other", "--yes")
    assert result.returncode == 2
    assert b"is no catalogue of zsl" in result.stderr
    assert (tmp_path / "other" / "catalogue.sqlite").exists()


def test_one_that_is_in_use_is_not_removed(zsl, indexed, catalogues):
    [path] = catalogues.glob("*/lock")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        result = zsl("catalogues", "remove", "photos", "--yes")
    assert result.returncode == 2
    assert b"another run is reading the same photos" in result.stderr
    assert (path.parent / "catalogue.sqlite").exists()


def test_a_terminal_is_asked(environment, indexed, catalogues, tmp_path, terminal):
    for answer, there in ((b"n\n", True), (b"y\n", False)):
        leader, follower = terminal()
        os.write(leader, answer)
        result = subprocess.run(
            [sys.executable, "-m", "zsl_cli", "catalogues", "remove", "photos"], cwd=tmp_path,
            env=environment, stdin=follower, capture_output=True, timeout=60, check=False)
        os.close(follower)
        os.close(leader)
        assert result.returncode == 0
        assert b"9 photos" in result.stderr
        assert b"Delete it? [y/N]" in result.stderr
        assert bool(list(catalogues.iterdir())) == there


def test_names_are_completed(zsl, indexed, catalogues):
    [folder] = catalogues.iterdir()
    result = zsl(env={"_ZSL_COMPLETE": "bash_complete", "COMP_CWORD": "3",
                      "COMP_WORDS": "zsl catalogues show photos-p"})
    assert f"plain,{folder.name}" in result.stdout.decode().splitlines()


def advised(result):
    """The command that a message names."""
    command, = re.findall(r"(zsl index .*?) (?:reads|finds)", result.stderr.decode())
    return shlex.split(command)[1:]


def test_advice_for_a_catalogue_of_another_model_can_be_followed(zsl, model, photos):  # noqa: F811
    zsl("index", "photos", "--catalogue", "kept", "--model", "./paint")
    search = ("search", "--image", "photos/c3/0.png", "--paths")
    refused = zsl(*search, "--catalogue", "kept")
    assert refused.returncode == 2
    assert b"kept was made by model 'paint', not 'default'" in refused.stderr
    assert refused.stderr.endswith(b"; --model paint searches what is there\n")
    assert zsl(*search, "--catalogue", "kept", "--model", "paint").returncode == 0
    elsewhere = zsl("search", "x", "--catalogue", "../kept", cwd=photos)
    assert b"; or give the folder of the other as --model" in elsewhere.stderr
    assert zsl(*advised(refused)).returncode == 0
    found = zsl(*search)
    assert (found.returncode, found.stderr) == (0, b"")
    assert len(found.stdout.splitlines()) == 8

    zsl("index", "photos", "--catalogue", "other")
    refused = zsl(*search, "--catalogue", "other", "--model", "./paint")
    assert refused.stderr.endswith(b"; --model default searches what is there\n")
    assert zsl(*advised(refused)).returncode == 0
    assert zsl(*search, "--model", "./paint").returncode == 0


def test_advice_for_a_library_that_was_moved_can_be_followed(zsl, model, photos,  # noqa: F811
                                                             tmp_path):
    zsl("index", "photos", "--catalogue", "kept", "--model", "./paint")
    os.rename(photos, tmp_path / "moved")
    search = ("search", "--image", "moved/c3/0.png", "--catalogue", "kept", "--model", "./paint")
    refused = zsl(*search)
    assert refused.returncode == 2
    command = [word.replace("FOLDER", "moved") for word in advised(refused)]
    assert b"9 known already" in zsl(*command).stderr
    assert zsl(*search).returncode == 0
