"""What a test asks of the machine, and what is hidden from every test that does not ask.

A test that needs a program, a right or a property of the file system asks for it by a fixture,
which skips and names what is missing; ``.ci/skips`` lists the reasons that are allowed. What a
machine may happen to have or a user to have set plays no part in the other tests: programs,
WordNet, a graphics card, the home and the settings of whoever runs them.
"""

import ctypes
import os
import re
import shutil
import site
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = os.environ.get("PATH", os.defpath)  # before it is put away
_SETTINGS = re.compile(
    r"ZSL_.*|XDG_.*|WN(HOME|SEARCHDIR)|LINES|COLUMNS|TERM|TTY_.*|(NO|FORCE)_COLOR|CLICOLOR.*|PY_COLORS"
    r"|PYTHON(WARNINGS|DEVMODE|IOENCODING|UTF8|OPTIMIZE)")
_CAPABILITIES = 0x20080522  # the version of their layout
_OVERRIDING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """An empty home, so that no user's model, vocabulary or cache plays a part."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", autouse=True)
def settings_put_away(home):
    """The settings of whoever runs the tests, and the programs of the machine."""
    (home / "programs").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(_SETTINGS.fullmatch, list(os.environ)):
            patch.delenv(name)
        for name, value in {
                "PYTHONUSERBASE": site.getuserbase(),  # packages may lie there
                "HOME": home, "XDG_CACHE_HOME": home / "cache", "XDG_DATA_HOME": home / "data",
                "XDG_STATE_HOME": home / "state", "XDG_CONFIG_HOME": home / "config",
                "PATH": home / "programs", "WNSEARCHDIR": home / "no WordNet"}.items():
            patch.setenv(name, str(value))
        yield


@pytest.fixture(scope="session")
def environment(settings_put_away) -> dict[str, str]:
    """The environment of a subprocess: an empty home, and no graphics card to be seen."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(autouse=True)
def catalogues(home) -> Path:
    """The folder of the catalogues that a test makes, which are gone after it."""
    folder = home / "data" / "zsl" / "catalogues"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


# Programs and data

def _program(*names: str) -> str:
    """The path of the first of these programs that is installed."""
    for name in names:
        if path := shutil.which(name, path=PROGRAMS):
            return path
    return pytest.skip(f"{names[0]} is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    return _program("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def shell(environment) -> dict[str, str]:
    """The environment in which bash and what its users call are found."""
    for name in ("bash", "find", "grep"):
        _program(name)
    return {**environment, "PATH": PROGRAMS}


@pytest.fixture(scope="session")
def exiftool() -> str:
    """The path of the program."""
    return _program("exiftool")


@pytest.fixture(scope="session")
def compiler() -> str:
    """The path of a compiler of C."""
    return _program("cc", "gcc", "clang")


@pytest.fixture
def no_driver():
    """A machine without a driver of NVIDIA's."""
    if os.path.exists("/proc/driver/nvidia"):
        pytest.skip("this machine has an NVIDIA driver")


@pytest.fixture
def told_nodes():
    """An ONNX Runtime that tells which nodes of a graph run where."""
    import onnxruntime

    if not hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"):
        pytest.skip("this onnxruntime does not tell where nodes run")


@pytest.fixture
def cuda_build():
    """An ONNX Runtime with CUDA 13 in it on Linux, whether or not there is a card."""
    import onnxruntime

    if sys.platform != "linux" or not getattr(onnxruntime, "cuda_version", "").startswith("13."):
        pytest.skip("this onnxruntime is not built for CUDA 13 on Linux")


@pytest.fixture
def wordnet_installed(monkeypatch) -> dict[str, str]:
    """Lets the machine's WordNet be found in this process; the environment in which another one
    finds it."""
    from zsl_cli.authoring.vocabularies import wordnet
    from zsl_cli.errors import ZslError

    monkeypatch.delenv("WNSEARCHDIR")
    try:
        return {"WNSEARCHDIR": str(wordnet.find_folder(None))}
    except ZslError:
        return pytest.skip("WordNet is not installed")


@pytest.fixture
def cuda():
    """A graphics card that PyTorch can use."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


@pytest.fixture
def avif():
    """A Pillow that reads AVIF."""
    from PIL import features

    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")


# The operating system

@pytest.fixture
def posix():
    """Modes, links, named pipes, signals and limits as POSIX has them."""
    if os.name != "posix":
        pytest.skip("this is no POSIX system")


@pytest.fixture
def procfs():
    """Linux' folder of processes, in which nobody can make a folder."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("there is no /proc")


@pytest.fixture
def full_disk() -> Path:
    """A file that is written to in vain, as if the disk were full."""
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    return Path("/dev/full")


@pytest.fixture
def any_file_name(tmp_path):
    """A file system on which a file name is any bytes."""
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        with open(path, "xb"):
            pass
        as_is = path in (os.path.join(os.fsencode(tmp_path), name)
                         for name in os.listdir(os.fsencode(tmp_path)))
        os.remove(path)
    except OSError:
        as_is = False
    if not as_is:
        pytest.skip("file names are text here")


@pytest.fixture
def terminal():
    """Opens pseudo-terminals: each call gives the file descriptors of its two ends."""
    pty = pytest.importorskip("pty")
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError:
        pytest.skip("no pseudo-terminal can be had")
    return pty.openpty


@pytest.fixture
def disk(tmp_path):
    """Mounts a file system of that many kilobytes; what it returns has ``path`` and
    ``read_only()``."""
    mount = shutil.which("mount", path=PROGRAMS)
    mounted = []

    def make(kilobytes: int) -> Disk:
        path = tmp_path / "disk"
        path.mkdir()
        command = [mount, "-t", "tmpfs", "-o", f"size={kilobytes}k", "zsl-test", str(path)]
        if sys.platform != "linux" or mount is None or subprocess.run(
                command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        mounted.append(path)
        return Disk(path)

    yield make
    for path in mounted:
        subprocess.run([shutil.which("umount", path=PROGRAMS), "-l", str(path)], check=False)


class Disk:
    """A file system of a test's own."""

    def __init__(self, path: Path):
        self.path = path

    def read_only(self) -> None:
        """From now on nothing can be changed there."""
        subprocess.run([shutil.which("mount", path=PROGRAMS), "-o", "remount,ro", str(self.path)],
                       check=True)


@pytest.fixture
def unprivileged(posix):
    """Modes of files count in this process, as they do for anybody but root."""
    if os.geteuid():
        yield
        return
    try:
        with _without_overriding():
            yield
    except OSError:
        pytest.skip("root cannot lay down its rights here")


@contextmanager
def _without_overriding():
    """Without the rights by which root reads and writes what its mode forbids (capset(2)), in
    this thread and those that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0)
    before, without = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    for rights in (before, without):
        if libc.capget(header, rights):
            raise OSError(ctypes.get_errno(), "capget")
    without[0] &= ~_OVERRIDING  # the effective ones of the first 32
    if libc.capset(header, without):
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        libc.capset(header, before)
