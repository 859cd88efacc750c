"""``zsl label`` interrupted, killed, asked to end, or run twice at once."""

import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest
from label_runs import LARGE, names, records, summary
from readers import on_a_terminal, until_the_reader_goes


def run_in_background(environment, cwd, *arguments):
    """One thread, so that there is time to disturb it on fast machines too."""
    return subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments, "--jobs", "1"], cwd=cwd,
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def done(journal):
    """How many photos a journal has, read while it is held: from a copy in a folder of its own,
    since SQLite may leave files beside a half-made one that spoil the reading of the next."""
    with tempfile.TemporaryDirectory(dir=journal.parent) as folder:
        copy = os.path.join(folder, "journal")
        for suffix in ("", "-wal"):
            if os.path.exists(f"{journal}{suffix}"):
                shutil.copy(f"{journal}{suffix}", f"{copy}{suffix}")
        try:
            with closing(sqlite3.connect(copy)) as connection:
                return connection.execute(
                    "SELECT count(*) FROM photos WHERE NOT todo").fetchone()[0]
        except sqlite3.Error:
            return 0


@contextmanager
def stopped_in_the_middle(process, journal, more_than=0):
    """Within it the process is stopped, its journal having more than so many photos. Were it to
    run on while somebody looks, it might be done before anything is done to it."""
    process.send_signal(signal.SIGSTOP)
    while done(journal) <= more_than:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
    assert process.poll() is None
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def interrupt_soon(process, journal):
    """Ctrl-C, when a run with -v has labelled some photos."""
    process.stderr.readline()  # what is used; the journal says by now what there is to do
    with stopped_in_the_middle(process, journal, more_than=done(journal)):
        process.send_signal(signal.SIGINT)


def test_a_terminal_sees_a_bar_and_then_the_summary(environment, large_library, tmp_path, terminal):
    (large_library / "000-bad.jpg").write_text("no photo")
    status, text = on_a_terminal(["label", "photos", "-o", "l.jsonl", "--jobs", "1"], environment,
                                 terminal, columns=100, cwd=tmp_path)
    assert status == 1
    assert re.search(rf"labelling .* \d+ of {LARGE + 1} images · \d+ images/s · [\d.]+ s left · "
                     "1 failed", text)
    assert "zsl: photos/000-bad.jpg: not an image in a known format" in text
    assert text.rstrip().splitlines()[-1].strip() == "written: l.jsonl"
    assert f"{LARGE} photos labelled, 1 failed" in text


def test_ctrl_c_leaves_what_is_done_on_disk(environment, zsl, large_library, tmp_path):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # its echo
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"interrupted; run the same command again to go on" in err
    before = records(tmp_path / "l.jsonl")
    assert 0 < len(before) < LARGE
    labelled, failed, skipped = summary(zsl("label", "photos", "-o", "l.jsonl"))
    assert (labelled + skipped, failed) == (LARGE, 0)
    assert skipped == len(before)
    assert records(tmp_path / "l.jsonl")[:len(before)] == before
    assert names(tmp_path / "l.jsonl") == [f"{number:03}.jpg" for number in range(LARGE)]


def test_an_output_whose_run_did_not_end_well_is_not_shrunk_either(
        environment, zsl, large_library, tmp_path, full_disk):
    os.symlink(full_disk, tmp_path / "r.html")
    failed = zsl("label", "photos", "-o", "l.jsonl", "--report", "r.html")
    assert failed.returncode == 2
    before = (tmp_path / "l.jsonl").read_bytes()
    assert len(before.splitlines()) == LARGE
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl",
                                "--top", "2", "-v")
    interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"l.jsonl is left as it was before this run" in err
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_an_output_that_is_edited_during_the_run_is_not_replaced(environment, zsl, large_library,
                                                                 tmp_path):
    zsl("label", "photos", "-o", "l.jsonl", "--include", "00*")
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with (stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal", more_than=10),
          (tmp_path / "l.jsonl").open("a") as file):
        file.write("mine\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"was changed since" in err
    assert "mine" in (tmp_path / "l.jsonl").read_text()
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--force")) == (0, 0, LARGE)


def test_a_terminal_that_is_closed_is_like_ctrl_c(environment, large_library, tmp_path, terminal):
    leader, follower = terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", "photos", "-o", "l.jsonl", "--jobs", "1"],
        cwd=tmp_path, env={**environment, "TERM": "xterm"}, stdin=follower, stdout=follower,
        stderr=follower, start_new_session=True)
    os.close(follower)
    os.set_blocking(leader, False)
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        os.close(leader)
        process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_being_asked_to_end_is_like_ctrl_c(environment, large_library, tmp_path, name):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + getattr(signal, name)
    assert b"interrupted" in err
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


