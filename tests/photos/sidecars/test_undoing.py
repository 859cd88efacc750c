"""A sidecar as it was before zsl."""

import contextlib
import os
import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sidecar_samples import (
    ADOBE,
    DARKTABLE,
    DIGIKAM,
    HIERARCHY,
    LAMP,
    MADE,
    SOFA,
    SUBJECT,
    TABBY,
    TAGS,
    keyword,
    packet,
    real,
    subjects,
    touched,
    values,
    without,
    wrapped,
)

from zsl_cli.errors import ImageError
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars import undoing
from zsl_cli.photos.sidecars.changes import BACKUP, carried_out, take_back
from zsl_cli.photos.sidecars.content import says_the_same
from zsl_cli.photos.sidecars.files import Naming, Sidecars
from zsl_cli.photos.sidecars.layout import Layout
from zsl_cli.photos.sidecars.marks import ZSL
from zsl_cli.photos.sidecars.merging import is_marked, merge, without_marks


def written(folder, existing=None, keywords=(TABBY, SOFA), **options):
    """A sidecar that zsl wrote into."""
    photo = touched(folder, "photo.jpg")
    sidecar = folder / "photo.jpg.xmp"
    if existing is not None:
        sidecar.write_bytes(existing)
    list(Sidecars(**options).write(photo, list(keywords), MADE))
    return sidecar


def undone(sidecar):
    """What happened."""
    return carried_out(lambda: undoing.plan(str(sidecar)), take_back)


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what zsl wrote goes


def test_a_sidecar_that_zsl_made_leaves_nothing(tmp_path):
    change = undone(written(tmp_path))
    assert change.after is None
    assert change.diff()[:2] == [f"--- {change.path}", f"+++ {os.devnull}"]
    assert sorted(tree(tmp_path)) == ["photo.jpg"]


@real
def test_a_sidecar_that_was_there_is_what_it_was(tmp_path, existing):
    sidecar = written(tmp_path, existing, layout=Layout(root="zsl"))
    list(Sidecars().write(str(tmp_path / "photo.jpg"), [LAMP, SOFA], MADE))
    (tmp_path / "photo.jpg").unlink()
    assert undone(sidecar).after == existing
    assert tree(tmp_path) == {"photo.jpg.xmp": existing}
    assert undone(sidecar) is None


@real
def test_without_its_copy_too(tmp_path, existing):
    sidecar = written(tmp_path, existing)
    sidecar.with_name(sidecar.name + BACKUP).unlink()
    undone(sidecar)
    assert sidecar.read_bytes() == existing


@pytest.mark.parametrize("existing", [
    b"", b"\n", wrapped("", ' dc:subject="Mine"'), wrapped("<dc:subject>Mine</dc:subject>"),
    wrapped("<dc:subject><rdf:Bag/></dc:subject>"),
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
    DARKTABLE.decode().replace("UTF-8", "UTF-16").encode("utf-16")],
    ids=["empty", "blank", "attribute", "bare", "empty list", "no description", "utf-16"])
def test_what_cannot_be_mended_in_place_is_taken_from_the_copy(tmp_path, existing):
    sidecar = written(tmp_path, existing)
    assert sidecar.read_bytes() != existing
    undone(sidecar)
    assert tree(tmp_path) == {"photo.jpg": b"", "photo.jpg.xmp": existing}


def test_copies_of_the_users_keywords_go_and_his_lists_stay(tmp_path):
    sidecar = written(tmp_path, wrapped(subjects(["Mine"])))
    sidecar.with_name(sidecar.name + BACKUP).unlink()
    assert values(sidecar.read_bytes(), TAGS)[0] == "Mine"
    undone(sidecar)
    assert sidecar.read_bytes() == wrapped(subjects(["Mine"]))


@pytest.mark.parametrize("naming", [Naming.FULL, Naming.STEM])
def test_both_namings(tmp_path, naming):
    written(tmp_path, naming=naming)
    [sidecar] = undoing.sidecars_of(str(tmp_path / "photo.jpg"))
    undone(sidecar)
    assert sorted(tree(tmp_path)) == ["photo.jpg"]


