"""What a file or a folder is that was given for a checkpoint of PyTorch's and is none, told by how
it begins, by what an archive holds, or by its name; without PyTorch."""

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_POINTER = b"version https://git-lfs"
_HEAD = 512
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself allows
_DEEPEST = 3
_MOST = 2000  # files of a folder

_LFS = "a pointer of Git LFS, not the file itself; fetch it with git lfs pull"
_ONNX = "a ready ONNX model, which zsl models import takes"
_OTHER = "and zsl export reads checkpoints of PyTorch"
_KERAS = f"a model of Keras, {_OTHER}"
_TENSORFLOW = f"a model of TensorFlow, {_OTHER}"

_BEGINNINGS = (
    (0, _POINTER, _LFS),
    (0, b"\x89HDF\r\n", f"an HDF5 file, such as Keras and TensorFlow write, {_OTHER}"),
    (4, b"TFL3", f"a model of TensorFlow Lite, {_OTHER}"),
    (4, b"ET", f"a program of ExecuTorch, {_OTHER}"),
    (0, b"GGUF", f"a GGUF file, as of llama.cpp, {_OTHER}"),
    (0, b"GGML", f"a GGML file, as of llama.cpp, {_OTHER}"),
    (0, b"\x93NUMPY", f"an array of NumPy, {_OTHER}"),
    (0, b"\x1f\x8b", "packed with gzip; unpack it"),
    (0, b"BZh", "packed with bzip2; unpack it"),
    (0, b"\xfd7zXZ", "packed with xz; unpack it"),
    (0, b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (0, b"Rar!", "a RAR archive; unpack it"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture"), (0, b"\xff\xd8\xff", "a picture"),
    (0, b"SQLite format 3", "a database of SQLite"))
_ENDINGS = {
    ".onnx": _ONNX, ".ort": "a model of ONNX Runtime's own format; zsl models import takes .onnx",
    ".h5": _KERAS, ".hdf5": _KERAS, ".keras": _KERAS, ".pb": _TENSORFLOW, ".pbtxt": _TENSORFLOW,
    ".tflite": f"a model of TensorFlow Lite, {_OTHER}",
    ".msgpack": f"weights of Flax, {_OTHER}", ".ot": f"weights of Rust's tch, {_OTHER}",
    ".npz": f"arrays of NumPy, {_OTHER}", ".npy": f"an array of NumPy, {_OTHER}",
    ".mlmodel": f"a model of Core ML, {_OTHER}", ".mlpackage": f"a model of Core ML, {_OTHER}",
    ".mlmodelc": f"a model of Core ML, {_OTHER}",
    ".pdparams": f"weights of PaddlePaddle, {_OTHER}",
    ".pdmodel": f"a model of PaddlePaddle, {_OTHER}",
    ".pdiparams": f"a model of PaddlePaddle, {_OTHER}",
    ".caffemodel": f"a model of Caffe, {_OTHER}", ".prototxt": f"a model of Caffe, {_OTHER}",
    ".engine": f"an engine of TensorRT, {_OTHER}", ".plan": f"an engine of TensorRT, {_OTHER}",
    ".trt": f"an engine of TensorRT, {_OTHER}", ".gguf": f"a GGUF file, {_OTHER}",
    ".joblib": f"a file of joblib, {_OTHER}", ".mnn": f"a model of MNN, {_OTHER}"}
_PYTORCH = (".safetensors", ".bin", ".pt", ".pth", ".pt2", ".ckpt", ".tar", ".pkl")


def refuse_other(path: Path) -> None:
    """Raise ZslError for a file that is no checkpoint of PyTorch's, and say what it is."""
    if (kind := other(path)) is not None:
        raise ZslError(f"{path}: cannot be read as a checkpoint: {kind}")


def refuse_pointer(path: Path) -> None:
    """Raise ZslError for a file that holds but where Git LFS has its content."""
    if path.is_file() and _head(path).startswith(_POINTER):
        raise ZslError(f"{path}: {_LFS}")


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do, whatever it is called: with the length of its
    header, and the header."""
    head = _head(path)
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= length <= _LONGEST_HEADER and (
        head[9:10] in b'"} ')


def other(path: Path) -> str | None:
    """What a file is, in words that end a sentence; None where it may be a checkpoint of
    PyTorch's."""
    head = _head(path)
    if not head:
        return "the file is empty"
    if is_safetensors(path):
        return None
    for offset, beginning, kind in _BEGINNINGS:
        if head[offset:].startswith(beginning):
            return kind
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] == b"<":
        return (f"a model of OpenVINO, {_OTHER}" if b"<net" in text
                else "a web page; download it again")
    if zipfile.is_zipfile(path) and head.startswith(b"PK"):
        return _of_archive(path)
    if _ends(path) == _ONNX and not head.startswith(b"\x80"):
        return _ONNX
    if head.startswith(b"\x80"):
        return None  # a pickle, of which its reader says more
    if (ending := _ends(path)) is not None:
        return ending
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            names = {name.strip("./") for name in archive.getnames()[:100]}
        # A layout of PyTorch's of 2017.
        return None if {"pickle", "sys_info"} & names else "a tar archive; unpack it"
    if _is_onnx(head):
        return _ONNX
    if text[:1] in b"{[" and not path.name.endswith(".index.json") and _is_text(head):
        return "a JSON file; give the weights, or the folder that both are in"
    return f"a text, {_OTHER}" if _is_text(head) else None


def _of_archive(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return None  # of which PyTorch's reader says more
    plain = {name.rpartition("/")[2] for name in names}
    if {"data.pkl", "constants.pkl", "archive_format", "model.json",
            "serialized_exported_program.json"} & plain:
        return None
    if "model.weights.h5" in plain or ("metadata.json" in plain and "config.json" in plain):
        return _KERAS
    if "Manifest.json" in plain:
        return f"a model of Core ML, {_OTHER}"
    if names and all(name.endswith(".npy") for name in names):
        return f"arrays of NumPy, {_OTHER}"
    return f"a ZIP archive ({listed(names, 3)}); unpack it" if names else None


def _is_onnx(head: bytes) -> bool:
    """Whether a message of protobuf begins as ONNX's does: its version, and then who made it, the
    operators' version or the graph."""
    return (len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 32
            and head[2] in (0x12, 0x1a, 0x22, 0x3a, 0x42))


def _ends(path: Path) -> str | None:
    return _ENDINGS.get(path.suffix.lower())


def _is_text(head: bytes) -> bool:
    """Whether so much of a file could be UTF-8, without what no text has."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a letter that is cut off is none of the file's
            return False
        text = head[:error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\t\r\n" for letter in text)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error


def of_folder(folder: Path) -> str | None:
    """What a folder holds in the place of weights of PyTorch; None where it has some, or nothing
    that is known."""
    names = [*_names(folder)]
    top = {name for name in names if "/" not in name}
    if any(name.endswith(_PYTORCH) and not name.startswith(("openvino_", "ov_")) for name in top):
        return None
    if "saved_model.pb" in top or any(".data-00000-of-" in name for name in top):
        return _TENSORFLOW
    if folder.suffix.lower() in (".mlpackage", ".mlmodelc"):
        return _ENDINGS[folder.suffix.lower()]
    if "model_index.json" in top:
        return ("a pipeline of diffusers; give the folder in it that has the image encoder, with "
                "its preprocessing")
    if "modules.json" in top:
        inside = next((name.rpartition("/")[0] for name in names
                       if name.endswith(("model.safetensors", "pytorch_model.bin"))), None)
        if inside:
            return f"a model of sentence-transformers; give the folder {inside} in it"
    for ending in (".onnx", *(one for one in _ENDINGS if one != ".onnx")):
        if any(name.lower().endswith(ending) for name in names):
            return _ENDINGS[ending]
    return None


def _names(folder: Path, depth: int = _DEEPEST) -> Iterator[str]:
    """The files of a folder, and of those in it, by their paths from it."""
    try:
        entries = sorted(folder.iterdir())[:_MOST]
    except OSError:
        return
    for entry in entries:
        if entry.is_file():
            yield entry.name
        elif depth > 1 and entry.is_dir() and not entry.name.startswith("."):
            yield from (f"{entry.name}/{name}" for name in _names(entry, depth - 1))
