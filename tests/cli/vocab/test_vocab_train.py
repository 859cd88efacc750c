"""``zsl vocab train``: from a corpus to a vocabulary folder, also when it is interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pytest

pytest.importorskip("gensim")

from readers import on_a_terminal
from word_training import ANIMALS, LONG, SMALL, TOOLS, left, text, vectors

from zsl_cli import Vocabulary
from zsl_cli.cli.vocab import train as cli
from zsl_cli.errors import ZslError
from zsl_cli.support import folders


def test_words_of_one_topic_come_out_near_each_other(zsl, corpus_file, tmp_path):
    (tmp_path / "sources.json").write_text('[{"name": "me", "license": "CC0", "url": "x"}]')
    done = zsl("vocab", "train", "text.txt", "-o", "new/tiny", *SMALL, "--epochs", "10",
               "--learning-rate", "0.1", "--sources", "sources.json")
    assert done.returncode == 0, done.stderr.decode()
    said = done.stderr.decode()
    assert f"{len(text().split()):,} words, 80 different" in said
    assert "epoch 10 of 10" in said
    assert "wrote new/tiny: " in said
    assert done.stdout == b""
    assert said.endswith("zsl: the vectors are not compared with WordNet: no data.noun in "
                         f"{os.environ['WNSEARCHDIR']}, which $WNSEARCHDIR names\n")
    assert {line[:5] for line in said.splitlines()} == {"zsl: "}
    assert left(tmp_path / "new") == ["tiny"]
    vocabulary = Vocabulary.load(tmp_path / "new" / "tiny")
    unit = np.asarray(vocabulary.vectors)
    assert unit.dtype == np.float32
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
    rows = [vocabulary.rows[word] for word in [*ANIMALS, *TOOLS]]
    alike = unit[rows] @ unit[rows].T
    same = np.kron(np.eye(2), np.ones((8, 8))) > 0
    assert alike[same].mean() > alike[~same].mean() + 0.3
    shark = vocabulary.rows["great_white_shark"]
    assert vocabulary.label(shark).name == "great white shark"
    assert (unit[rows[:8]] @ unit[shark]).min() > (unit[rows[8:]] @ unit[shark]).max()
    manifest = vocabulary.manifest
    assert manifest.sources == ({"name": "me", "license": "CC0", "url": "x"},)
    assert manifest.entries["training"]["corpus"]["sha256"] == folders.sha256(corpus_file)
    assert manifest.entries["training"]["corpus"]["words"] == len(text().split())
    assert manifest.entries["training"]["dimension"] == 16
    assert manifest.space.startswith("tiny-")
    counts = [text().split().count(label.id) for label in vocabulary.labels[:5]]
    assert counts == sorted(counts, reverse=True)


def test_vectors_are_compared_with_the_wordnet_that_is_installed(zsl, corpus_file,
                                                                 wordnet_installed):
    done = zsl("vocab", "train", "text.txt", "-o", "tiny", *SMALL, "--epochs", "1",
               env=wordnet_installed)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(b"Spearman correlation with WordNet path similarity: ")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A corpus that takes some seconds, and its vectors when nothing comes in between."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "text.txt").write_text(text(1500))
    cli.command.main([str(folder / "text.txt"), "-o", str(folder / "whole"), *LONG, "--workers",
                      "1", "-q"], standalone_mode=False)
    return folder


def start(environment, folder):
    """A training in the background, stopped in its middle by what follows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "vocab", "train", "text.txt", "-o", "out", *LONG,
         "--workers", "1"], cwd=folder, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    while not list(folder.glob(".out.zsl-training/checkpoint-*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    return process


def test_after_kill_9_it_goes_on_to_the_same_vectors(environment, zsl, reference, tmp_path):
    shutil.copy2(reference / "text.txt", tmp_path)
    process = start(environment, tmp_path)
    process.kill()
    process.communicate()
    assert not (tmp_path / "out").exists()
    done = zsl("vocab", "train", "text.txt", "-o", "out", *LONG, "--workers", "1")
    assert done.returncode == 0, done.stderr.decode()
    assert b"going on after " in done.stderr
    assert b"different" not in done.stderr  # the corpus was not read again
    assert np.array_equal(vectors(tmp_path / "out"), vectors(reference / "whole"))
    assert left(tmp_path) == ["out", "text.txt"]


def test_ctrl_c_keeps_what_is_done(environment, zsl, reference, tmp_path):
    shutil.copy2(reference / "text.txt", tmp_path)
    process = start(environment, tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert err.endswith(b"\nzsl: interrupted; run the same command again to go on\n")
    assert not (tmp_path / "out").exists()
    kept = [path.name for path in (tmp_path / ".out.zsl-training").glob("checkpoint*")]
    assert len(kept) == 1
    done = zsl("vocab", "train", "text.txt", "-o", "out", *LONG, "--workers", "1", "-q")
    assert done.returncode == 0
    assert done.stderr == b""
    assert np.array_equal(vectors(tmp_path / "out"), vectors(reference / "whole"))


def test_an_interrupted_comparison_leaves_a_whole_vocabulary(corpus_file, tmp_path, monkeypatch,
                                                             capsys):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_agreement", interrupt)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.Abort):
        cli.command.main(["text.txt", "-o", "out", *SMALL], standalone_mode=False)
    *_, wrote, interrupted = filter(None, capsys.readouterr().err.splitlines())
    assert wrote.startswith("zsl: wrote out: ")
    assert interrupted == ("zsl: interrupted; out is whole, only the comparison with WordNet "
                           "was stopped")
    assert Vocabulary.load(tmp_path / "out")


@pytest.mark.parametrize(("data", "message"), [
    (b"", "text.txt: no word in it"),
    (b"one two three", "of 3 words 0 different ones occur 5 times or more, too few to train on"),
    (b"text\n\xff\n", "text.txt, line 2, byte 5: not UTF-8 text"),
    (b"one\0two", "text.txt, line 1, byte 3: a zero byte, so this is a binary file"),
    (None, "text.txt: no such file or folder"),
])
def test_bad_input_gives_one_clear_error_and_leaves_nothing(zsl, tmp_path, data, message):
    if data is not None:
        (tmp_path / "text.txt").write_bytes(data)
    done = zsl("vocab", "train", "text.txt", "-o", "new/out")
    assert done.returncode == 2
    *notes, error = done.stderr.decode().splitlines()
    assert error.startswith("zsl: ")
    assert message in error
    assert not any(message in note for note in notes)
    assert left(tmp_path) == (["text.txt"] if data is not None else [])


@pytest.mark.parametrize("arguments", [
    ("--dimension", "0"), ("--dimension", "-5"), ("--dimension", "3.5"),
    ("--dimension", "100000"), ("--epochs", "0"), ("--min-count", "0"), ("--max-words", "1"),
    ("--sample", "nan"), ("--sample", "2"), ("--learning-rate", "0"), ("--learning-rate", "inf"),
    ("--window", "0"), ("--workers", "0"), ("--save-every", "0"),
    ("--save-every", "nan"), ("--phrase-threshold", "inf"), ("--loss", "softmax")])
def test_nonsense_options_are_refused(corpus_file, tmp_path, arguments):
    with pytest.raises(click.UsageError):
        cli.command.main([str(corpus_file), "-o", str(tmp_path / "out"), *arguments],
                         standalone_mode=False)
    assert left(tmp_path) == ["text.txt"]


def test_a_wrong_wordnet_folder_is_said_before_training(corpus_file, tmp_path):
    with pytest.raises(ZslError, match="give the folder of WordNet"):
        cli.command.main([str(corpus_file), "-o", str(tmp_path / "out"), "--wordnet",
                          str(tmp_path)], standalone_mode=False)
    assert left(tmp_path) == ["text.txt"]


def with_little_room(environment, folder, bytes_a_file, *arguments):
    """The command where no file can grow beyond so many bytes, which is like a full disk."""
    import resource

    return subprocess.run(
        [sys.executable, "-m", "zsl_cli", "vocab", "train", "text.txt", "-o", "out", *SMALL,
         *arguments], cwd=folder, env=environment, capture_output=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file,) * 2))


@pytest.mark.usefixtures("posix")
def test_a_full_disk_while_reading_leaves_nothing(environment, corpus_file, tmp_path):
    done = with_little_room(environment, tmp_path, 10_000)
    assert done.returncode == 2
    assert done.stderr.decode().endswith("File too large\n")
    assert b"Traceback" not in done.stderr
    assert left(tmp_path) == ["text.txt"]


@pytest.mark.usefixtures("posix")
def test_a_full_disk_while_training_keeps_what_is_done(environment, zsl, corpus_file, tmp_path):
    done = with_little_room(environment, tmp_path, 50_000, "--dimension", "300")
    assert done.returncode == 2
    assert "File too large; " in done.stderr.decode()
    assert "run the same command again to go on" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert left(tmp_path) == [".out.zsl-training", "text.txt"]
    assert not list((tmp_path / ".out.zsl-training").glob("checkpoint*"))
    again = zsl("vocab", "train", "text.txt", "-o", "out", *SMALL, "--dimension", "300")
    assert again.returncode == 0, again.stderr
    assert left(tmp_path) == ["out", "text.txt"]


def test_a_terminal_sees_how_fast_it_goes_and_how_long_it_takes(environment, reference, tmp_path,
                                                                terminal):
    shutil.copy2(reference / "text.txt", tmp_path)
    status, shown = on_a_terminal(["vocab", "train", "text.txt", "-o", "out", *LONG], environment,
                                  terminal, columns=120, cwd=tmp_path)
    assert status == 0
    words = 8 * len((tmp_path / "text.txt").read_text().split())
    assert "reading" in shown
    assert re.search(r"training .* [\d,]+ of [\d,]+ words · [\d,]+ words/s · [\d.]+ s left", shown)
    assert int(re.search(r"training .* of ([\d,]+)", shown)[1].replace(",", "")) < words
