"""A program and a script, and what shows that code of theirs ran."""

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def program(folder):
    """A ``.pt2`` file; do not change it."""
    import torch
    from exported_programs import exported

    path = folder / "small.pt2"
    torch.export.save(exported(), path)
    return path


@pytest.fixture(scope="module")
def script(folder):
    """A TorchScript file whose module has a ``__setstate__``; do not change it."""
    from exported_programs import Stateful, scripted

    return scripted(Stateful(), folder / "stateful.ts")


@pytest.fixture
def marker(tmp_path):
    """What exists once a file's own code has run."""
    return tmp_path / "ran"
