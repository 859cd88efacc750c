"""LabelRequest: what is to be labelled, by what, and what is made of it."""

import os
from dataclasses import dataclass, replace
from typing import BinaryIO

from zsl_cli.errors import RequestError
from zsl_cli.photos.asking import Asking
from zsl_cli.photos.indexing import Reading
from zsl_cli.photos.outputs import Output
from zsl_cli.photos.question import Question
from zsl_cli.photos.sidecars.layout import Layout
from zsl_cli.photos.sidecars.naming import Naming
from zsl_cli.photos.tables import format_of
from zsl_cli.support.limits import TABLE_FORMATS
from zsl_cli.support.names import Name
from zsl_cli.support.values import check_choice

_LEAST_WRITTEN = 0.05
"""The confidence below which nearly all labels of a large vocabulary would be keywords."""


@dataclass(frozen=True)
class LabelRequest(Asking):
    """What is asked of ``label``; raises RequestError for values that make no sense. Which photos
    are meant: see Library; what is asked of each: see Asking.

    output: the table to write, .jsonl, .csv or .parquet; or a binary file that is open, a stream,
        which gets lines of JSON as they come and is not closed.
    output_format: one of TABLE_FORMATS, where the file's name does not tell it.
    report: the HTML page to write. xmp: whether keywords go into sidecars beside the photos, which
        implies ``keywords``; xmp_naming: what these are called, see naming.Naming. xmp_parents:
        whether the words above a keyword are keywords, too; xmp_root: what all lie under in
        hierarchical lists.
    force: whether an output may replace a file that ``label`` did not write.
    dry_run: to write nothing, and without ``xmp`` to do no more than to say what there is to do.

    catalogue: the folder of the library's catalogue; by default one in the user's data folder,
        see places.place_of.
    retry_failed, check_content: what is read again, see scanning.Rules.
    """

    output: Name | BinaryIO | None = None
    output_format: str | None = None
    report: Name | None = None
    xmp: bool = False
    xmp_naming: str | None = None
    xmp_parents: bool = True
    xmp_root: str | None = None
    force: bool = False
    dry_run: bool = False

    catalogue: Name | None = None
    retry_failed: bool = False
    check_content: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense, wherever it is asked."""
        super().__post_init__()
        if self.output is None and self.report is None and not self.xmp:
            raise RequestError("nothing to write: give `output`, `report` or `xmp`")
        for parameter in ("xmp_naming", "xmp_root"):
            if getattr(self, parameter) is not None and not self.xmp:
                raise RequestError(f"`{parameter}` is for `xmp`")
        if not (self.xmp_parents or self.xmp):
            raise RequestError("`xmp_parents` is for `xmp`")
        if self.xmp_root is not None and not self.xmp_root.strip():
            raise RequestError("`xmp_root` is a name, such as zsl")
        if self.xmp_naming is not None:
            check_choice("xmp_naming", self.xmp_naming, Naming)
        if self.output_format is not None:
            check_choice("output_format", self.output_format, TABLE_FORMATS)
        if self.output_format is not None and self.output is None:
            raise RequestError("`output_format` is for the file that `output` names")
        if self.stream is not None and self.output_format not in (None, "jsonl"):
            raise RequestError(
                f"what is streamed is JSONL; for {self.output_format} give `output` a file")
        if (self.xmp and self.labels is None and self.most is None
                and self.confidence is not None and self.confidence < _LEAST_WRITTEN):
            raise RequestError(f"`confidence={self.confidence:g}` would write thousands of "
                               "keywords into each sidecar: give `most` as well, or list `labels`")

    @property
    def works(self) -> bool:
        """Whether photos are labelled, if only to find out what would change, and not counted
        alone."""
        return self.xmp or not self.dry_run

    @property
    def stream(self) -> BinaryIO | None:
        """The stream that gets records as they come, if ``output`` is one."""
        if self.output is None or isinstance(self.output, str | os.PathLike):
            return None
        return self.output

    @property
    def question(self) -> Question:
        """What is asked of every photo."""
        return self._question(self.keywords or self.xmp)

    @property
    def reading(self) -> Reading:
        """How photos are read."""
        return replace(super().reading, thumbnails=self.report is not None)

    @property
    def layout(self) -> Layout:
        """Where keywords go in sidecars."""
        return Layout(self.xmp_parents, self.xmp_root or "")

    def outputs(self) -> list[Output]:
        """The files to write; raises ZslError for one that can never be written."""
        files = []
        if self.report is not None:
            files.append(Output(os.fspath(self.report), "report"))
            files[-1].check(now=not self.dry_run)
        if isinstance(self.output, str | os.PathLike):
            path = os.fspath(self.output)
            Output(path, "").check(now=not self.dry_run)
            files.insert(0, Output(path, format_of(path, self.output_format)))
        if len({os.path.realpath(file.path) for file in files}) < len(files):
            raise RequestError(f"{self.report} cannot be both the output and the report")
        return files
