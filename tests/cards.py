"""Graphics cards that are not there: a driver that tells of them, as a real shared library, and
sessions that say that they are on one and compute on the CPU.

What a card computes cannot be tested so, and neither can ONNX Runtime's CUDA provider.
"""

import os
import subprocess

from machine import PROGRAMS

from zsl_cli.embedding import cuda_libraries, gpus, sessions
from zsl_cli.embedding.gpus import Driver, Gpu

CARDS = (Gpu(0, "Card A", 8 * 2**30), Gpu(1, "Card B", 16 * 2**30))

_CUDA = r"""
#include <stddef.h>
#include <stdio.h>
#include <string.h>
int cuInit(unsigned flags) { return CODE; }
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int number) { *device = 70 + number; return number > 1 ? 101 : 0; }
int cuDeviceGetName(char *name, int length, int device) {
  snprintf(name, length, "Card %c", 'A' + device - 70); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)(device - 69) << 33; return 0; }
int cuGetErrorString(int code, const char **text) {
  *text = code == 803 ? "system has unsupported display driver / cuda driver combination" : NULL;
  return code == 803 ? 0 : 1; }
"""
_NVML = r"""
#include <stdio.h>
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  snprintf(version, length, "580.65.06"); return 0; }
"""
_RUNTIME = "int cudaRuntimeGetVersion(int *version) { *version = 13020; return 0; }\n"
_CUDNN = "#include <stddef.h>\nsize_t cudnnGetVersion(void) { return NUMBER; }\n"


def driver(folder, compiler, *, version=13000, code=0):
    """libcuda.so.1 and libnvidia-ml.so.1 of a driver with two cards, in a folder."""
    _compile(folder / "libcuda.so.1", compiler,
             _CUDA.replace("VERSION", str(version)).replace("CODE", str(code)))
    _compile(folder / "libnvidia-ml.so.1", compiler, _NVML)
    return folder


def libraries(folder, compiler, *, cudnn=91002):
    """libcudart.so.13 and libcudnn.so.9 that know their versions, in a folder."""
    _compile(folder / "libcudart.so.13", compiler, _RUNTIME)
    _compile(folder / "libcudnn.so.9", compiler, _CUDNN.replace("NUMBER", str(cudnn)))
    return folder


def _compile(path, compiler, code):
    path.parent.mkdir(exist_ok=True)
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)],
                   input=code.encode(), check=True, env={**os.environ, "PATH": PROGRAMS})


class OnCard:
    """A session on the CPU that says that it is on a card; all else is the session's own."""

    def __init__(self, session, number, *, on_cpu=()):
        self._session, self._number, self._on_cpu = session, number, on_cpu
        self.bound = []

    def get_providers(self):
        return [sessions.CUDA, "CPUExecutionProvider"]

    def get_provider_options(self):
        return {sessions.CUDA: {"device_id": str(self._number)}, "CPUExecutionProvider": {}}

    def get_provider_graph_assignment_info(self):
        return []

    def run(self, *_arguments):
        raise AssertionError("a session on a card is run with bound inputs")

    def run_with_iobinding(self, binding, options):
        self.bound.append(binding)
        self._session.run_with_iobinding(binding, options)

    def __getattr__(self, name):
        return getattr(self._session, name)


def plug_in(monkeypatch, make=OnCard, cards=CARDS):
    """Have this process find these cards, and sessions on them; the list of those, as they come.

    make: of a session on the CPU and the number of a card makes the session on it.
    """
    made = []
    on_cpu = sessions._make_session

    def make_session(model, providers, threads):
        if len(providers) == 1:
            return on_cpu(model, providers, threads)
        (name, options), _ = providers
        assert name == sessions.CUDA
        made.append(make(on_cpu(model, providers[1:], threads), options["device_id"]))
        return made[-1]

    monkeypatch.setattr(gpus, "driver", lambda: Driver((13, 0), cards))
    monkeypatch.setattr(cuda_libraries, "preload", list)
    monkeypatch.setattr(sessions, "_make_session", make_session)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [sessions.CUDA])
    return made
