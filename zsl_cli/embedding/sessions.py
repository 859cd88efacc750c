"""Which device an ONNX Runtime session runs on, and why CUDA can or cannot be used."""

import logging
import re
import threading
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.embedding import cuda_libraries, gpus
from zsl_cli.embedding.graphs import Graph
from zsl_cli.errors import DeviceError, FolderError, OutOfMemoryError
from zsl_cli.support import cpus, devices
from zsl_cli.support.wording import listed, printable, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray

CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"

_CUDA_OPTIONS = {
    # Which algorithm a convolution takes depends on its shapes then and not on a stopwatch: there
    # is no search of seconds for every size of a batch, and no other algorithm in another run.
    "cudnn_conv_algo_search": "HEURISTIC"}

_ON_CARD = (
    "session.record_ep_graph_assignment_info",  # see _tell_what_is_left
    # Weights in int8 are made floats once, and not in each run: cards have no int8 convolutions
    # here, and biases in integers would be made floats on the CPU. Activations are rounded as ever.
    "session.disable_quant_qdq")
"""What is switched on for sessions on cards."""

_OUT_OF_MEMORY = re.compile(r"out of memory|failed to allocate memory|ALLOC_FAILED", re.IGNORECASE)

_LOG = logging.getLogger(__name__)


def cuda_obstacle(number: int = 0) -> str | None:
    """Why this CUDA device cannot be tried, or None if nothing speaks against it.

    Cheap: it asks the driver and ONNX Runtime's build, and loads no CUDA library.
    """
    import onnxruntime

    if CUDA not in onnxruntime.get_available_providers():
        return ("the installed onnxruntime has no CUDA support; "
                "install onnxruntime-gpu in its place")
    try:
        driver = gpus.driver()
    except DeviceError as error:
        return str(error)
    built_for = cuda_libraries.wanted().cuda
    if built_for and driver.cuda < (int(built_for.partition(".")[0]), 0):
        return (f"the NVIDIA driver runs CUDA up to {'.'.join(map(str, driver.cuda))}, and the "
                f"installed onnxruntime-gpu is built for CUDA {built_for}; update the driver")
    if number >= len(driver.gpus):
        there = listed([f"cuda:{gpu.number} ({gpu.name})" for gpu in driver.gpus])
        return f"there is no such device on this machine, only {there}"
    return None


def open_session(model: Graph | Path, device: str, threads: int | None = None,
                 ) -> "onnxruntime.InferenceSession":
    """A session over an ONNX file.

    model: of a model folder, as it was read; or the path of a file that we have made.
    device: ``cpu``; ``cuda`` or ``cuda:1``, which raise DeviceError rather than run on the CPU or
        on another card; or ``auto``, the first CUDA device where it works and else the CPU.
    threads: threads within an operator, all usable cores by default.

    Raises FolderError for a file that ONNX Runtime cannot load.
    """
    import onnxruntime

    wanted = devices.parse(device)
    if wanted is None:
        raise DeviceError(f"unknown device {device!r}; choose from "
                          f"{', '.join(devices.SPELLINGS)}")
    onnxruntime.set_default_logger_severity(4)  # its own complaints would reach standard error
    if wanted.kind != "cpu":
        session = _on_cuda(model, wanted.number, threads)
        if not isinstance(session, str):
            _tell_what_is_left(session, _path(model))
            return session
        if wanted.kind == "cuda":
            raise DeviceError(f"`device={device}` cannot be used: {session}")
    return _session(model, [_CPU], threads)


def _on_cuda(model: Graph | Path, number: int,
             threads: int | None) -> "onnxruntime.InferenceSession | str":
    """A session that runs on that card, or why there is none. Raises FolderError for a file that
    no session can be made of."""
    if obstacle := cuda_obstacle(number):
        return obstacle
    said = cuda_libraries.preload()
    try:
        session = _make_session(model, [(CUDA, {"device_id": number, **_CUDA_OPTIONS}), _CPU],
                                threads)
    except session_errors() as error:
        _session(model, [_CPU], threads)  # where this fails as well, it is the file
        return _told(error)
    if session.get_providers()[0] != CUDA:  # ONNX Runtime goes on without it, and says nothing
        missing = cuda_libraries.missing(said, cuda_libraries.wanted())
        return ("ONNX Runtime could not load its CUDA libraries"
                + (f" ({listed(missing)} cannot be loaded)" if missing else "")
                + "; pip install 'zsl-cli[cuda]' brings them")
    if _number(session) != number:
        return f"ONNX Runtime took cuda:{_number(session)} in its place"
    return session


