"""timm's networks through ``zsl export``: how closely each agrees with timm's own features, and why
those are refused that are.

    python benchmarks/timm_sweep.py [--only tests|families] [--seconds S] [--minutes M] [NAME ...]

All of timm's small test networks, and of each of its families (the module that a network is
made in) the smallest network, with random weights that tell photographs apart, float32; each in a
process of its own. The cosine is the smallest over three photographs, of what the model folder
gives with the features that timm's own transform and network give; next to it is that of two
photographs with each other, since features that are all alike agree whatever happens. Needs the
extras export and checkpoints.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import networks

PHOTOS = ("chelsea", "coffee", "rocket")
TRIED = 3  # networks of a family whose parameters are counted, the likeliest first
SMALL = ("atto", "femto", "pico", "nano", "mini", "tiny", "micro", "xxs", "xs", "ti", "s0", "t0",
         "0", "050", "s", "small", "18", "b0")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("tests", "families"))
    parser.add_argument("--seconds", type=float, default=240, help="for each network")
    parser.add_argument("--minutes", type=float, default=1e6, help="after which no more is begun")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.names[0])))
        return
    begun, done = time.monotonic(), []
    wanted = chosen(options.only, options.names)
    print("| family | network | cosine with timm's features | two photographs | what was taken, or "
          "why not | seconds |\n|---|---|---|---|---|---|")
    for family, name in wanted:
        if time.monotonic() - begun > 60 * options.minutes:
            break
        start = time.monotonic()
        found = in_a_process(name, options.seconds)
        done.append("cosine" in found)
        print(f"| {family} | {name} | {found.get('cosine', '')} | {found.get('apart', '')} | "
              f"{found['taken']} | {time.monotonic() - start:.0f} |", flush=True)
    print(f"\n{sum(done)} of {len(done)} exported; {len(wanted) - len(done)} not tried.")


def chosen(only: str | None, names: list[str]) -> list[tuple[str, str]]:
    """Families and networks."""
    timm = networks.import_timm()
    families: dict[str, list[str]] = {}
    for name in timm.list_models():
        families.setdefault(family_of(timm, name), []).append(name)
    if names:
        return [(family_of(timm, name), name) for name in names]
    small = [(family_of(timm, name), name) for name in timm.list_models("test_*")]
    if only == "tests":
        return small
    rest = [(family, smallest(timm, [name for name in members if not name.startswith("test_")]))
            for family, members in sorted(families.items())]
    return rest if only == "families" else [*small, *rest]


def family_of(timm, name: str) -> str:
    """The module that a network is made in."""
    return timm.models.model_entrypoint(name).__module__.rpartition(".")[2]


def smallest(timm, names: list[str]) -> str:
    """The network with the fewest parameters, of those whose names promise it."""
    import torch

    def promise(name: str) -> tuple[int, int]:
        parts = name.split("_")
        return min((SMALL.index(part) for part in parts if part in SMALL), default=99), len(name)

    sizes = {}
    for name in sorted(names, key=promise)[:TRIED]:
        with contextlib.suppress(Exception), torch.device("meta"), quiet():
            sizes[name] = sum(value.numel() for value in timm.create_model(name).parameters())
    return min(sizes, key=sizes.__getitem__, default=names[0])


def in_a_process(name: str, seconds: float) -> dict[str, str]:
    """What ``measured`` says, or why there is nothing."""
    try:
        done = subprocess.run([sys.executable, __file__, "--one", name], capture_output=True,
                              text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"taken": f"not done after {seconds:.0f} s"}
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode == 0:
        return json.loads(lines[-1])
    return {"taken": f"process ended with {done.returncode}: {lines[-1] if lines else ''}"[:300]}


def measured(name: str) -> dict[str, str]:
    """A network's export, held against timm's own way."""
    import click
    import torch

    from zsl_cli import Model
    from zsl_cli.cli.export import command
    from zsl_cli.errors import ZslError

    timm = networks.import_timm()
    with tempfile.TemporaryDirectory() as folder, quiet():
        work = Path(folder)
        try:
            network = networks.lively(timm.create_model(name))
        except Exception as error:  # of timm's own
            return {"taken": f"timm does not make it: {one_line(error)}"}
        torch.save(network.state_dict(), work / "weights.pth")
        paths = [photograph(photo, work) for photo in PHOTOS]
        try:
            command.main([str(work / "weights.pth"), "--arch", f"timm:{name}", "--quiet",
                          "-o", str(work / "model")], standalone_mode=False)
        except (ZslError, click.ClickException) as error:
            return {"taken": one_line(getattr(error, "message", error)).replace(folder, "")}
        model = Model.load(work / "model", device="cpu")
        found = model.embed(paths)
        taken = model.manifest.features or ""
        transform = timm.data.create_transform(
            **timm.data.resolve_data_config({}, model=network), is_training=False)
        with torch.inference_mode():
            pixels = torch.stack([transform(Image.open(path)) for path in paths])
            theirs = (network(pixels) if taken.startswith("output") else network.forward_head(
                network.forward_features(pixels), pre_logits=True)).flatten(1).numpy()
    wide = min(found.shape[1], theirs.shape[1])
    return {"cosine": f"{cosine(found[:, :wide], theirs[:, :wide]).min():.6f}",
            "apart": f"{cosine(theirs[:1], theirs[1:2])[0]:.2f}", "taken": taken}


def photograph(name: str, folder: Path) -> Path:
    """A photograph of scikit-image's as PNG."""
    import skimage.data

    Image.fromarray(getattr(skimage.data, name)()).convert("RGB").save(folder / f"{name}.png")
    return folder / f"{name}.png"


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of the rows of two arrays ``[n, D]``."""
    a, b = (part.astype(np.float64) for part in (a, b))
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def one_line(error: object) -> str:
    """A message in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200].replace("|", "/")


@contextlib.contextmanager
def quiet():
    """Nothing of what libraries say."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), \
            contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
