"""``kill -9`` at random moments, over ``zsl index``, ``zsl label`` and ``zsl search`` in turn."""

import itertools
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from label_runs import summary

from zsl_cli.cli.main import COMMANDS
from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue.verification import verify

KILLS = 30
LABEL = ("label", "photos", "-o", "l.jsonl", "--report", "r.html", "--xmp", "--confidence", "0.1")
TURNS = [("index", "photos"), LABEL, *(
    [("search", "a cup of coffee", "--paths")] if "search" in COMMANDS else [])]


class Runs:
    """Runs over 81 photographs, one of which is none, and what comes of them."""

    def __init__(self, folder, catalogues, environment, photographs):
        self.folder, self.catalogues, self.environment = folder, catalogues, environment
        self.photos = folder / "photos"
        self.photos.mkdir()
        for number in range(80):
            (self.photos / f"{number:03}.jpg").write_bytes(photographs[number % 24])
        # The last one: with it a photo's place among those that go through the model together would
        # be another when only what lacks a thumbnail is read again, and so the last bit, at times.
        (self.photos / "080-bad.jpg").write_bytes(photographs[0][:999])

    def start(self, arguments):
        """One thread, so that there is time to disturb it on fast machines too."""
        jobs = ["--jobs", "1"] if arguments[0] != "search" else []
        return subprocess.Popen(
            [sys.executable, "-m", "zsl_cli", *arguments, *jobs], cwd=self.folder,
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def killed(self, arguments, seconds):
        """Whether a run still was at work after so many seconds, when it was killed; else it must
        have ended well."""
        process = self.start(arguments)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
        assert process.returncode in (0, 1, 2)
        return False

    def outcome(self):
        sidecars = {path.name: path.read_bytes() for path in sorted(self.photos.glob("*.xmp"))}
        return (self.folder / "l.jsonl").read_bytes(), sidecars

    def clear(self):
        for path in [*self.folder.iterdir(), *self.photos.glob("*xmp*")]:
            if path.is_file():
                path.unlink()
        shutil.rmtree(self.catalogues, ignore_errors=True)

    def times(self):
        """Seconds to the first word in the catalogue, and to the end of a whole run."""
        started = time.monotonic()
        process = self.start(LABEL)
        while not self.catalogues.exists():
            assert process.poll() is None
            time.sleep(0.005)
        begun = time.monotonic() - started
        process.communicate()
        return begun, time.monotonic() - started

    def check(self, records):
        """Whatever is there is whole."""
        for path in self.catalogues.glob("*/catalogue.sqlite"):
            try:
                assert verify(path.parent).ok
            except ZslError as error:
                assert "an empty catalogue; index the library again" in str(error)
        if (self.folder / "l.jsonl").exists():
            assert set((self.folder / "l.jsonl").read_bytes().splitlines()) <= records


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_gives_the_same(
        environment, zsl, photographs, tmp_path, catalogues):
    """SIGKILL at any moment: outputs are valid or not there, sidecars are whole, the catalogue is
    in order, and in the end everything is as in an uninterrupted run.

    Each moment is a random one of its own tenth of the time from the first word in the catalogue
    to the end of a whole run, so that no part of it is left out.
    """
    runs = Runs(tmp_path, catalogues, environment, photographs)
    assert zsl(*LABEL).returncode == 1
    expected = runs.outcome()
    records = set(expected[0].splitlines())
    assert len(records) == 81
    assert len(expected[1]) == 80
    runs.clear()
    begun, seconds = runs.times()
    assert runs.outcome() == expected
    runs.clear()
    random = np.random.default_rng(int(time.time()))
    moments = itertools.cycle(random.permutation(
        begun + (seconds - begun) * (np.arange(10) + random.random(10)) / 10))
    turns = itertools.cycle(TURNS)
    kills = 0
    while kills < KILLS:
        arguments = next(turns)
        killed = runs.killed(arguments, next(moments))
        kills += killed
        runs.check(records)
        if not killed and arguments == LABEL:
            assert runs.outcome() == expected
            runs.clear()
    assert zsl(*LABEL).returncode == 1
    assert runs.outcome() == expected
    assert summary(zsl(*LABEL)) == (0, 0, 81)
    [place] = catalogues.iterdir()
    assert verify(place).ok
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "l.jsonl", "r.html"}
