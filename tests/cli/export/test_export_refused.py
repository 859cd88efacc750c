"""What ``zsl export`` cannot write leaves nothing, and what was there stays."""

import os
import shutil
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import torch
from export_runs import refused, run
from small_export import ARCH

from zsl_cli.cli.export import command
from zsl_cli.errors import ZslError

pytestmark = pytest.mark.usefixtures("operators_made_once")


def test_a_refusal_is_one_line_and_status_2(zsl, workplace):
    result = zsl("export", "small.pth", *ARCH, "--feature-node", "99")
    assert (result.returncode, result.stdout) == (2, b"")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(b"zsl: --feature-node 99: the network has no such module")


@pytest.mark.parametrize(("arguments", "message"), [
    (("none.pth",), "none.pth: no such file or folder"),
    (("small.pth",), "do not say which network they belong to; name it with --arch"),
    (("small.pth", "--arch", "resnet"), "unknown architecture 'resnet'"),
    (("small.pth", "--arch", "small_network:none"), "has no attribute 'none'"),
    (("small.pth", "--arch", "no_such_module:make"), "No module named 'no_such_module'"),
    (("small.pth", "--arch", "os:getcwd"), "it returns a str, not a torch.nn.Module"),
    (("small.pth", *ARCH, "--feature-node", "99"), "no such module"),
    (("small.pth", *ARCH, "--vocab-labels", "default"), "zsl vocab build makes a vocabulary"),
    (("small.pth", *ARCH, "--projection", "narrow.npy"), r"is [5, 40], and the network wants "
     "[D, 48]"),
    (("small.pth", *ARCH, "--projection", "wide.npy", "--vocab", "WORDS"),
     "the embedding has 5 dimensions, and the label vectors"),
    (("small.pth", *ARCH, "--class-names", "two.txt"), "12 classes, and 2 names are given"),
    (("small.pth", *ARCH, "--mean", "1,2"), "one number or three"),
    (("small.pth", *ARCH, "--std", "0"), "--std must be above 0, not 0"),
    (("small.pth", *ARCH, "--projection", "page.pth.html"),
     "page.pth.html: no matrix in it (.npy, .npz, .pt, .safetensors)"),
    (("empty.pth", "--arch", "small_network:Frozen"), "cannot be exported to ONNX"),
    (("odd.pth", "--arch", "small_network:Odd"), "cannot be exported to ONNX"),
    (("nan.pth", *ARCH), "hold NaN or infinity: 3.weight"),
    (("huge.pth", *ARCH), "gives NaN or infinity for photographs"),
    (("cut.pth", *ARCH), "cut.pth: cannot be read as a checkpoint"),
    (("page.pth", *ARCH), "a web page; download it again"),
    (("complex.pth", *ARCH), "no real numbers: 3.weight (torch.complex64)"),
    (("small.pth", *ARCH, "--calibration-images", "nothing"), "nothing: no photograph there"),
    (("small.pth", *ARCH, "--template", "a {}"), "--template is for the labels of a text tower"),
])
def test_what_cannot_be_exported_is_said_and_nothing_is_left(
        workplace, small, word_vectors, arguments, message):
    state = small[0].state_dict()
    np.save(workplace / "narrow.npy", np.ones((5, 40), np.float32))
    np.save(workplace / "wide.npy", np.ones((5, 48), np.float32))
    (workplace / "two.txt").write_text("one\ntwo\n")
    torch.save({"a": torch.ones(1)}, workplace / "empty.pth")
    torch.save({"weight": torch.eye(3)}, workplace / "odd.pth")
    torch.save({**state, "3.weight": state["3.weight"] * float("nan")}, workplace / "nan.pth")
    torch.save({**state, "3.weight": state["3.weight"] * 1e38}, workplace / "huge.pth")
    torch.save({**state, "3.weight": state["3.weight"] * 1j}, workplace / "complex.pth")
    for name in ("page.pth", "page.pth.html"):
        (workplace / name).write_text("<!DOCTYPE html>")
    (workplace / "nothing").mkdir()
    (workplace / "cut.pth").write_bytes((workplace / "small.pth").read_bytes()[:5000])
    if "Frozen" in arguments[-1]:  # it has no weights at all
        torch.save({"state_dict": {"a": torch.ones(1)}}, workplace / "empty.pth")
        message = "these weights are not small_network:Frozen's; 1 unexpected: a"
    arguments = [str(word_vectors[0]) if part == "WORDS" else part for part in arguments]
    assert message in refused(workplace, *arguments)


def test_an_empty_output_is_refused(workplace):
    with pytest.raises(click.BadParameter, match="it is empty"):
        run(workplace, "small.pth", *ARCH, "-o", "")


@pytest.mark.usefixtures("workplace")
def test_a_full_disk_leaves_nothing_half_made(zsl, disk):
    small_disk = disk(kilobytes=300).path
    (small_disk / "filler").write_bytes(bytes(270_000))
    result = zsl("export", "small.pth", *ARCH, "-o", str(small_disk / "out"), timeout=300)
    assert result.returncode == 2
    assert b"No space left on device" in result.stderr
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_force_replaces_nothing_but_a_model_folder(workplace):
    (workplace / "thesis").mkdir()
    (workplace / "thesis" / "thesis.txt").write_text("years of work")
    (workplace / "file").write_text("text")
    shutil.copy(workplace / "small.pth", workplace / "thesis" / "small.pth")
    (workplace / "full").mkdir()
    shutil.copy(workplace / "small.pth", workplace / "full" / "small.pth")
    (workplace / "full" / "model.json").write_text("{}")
    os.chdir(workplace)
    for checkpoint, target, message in (
            ("small.pth", "thesis", "is no model or vocabulary folder"),
            ("small.pth", "file", "is no model or vocabulary folder"),
            ("small.pth", ".", "is no model or vocabulary folder"),
            ("full/small.pth", "full", "lies in full, which would be replaced")):
        with pytest.raises(ZslError, match=message):
            command.main([checkpoint, *ARCH, "-o", target, "--force"], standalone_mode=False)
    assert (workplace / "thesis" / "thesis.txt").read_text() == "years of work"
    assert (workplace / "file").read_text() == "text"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_export_leaves_nothing(environment, workplace, name):
    before = {path.name for path in workplace.iterdir()}
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "export", "small.pth", *ARCH, "-o", "deep/er/out"],
        cwd=workplace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list(workplace.glob("deep/er/.out*/scratch")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name), err
    assert b"Traceback" not in err
    assert {path.name for path in workplace.iterdir()} - {"__pycache__"} == before


def test_force_replaces_a_folder_and_a_failure_keeps_the_old_one(workplace):
    (workplace / "out").mkdir()
    (workplace / "out" / "old").write_text("old")
    (workplace / "out" / "model.json").write_text("{}")
    assert "no such module" in refused(workplace, "small.pth", *ARCH, "--force",
                                       "--feature-node", "99")
    assert (workplace / "out" / "old").exists()
    run(workplace, "small.pth", *ARCH, "-o", "out", "--force")
    assert not (workplace / "out" / "old").exists()
    assert (workplace / "out" / "model.json").exists()
