"""Which device an ONNX Runtime session runs on, and why CUDA can or cannot be used."""

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import DeviceError, FolderError
from zsl_cli.support import cpus
from zsl_cli.support.limits import DEVICES

if TYPE_CHECKING:
    import onnxruntime

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


def cuda_obstacle() -> str | None:
    """Why CUDA cannot be tried on this machine, or None if nothing speaks against it.

    Cheap: it looks for the driver and for ONNX Runtime's CUDA build, and loads no CUDA library.
    """
    import onnxruntime

    if _CUDA not in onnxruntime.get_available_providers():
        return ("the installed onnxruntime has no CUDA support; "
                "install onnxruntime-gpu in its place")
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        return f"no NVIDIA driver on this machine ({driver} is not found)"
    return None


def open_session(model: Path, device: str, threads: int | None = None,
                 ) -> "onnxruntime.InferenceSession":
    """A session over an ONNX file.

    device: ``cpu``; ``cuda``, which raises DeviceError rather than run on the CPU; or ``auto``,
        CUDA where it works and else the CPU.
    threads: threads within an operator, all usable cores by default.

    Raises FolderError for a file that ONNX Runtime cannot load.
    """
    import onnxruntime

    if device not in DEVICES:
        raise DeviceError(f"unknown device {device!r}; choose from {', '.join(DEVICES)}")
    onnxruntime.set_default_logger_severity(4)  # its own complaints would reach standard error
    if device != "cpu":
        obstacle = cuda_obstacle()
        if obstacle is None:
            onnxruntime.preload_dlls()  # CUDA and cuDNN from wheels, where they are installed
            session = _session(model, [_CUDA, _CPU], threads)
            if session.get_providers()[0] == _CUDA:
                return session
            obstacle = ("ONNX Runtime could not load its CUDA libraries; "
                        "pip install 'zsl-cli[cuda]' brings them")
        if device == "cuda":
            raise DeviceError(f"`device=cuda` cannot be used: {obstacle}")
    return _session(model, [_CPU], threads)


def _session(model: Path, providers: list[str],
             threads: int | None) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpus.usable_cpus()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=providers)
    except session_errors() as error:
        raise FolderError(f"{model}: ONNX Runtime cannot load it: {error}") from error


def session_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a graph that it cannot load, or run on some input."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.InvalidArgument,
            state.NoSuchFile, state.NotImplemented, state.RuntimeException)


def session_device(session: "onnxruntime.InferenceSession") -> str:
    """``cuda`` or ``cpu``: what the session really runs on."""
    return "cuda" if session.get_providers()[0] == _CUDA else "cpu"
