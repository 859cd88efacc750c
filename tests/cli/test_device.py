"""``--device``, up to where ONNX Runtime refuses it, and what ``zsl doctor`` says of devices."""

import time

import cards
import click
import pytest
from click.testing import CliRunner

from zsl_cli.classifier import device_diagnosis
from zsl_cli.cli.main import zsl as program
from zsl_cli.embedding import cuda_libraries, gpus, model

WRONG = ("cuda:x", "cuda:-1", "cuda:", "cuda:1,2", "CUDA", "gpu", "")


def _commands(group=program, names=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*names, name))
        else:
            yield (*names, name), command


DEVICES = [(names, command) for names, command in _commands()
           if any(parameter.name == "device" for parameter in command.params)]


def test_every_command_that_reads_photos_takes_a_device():
    assert {names[0] for names, _ in DEVICES} >= {
        "annotate", "classify", "eval", "index", "label", "lessons", "models", "search", "teach",
        "train", "vocab"}


@pytest.mark.parametrize("device", WRONG)
@pytest.mark.parametrize(("names", "command"), DEVICES, ids=["-".join(one) for one, _ in DEVICES])
def test_every_command_refuses_what_is_no_device_in_the_same_words(names, command, device):
    given = [parameter.name for parameter in command.params
             if isinstance(parameter, click.Argument)]
    needed = [option for parameter in command.params if isinstance(parameter, click.Option)
              and parameter.required for option in (parameter.opts[-1], "x")]
    result = CliRunner().invoke(program, [*names, *given, *needed, "--device", device])
    assert result.exit_code == 2
    lines = result.output.splitlines()
    assert lines[-1] == (f"Error: Invalid value for '--device': {device!r} is not one of 'auto', "
                         "'cpu', 'cuda', 'cuda:N' (N the number of a CUDA device, from 0)")


def _refused(result, message):
    assert result.returncode == 2
    assert result.stdout == b""
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("zsl: --device cuda")
    assert message in line


@pytest.fixture
def with_cards(tmp_path, compiler, cuda_build, environment):
    """The environment of a process in which the driver tells of two cards, and nothing else of
    CUDA is there."""
    folder = cards.driver(tmp_path / "driver", compiler)
    return {"LD_LIBRARY_PATH": str(folder), "CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1", "cuda:99"])
def test_a_machine_without_a_driver_is_told_so(zsl, cat_jpg, device):
    _refused(zsl("classify", str(cat_jpg), "--device", device), "cannot be used: no NVIDIA driver")


def test_a_number_that_the_machine_lacks_is_refused_by_name(zsl, cat_jpg, with_cards):
    _refused(zsl("classify", str(cat_jpg), "--device", "cuda:99", env=with_cards),
             "--device cuda:99 cannot be used: there is no such device on this machine, only "
             "cuda:0 (Card A), cuda:1 (Card B)")


def test_a_card_whose_libraries_are_missing_is_refused_and_auto_takes_the_cpu(zsl, cat_jpg,
                                                                              with_cards):
    """With the real provider of ONNX Runtime, which finds no CUDA."""
    _refused(zsl("classify", str(cat_jpg), "--device", "cuda:1", env=with_cards),
             "--device cuda:1 cannot be used: ONNX Runtime could not load its CUDA libraries")
    auto = zsl("classify", str(cat_jpg), "--jsonl", "--verbose", env=with_cards)
    assert (auto.returncode, auto.stdout.count(b"\n")) == (0, 1)  # and no word of ONNX Runtime's
    assert b"model default on cpu" in auto.stderr


def test_nothing_is_written_by_a_run_whose_device_is_refused(zsl, library, with_cards, tmp_path):
    _refused(zsl("label", "photos", "-o", "labels.jsonl", "--device", "cuda:7", env=with_cards),
             "no such device")
    assert not (tmp_path / "labels.jsonl").exists()


def _doctor(result):
    return [line.strip() for line in result.stdout.decode().splitlines()]


@pytest.mark.usefixtures("no_driver")
def test_doctor_on_a_machine_without_a_card_says_what_is_missing_and_the_speed_of_the_cpu(zsl):
    started = time.monotonic()
    lines = _doctor(zsl("doctor"))
    assert time.monotonic() - started < 30
    (device,) = [line for line in lines if line.startswith("device: ")]
    assert "no CUDA: " in device
    (speed,) = [line for line in lines if line.startswith("cpu: ")]
    assert int(speed.split()[1].replace(",", "")) > 0
    assert "images/s by the encoder alone, 4 at once" in speed
    assert lines[-1] == "Nothing is wrong."


def test_doctor_tells_driver_cards_and_libraries_as_found_and_as_wanted(zsl, with_cards, tmp_path,
                                                                        compiler):
    cards.libraries(tmp_path / "driver", compiler)
    lines = _doctor(zsl("doctor", env=with_cards))
    assert "NVIDIA driver 580.65.06, which runs CUDA up to 13.0" in lines
    assert "cuda:0: Card A, 8.0 GiB" in lines
    assert "cuda:1: Card B, 16.0 GiB" in lines
    assert "onnxruntime-gpu wants CUDA 13.0 and cuDNN 9; found CUDA 13.2 and cuDNN 9.10.2" in lines
    refused = [line for line in lines if "cannot be used" in line]
    assert [line.partition(":device")[0][:7] for line in refused] == ["cuda:0:", "cuda:1:"]
    assert all("could not load its CUDA libraries" in line for line in refused)
    assert lines[-1] == "Nothing is wrong."  # since zsl works


def test_doctor_sends_a_batch_through_each_device(monkeypatch):
    made = cards.plug_in(monkeypatch)
    monkeypatch.setattr(device_diagnosis, "_SECONDS", 0)
    monkeypatch.setattr(model, "BATCH_ON_GPU", 3)  # of cards that are quick
    monkeypatch.setattr(cuda_libraries, "found", lambda wanted: wanted)
    monkeypatch.setattr(gpus, "driver_version", lambda: None)
    lines = CliRunner().invoke(program, ["doctor"]).output.splitlines()
    speeds = [line.strip() for line in lines if "images/s" in line]
    assert [line.split(": ")[0] for line in speeds] == ["cpu", "cuda:0", "cuda:1"]
    assert [line.split(", ")[-1] for line in speeds] == [
        "4 at once", "3 at once", "3 at once"]
    assert [len(session.bound) > 1 for session in made] == [True, True]
    assert any("on cuda:0 and" in line for line in lines)  # the default model, by auto
