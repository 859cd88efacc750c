"""Numbers of NumPy's and containers of options in a checkpoint are read; what could run is not."""

import argparse
import collections
import datetime
import os
import pathlib
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zsl_cli.authoring.networks import weights  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402


def histories():
    """What training programs keep beside the weights."""
    history = collections.defaultdict(list)
    history["loss"].append(np.float32(0.25))
    return {
        "a float": np.float64(0.93), "a whole number": np.int64(7), "a yes": np.bool_(True),
        "an array": np.arange(6.0).reshape(2, 3), "one turned round": np.arange(6).reshape(2, 3).T,
        "texts": np.array(["cat", "tabby"]), "a history": history,
        "options": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/tmp/run")),
        "a path of Windows": pathlib.PureWindowsPath("c:/run"),
        "options without a class": types.SimpleNamespace(lr=0.1), "a date": datetime.date.today(),
        "losses of late": collections.deque([0.5, 0.25], maxlen=2), "steps": range(3)}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", [*histories()])
def test_what_training_programs_keep_beside_weights_is_no_obstacle(tmp_path, kind, zipped):
    state = {"fc.weight": torch.randn(3, 4)}
    torch.save({"state_dict": state, "kept": histories()[kind]}, tmp_path / "a.pth",
               _use_new_zipfile_serialization=zipped)
    found = weights.read(tmp_path / "a.pth")
    assert torch.equal(found.tensors["fc.weight"], state["fc.weight"])
    if isinstance(kept := histories()[kind], np.ndarray | np.generic):
        assert np.array_equal(found.facts["kept"], kept)
        assert found.facts["kept"].dtype == kept.dtype


def test_weights_that_are_arrays_of_numpy_are_weights(tmp_path):
    torch.save({"model": {"fc.weight": np.ones((3, 4), np.float32), "epoch": np.int64(3)}},
               tmp_path / "a.pth")
    found = weights.read(tmp_path / "a.pth")
    assert [*found.tensors] == ["fc.weight"]
    assert found.tensors["fc.weight"].sum() == 12


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("content", [
    lambda mark: Calls(os.mkdir, mark),
    lambda mark: Calls(eval, f"__import__('os').mkdir({mark!r})"),
    lambda mark: Calls(getattr, pathlib.Path(mark), "mkdir"),
    lambda mark: pathlib.Path(mark).mkdir, lambda mark: np.array([Calls(os.mkdir, mark)], object),
    lambda mark: Calls(np.dtype, np.void), lambda mark: np.zeros(2, [("a", "i4")]),
    lambda mark: Calls(np.load, mark)],
    ids=["a function", "eval", "getattr", "a method", "an array of objects", "a dtype of bytes",
         "an array of parts", "a loader"])
def test_what_could_run_is_refused_beside_numbers_too(tmp_path, content):
    mark = str(tmp_path / "ran")
    torch.save({"state_dict": {"a": torch.ones(1)}, "best": np.float64(0.9),
                "extra": content(mark)}, tmp_path / "a.pth")
    with pytest.raises(ZslError, match=r"holds more than tensors"):
        weights.read(tmp_path / "a.pth")
    assert not os.path.exists(mark)
