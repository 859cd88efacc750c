"""Prints what ``zsl label --engine ray`` costs beside ``zsl label`` on the same cores, whether
kills lose or double anything, and how throughput would go with the number of nodes.

    python benchmarks/cluster.py overhead --photos FOLDER [--library 20000]
    python benchmarks/cluster.py blocks [--number 2000]
    python benchmarks/cluster.py kills --photos FOLDER [--library 2000] [--times 5]
    python benchmarks/cluster.py simulate [--chunk-seconds 3.0 …]

``overhead`` labels a library of photographs whose shorter side is 256 pixels, from a cold start
with an empty catalogue, once here and once on a Ray of this machine alone, and compares the
records. Start-up, until the first photo is done, is told apart. Seconds of processors are those of
all processes, Ray's own included: on a machine that others use as well they say more than
seconds on the clock.

``blocks`` hands out chunks with which nothing is done: what the driver and Ray take for each.

``kills`` kills a worker, and then the command, at random moments, runs the command again, and
compares with a run that nobody disturbed.

``simulate`` goes through a run chunk by chunk: the driver hands one out after the other, workers
fetch its photos through the node's network and the store, label it and put a part. Its defaults are
what the others measured; a node has 16 processors and 10 Gbit/s, and the store gives 5,500 GETs
and takes 3,500 PUTs a second, which S3 promises for a prefix. A photo takes two requests, one of
them for its size.
"""

import argparse
import heapq
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pyarrow.dataset
from label import fill, small
from pyarrow import parquet

from zsl_cli.embedding import walk
from zsl_cli.support import cpus

TICKS = os.sysconf("SC_CLK_TCK")


def library(folder, photos, count):
    """So many small photographs out of those of a folder."""
    paths = list(walk.images_in(photos))[:500]
    return fill(folder, [small(path) for path in paths], count)


# What a process of its own does: one run, and what it says of it.

def one_run(engine, photos, output):
    """Label, and print how long it took."""
    from zsl_cli import LabelRequest, label
    from zsl_cli.photos.cluster import ray_data
    from zsl_cli.photos.cluster.engine import label_on_ray
    from zsl_cli.photos.cluster.request import ClusterRequest
    from zsl_cli.photos.reporter import Reporter

    times, outcomes = [], []

    class Clock(Reporter):
        """Notes when photos are done."""

        def start(self, description, *_):
            self.counts = description == "labelling"

        def advance(self, done, *_):
            if self.counts:
                times.append((time.monotonic(), done))

    plain = ray_data.Cluster.outcomes

    def noted(self, *arguments):
        for outcome in plain(self, *arguments):
            outcomes.append(outcome)
            yield outcome

    ray_data.Cluster.outcomes = noted
    started = time.monotonic()
    cpu = time.process_time()
    if engine == "ray":
        label_on_ray(ClusterRequest(str(photos), output=output, keywords=True), Clock())
    else:
        label(LabelRequest(str(photos), output=output, keywords=True), Clock())
    ended = time.monotonic()
    seconds = [outcome.seconds for outcome in outcomes]
    print(json.dumps({
        "begun": times[0][0], "first": times[0][0] - started, "rest": ended - times[0][0],
        "photos": sum(done for _, done in times[1:]), "all": sum(done for _, done in times),
        "cpu": time.process_time() - cpu, "chunks": len(outcomes), "chunk": sum(seconds),
        "slowest": max(seconds, default=0), "bytes": sum(one.size for one in outcomes)}))


class Processors:
    """Seconds of processors that a process and all that it starts take, as they are seen every half
    second."""

    def __init__(self, process):
        self._seen, self._series, self._stop = {}, [], threading.Event()
        self._known = {process}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._stop.wait(0.5):
            self._look()

    def _look(self):
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
        for _ in range(8):  # generations
            self._known |= {one for one, (parent, _) in parents.items() if parent in self._known}
        for one in self._known & set(parents):
            self._seen[one] = max(self._seen.get(one, 0), parents[one][1])
        self._series.append((time.monotonic(), sum(self._seen.values()) / TICKS))

    def since(self, moment):
        """From a moment on, and in all."""
        self._stop.set()
        self._thread.join()
        before = max((total for at, total in self._series if at <= moment), default=0.0)
        return self._series[-1][1] - before, self._series[-1][1]


