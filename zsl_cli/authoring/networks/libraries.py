"""The libraries whose checkpoints are read."""

import importlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support import extras

_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
_CONNECTIONS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
_thread = threading.local()


def library(module: str, purpose: str) -> Any:
    """A module of the extra ``checkpoints``, or one that comes with them.

    Raises MissingExtraError where it is not installed, and ZslError where it cannot be imported:
    most of them import torchvision, which beside another torch than its own fails in many ways.
    """
    try:
        with alone(), extras.needed("checkpoints", purpose):
            return importlib.import_module(module)
    except ZslError:
        raise
    except Exception as error:
        raise ZslError(f"{purpose} needs {module}, which cannot be imported: {failure(error)}"
                       ) from error


def failure(error: BaseException) -> str:
    """Why a library could not do something, in a line. transformers imports its models late, and
    hides why that failed behind a line that is always the same."""
    while isinstance(error, ImportError) and error.__cause__ is not None:
        error = error.__cause__
    said = " ".join(str(error).split())[:300] or type(error).__name__
    if "torchvision::" in said:  # an operator of it
        said += ("; the installed torchvision belongs to another torch: install the one for this "
                 "torch, or uninstall it")
    return said


@contextmanager
def alone() -> Iterator[None]:
    """Within it libraries ask nobody: no hub for what a checkpoint names, and no user whether to
    run its code. They are told so (those that are first imported here stay offline), standard
    input is empty, and a connection that this thread would make all the same is refused.

    A user's own code does not belong in it.
    """
    _watch()
    before = {name: os.environ.get(name) for name in _OFFLINE}
    outside, stdin = getattr(_thread, "alone", False), sys.stdin
    _thread.alone, sys.stdin = True, io.StringIO()
    os.environ.update(_OFFLINE)
    try:
        yield
    finally:
        _thread.alone, sys.stdin = outside, stdin
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@cache
def _watch() -> None:
    """Python tells an audit hook of each connection before it is made; a hook stays for good."""
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTIONS and getattr(_thread, "alone", False) and (
                event != "socket.connect" or isinstance(arguments[1], tuple)):  # else within here
            raise ConnectionRefusedError("no connection is made for a checkpoint")

    sys.addaudithook(refuse)
