"""``zsl doctor``: what is installed, which device will be used, what is wrong."""

import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.version import __version__

_PACKAGES = ("numpy", "pillow", "onnxruntime-gpu", "onnxruntime", "hnswlib", "click", "rich",
             "platformdirs", "tokenizers")
_EXTRAS = (("pillow-heif", "heif", "HEIC images"),
           ("pyarrow", "parquet", "Parquet from zsl label"), ("torch", "export", "zsl export"),
           ("transformers", "vocab", "zsl vocab fit"),
           ("gensim", "vocab", "zsl vocab train and fastText's .bin"))


@click.command("doctor")
@options.common
def command(quiet: bool, verbose: bool, debug: bool) -> int:
    """Say what is installed, which device will be used, and what is wrong.

    The exit status is 2 when the default model or vocabulary cannot be used.
    """
    problems = 0
    for line, problem in _report():
        problems += problem
        if problem or not quiet:
            printing.put(("PROBLEM  " if problem else "         ") + line)
    if not quiet:
        printing.put()
        printing.put(f"{problems} problem(s)" if problems else "Nothing is wrong.")
    return 2 if problems else 0


def _report() -> Iterator[tuple[str, bool]]:
    """Lines, and whether each is a problem."""
    yield f"zsl {__version__}, Python {platform.python_version()}, {platform.platform()}", False
    versions = {name: _version(name) for name in _PACKAGES}
    yield ", ".join(f"{name} {version}" for name, version in versions.items() if version), False
    if versions["onnxruntime-gpu"] and versions["onnxruntime"]:
        yield ("onnxruntime and onnxruntime-gpu are both installed and overwrite each other; "
               "pip uninstall both, then install onnxruntime-gpu again"), True
    for package, extra, purpose in _EXTRAS:
        version = _version(package)
        yield (f"{package} {version} ({purpose})" if version else
               f"no {package}: {purpose} needs pip install 'zsl-cli[{extra}]'"), False
    yield from _attempt("images", _image_formats)
    yield from _attempt("device", _device)
    for kind in (folders.MODEL, folders.VOCABULARY):
        yield f"{kind.plural} are looked for in: {', '.join(map(str, folders.homes(kind)))}", False
    yield f"search indexes: {_indexes()}", False
    yield f"features of images: {_features()}", False
    yield from _attempt("default model and vocabulary", _classifier)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _attempt(what: str, look: Callable[[], str]) -> Iterator[tuple[str, bool]]:
    try:
        yield f"{what}: {look()}", False
    except (ZslError, ImportError) as error:
        yield f"{what}: {error}", True


def _image_formats() -> str:
    from PIL import features

    names = [name for name, feature in (("JPEG", "jpg"), ("PNG", "zlib"), ("WebP", "webp"),
                                        ("AVIF", "avif"), ("JPEG 2000", "jpg_2000"),
                                        ("TIFF", "libtiff")) if features.check(feature)]
    return ", ".join([*names, "GIF", "BMP"] + (["HEIC"] if "pillow_heif" in sys.modules
                                               or _version("pillow-heif") else []))


def _device() -> str:
    from zsl_cli.embedding import sessions
    from zsl_cli.support import cpus

    obstacle = sessions.cuda_obstacle()
    cpu = f"{cpus.usable_cpus()} CPU cores"
    return f"{cpu}; no CUDA: {obstacle}" if obstacle else f"{cpu}; CUDA may be used"


def _indexes() -> str:
    from zsl_cli.vocabulary.index_cache import cache_folder, cached_files

    folder = cache_folder()
    sizes = [status.st_size for path, status in cached_files(folder) if path.suffix == ".bin"]
    return f"{len(sizes)}, {sum(sizes) / 1e6:,.0f} MB, in {folder}, which may be deleted"


def _features() -> str:
    from zsl_cli.embedding.feature_cache import cache_folder

    folder = cache_folder()
    sizes = [path.stat().st_size for path in folder.glob("*.sqlite*")]
    return f"{sum(sizes) / 1e6:,.0f} MB, in {folder}, which may be deleted"


def _classifier() -> str:
    from zsl_cli.classifier.classifier import Classifier

    classifier = Classifier.load()
    vocabulary = classifier.vocabulary
    return (f"{classifier.model.path} on {classifier.model.device} and "
            + (f"{vocabulary.path} with {len(vocabulary):,} labels work" if len(vocabulary)
               else "no vocabulary: it encodes the labels that it is to choose from"))
