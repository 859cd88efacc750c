"""``tokenizer.json``, held to what phrases need: a file may ask for more memory than there is.

Regular expressions in it are given up by their engine after ten million steps back. That, like
other surprises, is a panic of the library's, which is no Exception and prints lines of its own.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import TOKENIZER_FILE, Manifest
from zsl_cli.support.wording import printable, reason

if TYPE_CHECKING:
    import tokenizers

LARGEST = 1 << 27  # bytes; files for a hundred languages have 40 million
MOST_TOKENS = 16_384  # of a phrase; text towers take 64 or 77, some 8,192
_MOST_SPECIAL = 64
_GROWTH = 1000  # of a text, by what its characters are replaced with
_MOST_STEPS = 2000  # of replacing; OpenCLIP's have 508, most for HTML's entities
_STDERR = 2


def read(folder: Path, manifest: Manifest) -> "tokenizers.Tokenizer":
    """That of a model folder, compared with its hash. Raises FolderError."""
    path = folder / TOKENIZER_FILE
    entry = manifest.files.get(TOKENIZER_FILE)
    if entry is not None and entry.bytes > LARGEST:
        raise FolderError(f"{path}: {entry.bytes:,} bytes are too many for a tokenizer")
    return load(folders.read_file(folder, TOKENIZER_FILE, manifest), path)


def load(content: bytes, path: Path) -> "tokenizers.Tokenizer":
    """The tokenizer in what a file, which messages name, holds. Raises FolderError."""
    import tokenizers

    if len(content) > LARGEST:
        raise FolderError(f"{path}: {len(content):,} bytes are too many for a tokenizer")
    with panics(path, "tokenizers cannot load it"):
        tokenizer = tokenizers.Tokenizer.from_buffer(content)
        obstacle = _obstacle(tokenizer)
    if obstacle:
        raise FolderError(f"{path}: {obstacle}")
    return tokenizer


def encode(tokenizer: "tokenizers.Tokenizer", phrases: Sequence[str],
           path: Path) -> "list[tokenizers.Encoding]":
    """The tokens of phrases. Raises FolderError, which names the file, where that fails."""
    with panics(path, "tokenizers fails on phrases with it"):
        return tokenizer.encode_batch(list(phrases))


def _obstacle(tokenizer: "tokenizers.Tokenizer") -> str | None:
    """What would take memory without measure."""
    padding, truncation = tokenizer.padding or {}, tokenizer.truncation or {}
    lengths = [padding.get("length"), padding.get("pad_to_multiple_of"),
               truncation.get("max_length")]
    if (longest := max(length or 0 for length in lengths)) > MOST_TOKENS:
        return f"{longest:,} tokens a phrase, and at most {MOST_TOKENS:,} are allowed"
    if tokenizer.num_special_tokens_to_add(False) > _MOST_SPECIAL:
        return "too many special tokens around a phrase"
    texts = [part for part in _parts(_state(tokenizer.post_processor), "single")
             for piece in part if "Sequence" in piece]
    if len(texts) > 1:
        return "it repeats a phrase"
    steps = [(step.get("pattern", {}).get("String"), step["content"])
             for step in _parts(_state(tokenizer.normalizer), "content", whole=True)]
    together = math.prod(max(1.0, len(content) / max(1, len(pattern or "x")))
                         for pattern, content in steps)
    grows = together > _GROWTH and (len(steps) > _MOST_STEPS or any(
        _grows(steps[at:]) for at in range(len(steps))))
    return "it makes phrases too long" if grows else None


def _grows(steps: Sequence[tuple[str | None, str]]) -> bool:
    """Whether what the first step replaces becomes, by the steps that follow, a text too many
    times as long; a pattern of None is an expression, which may match each character."""
    text, length = "", 0
    for pattern, content in steps:
        if not length:
            text, length = content, max(1, len(pattern or "x"))
        elif pattern is not None:
            text = text.replace(pattern, content) if pattern else text
        elif len(content) > 1:
            text = content * len(text)
        if len(text) > _GROWTH * length:
            return True
    return False


def _state(part: Any) -> Any:
    return None if part is None else json.loads(part.__getstate__())


def _parts(state: Any, key: str, *, whole: bool = False) -> Iterator[Any]:
    """What stands under a key, wherever it is; or the objects themselves that have the key."""
    if isinstance(state, dict):
        if key in state:
            yield state if whole else state[key]
        state = list(state.values())
    for inner in state if isinstance(state, list) else ():
        yield from _parts(inner, key, whole=whole)


@contextmanager
def panics(path: Path, what: str) -> Iterator[None]:
    """Make FolderErrors of what the library raises, and keep the lines of a panic to ourselves."""
    with _silent():
        try:
            yield
        except ZslError:
            raise
        except BaseException as error:  # it raises nothing more special
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise FolderError(f"{path}: {what}: {printable(reason(error))[:300]}") from error


@contextmanager
def _silent() -> Iterator[None]:
    """Without standard error, to which Rust writes past Python."""
    kept = None
    with suppress(OSError):  # it is closed
        kept = os.dup(_STDERR)
    if kept is None:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
