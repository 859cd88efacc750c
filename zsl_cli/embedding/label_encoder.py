"""LabelEncoder: the part of a model folder that turns phrases into label vectors."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import graphs, sessions, tokenizer_files
from zsl_cli.errors import FolderError, UnknownLabelError
from zsl_cli.support.manifests import LABEL_ENCODER_FILE, TOKENIZER_FILE, ModelManifest
from zsl_cli.support.wording import more, quoted

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers
    from numpy.typing import NDArray

BATCH = 32
"""Phrases that go through the graph at once."""

_MANY = 500
"""From so many phrases on a user is told what is going on."""

_TOLD = 3  # phrases, of each kind
_LOG = logging.getLogger(__name__)
_INPUTS = (["input_ids"], ["attention_mask", "input_ids"])


class LabelEncoder:
    """A text encoder: phrases → unit vectors in the space of the model that it belongs to."""

    def __init__(self, path: Path, dimension: int, session: "onnxruntime.InferenceSession",
                 tokenizer: "tokenizers.Tokenizer") -> None:
        """``path`` is the model folder's; raises FolderError unless graph and tokenizer are what
        docs/formats-and-contract.md says."""
        self.path = path
        self.dimension = dimension
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = [node.name for node in session.get_inputs()]
        self._unknown = _unknown_token(tokenizer)
        self._check_graph()
        self._check_tokenizer()

    @classmethod
    def load(cls, folder: Path, manifest: ModelManifest, *, device: str = "cpu",
             threads: int | None = None) -> "LabelEncoder":
        """The label encoder of a model folder, its files checked against their hashes.

        device, threads: see sessions.open_session.

        Raises FolderError, and DeviceError when ``device`` cannot be used.
        """
        graph = graphs.read(folder, LABEL_ENCODER_FILE, manifest)
        tokenizer = tokenizer_files.read(folder, manifest)
        return cls(folder, manifest.dimension, sessions.open_session(graph, device, threads),
                   tokenizer)

    def knows(self, phrase: str) -> bool:
        """Whether the tokenizer knows anything of a phrase. Raises FolderError."""
        return any(token != self._unknown for token in self._tokens_of(phrase))

    def why_not(self, phrase: str) -> UnknownLabelError | None:
        """Why there would be no vector of a phrase. Raises FolderError."""
        return None if self.knows(phrase) else UnknownLabelError(
            f"the label encoder of model {self.path.name!r} knows no word or character of "
            f"{quoted(phrase)}; put it into other words")

    def is_token(self, word: str) -> bool:
        """Whether the tokenizer knows a word as a whole. Raises FolderError."""
        tokens = self._tokens_of(word)
        return len(tokens) == 1 and tokens[0] != self._unknown

    def _tokens_of(self, phrase: str) -> tuple[int, ...]:
        (encoding,) = tokenizer_files.encode(self._tokenizer, [phrase], self.path / TOKENIZER_FILE)
        return _tokens(encoding)

    def encode(self, phrases: Sequence[str],
               advance: "Callable[[int], object] | None" = None, *,
               distinct: bool = True, silent: bool = False) -> "NDArray[np.float32]":
        """The unit vectors, float32 ``[n, D]``, of n phrases, each exactly as it is given: no
        template is put around it. A phrase that is too long is cut by the tokenizer.

        advance: told now and then how many more phrases are encoded.
        distinct: whether they are meant to differ, as labels are.

        Logs which phrases are cut, and which of distinct ones read the same, unless ``silent``.
        Raises UnknownLabelError for a phrase of which the tokenizer knows nothing at all: it would
        get the vector of any such phrase. Raises FolderError where graph and tokenizer turn out
        not to fit each other.
        """
        if len(phrases) >= _MANY and not silent:
            _LOG.info("encoding %s phrases", f"{len(phrases):,}")
        reading = _Reading(self.path.name, self._unknown)
        vectors = np.empty((len(phrases), self.dimension), np.float32)
        by_length = sorted(range(len(phrases)), key=lambda place: len(phrases[place]))
        for start in range(0, len(phrases), BATCH):  # of one length, there is little padding
            some = by_length[start:start + BATCH]
            vectors[some] = self._encode([phrases[place] for place in some], reading)
            if advance:
                advance(len(some))
        if not silent:
            reading.tell(distinct=distinct)
        return vectors

    def _encode(self, phrases: Sequence[str], reading: "_Reading") -> "NDArray[np.float32]":
        encodings = tokenizer_files.encode(self._tokenizer, phrases, self.path / TOKENIZER_FILE)
        for phrase, encoding in zip(phrases, encodings, strict=True):
            reading.add(phrase, encoding)
        lengths = {len(encoding.ids) for encoding in encodings}
        if len(lengths) != 1:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: its truncation is longer than its "
                              f"padding, so that phrases have {sorted(lengths)} tokens")
        values = {"input_ids": [encoding.ids for encoding in encodings],
                  "attention_mask": [encoding.attention_mask for encoding in encodings]}
        arrays = {name: np.array(values[name], np.int64) for name in self._inputs}
        vectors = np.concatenate([self._run({name: array[part] for name, array in arrays.items()})
                                  for part in self._parts(len(phrases))])
        if vectors.shape != (len(phrases), self.dimension):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: gave {list(vectors.shape)} for "
                              f"{len(phrases)} phrases, not [{len(phrases)}, {self.dimension}]")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        wrong = ~(np.isfinite(norms) & (norms > 0))
        if wrong.any():
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: gave a vector without a "
                              f"direction for {phrases[int(wrong.argmax())]!r}")
        return vectors / norms

    def _parts(self, count: int) -> list[slice]:
        """What of so many phrases goes through the graph at once."""
        step = 1 if self._session.get_inputs()[0].shape[0] == 1 else count
        return [slice(start, start + step) for start in range(0, count, step)]

    def _run(self, arrays: "dict[str, NDArray[np.int64]]") -> "NDArray[np.float32]":
        return sessions.run(self._session, arrays, self.path / LABEL_ENCODER_FILE)

    def _check_graph(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if (sorted(self._inputs) not in _INPUTS
                or any(node.type != "tensor(int64)" or len(node.shape) != 2
                       or (isinstance(node.shape[0], int) and node.shape[0] != 1)
                       for node in inputs)):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: expected the inputs input_ids "
                              "and, perhaps, attention_mask, int64 [batch, length], batch dynamic "
                              "or 1")
        signature = {node.name: (node.type, node.shape[1:]) for node in outputs}
        if signature.get("embedding") != ("tensor(float)", [self.dimension]):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: expected an output, embedding, "
                              f"float32 [batch, {self.dimension}]")

    def _check_tokenizer(self) -> None:
        padding, truncation = self._tokenizer.padding, self._tokenizer.truncation
        if not padding or not truncation:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: expected padding and truncation in "
                              "it, so that all phrases have as many tokens")
        length = self._session.get_inputs()[0].shape[1]
        if isinstance(length, int) and padding["length"] != length:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: expected padding to {length} tokens, "
                              f"which is what {LABEL_ENCODER_FILE} takes")


class _Reading:
    """What a tokenizer makes of phrases, as far as a user ought to know."""

    def __init__(self, model: str, unknown: int | None) -> None:
        self._model, self._unknown = model, unknown
        self._cut: list[str] = []
        self._same: list[str] = []
        self._read: dict[tuple[int, ...], str] = {}

    def add(self, phrase: str, encoding: "tokenizers.Encoding") -> None:
        """Raises UnknownLabelError for a phrase of which nothing is known."""
        read = _tokens(encoding)
        if all(token == self._unknown for token in read):
            raise UnknownLabelError(
                f"the label encoder of model {self._model!r} knows no word or character of the "
                f"phrase {quoted(phrase)}; put it into other words")
        if encoding.overflowing:
            self._cut.append(f"only the first {len(read)} pieces of words count of the phrase "
                             f"{quoted(phrase)}")
        same = self._read.setdefault(read, phrase)
        if same != phrase:
            self._same.append(f"{quoted(same)} and {quoted(phrase)} read the same to the label "
                              "encoder, so they share the probability")

    def tell(self, *, distinct: bool) -> None:
        """Log what was found, a few lines at most."""
        for lines in (self._cut, self._same if distinct else []):
            for line in lines[:_TOLD]:
                _LOG.info("%s", line)
            if len(lines) > _TOLD:
                _LOG.info("the same goes for %s", more(len(lines) - _TOLD, "phrases"))


def _tokens(encoding: "tokenizers.Encoding") -> tuple[int, ...]:
    """The tokens of a phrase without padding and what all phrases have."""
    return tuple(token for token, special, counts in zip(
        encoding.ids, encoding.special_tokens_mask, encoding.attention_mask, strict=True)
                 if counts and not special)


def _unknown_token(tokenizer: "tokenizers.Tokenizer") -> int | None:
    """What stands for all that a tokenizer does not know, where it says that this is no word."""
    model = tokenizer.model
    number = getattr(model, "unk_id", None)  # of a Unigram model; of others the text is known
    if number is None:
        number = tokenizer.token_to_id(getattr(model, "unk_token", None) or "")
    added = tokenizer.get_added_tokens_decoder()
    return number if number in added and added[number].special else None
