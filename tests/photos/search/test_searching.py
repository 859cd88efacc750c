"""Search from Python: sums, order, filters, and which catalogues are searched."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from searches import AXES, names, one

from zsl_cli import Model
from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.compaction import compact
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.search import searching
from zsl_cli.photos.search.request import Query, SearchRequest

pytestmark = pytest.mark.usefixtures("words_are_axes")


class Listening(Reporter):
    def __init__(self):
        self.warnings = []

    def warn(self, line):
        self.warnings.append(line)


def test_the_nearest_come_first_with_their_cosines(library):
    result = one("a", top=3)
    assert names(result) == ["a.jpg", "ab.jpg", "ac.jpg"]
    assert result.hits[0].score == pytest.approx(1, abs=1e-3)
    assert result.hits[1].score == pytest.approx(0.5 ** 0.5, abs=1e-3)
    assert result.hits[0].taken == "2023-05-01T10:00:00"
    assert os.path.isabs(result.hits[0].path)


def test_photos_that_were_never_read_are_told_of(library, tmp_path):
    place, = (tmp_path / "data/zsl/catalogues").iterdir()
    for number in (1, 2):
        with closing(sqlite3.connect(place / database.FILE)) as connection, connection:
            connection.execute("INSERT INTO photos (folder, name, todo) VALUES (1, ?, 1)",
                               (b"new%d.jpg" % number,))
        listener = Listening()
        results = [*searching.search(SearchRequest("a"), listener),
                   *searching.search(SearchRequest("b"))]
        assert all(result.hits for result in results)
        line, = listener.warnings
        assert line.startswith(f"{number} photo{'s' if number > 1 else ''} of {library} w")
        assert "never read" in line
    with closing(sqlite3.connect(place / database.FILE)) as connection, connection:
        connection.execute("UPDATE photos SET kind = 'image', todo = 0 WHERE slot IS NULL")
    listener = Listening()
    assert list(searching.search(SearchRequest("a"), listener))
    assert not listener.warnings


def test_a_sum_of_words_is_between_them(library):
    assert names(one(Query(("a", "c"))))[0] == "ac.jpg"
    assert names(one(Query(("a", "c"), minus=("a",))))[0] == "c.jpg"


def test_a_photo_minus_a_word_plus_a_word(library):
    """The photo itself is not among what is found; its embedding comes from the catalogue: the
    file is empty."""
    photo = library / "sub" / "ab.jpg"
    result = one(Query((photo, "c"), minus=("b",)), top=2)
    assert names(result) == ["ac.jpg", "c.jpg"]
    assert result.query.text == f"{photo} + c - b"
    assert result.query.title == "ab.jpg + c - b"


def test_terms_that_cancel_out_are_an_error_of_that_query(library):
    first, second = searching.search(SearchRequest([Query(("a",), minus=("a",)), "b"]))
    assert "cancel out" in str(first.error)
    assert first.record()["error"]["kind"] == "query"
    assert names(second)[0] == "b.jpg"


def test_a_photo_that_is_not_there_is_an_error_of_that_query(library, tmp_path):
    result = one(tmp_path / "nowhere.jpg")
    assert result.error.kind == "missing"
    assert "nowhere.jpg" in result.record()["error"]["message"]


@pytest.mark.parametrize(("patterns", "expected"), [
    (["sub"], ["ab", "ac", "c"]), (["sub/*"], ["ab", "ac", "c"]), (["*b.jpg"], ["ab", "b"]),
    (["sub/deep/**"], ["c"]), (["DEEP"], ["c"]), (["deep", "a.*"], ["a", "c"]),
    (["nothing"], [])])
def test_paths_go_by_folders_and_patterns_below_the_library(library, patterns, expected):
    found = one("a", paths=patterns)
    assert sorted(Path(name).stem for name in names(found)) == expected


def test_a_path_that_is_a_folder_here_is_looked_for_below_the_library_too(library, tmp_path,
                                                                          monkeypatch):
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert len(one("a", paths=["sub"]).hits) == 3
    monkeypatch.chdir(library)
    assert len(one("a", paths=["sub"]).hits) == 3


def test_paths_may_be_absolute(library):
    assert len(one("a", paths=[str(library / "sub")]).hits) == 3
    assert names(one("a", paths=[f"{library}/sub/*c.jpg"])) == ["ac.jpg"]
    assert len(one("a", within=[str(library / "sub" / "deep")]).hits) == 1


@pytest.mark.parametrize(("since", "until", "expected"), [
    ("2024", None, ["ab", "b"]), (None, "2023", ["a", "ac", "c"]), ("2024-07-02", None, ["ab"]),
    ("2024-07-01", "2024-07-01", ["b"]), ("2023-05", "2024-07-01", ["a", "b"]),
    (None, "2021", ["ac", "c"]), ("2024-07-01 23:59", "2024-07-01T23:59", ["b"])])
def test_dates_go_by_capture_or_else_by_the_file(library, since, until, expected):
    found = one("a", since=since, until=until)
    assert sorted(Path(name).stem for name in names(found)) == expected


def test_photos_that_are_deleted_are_left_out_and_counted(library):
    (library / "a.jpg").unlink()
    result = one("a", top=2)
    assert names(result) == ["ab.jpg", "ac.jpg"]
    assert result.gone == 1


def test_a_library_that_is_away_is_told_of(library, tmp_path, make_catalogue):
    make_catalogue(tmp_path / "usb", {"x.jpg": AXES["a"]})
    (tmp_path / "usb").rename(tmp_path / "elsewhere")
    listening = Listening()
    result, = searching.search(SearchRequest("a"), listening)
    assert "x.jpg" not in names(result)
    assert f"{tmp_path}/usb (1 photo)" in listening.warnings[0]
    assert "not mounted" in listening.warnings[0]
    library.rename(tmp_path / "elsewhere too")
    with pytest.raises(ZslError, match="not mounted, mount it"):
        list(searching.search(SearchRequest("a")))


def test_an_empty_folder_is_the_place_of_a_disk_that_is_not_mounted(library, tmp_path,
                                                                    make_catalogue):
    make_catalogue(tmp_path / "usb", {"x.jpg": AXES["a"]})
    (tmp_path / "usb" / "x.jpg").unlink()
    listening = Listening()
    result, = searching.search(SearchRequest("a"), listening)
    assert result.gone == 0
    assert f"{tmp_path}/usb (1 photo)" in listening.warnings[0]


def test_several_libraries_are_one_ranking_and_a_photo_is_found_once(library, make_catalogue):
    make_catalogue(library / "sub", {"ab.jpg": AXES["a"] + AXES["b"], "aa.jpg": AXES["a"]})
    assert sorted(names(one("a", top=2))) == ["a.jpg", "aa.jpg"]
    assert sorted(names(one("a"))) == sorted(["a.jpg", "aa.jpg", "ab.jpg", "ac.jpg", "c.jpg",
                                              "b.jpg"])
    assert "b.jpg" not in names(one("a", within=[str(library / "sub")]))


def test_without_a_catalogue_the_command_that_makes_one_is_named(make_catalogue, tmp_path):
    with pytest.raises(ZslError, match="no library is indexed yet; zsl index FOLDER"):
        one("a")
    (tmp_path / "some where").mkdir()
    with pytest.raises(ZslError, match=f"zsl index '{tmp_path}/some where'"):
        one("a", within=[tmp_path / "some where"])
    with pytest.raises(ZslError, match="/no where: no such folder, and no photo of it is indexed"):
        one("a", within=["/no where"])


def test_another_model_or_another_version_of_it_names_the_command(tmp_path, make_catalogue):
    manifest = Model.described().manifest
    mine = Encoder("mine", "1" * 64, manifest.dimension)
    make_catalogue(tmp_path / "my photos", {"a.jpg": AXES["a"]}, encoder=mine)
    with pytest.raises(ZslError) as error:
        one("a")
    assert "model 'mine', not 'default'" in str(error.value)
    assert f"zsl index '{tmp_path}/my photos'" in str(error.value)
    older = Encoder("default", "2" * 64, manifest.dimension)
    place = make_catalogue(tmp_path / "old", {"a.jpg": AXES["a"]}, encoder=older,
                           place=tmp_path / "place")
    with pytest.raises(ZslError, match=(
            r"another version of model 'default'; zsl index .*/old reads the photos with this one, "
            "into a catalogue that is searched without `catalogue`$")):
        one("a", catalogue=place)


def test_a_catalogue_that_is_no_catalogue_is_told_of_and_the_rest_is_searched(library, tmp_path):
    broken = tmp_path / "data" / "zsl" / "catalogues" / "broken"
    broken.mkdir()
    (broken / "catalogue.sqlite").write_bytes(b"no database at all" * 100)
    listening = Listening()
    result, = searching.search(SearchRequest("a"), listening)
    assert names(result)[0] == "a.jpg"
    assert "not searched" in listening.warnings[0]
    assert str(broken) in listening.warnings[0]


def test_one_that_proves_damaged_late_is_told_of_once_and_the_rest_is_searched(
        library, make_catalogue, tmp_path):
    place = make_catalogue(tmp_path / "other", {"x.jpg": AXES["a"]})
    overwrite_indexes(place)
    listening = Listening()
    found = list(searching.search(SearchRequest(["a", "b"]), listening))
    assert [names(result)[0] for result in found] == ["a.jpg", "b.jpg"]
    told, = listening.warnings
    assert "not searched" in told
    assert f"{place} is damaged" in told
    for given in ({"catalogue": place}, {"catalogue": place, "since": "2020"}):
        with pytest.raises(ZslError, match="is damaged"):
            one("a", **given)


def overwrite_indexes(place):
    """Damage what photos are looked up by, so that the catalogue can be opened all the same."""
    with closing(sqlite3.connect(place / "catalogue.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size, = connection.execute("PRAGMA page_size").fetchone()
        roots = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'photos' AND type = 'index'"
        ).fetchall()
    with open(place / "catalogue.sqlite", "r+b") as file:
        for root, in roots:
            file.seek((root - 1) * size)
            file.write(b"\xae" * size)


def test_photos_whose_embeddings_are_lost_are_left_out_and_counted(library, tmp_path):
    [place] = (tmp_path / "data" / "zsl" / "catalogues").iterdir()
    file = place / "embeddings.f16"
    os.truncate(file, file.stat().st_size * 3 // 5)
    listening = Listening()
    result, = searching.search(SearchRequest("a"), listening)
    assert len(names(result)) == 3
    told, = listening.warnings
    assert "2 photos left out" in told
    assert "zsl index reads them again" in told


def flip(place, slot):
    """Change a bit of the embedding at a slot."""
    with open(place / "embeddings.f16", "r+b") as file:
        file.seek(slot * 2 * Model.described().dimension + 9)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))


@pytest.mark.parametrize("few", [searching.libraries.FEW, 2])
def test_what_is_not_the_embedding_that_was_written_is_no_result_and_told_of_once(
        library, tmp_path, monkeypatch, few):
    monkeypatch.setattr(searching.libraries, "FEW", few)
    [place] = (tmp_path / "data" / "zsl" / "catalogues").iterdir()
    flip(place, 0)
    flip(place, 2)
    listening = Listening()
    found = list(searching.search(SearchRequest(["a", "b"], fold=True), listening))
    assert [names(result) for result in found] == [["ac.jpg", "b.jpg", "c.jpg"],
                                                   ["b.jpg", "ac.jpg", "c.jpg"]]
    told, = listening.warnings
    assert told.startswith(f"photos left out: {place} is damaged (embeddings are not what was ")
    assert "zsl catalogues verify" in told


def writing(place):
    with Catalogue.reading(place) as catalogue:
        identity = catalogue.identity
    return Catalogue.writing(place, identity)


@pytest.mark.parametrize("few", [searching.libraries.FEW, 2])
def test_a_search_of_many_queries_goes_with_what_other_runs_write(library, tmp_path, monkeypatch,
                                                                   few):
    """Between two batches a photo is gone, the slots are numbered anew, and the log is cleared."""
    monkeypatch.setattr(searching.libraries, "FEW", few)
    monkeypatch.setattr(searching, "_TOGETHER", 1)
    [place] = (tmp_path / "data" / "zsl" / "catalogues").iterdir()
    results = searching.search(SearchRequest(["a", "a", "c"], since="2000", top=3), Listening())
    assert names(next(results)) == ["a.jpg", "ab.jpg", "ac.jpg"]
    with writing(place) as catalogue:
        catalogue.db.execute("DELETE FROM photos WHERE name = ?", (b"a.jpg",))
        busy, _, _ = catalogue.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy
    assert names(next(results)) == ["ab.jpg", "ac.jpg", "b.jpg"]
    with writing(place) as catalogue:
        compact(catalogue)
    assert names(next(results)) == ["c.jpg", "ac.jpg", "b.jpg"]


@pytest.mark.parametrize("all_of_them", [True, False])
def test_one_that_cannot_be_read_any_more_is_left_out(library, make_catalogue, tmp_path,
                                                      monkeypatch, all_of_them):
    place = make_catalogue(tmp_path / "other", {"x.jpg": AXES["a"]})
    moment = searching.libraries.Library.moment

    def damaged(self):
        if all_of_them or self.folder == place:
            raise database.damaged(self.folder)
        return moment(self)

    monkeypatch.setattr(searching.libraries.Library, "moment", damaged)
    listening = Listening()
    if all_of_them:
        with pytest.raises(ZslError, match="is damaged"):
            list(searching.search(SearchRequest("a"), listening))
        return
    result, = searching.search(SearchRequest("a"), listening)
    assert "x.jpg" not in names(result)
    assert listening.warnings[0].startswith(f"not searched: {place} is damaged")


def test_a_folder_that_no_catalogue_has_is_not_indexed_though_lists_are(
        library, make_catalogue, tmp_path):
    make_catalogue(tmp_path / "elsewhere", {"x.jpg": AXES["a"]})
    [list_] = (tmp_path / "data" / "zsl" / "catalogues").glob("elsewhere-*")
    with closing(sqlite3.connect(list_ / "catalogue.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE facts SET value = '' WHERE name = 'library'")
        connection.execute("UPDATE folders SET path = ?", (os.fsencode(tmp_path / "elsewhere"),))
    assert names(one("a", within=[str(tmp_path / "elsewhere")])) == ["x.jpg"]
    for folder in (tmp_path / "another", library / "sbu"):
        folder.mkdir()
        with pytest.raises(ZslError, match=f"{folder} is not indexed yet"):
            one("a", within=[str(folder)])


def test_labels_leave_only_photos_of_which_they_are_true(library, monkeypatch):
    asked = []

    def true_of(self, embeddings):
        asked.append(len(embeddings))
        return embeddings[:, 2] > 0.1
    monkeypatch.setattr(searching.Labels, "true_of", true_of)
    assert names(one("a", labels=["dog"])) == ["ac.jpg", "c.jpg"]
    assert sum(asked) == 5
    with pytest.raises(ZslError, match="dgo"):
        one("a", under=["dgo"])


def test_a_search_that_folds_and_reranks(library, make_catalogue):
    make_catalogue(library.parent / "more", {"a1.jpg": AXES["a"], "a2.jpg": AXES["a"],
                                             "e.jpg": AXES["e"]})
    result = one("a", fold=True, top=2)
    assert len(result.hits[0].alike) == 2
    reranked = one("a", rerank="centre", among=6, top=6)
    assert "e.jpg" not in names(reranked)[:5]
    assert [hit.centre for hit in reranked.hits] == sorted(
        (hit.centre for hit in reranked.hits), reverse=True)