def test_marks_of_the_first_version(tmp_path):
    sidecar = tmp_path / "photo.xmp"
    lists = packet({SUBJECT: ["Mine", "tabby"], TAGS: ["animal/tabby", "Mine"]}).decode()
    marks = "".join(
        f"<z:{local}><rdf:Bag>{''.join(f'<rdf:li>{text}</rdf:li>' for text in texts)}"
        f"</rdf:Bag></z:{local}>" for local, texts in {
            "automatic": ["tabby"], "automaticTags": ["animal/tabby"], "carriedTags": ["Mine"],
            "rejected": ["sofa"], "scores": ["0.5 tabby"]}.items())
    about = ' rdf:about=""'
    lists = lists.replace("\n  </rdf:Description>", f"{marks}</rdf:Description>")
    sidecar.write_text(lists.replace(
        about, f'{about} xmlns:z="{ZSL}" z:digest="zsl1-"'))
    undone(sidecar)
    data = sidecar.read_bytes()
    assert (values(data, SUBJECT), values(data, TAGS)) == (["Mine"], [])
    assert b"z:" not in data


# --- what came since stays


def test_a_program_that_wrote_all_anew_and_said_the_same_changed_nothing(tmp_path):
    sidecar = written(tmp_path, DIGIKAM)
    data = sidecar.read_bytes().replace(b'\n   digiKam:PickLabel="0"', b"").replace(
        b"\n   <dc:subject>", b"\n   <digiKam:PickLabel>0</digiKam:PickLabel><dc:subject>", 1)
    sidecar.write_bytes(re.sub(rb"\n *", b"\n", data))
    undone(sidecar)
    assert tree(tmp_path) == {"photo.jpg": b"", "photo.jpg.xmp": DIGIKAM}


