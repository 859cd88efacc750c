"""timm's networks through ``zsl export``: how closely each agrees with timm's own features, and why
those are refused that are.

    python benchmarks/timm_sweep.py [--only tests|families] [--results FILE] [--seconds S]
                                    [--minutes M] [--size PIXELS] [NAME ...]
    python benchmarks/timm_sweep.py --table FILE

All of timm's small test networks, and of each of its families (the module that a network is
made in) the smallest network, with random weights that tell photographs apart, float32; each in a
process of its own, the smallest first. The cosine is the smallest over three photographs, of what
the model folder gives with what timm's own transform and network have there. Next to it are
that with timm's network for the pixels as zsl prepares them; that of two photographs with each
other, since features that are all alike agree whatever happens; and that of the network in float32
with itself in float64, in PyTorch alone: random weights can make of a network's last digits, or of
those of a picture, its first ones, as no trained ones do. Where they do, batch norms take the
statistics of photographs, as after training (settled), and if that is not enough, the weights are
those that timm begins with.

With --results each network's line is added to a file of JSON lines, and what stands there is not
done again; --table prints it. Needs the extras export and checkpoints.
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
         "0", "050", "s", "m0", "small", "18", "b0")
_COLUMNS = ("family", "network", "size", "cosine", "same", "apart", "itself", "weights", "taken")


def main() -> None:
    """Print the table, or what was found until then."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("tests", "families"))
    parser.add_argument("--results", type=Path, help="JSON lines, gone on with")
    parser.add_argument("--table", type=Path, help="print the table of such a file")
    parser.add_argument("--seconds", type=float, default=240, help="for each network")
    parser.add_argument("--minutes", type=float, default=1e6, help="after which no more is begun")
    parser.add_argument("--size", type=int, help="of the pictures, instead of the network's own")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.table:
        print(table(read(options.table)))
        return
    if options.one:
        print(json.dumps(measured(options.names[0], options.size)))
        return
    begun = time.monotonic()
    known = read(options.results) if options.results else []
    wanted = [(family, name) for family, name in chosen(options.only, options.names)
              if name not in {one["network"] for one in known} or options.names]
    done = []
    for family, name in wanted:
        if time.monotonic() - begun > 60 * options.minutes:
            break
        start = time.monotonic()
        found = in_a_process(name, options.seconds, options.size)
        done.append({"family": family, "network": name, **found,
                     "seconds": round(time.monotonic() - start)})
        if options.results:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[-1]) + "\n")
        print(row(done[-1]), flush=True)
    print(f"{len(wanted) - len(done)} not tried.\n")
    print(table(read(options.results) if options.results else done))


