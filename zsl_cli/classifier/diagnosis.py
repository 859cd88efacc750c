"""What is installed, which device will be used, and what is wrong."""

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from zsl_cli.classifier import device_diagnosis
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.version import __version__

_PACKAGES = ("numpy", "pillow", "onnxruntime-gpu", "onnxruntime", "hnswlib", "click", "rich",
             "platformdirs", "tokenizers")
_EXTRAS = (("pillow-heif", "heif", "HEIC images"),
           ("pillow-jxl-plugin", "jxl", "JPEG XL images"),
           ("rawpy", "raw", "raw photos"),
           ("textual-image", "terminal", "photos in the terminal"),
           ("pyarrow", "parquet", "labels as Parquet"),
           ("ray", "ray", "labelling on a cluster"),
           ("torch", "export", "exporting and training models"),
           ("onnx", "hub", "importing ready ONNX models"),
           ("huggingface_hub", "hub", "fetching them from the Hugging Face hub"),
           ("timm", "checkpoints", "exporting timm's checkpoints"),
           ("open_clip_torch", "checkpoints", "exporting OpenCLIP's checkpoints"),
           ("transformers", "checkpoints", "exporting Hugging Face's checkpoints"),
           ("sentencepiece", "checkpoints", "exporting SentencePiece tokenizers"),
           ("transformers", "vocab", "fitting a vocabulary"),
           ("gensim", "vocab", "training word vectors, and fastText's .bin,"))


@dataclass(frozen=True)
class Finding:
    """A line of a diagnosis. A problem keeps zsl from working with its defaults."""

    message: str
    is_problem: bool = False


def diagnose() -> Iterator[Finding]:
    """What there is to be said of this machine, as it is found out; at last the default model and
    vocabulary are loaded, and a batch goes through each device."""
    yield Finding(f"zsl {__version__}, Python {platform.python_version()}, {platform.platform()}")
    versions = {name: _version(name) for name in _PACKAGES}
    yield Finding(", ".join(f"{name} {version}" for name, version in versions.items() if version))
    if versions["onnxruntime-gpu"] and versions["onnxruntime"]:
        yield Finding("onnxruntime and onnxruntime-gpu are both installed and overwrite each "
                      "other; pip uninstall both, then install onnxruntime-gpu again",
                      is_problem=True)
    for package, extra, purpose in _EXTRAS:
        version = _version(package)
        yield Finding(f"{package} {version} ({purpose})" if version else
                      f"no {package}: {purpose} needs pip install 'zsl-cli[{extra}]'")
    yield from _attempt("images", _image_formats)
    try:
        yield from map(Finding, device_diagnosis.summary())
    except ImportError as error:
        yield Finding(f"device: {error}", is_problem=True)
    for kind in (folders.MODEL, folders.VOCABULARY):
        yield Finding(f"{kind.plural} are looked for in: "
                      + ", ".join(map(str, folders.homes(kind))))
    yield Finding(f"search indexes: {_indexes()}")
    yield Finding(f"features of images: {_features()}")
    yield Finding(f"what was found for photos: {_findings()}")
    yield from _default()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _attempt(what: str, look: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(f"{what}: {look()}")
    except (ZslError, ImportError) as error:
        yield Finding(f"{what}: {error}", is_problem=True)


def _image_formats() -> str:
    from PIL import features

    names = [name for name, feature in (("JPEG", "jpg"), ("PNG", "zlib"), ("WebP", "webp"),
                                        ("AVIF", "avif"), ("JPEG 2000", "jpg_2000"),
                                        ("TIFF", "libtiff")) if features.check(feature)]
    return ", ".join([*names, "GIF", "BMP"] + (["HEIC"] if "pillow_heif" in sys.modules
                                               or _version("pillow-heif") else []))


def _indexes() -> str:
    from zsl_cli.vocabulary.search.index_cache import cache_folder, cached_files

    folder = cache_folder()
    sizes = [status.st_size for path, status in cached_files(folder) if path.suffix == ".bin"]
    return f"{len(sizes)}, {sum(sizes) / 1e6:,.0f} MB, in {folder}, which may be deleted"


def _features() -> str:
    from zsl_cli.embedding.feature_cache import cache_folder

    folder = cache_folder()
    sizes = [path.stat().st_size for path in folder.glob("*.sqlite*")]
    return f"{sum(sizes) / 1e6:,.0f} MB, in {folder}, which may be deleted"


def _findings() -> str:
    from zsl_cli.classifier.findings import cache_folder

    folder = cache_folder()
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return f"{sum(sizes) / 1e6:,.0f} MB, in {folder}, which may be deleted"


def _default() -> Iterator[Finding]:
    """The default model and vocabulary, and how fast each device is with the one."""
    from zsl_cli.classifier.classifier import Classifier

    what = "default model and vocabulary"
    try:
        classifier = Classifier.load()
        vocabulary = classifier.vocabulary
        yield Finding(
            f"{what}: {classifier.model.path} on {classifier.model.device} and "
            + (f"{vocabulary.path} with {len(vocabulary):,} labels work" if len(vocabulary)
               else "no vocabulary: it encodes the labels that it is to choose from")
            + f"; confidences: {classifier.model.manifest.confidence.origin}")
    except (ZslError, ImportError) as error:
        yield Finding(f"{what}: {error}", is_problem=True)
        return
    yield from map(Finding, device_diagnosis.speeds(classifier.model))