@real
def test_what_the_user_wrote_since_wins(tmp_path, existing):
    sidecar = written(tmp_path, existing)
    since = sidecar.read_bytes().replace(b"<dc:subject", b"<dc:title>Fest</dc:title><dc:subject", 1
                                         ).replace(b"<kw:subject", b"<kw:title>Fest</kw:title>"
                                                   b"<kw:subject", 1)
    sidecar.write_bytes(since)
    undone(sidecar)
    assert b":title>Fest</" in sidecar.read_bytes()
    assert re.sub(rb"<(\w\w:title)>Fest</\1>", b"", sidecar.read_bytes()) == existing
    assert sorted(tree(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


def test_what_the_user_took_out_since_stays_out(tmp_path):
    sidecar = written(tmp_path, wrapped(subjects(["Mine", "Other"])))
    sidecar.write_bytes(without(sidecar.read_bytes(), "Mine"))
    undone(sidecar)
    assert sidecar.read_bytes() == without(wrapped(subjects(["Mine", "Other"])), "Mine")


def test_a_sidecar_that_zsl_made_and_somebody_wrote_into_stays_with_that(tmp_path):
    sidecar = written(tmp_path)
    rated = sidecar.read_bytes().replace(
        b' rdf:about=""', b' rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"')
    sidecar.write_bytes(rated.replace(b"<rdf:li>", b"<rdf:li>Mine</rdf:li><rdf:li>", 1))
    list(Sidecars().write(str(tmp_path / "photo.jpg"), [LAMP], MADE))
    assert sidecar.with_name(sidecar.name + BACKUP).exists()
    undone(sidecar)
    data = sidecar.read_bytes()
    assert values(data, SUBJECT) == ["Mine"]
    assert b'xmp:Rating="4"' in data
    assert not is_marked(data.replace(ZSL.encode(), b"", 1))  # a namespace that nothing is in
    assert sorted(tree(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]
    assert undone(sidecar) is None


def test_copies_stay_in_a_list_that_the_user_went_on_with(tmp_path):
    sidecar = written(tmp_path, wrapped(subjects(["Mine"])))
    data = sidecar.read_bytes().replace(  # as digiKam writes all lists
        b"<rdf:li>Mine</rdf:li>", b"<rdf:li>Mine</rdf:li><rdf:li>Anna</rdf:li>")
    lists, mark, account = data.partition(b"<zsl:")
    account = account.replace(b"<rdf:li>Anna</rdf:li>", b"")
    sidecar.write_bytes(lists + mark + account)
    undone(sidecar)
    data = sidecar.read_bytes()
    assert [values(data, tag) for tag in (SUBJECT, HIERARCHY, TAGS)] == [["Mine", "Anna"]] * 3


def test_a_sidecar_that_the_user_removed_before_zsl_made_another_comes_back(tmp_path):
    sidecar = written(tmp_path, DARKTABLE)
    sidecar.unlink()
    list(Sidecars().write(str(tmp_path / "photo.jpg"), [LAMP], MADE))
    undone(sidecar)
    assert tree(tmp_path) == {"photo.jpg": b"", "photo.jpg.xmp": DARKTABLE}


# --- what cannot be known is left alone and said


def test_a_copy_without_its_sidecar_is_left_alone(tmp_path):
    sidecar = written(tmp_path, DARKTABLE)
    sidecar.unlink()
    with pytest.raises(ImageError, match=r"it is gone, and photo\.jpg\.xmp\.zsl-backup is what"):
        undone(sidecar)
    assert tree(tmp_path)["photo.jpg.xmp.zsl-backup"] == DARKTABLE


def test_a_sidecar_whose_marks_are_gone_is_left_alone(tmp_path):
    sidecar = written(tmp_path, wrapped(subjects(["Mine"])))
    sidecar.write_bytes(wrapped(subjects(["Mine", "tabby"])))
    before = tree(tmp_path)
    with pytest.raises(ImageError, match="no mark of zsl's any more"):
        undone(sidecar)
    assert tree(tmp_path) == before
    sidecar.write_bytes(wrapped(subjects(["Mine"])).replace(b"\n", b"\r\n"))
    undone(sidecar)  # it says what it did
    assert tree(tmp_path) == {"photo.jpg": b"", "photo.jpg.xmp": wrapped(subjects(["Mine"]))}


@pytest.mark.parametrize("data", [b"<broken", b"\0" * 9, b"<!DOCTYPE a><a/>", b"x" * 17_000_000,
                                  wrapped("<dc:subject><dc:a/></dc:subject>")])
def test_what_zsl_never_wrote_into_is_not_even_parsed(tmp_path, data):
    (tmp_path / "photo.xmp").write_bytes(data)
    assert undone(tmp_path / "photo.xmp") is None
    assert tree(tmp_path) == {"photo.xmp": data}


@pytest.mark.parametrize(("damage", "message"), [
    (lambda data: data[:-40], "not well-formed"),
    (lambda data: b"<!DOCTYPE a>" + data, "DOCTYPE"),
    (lambda data: data + b" " * 16_000_000, "exceed the limit")])
def test_a_damaged_sidecar_of_zsls_is_left_alone(tmp_path, damage, message):
    sidecar = written(tmp_path, DARKTABLE)
    sidecar.write_bytes(damage(sidecar.read_bytes()))
    before = tree(tmp_path)
    with pytest.raises(ImageError, match=rf"sidecar photo\.jpg\.xmp: .*{message}") as refused:
        undone(sidecar)
    assert refused.value.kind == "sidecar"
    assert tree(tmp_path) == before


def test_a_damaged_copy_is_left_alone(tmp_path):
    sidecar = written(tmp_path, DARKTABLE)
    sidecar.with_name(sidecar.name + BACKUP).write_bytes(b"<broken")
    with pytest.raises(ImageError, match="not well-formed"):
        undone(sidecar)
    assert is_marked(sidecar.read_bytes())


@pytest.mark.usefixtures("posix")
def test_a_link_in_place_of_the_copy_brings_nothing_in(tmp_path):
    sidecar, secret = written(tmp_path), tmp_path / "secret"
    secret.write_text("secret")
    for copy in (lambda path: path.symlink_to(secret), lambda path: path.write_text("secret")):
        copy(sidecar.with_name(sidecar.name + BACKUP))
        before = tree(tmp_path)
        with pytest.raises(ImageError, match=r"is a link, as zsl makes none|not well-formed"):
            undone(sidecar)
        assert tree(tmp_path) == before
        sidecar.with_name(sidecar.name + BACKUP).unlink()


@pytest.mark.parametrize("existing", [None, DARKTABLE], ids=["made", "changed"])
def test_a_read_only_sidecar_stays(tmp_path, monkeypatch, existing):
    sidecar = written(tmp_path, existing)
    before = tree(tmp_path)
    sidecar.chmod(0o444)
    if os.access(sidecar, os.W_OK):  # root may write anything
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ImageError, match="read-only"):
        undone(sidecar)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("existing", [None, DARKTABLE], ids=["made", "changed"])
def test_links_are_followed(tmp_path, existing):
    (tmp_path / "real").mkdir()
    target, sidecar = tmp_path / "real" / "a.xmp", tmp_path / "photo.jpg.xmp"
    written(tmp_path, existing).rename(target)
    if existing:
        (tmp_path / f"photo.jpg.xmp{BACKUP}").rename(f"{target}{BACKUP}")
    sidecar.symlink_to(target)
    undone(sidecar)
    if existing:
        assert sidecar.is_symlink()
        assert tree(target.parent) == {"a.xmp": existing}
    else:
        assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "real"]
        assert not target.exists()


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path, monkeypatch):
    sidecar = written(tmp_path)
    real, states = undoing.without_marks, [sidecar.read_bytes().replace(
        b"<rdf:li>tabby<", b"<rdf:li>Mine</rdf:li><rdf:li>tabby<", 1)]

    def late(data):
        result = real(data)
        if states:
            sidecar.write_bytes(states.pop())
        return result

    monkeypatch.setattr(undoing, "without_marks", late)
    undone(sidecar)
    assert values(sidecar.read_bytes(), SUBJECT) == ["Mine"]


