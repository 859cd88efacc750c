"""The confidence rule of a model folder, written into its manifest and its card."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import FolderError
from zsl_cli.support import files, folders
from zsl_cli.support.folders import MODEL
from zsl_cli.support.names import names_of

if TYPE_CHECKING:
    from zsl_cli.authoring.calibrating.request import CalibrationRequest
    from zsl_cli.support.calibration import ConfidenceRule

CARD = "README.md"
_HEADING = "## Confidence"


def section(rule: "ConfidenceRule") -> str:
    """What a model card says of confidences: Markdown that begins with its heading."""
    where = (f"Fitted on {rule.fitted_on:,} images by `zsl models calibrate`, `zsl export` or "
             "`zsl train`." if rule.fitted_on else
             "The default rule, fitted on no images; `zsl models calibrate` fits it.")
    return (f"{_HEADING}\n\n{where}\n\n"
            "| temperature | slope | offset | slope beside | main beside | least of it | "
            "offset beside |\n"
            "|---|---|---|---|---|---|---|\n"
            f"| {rule.temperature:.4g} | {rule.slope:.4g} | {rule.offset:.4g} | "
            f"{rule.beside_slope:.4g} | {rule.beside_main:.4g} | {rule.beside_least:.4g} | "
            f"{rule.beside_offset:.4g} |\n")


def check(request: "CalibrationRequest", folder: Path) -> None:
    """Raise FolderError unless the result can be written, before any work is done."""
    output = request.output
    if output is None:
        if not request.force:
            raise FolderError(f"{folder}: give `output` for the calibrated model, or `force` to "
                              "change this one")
        if not os.access(folder, os.W_OK):
            raise FolderError(f"cannot write into {folder}: give `output` for the calibrated "
                              "model")
        return
    target = Path(output)
    if target.exists() and target.resolve() == folder.resolve():
        raise FolderError(f"{target} is the model itself; `force` without `output` changes it")
    if target.resolve().is_relative_to(folder.resolve()):
        raise FolderError(f"{target} lies in the model, of which it is to be a copy; give another "
                          "`output`")
    folders.check_target(target, force=request.force, reads=(
        folder, request.captions, request.images, request.vocabulary,
        *names_of(request.data)))


def write(rule: "ConfidenceRule", folder: Path, output: Path | None = None, *,
          force: bool = False) -> Path:
    """The rule in the manifest and the card of a model folder, or of a copy of it; returns that
    folder. All other files stay as they are. Raises FolderError, and has changed nothing then.

    output: where the copy lies; force: whether it may replace another folder.
    """
    entries = _entries(folder, rule)
    if output is None:
        try:
            with _card(folder, rule), files.replacing(folder / MODEL.file) as file:
                file.write(folders.manifest_bytes(entries))
        except OSError as error:
            raise FolderError(f"cannot write into {folder}: {error.strerror or error}") from error
        return folder
    with folders.new_folder(output, force=force) as new:
        try:
            shutil.copytree(folder, new, dirs_exist_ok=True)
            with _card(new, rule):
                folders.write_manifest(MODEL, new, entries)
        except (OSError, shutil.Error) as error:
            raise FolderError(f"cannot write {output}: {error}") from error
    return output


def _entries(folder: Path, rule: "ConfidenceRule") -> dict[str, Any]:
    """What the manifest says, the rule where ``ModelManifest.to_entries`` has it."""
    entries = dict(folders.read_manifest(MODEL, folder).entries)
    entries.pop("confidence", None)
    numbers = {name: value if name == "fitted_on" else float(f"{value:.5g}")
               for name, value in asdict(rule).items()}
    if "calibration" not in entries:
        return {**entries, "confidence": numbers}
    return {name: value for key, of_key in entries.items() for name, value in (
        [(key, of_key), ("confidence", numbers)] if key == "calibration" else [(key, of_key)])}


@contextmanager
def _card(folder: Path, rule: "ConfidenceRule") -> Iterator[None]:
    """Has the section of the card anew, where there is a card, once the block ends well; it is
    written before the block, so that a full disk keeps both as they are."""
    path = folder / CARD
    if not path.is_file():
        yield
        return
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    before, heading, after = text.partition(f"\n{_HEADING}\n")
    rest = after.find("\n## ") if heading else -1
    following = after[rest:] if rest >= 0 else ""
    card = f"{before.rstrip()}\n\n{section(rule)}{following}"
    with files.replacing(path) as file:
        file.write(card.encode("utf-8", "surrogateescape"))
        file.flush()
        yield
