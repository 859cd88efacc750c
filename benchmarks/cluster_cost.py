"""Prints what a run over many images costs: memory, bytes, requests and hours, worked out of a
small run on Ray on this machine.

    python benchmarks/cluster_cost.py PHOTOS [--count 2048] [--images 100e6] [--core-price 0.02]

PHOTOS is a folder of photographs, which are copied until there are enough. One worker on one core
labels them with ``zsl label --engine ray --actors 1 --embeddings``; its memory and that of the
driver are looked up in /proc ten times a second, and so is the time of a processor that it takes:
what else the machine does hardly counts. Prices are what you give: of a core hour, of a thousand
reads, of a thousand writes or lists, and of a gigabyte a month.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from pyarrow import parquet

from zsl_cli.embedding import walk
from zsl_cli.photos.cluster.engine import chunk_size
from zsl_cli.photos.cluster.request import ClusterRequest
from zsl_cli.photos.cluster.sources import listed

WORKER = "^ray::(?!IDLE)"
EMBEDDINGS = ("crc", "taken", "latitude", "longitude", "embedding")


def fill(folder, photos, count):
    """``count`` files in a folder, 500 to a folder below it."""
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        below = folder / f"{number // 500:03}"
        below.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, below / f"{number:06}{Path(photo).suffix}")


def peak(pid):
    """The largest number of bytes that a process had in memory; 0 for one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) << 10 if found else 0


def below(parent):
    """The processes that a process has started, with their command lines."""
    parents, lines = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(entry.name)] = (entry / "cmdline").read_bytes().replace(
                    b"\0", b" ").decode(errors="replace").strip()
            except (OSError, IndexError, ValueError):
                continue
    ours, new = set(), {parent}
    while new:
        ours |= new
        new = {pid for pid, above in parents.items() if above in new} - ours
    return {pid: lines.get(pid, "") for pid in ours}


def processor_seconds(pid):
    """What a process has used so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Notes the memory of a process and of those below it, and the seconds that the workers have
    used whenever there is another part."""

    def __init__(self, pid, output):
        super().__init__(daemon=True)
        self.pid, self.peaks, self.lines, self.ended = pid, defaultdict(int), {}, False
        self.output, self.seconds = output, {}

    def run(self):
        while not self.ended:
            for pid, line in below(self.pid).items():
                self.peaks[pid] = max(self.peaks[pid], peak(pid))
                self.lines[pid] = line
            parts = len(list(self.output.glob("*.parquet")))
            if parts and parts not in self.seconds:
                self.seconds[parts] = sum(processor_seconds(pid) for pid, line in
                                          list(self.lines.items()) if re.search(WORKER, line))
            time.sleep(0.1)

    @property
    def seconds_a_part(self):
        """Of a processor, but for the first part, before which the model is loaded."""
        first, last = min(self.seconds), max(self.seconds)
        return (self.seconds[last] - self.seconds[first]) / (last - first)

    def of(self, pattern):
        """The largest of the processes whose command line matches."""
        return max((self.peaks[pid] for pid, line in self.lines.items()
                    if pid != self.pid and re.search(pattern, line)), default=0)


def label(photos, output):
    """What the run says at its end, and what was watched."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", str(photos), "-o", str(output), "--engine",
         "ray", "--actors", "1", "--embeddings", "--device", "cpu"], stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"})
    watch = Watch(process.pid, output)
    watch.start()
    said = process.communicate()[1].decode()
    watch.ended = True
    watch.join()
    if process.returncode not in (0, 1):
        sys.exit(said)
    return said, watch


def sizes(output):
    """Bytes a record: of all of the parts, and of the columns that come with embeddings."""
    rows = whole = extra = 0
    for part in output.glob("*.parquet"):
        whole += part.stat().st_size
        about = parquet.ParquetFile(part).metadata
        rows += about.num_rows
        for group, column in itertools.product(range(about.num_row_groups),
                                               range(about.num_columns)):
            one = about.row_group(group).column(column)
            if one.path_in_schema.split(".")[0] in EMBEDDINGS:
                extra += one.total_compressed_size
    return whole / rows, extra / rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=2048)
    parser.add_argument("--images", type=float, default=100e6)
    parser.add_argument("--core-price", type=float, default=0.02)
    parser.add_argument("--read-price", type=float, default=0.0004)
    parser.add_argument("--write-price", type=float, default=0.005)
    parser.add_argument("--storage-price", type=float, default=0.023)
    asked = parser.parse_args()
    chosen = list(walk.images_in(str(asked.photos)))
    with tempfile.TemporaryDirectory() as folder:
        photos, output = Path(folder) / "photos", Path(folder) / "out"
        fill(photos, chosen, asked.count)
        request = ClusterRequest(str(photos), output=output)
        chunk = chunk_size(None)
        chunks = listed(request, request.walk(), chunk, lambda _: None).chunks
        name = sum(len(one.packed) + len(one.part) for one in chunks) / asked.count
        said, watch = label(photos, output)
        whole, extra = sizes(output)
    speed = chunk / watch.seconds_a_part
    print(said.strip().splitlines()[0])
    mega = 1 << 20
    print(f"memory of a worker: {watch.of(WORKER) / mega:,.0f} MiB")
    print(f"memory of the driver: {watch.peaks[watch.pid] / mega:,.0f} MiB")
    print(f"driver, an image to be done: {name:,.0f} bytes")
    print(f"a record: {whole - extra:,.0f} bytes, with embeddings {whole:,.0f}")
    images = asked.images
    hours = images / speed / 3600
    parts = images / chunk
    print(f"{images:,.0f} images at {speed:,.0f} images/s of a core's time: {hours:,.0f} core "
          f"hours, {hours * asked.core_price:,.0f} at {asked.core_price:g} an hour")
    print(f"requests: {2 * images:,.0f} reads {2 * images / 1000 * asked.read_price:,.0f}, "
          f"{images / 1000 + 2 * parts:,.0f} lists and writes "
          f"{(images / 1000 + 2 * parts) / 1000 * asked.write_price:,.1f}")
    print(f"output: {parts:,.0f} parts, {images * (whole - extra) / 1e9:,.0f} GB, with embeddings "
          f"{images * whole / 1e9:,.0f} GB "
          f"({images * whole / 1e9 * asked.storage_price:,.1f} a month)")
    print(f"names in the driver: {images * name / 1e9:,.1f} GB")


if __name__ == "__main__":
    main()
