"""NVIDIA's graphics cards, as the driver tells of them; no library of CUDA is needed for that.

https://docs.nvidia.com/cuda/cuda-driver-api/ and https://docs.nvidia.com/deploy/nvml-api/
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Any

from zsl_cli.errors import DeviceError

_WINDOWS = sys.platform == "win32"
DRIVER = "nvcuda.dll" if _WINDOWS else "libcuda.so.1"
_MANAGEMENT = "nvml.dll" if _WINDOWS else "libnvidia-ml.so.1"

_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
_LONGEST = 256  # bytes of a name


@dataclass(frozen=True)
class Gpu:
    """A card: the number that CUDA gives it in this process, its name, its memory in bytes."""

    number: int
    name: str
    memory: int


@dataclass(frozen=True)
class Driver:
    """What the driver tells.

    cuda: the newest CUDA that it runs, major and minor. gpus: the cards, by number.
    """

    cuda: tuple[int, int]
    gpus: tuple[Gpu, ...]


def driver() -> Driver:
    """The driver and the cards that it shows to this process. It makes no CUDA context.

    Raises DeviceError, which says why there is none.
    """
    try:
        library = load(DRIVER)
    except OSError as error:
        raise DeviceError(f"no NVIDIA driver on this machine ({DRIVER} is not found)") from error
    code = library.cuInit(0)
    if code == _NO_DEVICE:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise DeviceError("the NVIDIA driver shows no device" + (
            "" if shown is None else f"; CUDA_VISIBLE_DEVICES is {shown!r}"))
    if code:
        raise DeviceError(f"the NVIDIA driver cannot be used: {_told(library, code)}")
    version, count = ctypes.c_int(), ctypes.c_int()
    _call(library, "cuDriverGetVersion", ctypes.byref(version))
    _call(library, "cuDeviceGetCount", ctypes.byref(count))
    return Driver((version.value // 1000, version.value % 1000 // 10),
                  tuple(_gpu(library, number) for number in range(count.value)))


def driver_version() -> str | None:
    """What NVIDIA calls the driver's version, such as 580.65.06, where that can be found out."""
    try:
        library = load(_MANAGEMENT)
    except OSError:
        return None
    if library.nvmlInit_v2():
        return None
    version = ctypes.create_string_buffer(_LONGEST)
    code = library.nvmlSystemGetDriverVersion(version, ctypes.c_uint(_LONGEST))
    library.nvmlShutdown()
    return None if code else version.value.decode(errors="replace")


def load(library: str) -> Any:
    """A shared library by its name. Raises OSError where there is none."""
    return ctypes.CDLL(library)


def _gpu(library: Any, number: int) -> Gpu:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_LONGEST)
    memory = ctypes.c_size_t()
    _call(library, "cuDeviceGet", ctypes.byref(device), number)
    _call(library, "cuDeviceGetName", name, _LONGEST, device)
    _call(library, "cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    return Gpu(number, name.value.decode(errors="replace"), memory.value)


def _call(library: Any, function: str, *arguments: Any) -> None:
    if code := getattr(library, function)(*arguments):
        raise DeviceError(f"the NVIDIA driver cannot be used: {function}: {_told(library, code)}")


def _told(library: Any, code: int) -> str:
    """What a code of the driver means."""
    text = ctypes.c_char_p()
    if library.cuGetErrorString(code, ctypes.byref(text)) or not text.value:
        return f"error {code}"
    return f"{text.value.decode(errors='replace')} (error {code})"
