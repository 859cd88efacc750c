"""A list of labels → a vocabulary folder in a model's own space, by the model's label encoder; no
PyTorch."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.vocabularies import label_lists
from zsl_cli.authoring.vocabularies.label_phrases import put
from zsl_cli.classifier import pairing
from zsl_cli.embedding.model import Model
from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support import folders, sources, work_folder
from zsl_cli.support.manifests import LABEL_ENCODER_FILE, TOKENIZER_FILE
from zsl_cli.support.names import set_names, set_paths, set_texts
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import check_kind, check_templates
from zsl_cli.support.vectors import unit_rows
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.embedding.label_encoder import LabelEncoder
    from zsl_cli.support.manifests import VocabularyManifest
    from zsl_cli.vocabulary.names.label import Label

_STEP = 256  # labels; what an interruption costs
_ROWS, _STATE = "vectors.f32", "state.json"
_ROOM = 0.9
"""How much of the length behind a label's meaning its prior may take."""


@dataclass(frozen=True)
class EncodeRequest:
    """A vocabulary by a model's label encoder. A path may be a text, too.

    labels: the name or folder of a vocabulary, or what label_lists.read takes.
    model: name or folder of a model that encodes phrases.
    output: the vocabulary folder; None for the model's own.
    templates: what labels are put into, the mean of their vectors being taken (Radford et al.,
        2021, section 3.1.4); by default the model's.
    definitions: whether labels of one name are told apart by what they mean.
    persons, places: see label_lists.read.
    device: as for Model.load.
    sources: what all this comes from, dictionaries with ``name``, ``license`` and ``url``.

    Raises RequestError for what makes no sense.
    """

    labels: str
    model: str
    output: Path | None = None
    templates: tuple[str, ...] = ()
    definitions: bool = True
    persons: bool = False
    places: label_lists.Places = field(default_factory=label_lists.Places)
    name: str | None = None
    device: str = "auto"
    sources: tuple[dict[str, str], ...] = ()
    force: bool = False

    def __post_init__(self) -> None:
        set_paths(self, "output")
        set_texts(self, "labels", "model")
        set_names(self, "templates")
        check_kind("places", self.places, label_lists.Places)
        object.__setattr__(self, "sources", sources.check(self.sources))
        check_templates(self.templates)


@dataclass(frozen=True)
class EncodeResult:
    """The vocabulary folder, its manifest, and how many labels an earlier run had encoded."""

    folder: Path
    manifest: "VocabularyManifest"
    earlier: int


@dataclass(frozen=True)
class _Source:
    """Labels, their priors in nats where there are any, and what they come from.

    beside: the rows of those that are seen beside the main thing of a photo.
    """

    labels: "Sequence[Label]"
    prior: "NDArray[np.float32] | None" = None
    sources: tuple[dict[str, str], ...] = ()
    beside: tuple[int, ...] = ()


def encode_vocabulary(request: EncodeRequest, reporter: Reporter = SILENT) -> EncodeResult:
    """Write the vocabulary folder. What is encoded is kept when that is broken off, and the same
    request goes on from there. Raises ZslError."""
    model = Model.described(request.model, device=request.device)
    target = request.output or model.path / pairing.OWN
    if request.output is None and model.path.parent == folders.embedded(folders.MODEL):
        raise ZslError(f"{model.name!r} comes with zsl; name another folder with `output`")
    folders.check_target(target, force=request.force, reads=(request.labels,))
    encoder = model.label_encoder
    if encoder is None:
        raise ZslError(f"model {model.name!r} encodes no phrases, so that it has no vectors for "
                       "labels; one with a text tower does")
    templates = request.templates or (model.manifest.text.templates if model.manifest.text
                                      else ()) or ("{}",)
    source = _labels(request, reporter)
    phrases = _phrases(source.labels, templates, request.definitions)
    listing = [{name: model.manifest.files[name].sha256
                for name in (LABEL_ENCODER_FILE, TOKENIZER_FILE)}, phrases]
    digest = hashlib.sha256(json.dumps(listing).encode("utf-8", "surrogatepass")).hexdigest()
    work = target.with_name(f".{target.name}.encoding")
    with work_folder.opened(work, "zsl vocab encode", shown=target,
                            worth_keeping=(work / _ROWS).is_file):
        vectors, earlier = _vectors(encoder, phrases, work, digest, reporter)
        prior = _with_prior(vectors, source.prior, model)
        with folders.new_folder(target, force=request.force) as folder:
            more: dict[str, Any] = {} if prior is None else {"prior_dimension": prior}
            manifest = writing.write(
                folder, request.name or _name(target, model), model.space, source.labels,
                vectors.astype(np.float16), _beside(vectors, source.beside, model),
                templates=list(templates),
                sources=[*source.sources, *request.sources], built_by=f"zsl {__version__}",
                encoded_by=model.name, **more)
    return EncodeResult(target, manifest, earlier)


def _name(target: Path, model: Model) -> str:
    return model.name if target.name == pairing.OWN else folders.name_of(target)


