"""``zsl label`` interrupted, killed, asked to end, or run twice at once."""

import json
import os
import re
import signal
import subprocess
import sys

import click
import pytest
import text_model
from label_runs import (
    LARGE,
    change,
    names,
    records,
    run_in_background,
    stopped_in_the_middle,
    summary,
)
from painted_sets import model, photos  # noqa: F401
from readers import on_a_terminal, until_the_reader_goes

from zsl_cli.cli.label import command as label_command
from zsl_cli.photos.lazy import LazyClassifier


def test_a_terminal_sees_a_bar_and_then_the_summary(environment, large_library, tmp_path, terminal):
    (large_library / "000-bad.jpg").write_text("no photo")
    status, text = on_a_terminal(["label", "photos", "-o", "l.jsonl", "--jobs", "1"], environment,
                                 terminal, columns=100, cwd=tmp_path)
    assert status == 1
    assert re.search(rf"labelling .* \d+ of {LARGE + 1} images · \d+ images/s · [\d.]+ s left · "
                     "1 failed", text)
    assert "zsl: photos/000-bad.jpg: not an image in a known format" in text
    assert text.rstrip().splitlines()[-1].strip() == "written: l.jsonl"
    assert f"{LARGE} photos read, 1 failed" in text


def test_ctrl_c_leaves_what_is_done_on_disk(environment, zsl, large_library, tmp_path,
                                            catalogues):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, catalogues):
        process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # its echo
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"interrupted; run the same command again to go on" in err
    before = records(tmp_path / "l.jsonl")
    assert 0 < len(before) < LARGE
    read, failed, known = summary(zsl("label", "photos", "-o", "l.jsonl"))
    assert (read + known, failed) == (LARGE, 0)
    assert known == len(before)
    assert records(tmp_path / "l.jsonl")[:len(before)] == before
    assert names(tmp_path / "l.jsonl") == [f"{number:03}.jpg" for number in range(LARGE)]


def test_an_output_of_another_model_is_left_until_all_is_read(environment, zsl, large_library,
                                                              tmp_path, catalogues):
    text_model.make(tmp_path / "paint")
    text_model.make_vocabulary(tmp_path / "paint" / "vocab")
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--model", "./paint")) == (LARGE, 0, 0)
    before = (tmp_path / "l.jsonl").read_bytes()
    [painted] = catalogues.iterdir()
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, catalogues, but=painted):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"l.jsonl is left as it was before this run" in err
    assert (tmp_path / "l.jsonl").read_bytes() == before
    assert zsl("label", "photos", "-o", "l.jsonl").returncode == 0
    assert {record["model"] for record in records(tmp_path / "l.jsonl")} == {"default"}
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--model", "./paint")) == (0, 0, LARGE)
    assert (tmp_path / "l.jsonl").read_bytes() == before


@pytest.mark.usefixtures("photos", "model")
@pytest.mark.parametrize("there", [True, False])
def test_before_anything_is_read_an_output_is_as_it_was_or_not_there(monkeypatch, capsys, tmp_path,
                                                                     there):
    monkeypatch.chdir(tmp_path)
    if there:
        label_command.main(["photos", "-o", "l.jsonl", "--model", "./paint"],
                           standalone_mode=False)

    def interrupted(self, images):
        raise KeyboardInterrupt

    monkeypatch.setattr(LazyClassifier, "start", interrupted)
    capsys.readouterr()
    with pytest.raises(click.Abort):
        label_command.main(["photos", "-o", "l.jsonl", "--model", "./paint"],
                           standalone_mode=False)
    said = capsys.readouterr().err
    assert "l.jsonl is " + ("left as it was before this run\n" if there else
                            "not written yet\n") in said
    assert (tmp_path / "l.jsonl").exists() == there


def test_an_output_that_is_edited_during_the_run_is_not_replaced(environment, zsl, large_library,
                                                                 tmp_path, catalogues):
    zsl("label", "photos", "-o", "l.jsonl", "--include", "00*")
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with (stopped_in_the_middle(process, catalogues, more_than=10),
          (tmp_path / "l.jsonl").open("a") as file):
        file.write("mine\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"was changed since" in err
    assert "mine" in (tmp_path / "l.jsonl").read_text()
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--force")) == (0, 0, LARGE)


def test_a_terminal_that_is_closed_is_like_ctrl_c(environment, large_library, tmp_path, terminal,
                                                  catalogues):
    leader, follower = terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", "photos", "-o", "l.jsonl", "--jobs", "1"],
        cwd=tmp_path, env={**environment, "TERM": "xterm"}, stdin=follower, stdout=follower,
        stderr=follower, start_new_session=True)
    os.close(follower)
    os.set_blocking(leader, False)
    with stopped_in_the_middle(process, catalogues):
        os.close(leader)
        process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_being_asked_to_end_is_like_ctrl_c(environment, large_library, tmp_path, name, catalogues):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, catalogues):
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + getattr(signal, name)
    assert b"interrupted" in err
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


def test_an_interrupt_never_shrinks_a_finished_output(environment, zsl, large_library, tmp_path,
                                                      catalogues):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    for top in (5, 2):
        change(catalogues, "UPDATE photos SET crc = NULL, todo = 1 WHERE id > 100")
        process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl",
                                    "--top", str(top))
        with stopped_in_the_middle(process, catalogues, more_than=100):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        found = records(tmp_path / "l.jsonl")
        assert {len(record["labels"]) for record in found} == {top}
        assert len(found) == LARGE
        assert (top == 2) or (tmp_path / "l.jsonl").read_bytes() == before


def test_a_second_run_over_the_same_library_is_refused(environment, zsl, large_library, tmp_path,
                                                       catalogues):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    try:
        with stopped_in_the_middle(process, catalogues):
            for command in (("label", "photos", "-o", "m.jsonl"), ("index", "photos"),
                            ("label", "photos", "--xmp")):
                refused = zsl(*command)
                assert refused.returncode == 2
                assert b"another run is reading the same photos" in refused.stderr
            for harmless in (("label", "photos", "-o", "m.jsonl", "--dry-run"),
                             ("label", "photos", "--include", "00*"),
                             ("label", "photos", "--include", "00*", "-o", "m.jsonl",
                              "--catalogue", "elsewhere")):
                assert zsl(*harmless).returncode == 0
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
