"""Weights come out of every usual file, and no file's code runs."""

import argparse
import json
import os
import random
import time
import zipfile

import pytest

torch = pytest.importorskip("torch")

from zsl_cli.authoring.networks import weights  # noqa: E402
from zsl_cli.authoring.networks.phrase_map import PhraseMap  # noqa: E402
from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402


@pytest.fixture
def state():
    return {"conv.weight": torch.randn(4, 3, 2, 2), "fc.weight": torch.randn(5, 4),
            "fc.bias": torch.randn(5)}


def same(found, state):
    return found.keys() == state.keys() and all(
        torch.equal(found[key], state[key]) for key in state)


@pytest.mark.parametrize("wrap", [
    lambda state: state, lambda state: {"state_dict": state}, lambda state: {"model": state},
    lambda state: {"epoch": 3, "model": {"state_dict": state}},
    lambda state: {"state_dict": state, "args": argparse.Namespace(lr=0.1), "arch": "resnet18"}])
@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.bin"])
def test_state_dicts_are_found_inside_what_training_programs_put_around_them(
        tmp_path, state, wrap, name):
    torch.save(wrap(state), tmp_path / name)
    assert same(weights.read(tmp_path / name).tensors, state)


@pytest.mark.parametrize("wrap", [
    lambda state: {"classy": {"base": {"model": {"trunk": state, "heads": {}}}}, "iteration": 3},
    lambda state: {"engine": {"model": state}, "epoch": 3},
    lambda state: {"app": {"model": state, "optim": {"state": {0: {"exp_avg": torch.ones(2)}}}}}])
def test_names_that_say_nothing_are_gone_through_where_there_is_one_way(tmp_path, state, wrap):
    torch.save(wrap(state), tmp_path / "w.pth")
    assert weights.read(tmp_path / "w.pth").tensors.keys() == state.keys()
    torch.save({"a": wrap(state), "b": wrap(state)}, tmp_path / "w.pth")
    with pytest.raises(ZslError, match="no state dict in it"):
        weights.read(tmp_path / "w.pth")


def test_weights_that_were_pruned_into_sparse_ones_are_whole_again(tmp_path):
    pruned = torch.eye(3)
    torch.save({"fc.weight": pruned.to_sparse(), "norm.weight": torch.ones(3)}, tmp_path / "w.pth")
    assert torch.equal(weights.read(tmp_path / "w.pth").tensors["fc.weight"], pruned)



def test_averaged_weights_are_taken_before_the_others_and_it_is_said(tmp_path, state):
    other = {key: value + 1 for key, value in state.items()}
    torch.save({"model": other, "model_ema": state, "epoch": 2}, tmp_path / "a.pth")
    found = weights.read(tmp_path / "a.pth")
    assert same(found.tensors, state)
    assert found.notes == ("its model_ema is taken, not model",)
    assert found.facts["epoch"] == 2


def test_a_photograph_is_no_checkpoint_and_the_message_is_short(tmp_path, cat):
    cat.save(tmp_path / "猫.jpg")
    with pytest.raises(ZslError, match=r"猫\.jpg: cannot be read as a checkpoint: a picture$"):
        weights.read(tmp_path / "猫.jpg")


def test_the_old_format_of_torch_is_read(tmp_path, state):
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert same(weights.read(tmp_path / "a.pth").tensors, state)


def test_safetensors_whole_and_in_parts(tmp_path, state):
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(state, tmp_path / "model.safetensors")
    assert same(weights.read(tmp_path / "model.safetensors").tensors, state)
    parts = {key: f"part-{number}.safetensors" for number, key in enumerate(state)}
    for key, name in parts.items():
        safetensors.save_file({key: state[key]}, tmp_path / name)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": parts}))
    found = weights.read(index)
    assert same(found.tensors, state)
    assert len(found.files) == 4
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(ZslError, match=r"part-1\.safetensors: no such file"):
        weights.read(index)


@pytest.mark.parametrize("content", [
    "{", "[]", '{"weight_map": 3}', "[" * 5000, '{"weight_map": {"a": "' + "x" * 300 + '.pth"}}',
    '{"weight_map": {"a": "\\\\ud800.pth"}}', '{"weight_map": {"a": "../../outside.pth"}}'])
def test_an_index_that_is_none_or_names_other_folders_is_refused(tmp_path, content):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(content)
    with pytest.raises(ZslError, match="index"):
        weights.read(index)


