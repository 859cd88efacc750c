"""What the driver tells, of a driver that is a shared library in a folder of the test."""

import cards
import pytest

from zsl_cli.embedding import gpus, sessions
from zsl_cli.errors import DeviceError


@pytest.fixture
def install(tmp_path, compiler, monkeypatch, cuda_build):
    """Has the driver be another one."""
    load = gpus.load

    def one(**what):
        folder = cards.driver(tmp_path / "driver", compiler, **what)
        monkeypatch.setattr(gpus, "load", lambda name: load(str(folder / name)))
    return one


def test_the_cards_and_the_versions_are_those_of_the_driver(install):
    install(version=13020)
    assert gpus.driver() == gpus.Driver((13, 2), cards.CARDS)
    assert gpus.driver_version() == "580.65.06"


def test_there_may_be_no_driver(monkeypatch):
    monkeypatch.setattr(gpus, "DRIVER", "libno-driver.so.1")
    monkeypatch.setattr(gpus, "_MANAGEMENT", "libno-management.so.1")
    with pytest.raises(DeviceError, match=r"no NVIDIA driver .*libno-driver\.so\.1 is not found"):
        gpus.driver()
    assert gpus.driver_version() is None


def test_a_driver_may_show_no_card(install, monkeypatch):
    install(code=100)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(DeviceError, match=r"shows no device$"):
        gpus.driver()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(DeviceError, match="shows no device; CUDA_VISIBLE_DEVICES is '-1'"):
        gpus.driver()


@pytest.mark.parametrize(("code", "message"), [
    (803, r"unsupported display driver .* \(error 803\)"), (999, "cannot be used: error 999")])
def test_a_driver_that_does_not_work_says_why(install, code, message):
    install(code=code)
    with pytest.raises(DeviceError, match=message):
        gpus.driver()


def test_what_speaks_against_a_card_is_said(install, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [sessions.CUDA])
    install()
    assert sessions.cuda_obstacle(1) is None
    assert sessions.cuda_obstacle(99) == (
        "there is no such device on this machine, only cuda:0 (Card A), cuda:1 (Card B)")


def test_a_driver_that_is_too_old_is_named_with_what_is_wanted(install, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [sessions.CUDA])
    install(version=12080)
    assert "runs CUDA up to 12.8" in sessions.cuda_obstacle()
    assert "is built for CUDA 13.0; update the driver" in sessions.cuda_obstacle()


def test_an_onnxruntime_without_cuda_is_told_before_anything_else(monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    assert "install onnxruntime-gpu in its place" in sessions.cuda_obstacle()
