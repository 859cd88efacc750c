"""Prints how fast and how small ``zsl classify`` is, as ratios measured in one run.

    python benchmarks/speed.py [--runs 9] [--photo examples/cat.jpg]

The floor of a cold start is the shortest script that imports ONNX Runtime, NumPy and Pillow,
opens the encoder, decodes the photo and embeds it once. Commands are run in turn, so that a
machine that gets slower or faster meanwhile does so for all of them.
"""

import argparse
import io
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from zsl_cli import Model
from zsl_cli.embedding import images
from zsl_cli.support.folders import MODEL, describe_files, find, read_manifest, write_manifest
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

FLOOR = """
import sys
import numpy as np
import onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
image = Image.open(sys.argv[2]).convert("RGB").resize((224, 224))
session.run(None, {"images": np.asarray(image)[None]})
"""


def run(arguments, environment):
    """Wall seconds and peak memory in megabytes of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} failed")
    return wall, usage.ru_maxrss / 1024


def plain(data):
    """The textbook way: decode in full, convert, resize the shorter side to 256, cut out 224."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)),
                         Image.Resampling.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return np.asarray(image.crop((left, top, left + 224, top + 224)))


def twelve_megapixels(path):
    """A photograph enlarged to 4000 x 3000 with grain like a sensor's, as JPEG bytes."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS))
    grain = np.random.default_rng(0).normal(0, 6, pixels.shape)
    file = io.BytesIO()
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def seconds(function, runs):
    """The wall seconds of each of some calls."""
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        found.append(time.perf_counter() - started)
    return found


def large_vocabulary(home, labels=155_000, dimension=300):
    """A vocabulary folder of so many random unit vectors in float32, the default model's encoder
    cut to its space, and how to classify with the two."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    default = find(MODEL, "default")
    model = onnx.load(default / "encoder.onnx")
    output = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["whole" if name == output else name for name in node.output]
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array([value]), name)
        for name, value in (("first", 0), ("beyond", dimension), ("axis", 1)))
    model.graph.node.extend([
        helper.make_node("Slice", ["whole", "first", "beyond", "axis"], ["part"]),
        helper.make_node("LpNormalization", ["part"], [output], axis=1, p=2)])
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(
        output, TensorProto.FLOAT, [None, dimension]))
    folder, vocabulary = Path(home, "cut"), Path(home, "large")
    for each in (folder, vocabulary):
        each.mkdir()
    onnx.save(model, folder / "encoder.onnx")
    entries = read_manifest(MODEL, default).entries
    entries = {name: value for name, value in entries.items() if name not in ("format", "text")}
    write_manifest(MODEL, folder, {
        **entries, "name": "cut", "space": "large", "dimension": dimension,
        "files": describe_files(folder, "encoder.onnx")})
    vectors = np.random.default_rng(0).standard_normal((labels, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    writing.write(vocabulary, "large", "large",
                            [Label(f"word {number}", f"word {number}")
                             for number in range(labels)], vectors)
    return ["--model", str(folder), "--vocab", str(vocabulary)]


def in_another_process(function, *arguments):
    """What a function gives. A process starts with the peak memory of the one that started it, so
    this one must stay small."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def phrases():
    """100 labels that the default vocabulary does not know."""
    return [f"{colour} {thing}" for colour in ("a red", "my old", "a small green", "the broken",
                                               "an expensive")
            for thing in ("teapot", "bicycle", "garden chair", "fishing boat", "dog on a sofa",
                          "pair of shoes", "kitchen table", "umbrella", "wooden house",
                          "coffee machine", "violin", "alarm clock", "sports car", "backpack",
                          "birthday cake", "street lamp", "road bridge", "toy train",
                          "washing machine", "wedding dress")]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--photo", default="examples/cat.jpg")
    options = parser.parse_args()
    encoder = str(find(MODEL, "default") / "encoder.onnx")
    zsl = str(Path(sys.executable).with_name("zsl"))
    commands = {
        "floor": [sys.executable, "-c", FLOOR, encoder, options.photo],
        "classify": [zsl, "classify", options.photo],
        "classify --jsonl": [zsl, "classify", options.photo, "--jsonl"],
        "classify --jsonl --keywords": [zsl, "classify", options.photo, "--jsonl", "--keywords"],
        "import click": [sys.executable, "-c", "import click"],
        "--help": [zsl, "--help"],
    }
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{home}/cache",
                       "XDG_DATA_HOME": f"{home}/data"}
        Path(home, "phrases.txt").write_text("\n".join(phrases()), encoding="utf-8")
        commands["classify --labels-file PHRASES"] = [
            zsl, "classify", "-q", options.photo, "--labels-file", f"{home}/phrases.txt"]
        commands["classify --vocab LARGE"] = [
            zsl, "classify", options.photo, *in_another_process(large_vocabulary, home)]
        first, _ = run(commands["classify"], environment)
        walls = {name: [] for name in commands}
        memory = []
        for number in range(options.runs + 1):
            for name, arguments in commands.items():
                wall, peak = run(arguments, environment)
                if number:  # the first round warms the disk's cache
                    walls[name].append(wall)
                if name == "classify":
                    memory.append(peak)
    encoder = Model.load(device="cpu").label_encoder
    encoded = statistics.median(seconds(lambda: encoder.encode(phrases()), options.runs))
    median = {name: statistics.median(found) for name, found in walls.items()}
    data = twelve_megapixels(options.photo)
    square = Preprocessing(size=224)
    slow, fast = (statistics.median(found) for found in zip(*[
        (seconds(lambda: plain(data), 1)[0],
         seconds(lambda: images.load(data, square), 1)[0]) for _ in range(options.runs)],
        strict=True))
    print("| what | measured |\n|---|---|")
    for name, base in (("classify", "floor"), ("classify --jsonl", "floor"),
                       ("classify --jsonl --keywords", "classify --jsonl"),
                       ("classify --labels-file PHRASES", "classify"),
                       ("--help", "import click")):
        print(f"| `zsl {name}` from a cold process | {median[name]:.3f} s, "
              f"{median[name] / median[base]:.2f} x the {median[base]:.3f} s of {base} |")
    large = "classify --vocab LARGE"
    print(f"| `zsl {large}`, 155,000 labels of 300 dimensions | {median[large]:.3f} s, "
          f"{median[large] - median['classify']:+.3f} s against the default |")
    print(f"| the first run after an install | {first - median['classify']:+.3f} s against "
          "later ones |")
    print(f"| 100 phrases to label vectors, in a process that has the label encoder | "
          f"{encoded:.3f} s |")
    print(f"| peak memory of `zsl classify` on one photo | {max(memory):.0f} MB |")
    print(f"| a 12-megapixel JPEG ({len(data) / 1e6:.1f} MB) to the encoder's input | "
          f"{fast * 1000:.0f} ms, {slow / fast:.1f} x faster than plain Pillow |")


if __name__ == "__main__":
    main()
