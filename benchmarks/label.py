"""Prints how fast ``zsl label`` is, against a bound and a plain loop, and how much memory it takes.

    python benchmarks/label.py --float32 build/float32 [--photos FOLDER] [--library 20000]

(a) is the bound: cores ÷ (CPU seconds to decode and resize one photo + those of inference + those
to find its labels), each measured alone on one thread, and (a') the same with each of them on all
cores at once, which share caches and memory and take longer then. (b) is ``zsl label`` from a cold
process, (c) a plain loop: Pillow decodes in full and resizes, one photo at a time goes through the
float32 encoder that ``zsl export`` makes (``zsl export … --quantize none``;
scripts/rebuild-default has the rest of the command), and (d) is (b) with ``--keywords``. All in
one run, in turn. Then comes memory.
"""

import argparse
import io
import itertools
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zsl_cli.support import cpus

cpus.one_blas_thread()  # as zsl label has it; before NumPy is imported

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from PIL import Image  # noqa: E402
from speed import plain, twelve_megapixels  # noqa: E402

from zsl_cli import Classifier, Vocabulary  # noqa: E402
from zsl_cli.embedding import images, walk  # noqa: E402
from zsl_cli.embedding.model import BATCH, Model  # noqa: E402

SEARCHED, TOGETHER = 192, 32  # photos
SMALL = 256  # pixels, the shorter side


def small(path):
    """A photo with a shorter side of 256 pixels, as JPEG bytes."""
    with Image.open(path) as image:
        scale = SMALL / min(image.size)
        size = [max(SMALL, round(side * scale)) for side in image.size]
        file = io.BytesIO()
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    return file.getvalue()


def fill(folder, photos, count):
    """``count`` files in a folder, 500 to a folder below it, out of some photos."""
    for number, data in zip(range(count), itertools.cycle(photos), strict=False):
        below = folder / f"{number // 500:03}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number:06}.jpg").write_bytes(data)
    return folder


