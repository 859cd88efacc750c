"""How much memory a scan takes: a few numbers a photo."""

import tracemalloc

import numpy as np
import pytest

from zsl_cli.photos.catalogue import scanning
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.photo import Stamp

IN_A_FOLDER = 20
BYTES = 150  # a photo, that a scan may take


def photos(number):
    """The paths of so many photos, which need not be there."""
    for at in range(number):
        yield f"/library/{at // IN_A_FOLDER:04}-holiday/IMG_{at:08}.jpg", None


def peak(catalogue, number):
    """Bytes that a scan takes, and what came of it."""
    tracemalloc.start()
    scan = scanning.scan(catalogue, photos(number), scanning.Rules(), resolve_links=False,
                         within=["/library"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, scan


@pytest.mark.parametrize("state", ["new", "known", "gone"])
def test_the_memory_of_a_scan_hardly_depends_on_how_many_photos_there_are(tmp_path, monkeypatch,
                                                                          state):
    monkeypatch.setattr(scanning, "_stamp", lambda path: Stamp(len(path), 2, 3))
    identity = Identity("/library", Encoder("paint", "0", 4))
    peaks = []
    for number in (2_000, 12_000):
        with Catalogue.writing(tmp_path / str(number), identity) as catalogue:
            if state != "new":
                with catalogue.transaction():
                    for at, (path, _) in enumerate(photos(number)):
                        _, folder, name = path.rsplit("/", 2)
                        catalogue.db.execute("INSERT OR IGNORE INTO folders VALUES (?, ?)",
                                             (at // IN_A_FOLDER + 1, folder.encode()))
                        catalogue.insert(at + 1, at // IN_A_FOLDER + 1, name.encode(),
                                         (len(path), 2, 3, 4), np.array([1, 0, 0, 0], "<f2"),
                                         (None, None, None))
            most, scan = peak(catalogue, number if state != "gone" else 100)
            assert (len(scan), scan.todo) == {"new": (number, number), "known": (number, 0),
                                              "gone": (100, 0)}[state]
            assert scan.gone == (number - 100 if state == "gone" else 0)
        peaks.append(most)
    assert peaks[1] - peaks[0] < 10_000 * BYTES
