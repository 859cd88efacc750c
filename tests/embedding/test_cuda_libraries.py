"""Which versions of CUDA and cuDNN are wanted, and which are found."""

from importlib import metadata

import cards
import pytest

from zsl_cli.embedding import cuda_libraries, gpus
from zsl_cli.embedding.cuda_libraries import Versions

WANTED = Versions("13.0", "9")


@pytest.fixture
def nothing_loads(monkeypatch):
    def fail(name):
        raise OSError(name)
    monkeypatch.setattr(gpus, "load", fail)


def test_what_is_wanted_is_what_the_build_and_its_package_say(cuda_build):
    import onnxruntime

    wanted = cuda_libraries.wanted()
    assert wanted.cuda == onnxruntime.cuda_version
    assert wanted.cudnn == "9"


def test_another_package_wants_other_versions(monkeypatch):
    monkeypatch.setattr("onnxruntime.cuda_version", "12.8", raising=False)
    monkeypatch.setattr(metadata, "requires", lambda name: [
        "numpy>=1.21.6", 'nvidia-cudnn-cu12~=8.9; extra == "cudnn"'])
    assert cuda_libraries.wanted() == Versions("12.8", "8")
    monkeypatch.setattr("onnxruntime.cuda_version", "")
    monkeypatch.setattr(metadata, "requires", lambda name: None)
    assert cuda_libraries.wanted() == Versions()


@pytest.mark.parametrize(("number", "version"), [(91002, "9.10.2"), (90100, "9.1.0"),
                                                 (8902, "8.9.2")])
def test_a_library_that_loads_says_its_version(tmp_path, compiler, monkeypatch, cuda_build, number,
                                               version):
    folder, load = cards.libraries(tmp_path, compiler, cudnn=number), gpus.load
    monkeypatch.setattr(gpus, "load", lambda name: load(str(folder / name)))
    assert cuda_libraries.found(WANTED) == Versions("13.2", version)


def test_of_a_library_that_does_not_load_its_package_counts(nothing_loads, monkeypatch):
    there = {"nvidia-cuda-runtime": "13.0.96", "nvidia-cudnn-cu13": "9.10.2.21"}

    def version(name):
        if name not in there:
            raise metadata.PackageNotFoundError(name)
        return there[name]
    monkeypatch.setattr(metadata, "version", version)
    assert cuda_libraries.found(WANTED) == Versions("13.0.96", "9.10.2.21")
    assert cuda_libraries.found(Versions("12.8", "9")) == Versions()
    there = {"nvidia-cuda-runtime-cu12": "12.8.90"}
    assert cuda_libraries.found(Versions("12.8", "9")) == Versions("12.8.90")


def test_what_onnxruntime_says_of_its_libraries_is_no_output_of_ours(monkeypatch, capfd):
    import onnxruntime

    def preload_dlls():  # it calls print, as onnxruntime's own
        exec("print('Failed to load', 'libx.so.1: not found')", vars(onnxruntime))

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload_dlls)
    assert cuda_libraries.preload() == ["Failed to load libx.so.1: not found"]
    assert capfd.readouterr() == ("", "")
    assert "print" not in vars(onnxruntime)


def test_the_files_that_are_missing_are_named_once(nothing_loads):
    said = ["Failed to load /site-packages/nvidia/cu13/lib/libcublas.so.13: cannot open it",
            "Failed to load libcublas.so.13: cannot open shared object file",
            "Failed to load libcurand.so.10: libcurand.so.10: cannot open shared object file",
            "Please follow https://onnxruntime.ai/ to install CUDA."]
    missing = cuda_libraries.missing(said, WANTED)
    assert missing[:2] == ["libcublas.so.13", "libcurand.so.10"]
    assert len(missing) == 3
    assert "cudnn" in missing[2]
