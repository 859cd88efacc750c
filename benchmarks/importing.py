"""A ready ONNX model imported, and what comes of it: seconds, memory, images and phrases a second.

    python benchmarks/importing.py [--phrases [--labels NAME|FILE]] [--peers]
                                   [--small N] [--large N]

A CLIP of the size of ViT-B/32 with random weights is published in transformers.js' layout (its
weights tell nothing, its sizes all). With --phrases all labels of the default, or those that
--labels names, are encoded, too; with --peers transformers' zero-shot pipeline and OpenCLIP's own
loop run beside zsl on the same photographs, small ones and ones of 12 megapixels. Needs the
extras hub and checkpoints, and torch.
"""

import argparse
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

import networks  # noqa: E402
import published  # noqa: E402

Way = Callable[[list[str]], int]
"""Classifies photographs, and says how many."""

_ROUNDS = 5
_MANY = 100
_LABELS = ["a red panda", "a fire truck", "a beach", "a birthday cake", "a bicycle"]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phrases", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--labels", default="default", help="what zsl vocab encode takes")
    parser.add_argument("--publish", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=50)
    options = parser.parse_args()
    if options.publish:
        publish(options.publish)
        return
    logging.getLogger().setLevel(logging.ERROR)  # libraries recommend this and that
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # In a process of its own: a child counts what its parent had in memory as its own peak.
        subprocess.run([sys.executable, __file__, "--publish", work], check=True,
                       capture_output=True)
        source = work / "ready"
        size = (source / "onnx" / "vision_model.onnx").stat().st_size
        texts = (source / "onnx" / "text_model.onnx").stat().st_size
        print(f"published: {size / 1e6:.0f} MB for images, {texts / 1e6:.0f} MB for texts")
        seconds, peak = timed("models", "import", source, "-o", work / "model")
        print(f"import: {seconds:.1f} s, peak {peak / 1e6:.0f} MB, "
              f"{peak / max(size, texts):.2f} x the larger file")
        speed(work / "model")
        if options.phrases:
            seconds, peak = timed("vocab", "encode", options.labels, "--model", work / "model",
                                  "-o", work / "vocab")
            print(f"vocab encode {options.labels}: {seconds:.0f} s, peak {peak / 1e6:.0f} MB")
        if options.peers:
            published.in_int8(source)
            timed("models", "import", source, "-o", work / "int8", "--form", "int8")
            peers(work, work / "source", options.small, options.large)


def publish(work: Path) -> None:
    """Write the model in transformers.js' layout."""
    transformers = networks.import_transformers()
    source = work / "source"
    source.mkdir()
    tokens = networks.write_clip_tokenizer(source, 77)
    config = transformers.CLIPConfig(text_config={
        "vocab_size": 49_408, "bos_token_id": tokens - 2, "eos_token_id": tokens - 1,
        "pad_token_id": tokens - 1})
    model = transformers.CLIPModel(config).eval()
    model.save_pretrained(source)
    (source / "preprocessor_config.json").write_text(json.dumps({
        "crop_size": 224, "do_center_crop": True, "do_normalize": True, "do_resize": True,
        "image_processor_type": "CLIPImageProcessor", "resample": 3, "size": 224,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711]}))
    model.set_attn_implementation("eager")
    published.with_tokenizer_json(source, rows=49_408)
    published.transformers_js(model, source, work / "ready")


def timed(*arguments: object) -> tuple[float, float]:
    """Seconds and peak bytes of a command of zsl's, alone in a process."""
    before = time.perf_counter()
    command = [sys.executable, "-m", "zsl_cli", *map(str, arguments), "--quiet"]
    with subprocess.Popen(command) as run:
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise SystemExit(run.returncode)
    return time.perf_counter() - before, usage.ru_maxrss * 1024


def speed(folder: Path) -> None:
    """Images and phrases a second of the imported model."""
    from zsl_cli import Model

    model = Model.load(folder, device="cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), dtype=np.uint8)
    phrases = [f"a photo of the {number} {word}" for number in range(8) for word in networks.WORDS]
    model.embed_pixels(list(pixels))
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < 5:
        model.embed_pixels(list(pixels))
        count += len(pixels)
    images = count / (time.perf_counter() - started)
    started = time.perf_counter()
    model.label_encoder.encode(phrases)
    print(f"imported: {images:.1f} images/s, "
          f"{len(phrases) / (time.perf_counter() - started):.0f} phrases/s")


def peers(work: Path, source: Path, small: int, large: int) -> None:
    """Zsl beside transformers' pipeline and OpenCLIP's own loop, on the same photographs: a part
    of them each in turn, since the machine may be another one a minute later."""
    ways = {"zsl, fp32": by_zsl(work / "model"), "zsl, int8": by_zsl(work / "int8"),
            "transformers' pipeline": by_transformers(source),
            "OpenCLIP's loop": by_open_clip()}
    for number, size in ((small, (256, 256)), (large, (4000, 3000))):
        paths = write_photos(work / str(number), number, size)
        seconds = dict.fromkeys(ways, 0.0)
        for way in ways.values():
            way(paths[:2])
        step = -(-len(paths) // _ROUNDS)
        for start in range(0, len(paths), step):
            for name, way in ways.items():
                before = time.perf_counter()
                assert way(paths[start:start + step]) == len(paths[start:start + step])
                seconds[name] += time.perf_counter() - before
        best = min(seconds["transformers' pipeline"], seconds["OpenCLIP's loop"])
        for name, one in seconds.items():
            print(f"{number} of {size[0]} x {size[1]}, {name}: {number / one:.1f} images/s, "
                  f"{best / one:.2f} x the quicker peer", flush=True)


def write_photos(folder: Path, count: int, size: tuple[int, int]) -> list[str]:
    """Crops of scikit-image's photographs as JPEG files."""
    import skimage.data

    folder.mkdir()
    with Image.open(Path(skimage.data.data_dir) / "astronaut.png") as opened:
        image = opened.convert("RGB").resize(size)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=90)
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(encoded.getvalue())
    return list(map(str, paths))


def by_zsl(folder: Path) -> Way:
    """The Python API."""
    from zsl_cli import Classifier

    classifier = Classifier.load(folder, images=_MANY)  # as zsl classify has it for a folder
    return lambda paths: sum(1 for _ in classifier.classify(paths, labels=_LABELS))


def by_transformers(source: Path) -> Way:
    """The zero-shot-image-classification pipeline, eight at a time."""
    transformers = networks.import_transformers()
    transformers.logging.disable_progress_bar()
    classify = transformers.pipeline("zero-shot-image-classification", model=str(source))
    return lambda paths: len(classify(paths, candidate_labels=_LABELS, batch_size=8))


def by_open_clip() -> Way:
    """The loop that OpenCLIP's own documents have, eight at a time."""
    import torch

    open_clip = networks.import_open_clip()
    model, _, transform = open_clip.create_model_and_transforms("ViT-B-32", load_weights=False)
    model.eval()
    with torch.inference_mode():
        text = model.encode_text(open_clip.get_tokenizer("ViT-B-32")(_LABELS))
        text /= text.norm(dim=-1, keepdim=True)

    def classify(paths: list[str]) -> int:
        with torch.inference_mode():
            for start in range(0, len(paths), 8):
                batch = torch.stack([transform(Image.open(path))
                                     for path in paths[start:start + 8]])
                images = model.encode_image(batch)
                images /= images.norm(dim=-1, keepdim=True)
                (100 * images @ text.T).softmax(dim=-1)
        return len(paths)

    return classify


if __name__ == "__main__":
    main()
