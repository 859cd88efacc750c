"""``zsl teach --from-xmp``: keywords that were changed in other programs since zsl wrote them."""

import json
import shutil

import pytest


@pytest.fixture
def mine(zsl, tmp_path):
    """The command line with a data folder of one's own, since what is taught stays."""
    return lambda *arguments: zsl(*arguments, env={"XDG_DATA_HOME": str(tmp_path / "data")})


@pytest.fixture
def photos(skimage_photos, tmp_path):
    """Three photographs with the keywords of zsl beside them."""
    folder = tmp_path / "p"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        shutil.copy(skimage_photos / name, folder / name)
    return folder


def changed(sidecar, **lists):
    """Put keywords into lists, and take out those that begin with a minus."""
    text = sidecar.read_text("utf-8")
    for local, values in lists.items():
        start = text.index(f"{local}>") - 20
        end = text.index(f"{local}>", start + 40)
        part = text[start:end]
        for value in values:
            if value[0] == "-":
                assert f"<rdf:li>{value[1:]}</rdf:li>" in part
                part = part.replace(f"<rdf:li>{value[1:]}</rdf:li>", "")
            else:
                at = part.rindex("</rdf:li>") + 9
                part = f"{part[:at]}<rdf:li>{value}</rdf:li>{part[at:]}"
        text = text[:start] + part + text[end:]
    sidecar.write_text(text, "utf-8")


def test_what_was_added_and_taken_out_is_taught(mine, photos):
    assert mine("label", "p", "--xmp", "-q").returncode == 0
    nothing = mine("teach", "--from-xmp", "p")
    assert nothing.returncode == 0
    assert nothing.stdout.startswith(b"nothing new\n")
    changed(photos / "chelsea.png.xmp", subject=["Rufus", "Berlin 2023"],
            hierarchicalSubject=["animal|cat|Rufus"])
    changed(photos / "coffee.png.xmp", subject=["-coffee", "espresso"],
            hierarchicalSubject=["-" + hierarchical(photos / "coffee.png.xmp", "coffee")])
    (photos / "rocket.jpg.xmp").write_bytes(b"<zsl: http://ns.zsl-cli.org/label/1.0/ damaged")
    taught = mine("teach", "--from-xmp", "p", "--json")
    assert taught.returncode == 1  # of the damaged one nothing is known
    result = json.loads(taught.stdout)
    learnt = {(one["label"], one["new"], one["shows"], one["denies"]) for one in result["labels"]}
    assert learnt == {
        ("Rufus", True, 1, 0), ("espresso", False, 1, 0), ("coffee", False, 0, 1)}
    rufus, = (one for one in result["labels"] if one["new"])
    assert rufus["path"][-2:] == ["cat", "Rufus"]
    assert result["unknown"] == {"Berlin 2023": 1}
    assert [one["path"] for one in result["failures"]] == ["p/rocket.jpg.xmp"]
    (photos / "rocket.jpg.xmp").unlink()
    again = mine("teach", "--from-xmp", "p")
    assert (again.returncode, again.stdout[:11]) == (0, b"nothing new")
    assert b"--new teaches such words" in again.stderr
    answer = mine("classify", "p/chelsea.png", "--vocab", "mine", "--jsonl")
    assert json.loads(answer.stdout)["labels"][0]["label"] == "Rufus"


def hierarchical(sidecar, word):
    text = sidecar.read_text("utf-8")
    part = text[text.index("<lr:hierarchicalSubject"):text.index("</lr:hierarchicalSubject")]
    return next(line.strip()[8:-9] for line in part.splitlines()
                if line.strip().endswith(f"|{word}</rdf:li>"))


def test_it_is_used_alone_and_on_what_is_there(mine, photos):
    beside = mine("teach", "cat", "p/chelsea.png", "--from-xmp", "p")
    assert beside.returncode == 2
    assert b"--from-xmp says itself what its photos show" in beside.stderr
    missing = mine("teach", "--from-xmp", "nowhere")
    assert missing.returncode == 2
    assert b"nowhere: no such file" in missing.stderr