def test_an_interrupt_never_shrinks_a_finished_output(environment, zsl, large_library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    for options in (["--top", "2"], []):
        with sqlite3.connect(tmp_path / ".l.jsonl.zsl-journal") as journal:
            journal.execute("UPDATE photos SET crc = NULL WHERE id > 100")
        journal.close()
        process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl",
                                    "-v", *options)
        interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert (tmp_path / "l.jsonl").read_bytes() == before


def test_an_interrupted_run_with_other_settings_leaves_the_finished_output(
        environment, zsl, large_library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl", "--top", "1")
    before = (tmp_path / "l.jsonl").read_bytes()
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl", "-v")
    interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert (tmp_path / "l.jsonl").read_bytes() == before
    zsl("label", "photos", "-o", "l.jsonl")
    assert all(len(record["labels"]) == 5 for record in records(tmp_path / "l.jsonl"))


def test_a_second_run_onto_the_same_output_is_refused(environment, zsl, large_library, tmp_path):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    try:
        with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
            refused = zsl("label", "photos", "-o", "l.jsonl")
            assert refused.returncode == 2
            assert b"another run is writing to the same output" in refused.stderr
            elsewhere = zsl("label", "photos", "-o", "m.jsonl", "--include", "00*")
            assert elsewhere.returncode == 0
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    assert len(records(tmp_path / "l.jsonl")) == LARGE


def test_records_are_streamed_to_a_pipe_that_may_close(environment, large_library, tmp_path):
    status, line, err = until_the_reader_goes(["label", "photos", "-q"], environment, cwd=tmp_path)
    assert (status, err) == (0, b"")
    assert json.loads(line)["path"] == "photos/000.jpg"


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_gives_the_same(
        environment, zsl, photographs, tmp_path):
    """SIGKILL at any moment: the output is valid or not there, sidecars are whole, and in the end
    everything is as in an uninterrupted run.

    Each moment is a random one of its own twelfth of the time from the first word in the journal
    to the end, so that no part of a run is left out.
    """
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(80):
        (folder / f"{number:03}.jpg").write_bytes(photographs[number % 24])
    (folder / "040-bad.jpg").write_bytes(photographs[0][:999])
    arguments = ("label", "photos", "-o", "l.jsonl", "--report", "r.html", "--xmp",
                 "--confidence", "0.1")

    def outcome():
        sidecars = {path.name: path.read_bytes() for path in sorted(folder.glob("*.xmp"))}
        return (tmp_path / "l.jsonl").read_bytes(), sidecars

    def clear():
        for path in [*tmp_path.iterdir(), *folder.glob("*xmp*")]:
            if path.is_file():
                path.unlink()

    assert zsl(*arguments).returncode == 1
    expected = outcome()
    assert len(expected[0].splitlines()) == 81
    assert len(expected[1]) == 80
    clear()
    started = time.monotonic()
    process = run_in_background(environment, tmp_path, *arguments)
    while not (tmp_path / ".l.jsonl.zsl-journal").exists():
        assert process.poll() is None
        time.sleep(0.005)
    begun = time.monotonic() - started
    process.communicate()
    seconds = time.monotonic() - started
    assert outcome() == expected
    clear()
    random = np.random.default_rng(int(time.time()))
    moments = itertools.cycle(random.permutation(
        begun + (seconds - begun) * (np.arange(12) + random.random(12)) / 12))
    kills = 0
    while kills < 12:
        process = run_in_background(environment, tmp_path, *arguments)
        try:
            process.communicate(timeout=next(moments))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 1
            assert outcome() == expected
            clear()
        if (tmp_path / "l.jsonl").exists():
            assert all(record in expected[0].splitlines()
                       for record in (tmp_path / "l.jsonl").read_bytes().splitlines())
    assert zsl(*arguments).returncode == 1
    assert outcome() == expected
    assert {path.name for path in tmp_path.iterdir()} == {
        "photos", "l.jsonl", "r.html", ".l.jsonl.zsl-journal"}
