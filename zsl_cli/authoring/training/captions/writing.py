"""What a training on captions leaves: facts, curves, and the model folder with its vocabulary."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.card import model_card
from zsl_cli.authoring.training import curves, folder
from zsl_cli.authoring.training.captions import onnx_graphs
from zsl_cli.authoring.training.captions.result import CaptionResult
from zsl_cli.classifier import pairing
from zsl_cli.evaluation import trained_on
from zsl_cli.support import files, folders
from zsl_cli.support.manifests import CAPTIONS, ENCODER_FILE, LABEL_ENCODER_FILE, TOKENIZER_FILE
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.vocabulary import Vocabulary
from zsl_cli.vocabulary.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zsl_cli.authoring.training.captions.base_model import BaseModel, ImageSide
    from zsl_cli.authoring.training.captions.examples import Examples
    from zsl_cli.authoring.training.captions.joint import Joint, SentenceEncoding
    from zsl_cli.authoring.training.captions.request import CaptionRequest
    from zsl_cli.authoring.training.fitted import History
    from zsl_cli.evaluation.left_out import LeftOut
    from zsl_cli.support.manifests import ModelManifest

_CHUNK = 4096  # labels


def vocabulary_of(request: "CaptionRequest", base: "BaseModel") -> Vocabulary | None:
    """The one that goes with the model, or that was asked for; None where there is none. Raises
    FolderError, MismatchError."""
    found = pairing.vocabulary_for(base.path, base.manifest, request.vocabulary)
    return None if found is None else Vocabulary.load(found)


def write(request: "CaptionRequest", base: "BaseModel", vocabulary: Vocabulary | None,
          images: "ImageSide", examples: "Examples", joint: "Joint",
          encoding: "SentenceEncoding", history: "History", recalls: "Mapping[str, float]",
          left_out: "LeftOut") -> CaptionResult:
    """Write all of it beside what was there before, and then put it in its place."""
    output, work = Path(request.output), request.work
    result = CaptionResult(output, output / folder.MODEL, len(examples.paths),
                           len(examples.sentences), history, recalls, left_out)
    folder.clear_results(work, but_log=True)
    facts = _facts(request, base, joint, result)
    page = curves.page(f"Training on captions, encoder {request.encoder.name}",
                       {"captions": facts["data"], "images": result.images,
                        "model": base.manifest.name, "epoch kept": history.best},
                       {"both maps": history.records})
    with files.replacing(work / folder.CURVES) as file:
        file.write(page.encode())
    with folders.new_folder(work / folder.MODEL) as new:
        _write_model(new, request, base, vocabulary, images, joint, encoding)
    trained_on.record(work / folder.MODEL, examples.paths, base.path)
    with files.replacing(work / folder.FACTS) as file:
        file.write((json.dumps(facts, indent=2) + "\n").encode())
    folder.put_in_place(work, output)
    return result


def _facts(request: "CaptionRequest", base: "BaseModel", joint: "Joint",
           result: CaptionResult) -> dict[str, Any]:
    settings = {name: value for name, value in vars(request).items() if name not in (
        "captions", "output", "images", "encoder", "model", "vocabulary", "restart", "force")}
    return {"method": f"captions {request.encoder.name}",
            "data": folders.name_of(Path(request.captions)), "images": result.images,
            "captions": result.captions, "model": base.manifest.name,
            "settings": settings | asdict(request.encoder), "share": joint.beginning.share,
            "best_epoch": result.history.best, "validation": dict(result.recalls),
            "trained_by": f"zsl {__version__}"}


def _write_model(new: Path, request: "CaptionRequest", base: "BaseModel",
                 vocabulary: Vocabulary | None, images: "ImageSide", joint: "Joint",
                 encoding: "SentenceEncoding") -> None:
    share, source = joint.beginning.share, base.manifest
    onnx_graphs.write_images(images.inner, *joint.image_layer(), share, source.dimension,
                             new / ENCODER_FILE)
    text = encoding.write(new, share)
    digest = hashlib.sha256((new / ENCODER_FILE).read_bytes()
                            + (new / LABEL_ENCODER_FILE).read_bytes()).hexdigest()
    names = [path.name for path in new.iterdir()]
    manifest = replace(
        source, name=request.name, version="1", space=f"{request.name}-{digest[:12]}",
        dimension=encoding.dimension + source.dimension, embedding=CAPTIONS, projection=None,
        calibration=replace(source.calibration,
                            temperature=source.calibration.temperature * share ** 0.5),
        text=text, checkpoint=None, parity={}, exported_by=f"zsl {__version__}", files={})
    if vocabulary is not None:
        (new / pairing.OWN).mkdir()
        _write_vocabulary(new / pairing.OWN, vocabulary, manifest, encoding.dimension, share)
    (new / "README.md").write_text(model_card(manifest), encoding="utf-8")
    names = sorted({*names, TOKENIZER_FILE})
    folders.write_manifest(folders.MODEL, new, {
        **manifest.to_entries(), "files": folders.describe_files(new, *names)})


def _write_vocabulary(target: Path, vocabulary: Vocabulary, manifest: "ModelManifest",
                      learned: int, share: float) -> None:
    """The labels where they were in the base's part of the space, and nowhere in what was
    learned: an image's products with them are ``√share`` times what they were."""
    def moved(vectors: "NDArray[np.floating]") -> "NDArray[np.floating]":
        return np.pad(vectors, ((0, 0), (learned, 0)))

    told, prior = vocabulary.manifest, vocabulary.prior_dimension
    more: dict[str, Any] = {} if prior is None else {"prior_dimension": prior + learned}
    with Writer(target, manifest.dimension, vocabulary.vectors.dtype) as writer:
        for start in range(0, len(vocabulary), _CHUNK):
            end = min(start + _CHUNK, len(vocabulary))
            writer.add([vocabulary.label(row) for row in range(start, end)],
                       moved(vocabulary.vectors[start:end]))
        beside = vocabulary.beside
        writer.finish(told.name, manifest.space, dict(told.hnsw),
                      Beside(beside.rows, moved(beside.vectors)),
                      sources=list(told.sources), built_by=f"zsl {__version__}", **more)
