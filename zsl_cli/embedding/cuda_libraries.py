"""The libraries of CUDA and cuDNN: which ones ONNX Runtime was built for, and which are there."""

import ctypes
import re
import sys
from dataclasses import dataclass

from zsl_cli.embedding import gpus

_PACKAGE = "onnxruntime-gpu"
_RUNTIME_WHEELS = ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu{major}")  # since CUDA 13; before
_CUDNN_WHEEL = "nvidia-cudnn-cu{major}"


@dataclass(frozen=True)
class Versions:
    """Of CUDA and of cuDNN, such as 13.0 and 9, each None where it is not known or not there."""

    cuda: str | None = None
    cudnn: str | None = None


def wanted() -> Versions:
    """Those that the installed ONNX Runtime was built for: of CUDA by what the build says of
    itself, of cuDNN by what its package asks for."""
    from importlib import metadata  # late: it takes longer to import than all of this

    import onnxruntime

    cuda = getattr(onnxruntime, "cuda_version", "") or None
    try:
        requirements = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        requirements = []
    cudnn = [match[1] for line in requirements
             if (match := re.match(r"nvidia-cudnn-cu\d+\s*[~=>]=\s*(\d+)", line))]
    return Versions(cuda, cudnn[0] if cudnn else None)


def found(built_for: Versions) -> Versions:
    """Those that are there, of the same major versions: as the library says, where it can be
    loaded, else as its package does."""
    major = _major(built_for.cuda)
    return Versions(
        _runtime_version(major) or _of_packages(_RUNTIME_WHEELS, major),
        _cudnn_version(_major(built_for.cudnn)) or _of_packages((_CUDNN_WHEEL,), major))


def preload() -> list[str]:
    """Load the libraries from where packages put them, for ONNX Runtime; what it has to say of
    that, in lines."""
    import onnxruntime

    said: list[str] = []
    # It prints what it has to say, and standard output is for results.
    onnxruntime.print = lambda *parts: said.append(" ".join(map(str, parts)))
    try:
        onnxruntime.preload_dlls()
    finally:
        del onnxruntime.print
    return said


def missing(said: "list[str]", built_for: Versions) -> list[str]:
    """The files of libraries that cannot be loaded, after ``preload`` has said so much."""
    names = [match[1] for line in said
             if (match := re.match(r"Failed to load (?:.*[/\\])?([^/\\:]+):", line))]
    if built_for.cudnn and _cudnn_version(built_for.cudnn) is None:  # of that nothing is said
        names.append(_file("cudnn", built_for.cudnn))
    return [*dict.fromkeys(names)]


def _runtime_version(major: str | None) -> str | None:
    version = ctypes.c_int()
    try:
        library = gpus.load(_file("cudart", major))
        if library.cudaRuntimeGetVersion(ctypes.byref(version)):
            return None
    except (OSError, AttributeError):
        return None
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def _cudnn_version(major: str | None) -> str | None:
    try:
        ask = gpus.load(_file("cudnn", major)).cudnnGetVersion
    except (OSError, AttributeError):
        return None
    ask.restype = ctypes.c_size_t
    number = int(ask())
    unit = 10_000 if number >= 90_000 else 1_000  # since cuDNN 9; before
    return f"{number // unit}.{number % unit // 100}.{number % 100}"


def _file(library: str, major: str | None) -> str:
    return f"{library}64_{major}.dll" if sys.platform == "win32" else f"lib{library}.so.{major}"


def _of_packages(names: tuple[str, ...], major: str | None) -> str | None:
    from importlib import metadata

    for name in names:
        try:
            version = metadata.version(name.format(major=major))
        except metadata.PackageNotFoundError:
            continue
        if version.partition(".")[0] == major or "{major}" in name:
            return version
    return None


def _major(version: str | None) -> str | None:
    return version and version.partition(".")[0]
