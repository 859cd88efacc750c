"""Programs of torch.export and of TorchScript, loaded without running code that they bring.

``torch.export.load`` trusts its file. In torch 2.13 the file's own code can run through pickles
(weights, constants, example inputs), compiled libraries, sympy's ``eval`` of shape expressions,
operators found by name from ``torch``, ``operator`` and ``math``, names that are pasted into the
Python source of the graph, the import of a module that a container's description names, and the
guards. Here every string of such a file is held against a rule for its place, and a string in a
place without a rule is refused. What remains can still compute at length or fill the memory.

The TorchScript interpreter has no Python, but its operators write and open files, already while
a module is loaded (``__setstate__``, default arguments): those are refused by name.

A file is vetted and loaded through one open handle: one put in its place meanwhile is not seen,
one rewritten in place would be.
"""

import logging
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch

from zsl_cli.authoring.networks.vetting.program import vet_program
from zsl_cli.authoring.networks.vetting.torchscript import vet_script
from zsl_cli.authoring.networks.vetting.unsafe import UnsafeError
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import reason, shown

_PROGRAM = "an exported program (torch.export)"
_SCRIPT = "a TorchScript module"


def kind_of(path: Path) -> Literal["program", "torchscript", "other"]:
    """What ``torch.export.save`` or ``torch.jit.save`` wrote, told by the names of an archive's
    entries; "other" for a plain ``torch.save``, and for a file that is missing or damaged."""
    try:
        names = torch._C.PyTorchFileReader(str(path)).get_all_records()
    except Exception:  # it is no such archive, in one of many ways
        return "program" if _has_old_layout(path) else "other"
    if "archive_format" in names:
        return "program"
    return "torchscript" if "constants.pkl" in names else "other"  # as torch.load tells them


def load_program(path: Path, *, trust: bool | None = False) -> torch.export.ExportedProgram:
    """The program that ``torch.export.save`` wrote, without its guards: its ``module()`` checks
    the shapes of its inputs, and nothing that the file says in Python. ``trust`` takes any file,
    guards and all; None is as in weights.read.

    Raises ZslError for a file that is missing, damaged, or could run code of its own.
    """
    with _reading(path, _PROGRAM, trust):
        if trust:
            return torch.export.load(path)
        if _has_old_layout(path):
            raise ZslError(f"{path}: {_PROGRAM} in an older layout, which zsl does not read; "
                           f"save it again with a newer torch")
        with path.open("rb") as file, _weights_only():
            vet_program(torch._C.PyTorchFileReader(file))
            file.seek(0)  # a reader starts where the file is
            # Not torch.export.load: when this fails, it tries the old layout on the same file.
            from torch.export.pt2_archive._package import load_pt2

            program = load_pt2(file).exported_programs["model"]
        program._guards_code = []
        return program


def load_torchscript(path: Path, *, trust: bool | None = False) -> torch.jit.ScriptModule:
    """The module that ``torch.jit.save`` wrote, on the CPU; ``trust`` takes any file.

    Raises ZslError for a file that is missing, damaged, or could open or write files.
    """
    with _reading(path, _SCRIPT, trust), path.open("rb") as file:
        if not trust:
            vet_script(torch._C.PyTorchFileReader(file))
            file.seek(0)
        return torch.jit.load(file, map_location="cpu")


@contextmanager
def _reading(path: Path, what: str, trust: bool | None) -> Iterator[None]:
    """Silence for torch's warnings and logs, and a ZslError for whatever goes wrong."""
    if not path.is_file():
        raise ZslError(f"{path}: no such file")
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ZslError:
        raise
    except UnsafeError as error:
        raise ZslError(f"{path}: {error}, and zsl runs no code from a checkpoint"
                       + ("" if trust is None else "; if you trust the file, give `trust_pickle`")
                       ) from error
    except ImportError as error:
        raise ZslError(f"{path}: {what} needs a newer torch than {torch.__version__}: "
                       f"{error}") from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        raise ZslError(f"{path}: cannot be read as {what}: {shown(reason(error), 200)}"
                       ) from error
    finally:
        logging.disable(disabled)


@contextmanager
def _weights_only() -> Iterator[None]:
    """Hold every torch.load to weights_only=True, the one of torch.export that asks for False
    among them: should the vetting overlook a pickle, torch still refuses it."""
    names = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ[names[0]] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _has_old_layout(path: Path) -> bool:
    """Whether a file has the layout of torch 2.7 and earlier."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "serialized_exported_program.json" in archive.namelist()
    except Exception:  # as in kind_of
        return False