def read(file: Path) -> list[dict]:
    """The results in a file; of several of one network the last."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [*{one["network"]: one for one in map(json.loads, lines)}.values()]


def row(found: dict) -> str:
    """A result as a line of the table."""
    return "| " + " | ".join(str(found.get(key) or "") for key in _COLUMNS) + " |"


def table(results: list[dict]) -> str:
    """All results."""
    head = ("| family | network | pixels | cosine with timm's features | on zsl's pixels | two "
            "photographs | float32 with float64, in PyTorch | weights | what was taken, or why not "
            "|\n" + len(_COLUMNS) * "|---" + "|")
    exported = [float(one["cosine"]) for one in results if "cosine" in one]
    return "\n".join([head, *map(row, sorted(results, key=lambda one: one["family"])), "",
                      f"{len(exported)} of {len(results)} exported, "
                      f"{sum(cosine >= 0.999999 for cosine in exported)} of them at a cosine of at "
                      "least 0.999999."])


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
    rest = sorted((*smallest(timm, [name for name in members if not name.startswith("test_")]),
                   family) for family, members in families.items())
    found = [(family, name) for _, name, family in rest]
    return found if only == "families" else [*small, *found]


def family_of(timm, name: str) -> str:
    """The module that a network is made in."""
    return timm.models.model_entrypoint(name).__module__.rpartition(".")[2]


def smallest(timm, names: list[str]) -> tuple[int, str]:
    """The network with the fewest parameters, of those whose names promise it; and how many."""
    import torch

    def promise(name: str) -> tuple[int, int]:
        parts = [part for word in name.split("_") for part in (word, word.strip("0123456789"))]
        return min((SMALL.index(part) for part in parts if part in SMALL), default=99), len(name)

    sizes = {}
    for name in sorted(names, key=promise)[:TRIED]:
        with contextlib.suppress(Exception), torch.device("meta"), quiet():
            sizes[name] = sum(value.numel() for value in timm.create_model(name).parameters())
    return min(((count, name) for name, count in sizes.items()), default=(1 << 62, names[0]))


def in_a_process(name: str, seconds: float, size: int | None = None) -> dict[str, str]:
    """What ``measured`` says, or why there is nothing."""
    command = [sys.executable, __file__, "--one", name]
    try:
        done = subprocess.run([*command, *(["--size", str(size)] if size else [])],
                              capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"taken": f"not done after {seconds:.0f} s"}
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode == 0:
        return json.loads(lines[-1])
    return {"taken": f"process ended with {done.returncode}: {lines[-1] if lines else ''}"[:300]}


def measured(name: str, size: int | None = None) -> dict[str, str]:
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
            network = made(timm, name, size)
        except Exception as error:  # of timm's own
            return {"taken": f"timm does not make it: {one_line(error)}"}
        paths = [photograph(photo, work) for photo in PHOTOS]
        asked = {"input_size": (3, size, size)} if size else {}
        config = timm.data.resolve_data_config(asked, model=network)
        transform = timm.data.create_transform(**config, is_training=False)
        pixels = torch.stack([transform(Image.open(path)) for path in paths])
        said = {"size": str(pixels.shape[-1]), **furnish(network, pixels)}
        torch.save(network.state_dict(), work / "weights.pth")
        try:
            command.main([str(work / "weights.pth"), "--arch", f"timm:{name}", "--quiet",
                          *(["--size", str(size)] if size else []),
                          "-o", str(work / "model")], standalone_mode=False)
        except (ZslError, click.ClickException) as error:
            why = one_line(getattr(error, "message", error)).replace(folder, "")
            return {**said, "taken": why}
        model = Model.load(work / "model", device="cpu")
        found = model.embed(paths)
        taken = model.manifest.features or ""
        with torch.inference_mode():
            theirs, ours = (features(network, given, taken)
                            for given in (pixels, prepared(model, paths)))
        wide = theirs.shape[1]  # of a classifier there is slack behind it
        close, same = (cosine(found[:, :wide], other).min() for other in (theirs, ours))
        return {**said, "cosine": f"{close:.6f}", "same": f"{same:.6f}", "taken": taken,
                "apart": f"{cosine(theirs[:1], theirs[1:2])[0]:.2f}"}


def made(timm, name: str, size: int | None):
    """A network of timm's, for pictures of another size where it is built for one."""
    import torch

    torch.manual_seed(0)
    if size:
        with contextlib.suppress(TypeError, AssertionError):
            return timm.create_model(name, img_size=size)
    return timm.create_model(name)


def features(network, pixels, taken: str) -> np.ndarray:
    """What timm's network has where zsl took its features: what goes into the module of that name,
    or what timm calls them where they are those of several."""
    if taken.startswith("output"):
        return network(pixels).flatten(1).numpy()
    name = taken.rpartition("input of ")[2]
    if " and " in name:
        maps = network.forward_features(pixels)
        return network.forward_head(maps, pre_logits=True).flatten(1).numpy()
    caught = []
    hook = network.get_submodule(name).register_forward_pre_hook(
        lambda _module, given: caught.append(given[0]))
    network(pixels)
    hook.remove()
    return caught[0].flatten(1).numpy()


def prepared(model, paths: list[Path]):
    """Photographs as the model folder itself prepares them, normalised."""
    import torch

    images = torch.from_numpy(np.stack([model.read(path) for path in paths]))
    images = images.permute(0, 3, 1, 2) if images.shape[-1] == 3 else images
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (
        model.manifest.normalisation.mean, model.manifest.normalisation.std))
    return (images - mean) / std


def furnish(network, pixels) -> dict[str, str]:
    """Give a network weights that tell photographs apart; of several kinds the first for which
    neither the last digits nor the least change of a picture decide what it gives."""
    import torch

    own = {name: value.clone() for name, value in network.state_dict().items()}
    network.eval()
    for kind in ("", "settled", "timm's own, settled"):
        if kind.startswith("timm"):
            network.load_state_dict(own)
            network.eval()
        elif not kind:
            networks.lively(network)
        if kind:
            settle(network, pixels)
        itself = in_double(network, pixels)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            other = network(pixels + 1e-4 * torch.randn(pixels.shape, generator=generator))
            moved = cosine(network(pixels).flatten(1).numpy(), other.flatten(1).numpy()).min()
        if moved >= 0.9999 and not itself[:7] < "0.99999":
            break
    return {"itself": itself, "weights": kind}


def settle(network, pixels) -> None:
    """Batch norms with the statistics of these photographs."""
    import torch

    norms = [module for module in network.modules()
             if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None
        module.train()
    with torch.no_grad():
        network(pixels)
    network.eval()


def in_double(network, pixels) -> str:
    """The smallest cosine of what a network gives in float32 with what it gives in float64."""
    import torch

    with torch.no_grad():
        single = network(pixels)
        try:
            double = network.double()(pixels.double())
        except Exception:  # of networks that make tensors of float32 on the way
            return "not known"
        finally:
            network.float()
    return f"{cosine(single.flatten(1).numpy(), double.flatten(1).numpy()).min():.6f}"


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