@pytest.mark.parametrize("existing", [None, DARKTABLE], ids=["made", "changed"])
def test_killed_at_any_moment_it_goes_on(tmp_path, monkeypatch, existing):
    class KilledError(BaseException):
        pass

    for stop in range(1, 4):
        folder = tmp_path / str(stop)
        folder.mkdir()
        sidecar, count = written(folder, existing), iter(range(1, 99))
        sidecar.write_bytes(sidecar.read_bytes().replace(b"\n    <", b"\n   <"))

        def step(real, count=count, stop=stop):
            def work(*arguments, **options):
                if next(count) == stop:
                    raise KilledError
                return real(*arguments, **options)
            return work

        with monkeypatch.context() as patched:
            for name in ("unlink", "replace"):
                patched.setattr(os, name, step(getattr(os, name)))
            with contextlib.suppress(KilledError):
                undone(sidecar)
        undone(sidecar)
        left = {name: data for name, data in tree(folder).items() if "zsl-part" not in name}
        assert left == {"photo.jpg": b"", **({"photo.jpg.xmp": existing} if existing else {})}


# --- whatever was there and whatever was found

words = st.sampled_from(["cat", "Cats", "dog", "Anna", "tabby", "\u00e9", "e\u0301", "a/b", "a|b",
                         "&"])
levels = st.lists(words, min_size=1, max_size=3)
tags = {SUBJECT: "", HIERARCHY: "|", TAGS: "/"}
own_lists = st.fixed_dictionaries({}, optional={
    tag: st.lists(levels.map(lambda path, s=separator: escape(s.join(path) if s else path[-1])),
                  max_size=3)
    for tag, separator in tags.items()})
found = st.lists(levels.map(lambda path: keyword(path[-1], tuple(path), 0.5)), max_size=4)
layouts = st.builds(Layout, parents=st.booleans(), root=st.sampled_from(["", "zsl", "cat"]))


@settings(max_examples=60)
@given(st.one_of(st.none(), st.sampled_from([DARKTABLE, DIGIKAM, ADOBE, b"", wrapped("")]),
                 own_lists.map(packet)),
       st.lists(st.tuples(found, layouts), min_size=1, max_size=3), st.booleans())
def test_undo_after_any_runs_is_as_before(tmp_path_factory, existing, runs, embedded):
    folder = tmp_path_factory.mktemp("library")
    photo, sidecar = touched(folder, "photo.jpg"), folder / "photo.jpg.xmp"
    if existing is not None:
        sidecar.write_bytes(existing)
    if embedded:
        (folder / "photo.jpg").write_bytes(b"GIF89a" + DIGIKAM)
    before = tree(folder)
    for keywords, layout in runs:
        list(Sidecars(layout=layout).write(photo, keywords, Provenance("m", "v", "1")))
    undone(sidecar)
    assert tree(folder) == before


@given(own_lists, own_lists, found)
def test_what_the_user_wrote_since_is_what_is_there_in_the_end(first, second, keywords):
    existing, later = packet(first), packet(second)
    merged = merge(existing, keywords, MADE)
    assert says_the_same(without_marks(merged) if is_marked(merged) else merged, existing)
    assert says_the_same(existing, later) == all(
        sorted(filter(None, first.get(tag, []))) == sorted(filter(None, second.get(tag, [])))
        for tag in tags)