def measured(engine, photos, output, home):
    environment = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"),
                   "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
            [sys.executable, __file__, "one", "--engine", engine, "--photos", str(photos),
             "--output", str(output)], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) as process:
        processors = Processors(process.pid)
        said = process.communicate()[0]
        told = json.loads(said.splitlines()[-1])
        rest, total = processors.since(told["begun"])
    return {**told, "processors": rest / told["photos"], "start-up": total - rest}


def rows(path):
    """Records, sorted by path."""
    read = parquet.read_table if path.is_file() else lambda folder: pyarrow.dataset.dataset(
        folder, format="parquet").to_table()
    return read(path).sort_by("path").to_pylist()


def overhead(arguments):
    cores = cpus.usable_cpus()
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        folder = Path(work)
        photos = library(folder / "photos", arguments.photos, arguments.library)
        here = measured("local", photos, folder / "here.parquet", folder / "home-local")
        ray = measured("ray", photos, folder / "out", folder / "home-ray")
        same = rows(folder / "out") == rows(folder / "here.parquet")
    print(f"{arguments.library:,} photographs, {cores} cores, load {os.getloadavg()[1]:.1f}; "
          f"records the same: {same}")
    for name, one in (("zsl label", here), ("--engine ray", ray)):
        rate = one["photos"] / one["rest"]
        print(f"{name}: first photos after {one['first']:.1f} s, then {rate:.1f} images/s; "
              f"processors {one['start-up']:.1f} s before, then "
              f"{1000 * one['processors']:.2f} ms an image")
    print(f"overhead, start-up apart: "
          f"{here['photos'] / here['rest'] * ray['rest'] / ray['photos'] - 1:+.1%} on the clock, "
          f"{ray['processors'] / here['processors'] - 1:+.1%} of processors")
    chunks = ray["chunks"]
    idle = ray["rest"] * cores - ray["chunk"] * ray["photos"] / ray["all"]
    print(f"a chunk: {ray['chunk'] / chunks:.2f} s of a worker, at most {ray['slowest']:.2f} s; "
          f"{idle / chunks:.3f} s beside it; driver "
          f"{1000 * ray['cpu'] / chunks:.1f} ms; a part has {ray['bytes'] / chunks / 1e3:.0f} kB")


class Nothing:
    """A worker for which nothing is to be done."""

    def __call__(self, row):
        return {"part": row["part"]}


def blocks(arguments):
    from zsl_cli.photos.cluster import nodes

    rows = [{"part": f"part-{number:032x}.parquet", "photos": 256, "packed": os.urandom(3000)}
            for number in range(arguments.number)]
    with nodes.connected("local", 3000 * arguments.number) as ray:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        started, cpu = time.monotonic(), time.process_time()
        found = ray.data.from_items(rows, override_num_blocks=len(rows))
        put = time.process_time() - cpu
        found = iter(found.map(Nothing, compute=ray.data.ActorPoolStrategy(size=1),
                               num_cpus=1).iter_rows())
        next(found)
        first, begun = time.monotonic(), time.process_time()
        number = sum(1 for _ in found)
        seconds, taken = time.monotonic() - first, time.process_time() - begun
    print(f"{number + 1:,} chunks, load {os.getloadavg()[0]:.1f}: first after "
          f"{first - started:.1f} s, then {number / seconds:.0f} a second; driver "
          f"{1000 * put / len(rows):.2f} ms each to put it, {1000 * taken / number:.2f} ms to hand "
          "it out and hear of it")


def kills(arguments):
    chooser = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        folder = Path(work)
        photos = library(folder / "photos", arguments.photos, arguments.library)
        started = time.monotonic()
        run(photos, folder / "undisturbed", folder).wait()
        alone = time.monotonic() - started
        expected = rows(folder / "undisturbed")
        print(f"undisturbed: {len(expected):,} records, {alone:.0f} s")
        for what in ("worker", "command"):
            for number in range(arguments.times):
                output = folder / f"{what}-{number}"
                at = chooser.uniform(0.3, 0.95) * alone
                process = run(photos, output, folder)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(at)
                if what == "worker":
                    killed = workers(process.pid)[:1]
                else:
                    killed = [process.pid] if process.poll() is None else []
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
                parts = len(list(output.glob("part-*")))
                process.wait()
                again = "" if process.returncode == 0 else ", run again"
                while process.returncode != 0:
                    process = run(photos, output, folder)
                    process.wait()
                found = rows(output)
                paths = [row["path"] for row in found]
                print(f"{what} killed at {at:.0f} s with {parts} parts there"
                      f"{'' if killed else ' (too late)'}{again}: "
                      f"missing {len({row['path'] for row in expected} - set(paths))}, "
                      f"twice {len(paths) - len(set(paths))}, "
                      f"records the same: {found == expected}", flush=True)
                shutil.rmtree(output)