def bound(paths, model, threads):
    """CPU seconds of one photo: to decode and resize it, to embed it, and to find its labels, each
    of them for all photos before the next, on so many threads."""
    def timed(work, items):
        started = time.process_time()
        results = list(pool.map(work, items))
        return results, time.process_time() - started

    with ThreadPoolExecutor(threads) as pool:
        pixels, decoding = timed(lambda path: images.load(path, model.preprocessing), paths)
        batches = [pixels[start:start + BATCH] for start in range(0, len(pixels), BATCH)]
        model.embed_pixels(batches[0])
        embeddings, inference = timed(model.embed_pixels, batches)
        classifier = Classifier(model, Vocabulary.load("default"))
        nearest = classifier.candidates(exact=True)
        blocks = np.split(np.resize(np.concatenate(embeddings), (SEARCHED, model.dimension)),
                          SEARCHED // TOGETHER)

        def answer(block):
            return list(classifier.answer(block, nearest, 5, 0.0))

        answer(blocks[0])
        _, searching = timed(answer, blocks)
    return decoding / len(paths), inference / len(paths), searching / SEARCHED


def plain_loop(paths, encoder):
    """Photos a second of the textbook way."""
    session = onnxruntime.InferenceSession(str(encoder), providers=["CPUExecutionProvider"])
    started = time.perf_counter()
    for path in paths:
        session.run(None, {"images": plain(Path(path).read_bytes())[None]})
    return len(paths) / (time.perf_counter() - started)


# A process is said to have had the memory of the one that started it, so a small one does.
WATCH = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def label(folder, output, environment, *options):
    """Wall seconds and peak megabytes of ``zsl label``."""
    return run(environment, "label", folder, "-o", output, *options)


def run(environment, *arguments):
    """Wall seconds and peak megabytes of a command of ``zsl``."""
    zsl = str(Path(sys.executable).with_name("zsl"))
    out = subprocess.run([sys.executable, "-c", WATCH, zsl, *map(str, arguments), "-q"],
                         env=environment, stdout=subprocess.PIPE, check=True).stdout
    return map(float, out.split())


def forgotten(environment, number):
    """An environment in which no catalogue knows of any photo."""
    return {**environment, "XDG_DATA_HOME": f"{environment['XDG_DATA_HOME']}-{number}"}


def compare(name, folder, options, model, environment, work):
    """Print (a), (b) and (c) over one folder: medians of the rounds, and of their ratios.

    (a) and (c) are measured before and after each (b), since the machine may be another one then.
    """
    paths = list(walk.images_in(str(folder)))
    sample = paths[:: max(1, len(paths) // options.sample)]
    cores = cpus.usable_cpus()

    def others():
        parts, at_once = bound(sample, model, 1), bound(sample, model, cores)
        loop = (plain_loop(sample, options.float32 / "encoder.onnx") if options.float32
                else float("nan"))
        return np.array([cores / sum(parts), cores / sum(at_once), loop,
                         *(1000 * part for part in (*parts, *at_once))])

    rounds = []
    before = others()
    for number in range(options.runs):
        walls = [next(label(folder, work / f"{name}-{number}-{turn}.jsonl",
                            forgotten(environment, f"{name}-{number}-{turn}"), *kind))
                 for turn, kind in enumerate([(), ("--keywords",), ()])]
        wall, with_keywords = (walls[0] + walls[2]) / 2, walls[1]
        after = others()
        a, all_at_once, c, *parts = (before + after) / 2
        b = len(paths) / wall
        rounds.append((a, all_at_once, b, c, b / a, b / all_at_once, b / c, wall / with_keywords,
                       *parts))
        before = after
    a, all_at_once, b, c, of_a, of_all, of_c, with_keywords, *parts = np.median(rounds, axis=0)
    for letter, what, images_, some in (("a", "the bound", a, parts[:3]),
                                        ("a'", "with all at it", all_at_once, parts[3:])):
        print(f"| {name}: ({letter}) {what}, {cores} cores ÷ "
              f"({' + '.join(f'{one:.2f}' for one in some)}) ms | {images_:.0f} images/s |")
    print(f"| {name}: (b) `zsl label`, {len(paths):,} photos | {b:.0f} images/s, "
          f"{of_a:.2f} × (a), {of_all:.2f} × (a') |")
    print(f"| {name}: (d) with `--keywords` | {with_keywords:.3f} × (b) |", flush=True)
    if options.float32:
        print(f"| {name}: (c) a plain loop | {c:.0f} images/s; (b) is {of_c:.1f} × (c) |",
              flush=True)


def library(photos, count, environment, work):
    """Print memory and the second run."""
    peaks = {}
    for number in (1000, count):
        folder = fill(work / f"library-{number}", photos, number)
        output = work / f"library-{number}.jsonl"
        first, peaks[number] = label(folder, output, environment)
        second = min(next(label(folder, output, environment)) for _ in range(3))
    print(f"| peak memory at {count:,} photos | {peaks[count]:.0f} MB, "
          f"{peaks[count] / peaks[1000]:.2f} × the {peaks[1000]:.0f} MB at 1,000 |")
    print(f"| again over {count:,} photos, nothing changed | {second:.2f} s, "
          f"{first / second:.0f} × faster than the first run's {first:.0f} s |")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("examples"))
    parser.add_argument("--float32", type=Path, help="the default model's folder in float32")
    parser.add_argument("--small", type=int, default=2000, help="how many; 0 leaves it out")
    parser.add_argument("--large", type=int, default=200)
    parser.add_argument("--library", type=int, default=20_000, help="0 leaves it out")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    found = list(walk.images_in(str(options.photos)))
    model = Model.load(device="cpu", threads=1)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{name}/cache",
                       "XDG_DATA_HOME": f"{name}/data"}
        photos = [small(path) for path in found[:max(options.small, 1)]]
        chosen = random.permutation(found)[:5 if options.large else 0]
        large = [twelve_megapixels(path) for path in chosen]
        print("| what | measured |\n|---|---|")
        if options.small:
            compare("256 px", fill(work / "small", photos, options.small), options, model,
                    environment, work)
        if options.large:
            compare("12 megapixels", fill(work / "large", large, options.large), options, model,
                    environment, work)
        if options.library:
            library(photos, options.library, environment, work)


if __name__ == "__main__":
    main()
