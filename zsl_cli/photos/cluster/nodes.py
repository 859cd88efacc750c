"""The cluster: a connection to Ray, and whether its nodes are such that the work can be done."""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support import cpus, extras
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import listed, reason

CONNECT = 10.0  # seconds
_LOOK = 45.0  # seconds for which all nodes are waited for
_LEAST_STORE = 128 << 20  # bytes of the object store of a cluster of this machine alone
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How HTTP/2, which Ray's services speak, begins (RFC 9113, 3.4); they answer at once."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0",  # which would be sent to Ray's makers
          "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
          "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True)
class Machine:
    """What is installed on a node, and whether it has what all need to have. version: of zsl, or
    why it can't be imported; python: as in 3.11; libraries: of which the last digits of scores may
    depend; missing: files that are not there."""

    version: str
    python: str
    libraries: tuple[tuple[str, str], ...]
    missing: tuple[str, ...] = ()


@contextmanager
def connected(address: str | None, shipped: int) -> Iterator[Any]:
    """Ray, connected to a cluster; as it is where the process is connected already.

    address: see ClusterRequest. shipped: bytes that each node gets.

    Raises MissingExtraError, and ZslError for a cluster that can't be reached.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with extras.needed("ray", "a cluster"):
        import ray
        import ray.data
    if ray.is_initialized():
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    check_answers(address)
    options: dict[str, Any] = {}
    if address == "local":
        options = {"num_cpus": cpus.usable_cpus(), "include_dashboard": False,
                   "object_store_memory": _LEAST_STORE + 2 * shipped}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except Exception as error:  # Ray raises whatever it comes to
        raise ZslError(f"`address={address}`: the cluster cannot be joined: {told(error)}"
                       ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def told(error: Exception) -> str:
    """What Ray says, in a line, and not without end."""
    return " ".join(str(error).split())[:400] or reason(error)


def check_answers(address: str) -> None:
    """Raise ZslError for an address at which nothing listens: Ray would wait for long."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        if address in ("local", "auto"):
            return
        raise ZslError(f"`address={address}`: give HOST:PORT, as in 10.0.0.1:6379, or auto for the "
                       "cluster that this machine is in")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT) as connection:
            if os.environ.get("RAY_USE_TLS") in (None, "", "0"):
                connection.sendall(_GREETING)
                if not connection.recv(1):
                    raise OSError("it closes the connection")
    except TimeoutError:
        why = "no answer"
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
    else:
        return
    raise ZslError(f"`address={address}`: no cluster can be reached there ({why}); is Ray's head "
                   "running, and its port open?")


def check(ray: Any, needed: Sequence[str]) -> list[str]:
    """Whether all nodes have the same zsl and Python as this process, and these files. Returns what
    a person should know. Raises ZslError."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes()
             if node["Alive"] and node.get("Resources", {}).get("CPU")]
    look = ray.remote(num_cpus=0, max_retries=0)(_looking())
    names = {look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(
        node["NodeID"], soft=False)).remote(list(needed)): node["NodeManagerAddress"]
        for node in nodes}
    done, late = ray.wait(list(names), num_returns=len(names), timeout=_LOOK)
    if late:
        raise ZslError(f"no answer within {_LOOK:.0f} seconds from "
                       f"{listed(sorted(names[one] for one in late))}")
    ours = Machine(*_looking()([]))
    lines: dict[str, str] = {}
    for one in done:
        try:
            machine = Machine(*ray.get(one))
        except Exception as error:  # a Python that can't run what this one sends, say
            raise ZslError(f"node {names[one]} cannot do the work: {told(error)}") from error
        compare(names[one], machine, ours)
        theirs = dict(machine.libraries)
        for name, version in ours.libraries:
            if theirs.get(name) != version:
                lines[name] = (f"node {names[one]} has {name} {theirs.get(name)}, this machine "
                               f"{version}: the last digits of scores may differ")
    return list(lines.values())


def compare(node: str, machine: Machine, ours: Machine) -> None:
    """Raise ZslError for a node that can not do the work as this machine does."""
    if machine.version.startswith("!"):
        raise ZslError(f"node {node} cannot import zsl ({machine.version[1:]}); install "
                       f"'zsl-cli[ray]=={__version__}' there")
    if machine.version != ours.version:
        raise ZslError(f"node {node} has zsl {machine.version}, and this machine {ours.version}; "
                       "install the same version on all nodes")
    if machine.python != ours.python:
        raise ZslError(f"node {node} has Python {machine.python}, and this machine "
                       f"{ours.python}; install the same on all nodes")
    if machine.missing:
        raise ZslError(f"node {node} has no {machine.missing[0]}: what lies in folders has to lie "
                       "at the same path on all nodes; mount it there, or put it into an object "
                       "store")


def _looking() -> Any:
    """What looks at the machine that it runs on. It is sent by its code and needs no zsl there."""
    def look(needed: list[str]) -> tuple:
        import importlib
        import os
        import sys

        try:
            version = importlib.import_module("zsl_cli.support.version").__version__
        except Exception as error:
            version = f"!{type(error).__name__}: {error}"
        libraries = []
        for name in ("numpy", "onnxruntime", "PIL"):
            try:
                libraries.append((name, importlib.import_module(name).__version__))
            except Exception:
                libraries.append((name, "none"))
        return (version, f"{sys.version_info[0]}.{sys.version_info[1]}", tuple(libraries),
                tuple(path for path in needed if not os.path.lexists(path)))

    return look