def _labels(request: EncodeRequest, reporter: Reporter) -> _Source:
    """The labels of a vocabulary, or of a list. Raises ZslError."""
    path = Path(request.labels)
    is_list = path.is_file() or (path.is_dir() and not (
        path / folders.VOCABULARY.file).is_file()) or request.labels.partition(":")[0] in (
            label_lists.WORDNET, "imagenet-21k", "imagenet-1k")
    known = {folder.name for folder in folders.available(folders.VOCABULARY)}
    if is_list and request.labels not in known:
        return _Source(label_lists.read(request.labels, request.places, persons=request.persons,
                                        reporter=reporter))
    vocabulary = Vocabulary.load(request.labels)
    return _Source([replace(label, seen=False) for label in vocabulary.labels],
                   _prior_of(vocabulary, reporter), vocabulary.manifest.sources,
                   vocabulary.manifest.beside)


def _prior_of(vocabulary: Vocabulary, reporter: Reporter) -> "NDArray[np.float32] | None":
    """The priors of a vocabulary's labels in nats: in its vectors they are in units of a model's
    scores, and so one of its models is asked."""
    at = vocabulary.prior_dimension
    if at is None:
        return None
    for folder in folders.available(folders.MODEL):
        try:
            if folders.read_manifest(folders.MODEL, folder).fits(vocabulary.manifest):
                model = Model.load(folder, device="cpu")
                side = model.preprocessing.size
                shape = (side, side, 3) if model.preprocessing.layout == "NHWC" else (
                    3, side, side)
                constant = float(model.embed_pixels([np.full(shape, 128, np.uint8)])[0, at])
                return (vocabulary.vectors[:, at].astype(np.float32)
                        * constant / model.calibration.temperature)
        except FolderError:
            continue
    reporter.warn(f"the label prior of {vocabulary.name!r} is left out: no model of its space is "
                  "known, which would say what it is worth")
    return None


def _phrases(labels: "Sequence[Label]", templates: Sequence[str],
             definitions: bool) -> list[list[str]]:
    """The phrases of each label."""
    names = Counter(normal_name(label.word) for label in labels)
    return [[put(template, label, defined=definitions and names[normal_name(label.word)] > 1)
             for template in templates] for label in labels]


def _vectors(encoder: "LabelEncoder", phrases: Sequence[Sequence[str]], work: Path, digest: str,
             reporter: Reporter) -> "tuple[NDArray[np.float32], int]":
    """The unit vectors of the labels, ``[labels, D]``, kept in a file as they come; and how many
    were there before."""
    order = sorted(range(len(phrases)), key=lambda row: (max(map(len, phrases[row])), row))
    state, rows = work / _STATE, work / _ROWS
    width = encoder.dimension * 4
    same = state.is_file() and state.read_text("utf-8") == digest
    if not same:
        rows.unlink(missing_ok=True)
        state.write_text(digest, encoding="utf-8")
    done = min(rows.stat().st_size // width, len(order)) if rows.is_file() else 0

    def advance(count: int) -> None:
        reporter.advance(count / len(phrases[0]))

    reporter.start("encoding labels", len(order), "labels")
    reporter.advance(done)
    with rows.open("r+b" if rows.is_file() else "wb") as file:
        file.truncate(done * width)
        file.seek(0, 2)
        for start in range(done, len(order), _STEP):
            some = order[start:start + _STEP]
            flat = [phrase for row in some for phrase in phrases[row]]
            encoded = encoder.encode(flat, advance, silent=True)
            encoded = encoded.reshape(len(some), -1, encoder.dimension)
            file.write(unit_rows(encoded.sum(axis=1)).astype("<f4").tobytes())
            file.flush()
    reporter.end()
    vectors = np.empty((len(order), encoder.dimension), np.float32)
    vectors[order] = np.fromfile(rows, "<f4").reshape(len(order), -1)
    return vectors, done


def _with_prior(vectors: "NDArray[np.float32]", prior: "NDArray[np.float32] | None",
                model: Model) -> int | None:
    """Write priors, in nats, into the dimension in which a model has room for them, and what is
    left of the unit length into the last one; the dimension, or None."""
    room = model.manifest.prior_room
    if prior is None or room is None or room.dimension != vectors.shape[1] - 2:
        return None
    meaning = unit_rows(vectors[:, :room.dimension]) * room.phrase
    behind = max(1 - room.phrase ** 2, 0.0) ** 0.5
    units = prior * model.calibration.temperature / room.image
    limit = _ROOM * behind
    vectors[:, :room.dimension] = meaning
    vectors[:, room.dimension] = np.clip(units, -limit, limit)
    vectors[:, -1] = np.sqrt(np.maximum(behind ** 2 - vectors[:, room.dimension] ** 2, 0))
    return room.dimension


def _beside(vectors: "NDArray[np.float32]", rows: Sequence[int], model: Model) -> Beside | None:
    """Second vectors of these rows, whose products are log-odds: those of a model that was trained
    with pairs, each on its own, and that has room for its bias. The scores of others say how
    much one label fits better than another, and not whether it is there."""
    room, calibration = model.manifest.prior_room, model.calibration
    if room is None or calibration.bias is None or not rows:
        return None
    at = np.array(rows, np.int64)
    second = np.zeros((len(at), vectors.shape[1]), np.float32)
    second[:, :room.dimension] = unit_rows(vectors[at, :room.dimension]) * room.phrase
    second[:, room.dimension] = calibration.bias * calibration.temperature / room.image
    return Beside(at, second)
