"""What is asked of an import."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.authoring.importing.layouts import FORMS
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.errors import RequestError
from zsl_cli.support import folders, sources
from zsl_cli.support.names import set_names, set_paths
from zsl_cli.support.values import (
    POSITIVE,
    Range,
    check_choice,
    check_kind,
    check_space,
    check_templates,
    set_numbers,
)

_BIAS = Range(-1000, 1000)
CLEANINGS = ("lower", "whitespace", "canonicalize")


@dataclass(frozen=True)
class Repository:
    """Of the hub that files were pulled from: its name and the revision, a commit."""

    name: str
    revision: str


@dataclass(frozen=True)
class ImportRequest:
    """The import of a ready ONNX model as a model folder. A path may be a text, too.

    paths: the folder of a model; two folders, one for each tower; or the graphs themselves.
    output: the folder to write.
    name: of the model; by default that of the folder.
    form: one of layouts.FORMS; by default the most exact one that is there.
    variant: of several models in a folder, the one that is meant.
    input: how a picture is prepared, in place of what the files say.
    image_output, text_output: the graphs' outputs that are the vectors.
    tokenizer: a ``tokenizer.json`` in place of the one beside the text graph.
    context_length: the most tokens of a text. pad_token: what fills it up. clean: what is done to
        a text first, one of CLEANINGS. All three in place of what the files say.
    logit_scale: what cosines are multiplied with before they become probabilities. logit_bias: what
        is added then, of a model whose probabilities are sigmoids (SigLIP).
    templates: what labels are put into; by default what the model's makers use.
    space: the name of the vector space; by default made of the files' hashes.
    repository: where the files were pulled from.
    sources: what all this comes from, dictionaries with ``name``, ``license`` and ``url``.
    force: whether an existing folder may be replaced.

    Raises RequestError for what makes no sense, or not together.
    """

    paths: tuple[Path, ...]
    output: Path
    name: str | None = None
    form: str | None = None
    variant: str | None = None
    input: InputOptions = field(default_factory=InputOptions)
    image_output: str | None = None
    text_output: str | None = None
    tokenizer: Path | None = None
    context_length: int | None = None
    pad_token: str | None = None
    clean: str | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    templates: tuple[str, ...] = ()
    space: str | None = None
    repository: Repository | None = None
    sources: tuple[dict[str, str], ...] = ()
    license: str | None = None
    version: str = "1"
    force: bool = False

    def __post_init__(self) -> None:
        set_names(self, "paths", "templates")
        object.__setattr__(self, "paths", tuple(map(Path, self.paths)))
        set_paths(self, "output", "tokenizer")
        set_numbers(self, logit_scale=POSITIVE, logit_bias=_BIAS)
        check_kind("input", self.input, InputOptions)
        object.__setattr__(self, "sources", sources.check(self.sources))
        if self.form is not None:
            check_choice("form", self.form, tuple(FORMS))
        if self.clean is not None:
            check_choice("clean", self.clean, CLEANINGS)
        if not 1 <= len(self.paths) <= 2:
            raise RequestError("a folder is expected, or two, or one graph or two")
        if self.variant is not None and not re.fullmatch(r"[\w.-]+", self.variant):
            raise RequestError("`variant` takes letters, digits and . _ -")
        check_space(self.space)
        check_templates(self.templates)

    @property
    def model_name(self) -> str:
        """What the model is called."""
        return self.name or folders.name_of(self.output)

    def check_output(self) -> None:
        """Raise FolderError where the folder could not be written, or what is to be read would go
        with what it replaces."""
        folders.check_target(self.output, force=self.force, reads=(*self.paths, self.tokenizer))