def _session(model: Graph | Path, providers: list[Any],
             threads: int | None) -> "onnxruntime.InferenceSession":
    try:
        return _make_session(model, providers, threads)
    except session_errors() as error:
        raise FolderError(f"{_path(model)}: ONNX Runtime cannot load it: {_told(error)}"
                          ) from error


def _make_session(model: Graph | Path, providers: list[Any],
                  threads: int | None) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpus.usable_cpus()
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")  # what was looked through
    if len(providers) > 1:
        for entry in _ON_CARD:
            options.add_session_config_entry(entry, "1")
    if isinstance(model, Graph):
        _give_weights(options, model)
    session = onnxruntime.InferenceSession(
        model.content if isinstance(model, Graph) else str(model), options,
        providers=providers, enable_fallback=0)  # or it may go on without CUDA, even in a run
    for node in (*session.get_inputs(), *session.get_outputs()):
        _ = node.name, node.type, node.shape  # names in them need not be text
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

    Raises FolderError, and OutOfMemoryError where the memory of a card does not suffice.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    compute = _bound if on_cuda(session) else _plain
    try:
        if threading.current_thread() is not threading.main_thread():
            return compute(session, inputs, options)
        return _watched(lambda: compute(session, inputs, options), options)
    except session_errors() as error:
        if on_cuda(session) and _OUT_OF_MEMORY.search(str(error)):
            raise OutOfMemoryError(session_device(session)) from error
        raise FolderError(f"{path}: ONNX Runtime cannot run it: {_told(error)}") from error


def _plain(session: "onnxruntime.InferenceSession", inputs: "Mapping[str, NDArray[np.generic]]",
           options: "onnxruntime.RunOptions") -> "NDArray[np.float32]":
    return session.run(["embedding"], dict(inputs), options)[0]


def _bound(session: "onnxruntime.InferenceSession", inputs: "Mapping[str, NDArray[np.generic]]",
           options: "onnxruntime.RunOptions") -> "NDArray[np.float32]":
    """The same on a card: each input is copied there once, from the array itself, and of what is
    computed the embeddings alone come back."""
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_cpu_input(name, array)
    binding.bind_output("embedding", "cpu")
    session.run_with_iobinding(binding, options)
    return binding.copy_outputs_to_cpu()[0]


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
            state.NoSuchFile, state.NotImplemented, state.RuntimeException, state.EPFail,
            UnicodeDecodeError)


def on_cuda(session: "onnxruntime.InferenceSession") -> bool:
    """Whether the session really runs on a card."""
    return bool(session.get_providers()[0] == CUDA)


def session_device(session: "onnxruntime.InferenceSession") -> str:
    """``cpu`` or, say, ``cuda:0``: what the session really runs on."""
    return f"cuda:{_number(session)}" if on_cuda(session) else "cpu"


def _number(session: "onnxruntime.InferenceSession") -> int:
    return int(session.get_provider_options().get(CUDA, {}).get("device_id", 0))


def left_on_cpu(session: "onnxruntime.InferenceSession") -> "tuple[Counter[str], int]":
    """The operators of a session on a card that run on the CPU nevertheless, each with how many
    nodes of it, and how many nodes there are; nothing where ONNX Runtime does not tell."""
    left: Counter[str] = Counter()
    nodes = 0
    tell = getattr(session, "get_provider_graph_assignment_info", list)  # an older one does not
    try:
        parts: list[Any] = tell()
    except session_errors():  # only what a session noted when it was made
        return left, nodes
    for part in parts:
        operators = [node.op_type for node in part.get_nodes()]
        nodes += len(operators)
        if part.ep_name == _CPU:
            left.update(operators)
    return left, nodes


def _tell_what_is_left(session: "onnxruntime.InferenceSession", path: Path) -> None:
    """Log it where a card gets the smaller part: that is a fallback, too."""
    left, nodes = left_on_cpu(session)
    if 2 * left.total() > nodes:
        _LOG.info("%s: %d of its %d operators run on the CPU, since ONNX Runtime has them for no "
                  "card (%s); its float32 or fp16 form is for cards", path, left.total(), nodes,
                  listed([name for name, _ in left.most_common(3)]))
