"""Runs on a Ray of this machine: what only Ray can show."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import inline_cluster
import pytest
from photos.test_labelling import Listener

from zsl_cli import LabelRequest, label
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.cluster import engine, nodes
from zsl_cli.photos.cluster.engine import label_on_ray
from zsl_cli.photos.cluster.nodes import Machine
from zsl_cli.photos.cluster.ray_data import Cluster, Share
from zsl_cli.photos.cluster.request import ClusterRequest

OURS = Machine("1.2", "3.11", (("numpy", "2.0"),))


@pytest.fixture(scope="module")
def ray():
    """A cluster of two processors, which this process is connected to."""
    pytest.importorskip("ray")
    with nodes.connected("local", 1 << 20) as ray:
        yield ray


@pytest.fixture
def small_chunks(monkeypatch):
    """Of as many photos as go through a model, and are answered, together."""
    monkeypatch.setattr(engine, "PHOTOS", 64)


def rows_here(folder, path, **what):
    label(LabelRequest(str(folder), output=str(path), device="cpu", **what))
    return inline_cluster.table_rows(path)


def workers():
    """The processes that have a model."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(b"ray::MapWorker") and (
                    os.getpid() in ancestors(int(folder.name))):
                found.append(int(folder.name))
    return found


def ancestors(process):
    while process > 1:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        yield process


def killed_at_the_first_part(out):
    """Kills every worker once, in the middle of its work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(out.glob("part-*")):
        time.sleep(0.02)
    for process in workers():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            killed.append(process)


killed = []


@pytest.mark.slow
def test_of_workers_that_are_killed_nothing_is_lost_and_nothing_doubled(
        procfs, ray, small_chunks, large_library, tmp_path):
    (large_library / "000.jpg").write_bytes(b"no photo")
    out, listener = tmp_path / "out", Listener()
    threading.Thread(target=killed_at_the_first_part, args=(out,), daemon=True).start()
    result = label_on_ray(ClusterRequest(str(large_library), output=out, keywords=True,
                                         embeddings=True), listener)
    assert killed
    assert (result.read, result.failed) == (239, 1)
    assert listener.done["labelling"] == (240, 1)
    expected = rows_here(large_library, tmp_path / "here.parquet", keywords=True)
    assert [{name: value for name, value in row.items() if name in expected[0]}
            for row in inline_cluster.rows(out)] == expected


def test_every_node_is_asked_for_what_all_need(ray, tmp_path):
    assert nodes.check(ray, [str(tmp_path)]) == []
    with pytest.raises(ZslError, match=r"node .* has no /nowhere/at/all: what lies in folders"):
        nodes.check(ray, ["/nowhere/at/all"])


def test_more_than_there_is_is_refused(ray, small_chunks, library, tmp_path):
    request = ClusterRequest(str(library), output=tmp_path / "out", gpus_per_actor=0.5)
    with pytest.raises(ZslError, match="the cluster has 0 GPUs"):
        label_on_ray(request)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_a_command_that_is_killed_is_run_again_and_goes_on(zsl, environment, large_library,
                                                          tmp_path):
    pytest.importorskip("ray")
    arguments = "label", str(large_library), "-o", "out", "--engine", "ray"
    code = ("import sys; from zsl_cli.photos.cluster import engine; from zsl_cli.cli import main; "
            "engine.PHOTOS = 64; main()")
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=tmp_path,
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = tmp_path / "out"
    while process.poll() is None and not list(out.glob("part-*")):
        time.sleep(0.05)
    process.kill()
    process.communicate()
    left = len(list(out.glob("part-*")))
    assert 0 < left < 4
    process = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path,
                             env=environment, capture_output=True, timeout=120, check=False)
    assert (process.returncode, process.stdout) == (0, b"")
    assert all(line.startswith((b"zsl: ", b"     "))
               for line in process.stderr.splitlines())
    assert b"photos read, 0 failed" in process.stderr
    assert b" 0 known already" not in process.stderr
    assert inline_cluster.rows(out) == rows_here(large_library, tmp_path / "here.parquet")


@pytest.mark.parametrize(("machine", "message"), [
    (Machine("1.1", "3.11", ()), "node n has zsl 1.1, and this machine 1.2; install the same"),
    (Machine("!ModuleNotFoundError: No module named 'zsl_cli'", "3.11", ()),
     r"node n cannot import zsl \(ModuleNotFoundError: No module named 'zsl_cli'\); install "
     r"'zsl-cli\[ray\]=="),
    (Machine("1.2", "3.12", ()), "node n has Python 3.12, and this machine 3.11"),
    (Machine("1.2", "3.11", (), ("/data",)), "node n has no /data")])
def test_a_node_that_is_not_like_the_others_is_named(machine, message):
    with pytest.raises(ZslError, match=message):
        nodes.compare("n", machine, OURS)


@pytest.mark.parametrize("listens", [False, True])
def test_what_is_no_cluster_is_told_soon(monkeypatch, listens):
    """Nobody listens; or somebody does who does not speak as Ray does."""
    monkeypatch.setattr(nodes, "CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if not listens:
            server.close()
        with pytest.raises(ZslError, match=f"`address={address}`: no cluster can be reached"):
            nodes.check_answers(address)


def test_nothing_is_reported_to_the_makers_of_ray(ray):
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(("what", "message"), [
    ({"output": None}, "nothing to write"),
    ({"device": "cuda"}, "say how much of a GPU each worker gets"),
    ({"device": "cpu", "gpus_per_actor": 1}, "is for another `device` than cpu"),
    ({"gpus_per_actor": 1.5}, "above 1 it is a whole number"),
    ({"actors": 0}, "`actors` must be a whole number at least 1")])
def test_what_makes_no_sense_is_refused(what, message):
    with pytest.raises(RequestError, match=message):
        ClusterRequest("photos", **{"output": "out", **what})


class Room:
    """What Ray says of a cluster."""

    def __init__(self, processors, gpus=0):
        self.there = {"CPU": processors, "GPU": gpus}

    def cluster_resources(self):
        return self.there


@pytest.mark.parametrize(("room", "what", "share"), [
    (Room(32), {}, (1, 0, 32, 100)),
    (Room(32), {"actors": 4}, (1, 0, 4, 4)),
    (Room(32), {"jobs": 8}, (8, 0, 4, 100)),
    (Room(32, 4), {"gpus_per_actor": 1}, (8, 1, 4, 100)),
    (Room(32, 4), {"gpus_per_actor": 0.5}, (4, 0.5, 8, 100)),
    (Room(0), {}, (1, 0, 1, 100)),
    (Room(0), {"actors": 50, "gpus_per_actor": 1}, (1, 1, 1, 50))])
def test_workers_share_what_there_is_and_what_may_come(room, what, share):
    cluster = Cluster(room, ClusterRequest("photos", output="out", **what))
    assert cluster.share(100) == Share(*share)
