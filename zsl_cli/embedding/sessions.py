"""Which device an ONNX Runtime session runs on, and why CUDA can or cannot be used."""

import ctypes
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.embedding.graphs import Graph
from zsl_cli.errors import DeviceError, FolderError
from zsl_cli.support import cpus
from zsl_cli.support.limits import DEVICES
from zsl_cli.support.wording import printable, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray

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


def open_session(model: Graph | Path, device: str, threads: int | None = None,
                 ) -> "onnxruntime.InferenceSession":
    """A session over an ONNX file.

    model: of a model folder, as it was read; or the path of a file that we have made.
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


def _session(model: Graph | Path, providers: list[str],
             threads: int | None) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpus.usable_cpus()
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")  # what was looked through
    try:
        if isinstance(model, Graph):
            _give_weights(options, model)
        session = onnxruntime.InferenceSession(
            model.content if isinstance(model, Graph) else str(model), options,
            providers=providers)
        for node in (*session.get_inputs(), *session.get_outputs()):
            _ = node.name, node.type, node.shape  # names in them need not be text
    except session_errors() as error:
        raise FolderError(f"{_path(model)}: ONNX Runtime cannot load it: {_told(error)}"
                          ) from error
    return session


def _give_weights(options: "onnxruntime.SessionOptions", graph: Graph) -> None:
    """Those that lie in other files, as they were read."""
    if not graph.weights:
        return
    give = getattr(options, "add_external_initializers_from_files_in_memory", None)
    if give is None:
        raise FolderError(f"{graph.path}: its weights lie in other files, which needs a newer "
                          "onnxruntime")
    give([*graph.weights], [*graph.weights.values()], [*map(len, graph.weights.values())])


def run(session: "onnxruntime.InferenceSession", inputs: "Mapping[str, NDArray[np.generic]]",
        path: Path) -> "NDArray[np.float32]":
    """The output ``embedding``. An interrupt ends what the main thread runs, and at once.

    path: of the graph, which messages name.

    Raises FolderError.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    try:
        if threading.current_thread() is not threading.main_thread():
            return session.run(["embedding"], dict(inputs), options)[0]
        return _watched(lambda: session.run(["embedding"], dict(inputs), options)[0], options)
    except session_errors() as error:
        raise FolderError(f"{path}: ONNX Runtime cannot run it: {_told(error)}") from error


def _watched(compute: "Callable[[], NDArray[np.float32]]",
             options: "onnxruntime.RunOptions") -> "NDArray[np.float32]":
    """What it computes, on another thread: Python hears of no signal while the main one is inside
    ONNX Runtime."""
    result: Future[NDArray[np.float32]] = Future()

    def work() -> None:
        try:
            result.set_result(compute())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=work, daemon=True, name="zsl-run").start()
    try:
        return result.result()
    finally:
        options.terminate = True  # it is over, or nobody waits for it


def _path(model: Graph | Path) -> Path:
    return model.path if isinstance(model, Graph) else model


def _told(error: BaseException) -> str:
    """What ONNX Runtime says, in one line and not without end."""
    return printable(reason(error))[:300]


def session_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a graph that it cannot load, or run on some input."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.InvalidArgument,
            state.NoSuchFile, state.NotImplemented, state.RuntimeException, UnicodeDecodeError)


def session_device(session: "onnxruntime.InferenceSession") -> str:
    """``cuda`` or ``cpu``: what the session really runs on."""
    return "cuda" if session.get_providers()[0] == _CUDA else "cpu"
