"""TorchScript that would read or write files, or is out of the ordinary, is refused.

What is refused is then, with the vetting off, seen to work.
"""

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

from exported_programs import refused, rewritten

from zsl_cli.authoring.networks.vetting import load_torchscript


def stateful(script, target, marker, statement, where="    self.training = (state)[1]\n"):
    """The TorchScript module with one more statement where it is loaded."""

    def change(entries):
        source = entries["code/__torch__/exported_programs.py"].decode()
        assert where in source
        statement_there = statement.replace("MARKER", str(marker))
        entries["code/__torch__/exported_programs.py"] = source.replace(
            where, f"{where}    {statement_there}\n").encode()
        for name in [name for name in entries if name.endswith(".debug_pkl")]:
            del entries[name]

    return rewritten(script, target, change)


@pytest.mark.parametrize("statement", [
    'torch.save([1, 2], "MARKER")',
    'ops.aten.save([1, 2], "MARKER")',
    'torch . \\\n    save([1, 2], "MARKER")',
    'torch.append([1], 2)  # "\n    torch.save([1, 2], "MARKER")  # "',
    'torch.warn("\\"#", 2)\n    torch.save([1, 2], "MARKER")',
    't = torch\n    t.save([1, 2], "MARKER")',
    'a = ops.aten\n    getattr(a, "sa" "ve")([1, 2], "MARKER")',
    'getattr(torch, "sa\\166e")([1, 2], "MARKER")',
    'getattr(torch.autograd, "sa\\166e")([1, 2], "MARKER")',
    'self.w = torch.from_file("MARKER", True, 4)',
])
def test_torchscript_that_writes_files_is_refused(script, tmp_path, marker, statement):
    path = stateful(script, tmp_path / "bad.ts", marker, statement)
    refused(load_torchscript, path, "zsl runs no code from a checkpoint")
    assert not marker.exists()
    load_torchscript(path, trust=True)
    assert marker.exists()


def test_torchscript_that_opens_files_in_a_default_argument_is_refused(script, tmp_path, marker):
    def change(entries):
        source = entries.pop("code/__torch__/exported_programs.py").decode()
        source = source.replace("x: Tensor)",
                                f'x: Tensor, y: Tensor=torch.from_file("{marker}", True, 4))')
        entries["code/__torch__/EXPORTED_programs.PY"] = source.encode()  # case does not matter

    path = rewritten(script, tmp_path / "bad.ts", change)
    refused(load_torchscript, path, "calls from_file")
    assert not marker.exists()
    load_torchscript(path, trust=True)
    assert marker.exists()


@pytest.mark.parametrize("statement", [
    'a = ops.debugprims.load_tensor("a", [1], [1], dtype=6, device=torch.device("cpu"))',
    'a = __torch__.torch.classes.dist_rpc.WorkerInfo("a", 1)',
    'a = getattr(self, \'w", __import__("os"), "\')',
    '__annotations__["w\\", __import__(\'os\'), \\""] = Tensor',
])
def test_torchscript_out_of_the_ordinary_is_refused(script, tmp_path, marker, statement):
    path = stateful(script, tmp_path / "bad.ts", marker, statement)
    refused(load_torchscript, path, "zsl runs no code from a checkpoint")


def test_torchscript_with_an_object_of_a_class_in_cpp_is_refused(script, tmp_path):
    path = rewritten(script, tmp_path / "bad.ts", lambda entries: entries.update(
        {"constants.pkl": b"\x80\x02c__torch__.torch.classes.c10d\nWork\n)\x81."}))
    refused(load_torchscript, path, "torch.classes.c10d")


@pytest.mark.parametrize("pickle", [
    b"\x80\x02Nr\xff\xff\xff\x0f.", b"\x80\x02X\xff\xff\xff\x7fa.", b"\x80\x02(r\0\0\0"])
def test_torchscript_that_would_fill_the_memory_is_refused_before_it_is_loaded(
        script, tmp_path, monkeypatch, pickle):
    path = rewritten(script, tmp_path / "bad.ts",
                     lambda entries: entries.update({"data.pkl": pickle}))
    monkeypatch.setattr("torch.jit.load", pytest.fail)
    refused(load_torchscript, path, "cannot be read as a TorchScript module")