class Bomb:
    """Leaves a folder behind when a pickle of it is read."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path, state, zipped):
    mark = tmp_path / "ran"
    torch.save({"model": state, "extra": Bomb(mark)}, tmp_path / "bomb.pth",
               _use_new_zipfile_serialization=zipped)
    with pytest.raises(ZslError, match=r"holds more than tensors \(\S*mkdir\S*\).*`trust_pickle`"):
        weights.read(tmp_path / "bomb.pth")
    assert not mark.exists()
    assert same(weights.read(tmp_path / "bomb.pth", trust=True).tensors, state)
    assert mark.exists()


def test_a_whole_pickled_network_is_taken_when_it_is_trusted(tmp_path):
    torch.save(torch.nn.Linear(3, 2), tmp_path / "whole.pth")
    with pytest.raises(ZslError, match=r"holds more than tensors \(torch\.nn.*Linear"):
        weights.read(tmp_path / "whole.pth")
    found = weights.read(tmp_path / "whole.pth", trust=True)
    assert isinstance(found.module, torch.nn.Linear)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_truncated_and_foreign_files_are_refused(tmp_path, state, name):
    path = tmp_path / name
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save(state, path)
    whole = path.read_bytes()
    pick = random.Random(0)
    cuts = [0, 1, 4, 100, len(whole) // 2, len(whole) - 10]
    for data in [*(whole[:cut] for cut in cuts), b"text", pick.randbytes(3000), b"\x80\x02"]:
        path.write_bytes(data)
        with pytest.raises(ZslError, match=r"a\.(pth|safetensors): (cannot be read|holds more)"):
            weights.read(path)
    with pytest.raises(ZslError, match="no such file"):
        weights.read(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [
    [1, 2], {"epoch": 3}, {}, {"state_dict": {}}, {"state_dict": {"lr": 0.1}}])
def test_a_file_without_tensors_is_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ZslError, match="no state dict in it"):
        weights.read(tmp_path / "a.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_broken_weights_are_named(tmp_path, state, value):
    state["fc.weight"][2, 1] = value
    with pytest.raises(ZslError, match=r"1 of its tensors hold NaN or infinity: fc\.weight"):
        weights.refuse_broken(state, tmp_path)


def test_masks_and_bounds_may_be_infinite(tmp_path, state):
    state["mask"] = torch.full((4, 4), -torch.inf).triu(1)
    state["input_max"] = torch.tensor(torch.inf)
    weights.refuse_broken(state, tmp_path)
    state["mask"][0, 1] = torch.nan
    state["input_min"] = torch.tensor(torch.nan)
    with pytest.raises(ZslError, match=r"2 of its tensors hold NaN or infinity: mask, input_min"):
        weights.refuse_broken(state, tmp_path)


@pytest.mark.parametrize(("name", "value"), [
    ("logit_scale", torch.tensor(torch.inf)), ("layer.bias", torch.full((4,), -torch.inf)),
    ("layer.weight", torch.full((4, 4), -torch.inf))])
def test_other_infinite_weights_are_broken(tmp_path, name, value):
    with pytest.raises(ZslError, match=name):
        weights.refuse_broken({name: value}, tmp_path)


def test_large_but_finite_weights_are_not_broken(tmp_path):
    state = {"a": torch.full((4, 1000), 6e4, dtype=torch.float16),
             "b": torch.full((9,), 3e38), "c": torch.arange(3)}
    assert not state["a"].sum().isfinite()  # as a quick look would find
    assert not state["b"].sum().isfinite()
    weights.refuse_broken(state, tmp_path)


# M ------------------------------------------------------------------------------------------


def projections(folder, m, bias):
    """M in each of its files, and the name to load it by."""
    import numpy as np
    safetensors = pytest.importorskip("safetensors.torch")
    tensor, other = torch.from_numpy(m), torch.from_numpy(bias)
    np.save(folder / "m.npy", m)
    yield "m.npy", False
    np.savez(folder / "m.npz", features=m, bias=bias)
    yield "m.npz", True
    torch.save(tensor, folder / "tensor.pt")
    yield "tensor.pt", False
    layer = torch.nn.Linear(m.shape[1], m.shape[0])
    layer.load_state_dict({"weight": tensor, "bias": other})
    torch.save(layer.state_dict(), folder / "layer.pt")
    yield "layer.pt", True
    torch.save({"state_dict": {"proj.weight": tensor, "proj.bias": other,
                               "fc.weight": torch.zeros(4, 4), "fc.bias": torch.zeros(4)}},
               folder / "all.pth")
    yield "all.pth:proj.weight", True
    safetensors.save_file({"M": tensor.contiguous()}, folder / "m.safetensors")
    yield "m.safetensors", False


def test_m_is_read_from_every_kind_of_file(tmp_path):
    import numpy as np

    random_numbers = np.random.default_rng(0)
    m = random_numbers.normal(size=(6, 8)).astype(np.float32)
    bias = random_numbers.normal(size=6).astype(np.float32)
    for name, biased in projections(tmp_path, m, bias):
        found = Projection.load(tmp_path / name)
        assert (found.features == m).all(), name
        assert (found.bias is not None) == biased, name
        assert not biased or (found.bias == bias).all()
        assert not found.unit_features


def test_which_of_several_matrices_is_m_has_to_be_said(tmp_path):
    torch.save({"a.weight": torch.zeros(2, 3), "b.weight": torch.zeros(2, 3)}, tmp_path / "m.pt")
    with pytest.raises(ZslError, match=r"2 matrices.*:KEY`; its matrices: a\.weight, b\.weight"):
        Projection.load(tmp_path / "m.pt")
    with pytest.raises(ZslError, match=r"no tensor 'c'"):
        Projection.load(f"{tmp_path / 'm.pt'}:c")


@pytest.mark.parametrize("arrays", [
    {"wrong": [[1.0]]}, {"features": ["text"]}, {"features": [[float("nan")] * 2] * 2},
    {"features": [[1.0, 2.0]] * 2, "bias": [1.0] * 3}, {"features": [1.0, 2.0]},
    {"features": [[1, 2]]}, {"features": [[1.0, 2.0]], "temperature": "hot"}])
def test_a_file_that_is_no_projection_is_refused(tmp_path, arrays):
    import numpy as np

    np.savez(tmp_path / "M.npz", **arrays)
    with pytest.raises(ZslError, match=r"M\.npz: "):
        Projection.load(tmp_path / "M.npz")
    (tmp_path / "M.npy").write_bytes(b"\x93NUMPY nothing")
    for name in ("M.npy", "cat.jpg"):
        (tmp_path / name).write_bytes(b"\x93NUMPY nothing")
        with pytest.raises(ZslError, match=(
                rf"{name}: no matrix in it \(\.npy, \.npz, \.pt, \.safetensors\)$")):
            Projection.load(tmp_path / name)
    with pytest.raises(ZslError, match=r"none\.npy: no such file$"):
        Projection.load(tmp_path / "none.npy")
    with pytest.raises(ZslError, match=r": Is a directory$"):
        Projection.load(tmp_path)


@pytest.mark.parametrize("entry", [b"no array", "texts"])
def test_an_entry_that_is_no_array_or_no_text_is_refused(tmp_path, entry):
    import io

    import numpy as np

    if entry == "texts":
        file = io.BytesIO()
        np.save(file, np.array("abc"))
        entry = file.getvalue()[:-4] + b"\xff\xff\xff\xff"
    for load, name in ((Projection.load, "space"), (PhraseMap.load, "encoder")):
        made = (Projection(np.ones((2, 2), np.float32), space="s") if name == "space" else
                PhraseMap(np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32),
                          np.zeros(1, np.float32), 0.5, 2, "s", "e"))
        file = io.BytesIO()
        made.save(file)
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(tmp_path / "M.npz", "w") as changed:
            for one in archive.namelist():
                changed.writestr(one, entry if one == f"{name}.npy" else archive.read(one))
        with pytest.raises(ZslError, match=r"M\.npz: "):
            load(tmp_path / "M.npz")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_class_with_an_endless_name_takes_no_time(tmp_path, state, zipped):
    path = tmp_path / "a.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    name = b"\x80\x02c" + b"x" * 100_000 + b"\ny\n."
    if zipped:
        writer = torch._C.PyTorchFileWriter(str(path))
        writer.write_record("data.pkl", name, len(name))
        writer.write_end_of_file()
    else:
        path.write_bytes(name)
    start = time.process_time()
    with pytest.raises(ZslError, match="damaged, or no file of PyTorch's"):
        weights.read(path)
    assert time.process_time() - start < 5


def test_a_pickle_that_claims_more_than_the_memory_holds_is_refused(tmp_path, state, monkeypatch):
    torch.save(state, tmp_path / "a.pth")

    def load(*_, **__):
        raise MemoryError

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(ZslError, match="not enough memory for what it says that it holds"):
        weights.read(tmp_path / "a.pth")


def test_a_projection_comes_back_as_it_was_saved(tmp_path):
    import numpy as np

    m = Projection(np.ones((8, 4), np.float32), np.ones((8, 3), np.float32), space="test",
                   temperature=0.7, radius=20.0, score_temperature=0.01, unit_features=True)
    m.save(tmp_path / "M.npz")
    loaded = Projection.load(tmp_path / "M.npz")
    assert (loaded.space, loaded.temperature, loaded.radius, loaded.score_temperature,
            loaded.unit_features, loaded.bias) == ("test", 0.7, 20.0, 0.01, True, None)
    assert loaded.dimension == 9
    assert (loaded.features == m.features).all()