def run(photos, output, home):
    return subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", str(photos), "-o", str(output), "--engine",
         "ray", "--keywords", "-q"],
        env={**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers(process):
    """The workers of a command that hold a model."""
    found, children = [], {process}
    folders = list(Path("/proc").glob("[0-9]*"))
    for _ in range(8):
        for folder in folders:
            with suppress(OSError, ValueError, IndexError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) in children:
                    children.add(int(folder.name))
    for folder in folders:
        with suppress(OSError):
            if int(folder.name) in children and (folder / "cmdline").read_bytes().startswith(
                    b"ray::MapWorker"):
                found.append(int(folder.name))
    return found


def simulate(arguments):
    print("| nodes | images/s | of what workers could do | driver busy | store's GETs used | "
          "a hundred million images |")
    print("|---|---|---|---|---|---|")
    for nodes in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        rate, ideal, driver, gets = simulated(nodes, arguments)
        print(f"| {nodes:,} | {rate:,.0f} | {rate / ideal:.0%} | {driver:.0%} | {gets:.0%} | "
              f"{1e8 / rate / 3600:,.1f} h |")


def simulated(nodes, asked):
    """Images a second, those that the workers could do, and the shares of their time for which the
    driver and the store are busy."""
    chooser = random.Random(nodes)
    actors = nodes * asked.processors
    chunks = max(20 * actors, 2000)
    events = [(0.0, False, actor) for actor in range(actors)]  # when one is free, or has a part
    heapq.heapify(events)
    driver = store = puts = 0.0
    networks = [0.0] * nodes
    ended = 0.0
    fetch = asked.photo_bytes * asked.images * 8 / (asked.gbits * 1e9)
    left = chunks
    while events:  # in the order of time, as what they share is had
        at, has_part, actor = heapq.heappop(events)
        if has_part:
            puts = max(puts, at) + 1 / asked.puts
            ended = puts + asked.latency_ms / 1000
            heapq.heappush(events, (ended, False, actor))
            continue
        if not left:
            continue
        left -= 1
        driver = max(driver, at) + asked.driver_ms / 1000
        at = driver
        node = actor // asked.processors
        store = max(store, at) + asked.images * asked.requests / asked.gets
        networks[node] = max(networks[node], at) + fetch
        work = asked.chunk_seconds * chooser.lognormvariate(0, asked.spread)
        # Photos are fetched ahead while others are labelled.
        at = max(at + work, store, networks[node]) + asked.latency_ms / 1000
        heapq.heappush(events, (at, True, actor))
    rate = chunks * asked.images / ended
    return (rate, actors * asked.images / asked.chunk_seconds,
            chunks * asked.driver_ms / 1000 / ended,
            chunks * asked.images * asked.requests / asked.gets / ended)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", help="where libraries and outputs lie meanwhile")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, count in (("overhead", 20_000), ("kills", 2_000)):
        command = commands.add_parser(name)
        command.add_argument("--photos", required=True)
        command.add_argument("--library", type=int, default=count)
        command.add_argument("--times", type=int, default=5)
        command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser("blocks")
    command.add_argument("--number", type=int, default=2000)
    command = commands.add_parser("one")
    for name in ("engine", "photos", "output"):
        command.add_argument(f"--{name}", required=True)
    command = commands.add_parser("simulate")
    for name, default in (("chunk-seconds", 3.0), ("spread", 0.2), ("driver-ms", 8.0),
                          ("images", 256), ("processors", 16), ("gbits", 10.0),
                          ("photo-bytes", 32_000), ("requests", 2.0), ("gets", 5500),
                          ("puts", 3500), ("latency-ms", 30.0)):
        command.add_argument(f"--{name}", type=type(default), default=default)
    arguments = parser.parse_args()
    if arguments.command == "one":
        one_run(arguments.engine, arguments.photos, arguments.output)
    else:
        {"overhead": overhead, "blocks": blocks, "kills": kills,
         "simulate": simulate}[arguments.command](arguments)


if __name__ == "__main__":
    main()
