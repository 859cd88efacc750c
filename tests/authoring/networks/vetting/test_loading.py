"""Programs of torch.export and TorchScript load as they were, and damaged ones are reported."""

import logging
import os

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

import torch
from exported_programs import MODEL, Small, Varied, old_layout, refused, rewritten, saved, scripted

from zsl_cli.authoring.networks.vetting import kind_of, load_program, load_torchscript
from zsl_cli.errors import ZslError


def test_a_program_computes_what_its_module_does(program):
    torch.manual_seed(0)
    loaded = load_program(program)
    assert isinstance(loaded, torch.export.ExportedProgram)
    x = torch.randn(5, 4)
    module = Small().eval()
    module.load_state_dict(loaded.state_dict)
    torch.testing.assert_close(loaded.module()(x, "sum"), module(x, "sum"))


def test_a_program_with_attention_conditions_and_containers_loads(folder):
    path = folder / "varied.pt2"
    module = Varied().eval()
    batch = torch.export.Dim("batch", min=2)
    torch.export.save(torch.export.export(
        module, (torch.randn(6, 3, 8),), {"scale": 2.0},
        dynamic_shapes={"x": {0: batch}, "scale": None}), path)
    x = torch.randn(3, 3, 8)
    found = load_program(path).module()(x, scale=2.0)
    torch.testing.assert_close(found, module(x, scale=2.0))


def test_shapes_are_still_checked_without_the_guards(program):
    loaded = load_program(program)
    with pytest.raises(AssertionError):
        loaded.module()(torch.randn(5, 3), "sum")


@pytest.mark.parametrize("shared", ["state_dict", "constants"])
def test_tensors_in_the_layout_of_torch_2_8_load(program, tmp_path, shared):
    values = getattr(load_program(program), shared)
    directory = {"state_dict": "weights", "constants": "constants"}[shared]
    path = rewritten(program, tmp_path / "legacy.pt2", lambda entries: entries.update(
        {f"data/{directory}/model.pt": saved(dict(values))}))
    loaded = load_program(path)
    assert set(getattr(loaded, shared)) == set(values)


def test_torchscript_loads_from_disk_to_the_cpu(folder):
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()).eval()
    path = scripted(module, folder / "sequence.ts")
    x = torch.randn(2, 3)
    torch.testing.assert_close(load_torchscript(path)(x), module(x))


def test_torchscript_with_a_harmless_setstate_loads(script):
    torch.testing.assert_close(load_torchscript(script)(torch.ones(2)), torch.full((2,), 2.0))


def test_kinds_are_told_by_the_entries(program, script, tmp_path):
    for name, write in {
            "tensors.pt": lambda path: torch.save({"a": torch.ones(1)}, path),
            "old.pt": lambda path: torch.save({"a": torch.ones(1)}, path,
                                              _use_new_zipfile_serialization=False),
            "notes.pt2": lambda path: path.write_text("no archive at all"),
            "empty.pt2": lambda path: path.write_bytes(b""),
            "half.pt2": lambda path: path.write_bytes(program.read_bytes()[:2000]),
            "folder.pt2": lambda path: path.mkdir(),
            "missing.pt2": lambda path: None}.items():
        write(tmp_path / name)
        assert kind_of(tmp_path / name) == "other", name
    assert kind_of(program) == "program"
    assert kind_of(script) == "torchscript"
    assert kind_of(old_layout(tmp_path / "layout.pt2", b"")) == "program"


@pytest.mark.parametrize("load", [load_program, load_torchscript])
@pytest.mark.parametrize("trust", [False, True])
def test_damaged_files_are_reported_in_one_line(program, script, tmp_path, capfd, load, trust):
    path = tmp_path / "damaged"
    intact, entry = ((program, MODEL) if load is load_program
                     else (script, "code/__torch__/exported_programs.py"))
    source = intact.read_bytes()
    emptied = rewritten(intact, tmp_path / "emptied", lambda entries: entries.update({entry: b""}))
    for damaged in (b"", b"text", source[:100], source[:len(source) // 2], source[:-30],
                    emptied.read_bytes()):
        path.write_bytes(damaged)
        refused(lambda path: load(path, trust=trust), path, "cannot be read as")
    path.unlink()
    refused(load, path, "no such file")
    refused(load, tmp_path, "no such file")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("load", [load_program, load_torchscript])
def test_flipped_bits_raise_nothing_but_a_report_in_one_line(program, script, tmp_path, load):
    path = tmp_path / "flipped"
    source = (program if load is load_program else script).read_bytes()
    reports = []
    for place in range(7, len(source), len(source) // 40):
        path.write_bytes(source[:place] + bytes([source[place] ^ 4]) + source[place + 1:])
        try:
            load(path)  # PyTorch compares no checksums: one bit of a weight goes unnoticed
        except ZslError as error:
            reports.append(str(error))
    assert reports
    assert all(report.startswith(f"{path}: ") and "\n" not in report for report in reports)


def test_a_file_of_the_other_kind_is_reported(program, script):
    refused(load_program, script, "cannot be read as an exported program")
    refused(load_torchscript, program, "cannot be read as a TorchScript module")


def test_loading_leaves_the_environment_and_logging_as_they_were(program, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    before = dict(os.environ), logging.root.manager.disable
    load_program(program)
    assert (dict(os.environ), logging.root.manager.disable) == before
