"""Options that several commands share, so that they are the same everywhere."""

import functools
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from zsl_cli.cli.terminal import notes
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support import devices
from zsl_cli.support.limits import (
    DEVICES,
    MAX_BATCH,
    MAX_EF,
    MAX_JOBS,
    MAX_M,
    MAX_PIXELS,
    MAX_TOP,
    MIN_M,
)
from zsl_cli.support.word_lists import Word, words_of

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def stack(*decorators: Decorator) -> Decorator:
    """The decorators as one; options are listed in their order."""
    def apply(function: Function) -> Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function
    return apply


def _in_words_of_the_command_line(function: Function) -> Function:
    """The function, what its library logs said without ``--quiet``, and its errors with options
    where the library has parameters."""
    @functools.wraps(function)
    def inner(*arguments: Any, **named: Any) -> Any:
        if named["quiet"] and named["verbose"]:
            raise click.UsageError("--quiet and --verbose exclude each other")
        if not named["quiet"]:
            notes.relay()
        try:
            return function(*arguments, **named)
        except RequestError as error:
            raise click.UsageError(as_options(str(error))) from error
        except ZslError as error:
            error.args = (as_options(str(error)), *error.args[1:])
            raise
    return cast("Function", inner)


common = stack(
    click.option("-q", "--quiet", is_flag=True, help="No notes on standard error; only errors."),
    click.option("-v", "--verbose", is_flag=True, help="Say what is used and how long it took."),
    click.option("--debug", is_flag=True, help="Show a traceback when something fails."),
    _in_words_of_the_command_line,
)



def _device(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if devices.parse(value) is None:
        raise click.BadParameter(
            f"{value!r} is not one of {', '.join(map(repr, devices.SPELLINGS))} (N the number of "
            "a CUDA device, from 0)")
    return value


def _devices(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in DEVICES if name.startswith(incomplete)]


device = click.option("--device", metavar="auto|cpu|cuda[:N]", default="auto",
                      show_default=True, callback=_device, shell_complete=_devices,
                      help="cuda, the first card, and cuda:N fail where they cannot be used; "
                           "auto falls back.")

max_pixels = click.option("--max-pixels", type=click.IntRange(1), default=MAX_PIXELS,
                          show_default=True, metavar="N",
                          help="Larger images are refused before decoding.")

wordnet = click.option("--wordnet", type=click.Path(path_type=Path), metavar="FOLDER",
                       help="WordNet 3.0's database files. Default: $WNSEARCHDIR, or where "
                            "packages put them.")

class_lists = click.option("--class-lists", type=click.Path(path_type=Path), metavar="FOLDER",
                           help="ImageNet's class lists. Default: those of the package timm.")


def sources(where: str) -> Decorator:
    """``--sources``, which ``read_sources`` reads; ``where`` says what they are written to."""
    return click.option("--sources", type=click.Path(path_type=Path), metavar="JSON",
                        help=f"A list of {{name, license, url}}, for {where}.")


_model = click.option(
    "--model", default="default", show_default=True, metavar="NAME|FOLDER",
    help="The model that embeds images.")
model = stack(_model, device)
model_and_vocabulary = stack(
    _model,
    click.option("--vocab", "vocabulary", metavar="NAME|FOLDER",
                 help="The labels to choose from. Default: the model's own, or else the one "
                      "called default if it fits the model, or else the first that does; before "
                      "all of them that of $ZSL_VOCAB, if it fits."),
    device,
)

vocabulary = click.option("--vocab", "vocabulary", default="default", show_default=True,
                          metavar="NAME|FOLDER", help="The vocabulary.")


def _not_with_exact(ctx: click.Context, _param: click.Parameter, ef: int | None) -> int | None:
    if ef is not None and ctx.params.get("exact"):
        raise click.UsageError("--ef is for the HNSW index, which --exact does without")
    return ef


candidates = stack(
    click.option("--labels", multiple=True, metavar="A,B,C",
                 help="Only these labels: names, synonyms or ids; with a model that encodes "
                      "phrases, any others too. May be repeated."),
    click.option("--labels-file", type=click.Path(path_type=Path), metavar="FILE",
                 help="The same, one a line, or the keywords that Lightroom, darktable or "
                      "digiKam exports; - is standard input."),
    click.option("--under", multiple=True, metavar="LABEL",
                 help="Only labels below this one, such as animal. May be repeated."),
    click.option("--max-depth", type=click.IntRange(0), metavar="N",
                 help="Only labels at most N steps below those of --under, or below the roots of "
                      "the hierarchy, by the shortest way."),
    click.option("--exact/--hnsw", "exact", default=None,
                 help="Search by brute force, or by the HNSW index. Default: the quicker one "
                      "for this number of images."),
    click.option("--ef", type=click.IntRange(1, MAX_EF), metavar="N", callback=_not_with_exact,
                 help="The width of a search, where the index is used: recall for time. Default: "
                      "the vocabulary's."),
)

explain = click.option("--explain", is_flag=True,
                       help="Say of each word of --labels and --labels-file, in a line, what it is "
                            "taken for.")

paths = click.option("--paths", is_flag=True,
                     help="Labels with their path from the root of the hierarchy.")

hnsw_parameters = stack(
    click.option("--m", type=click.IntRange(MIN_M, MAX_M), metavar="M",
                 help="Links a label in the index, twice as many on its lowest layer."),
    click.option("--ef-construction", type=click.IntRange(1, MAX_EF), metavar="N",
                 help="The width of the search for these links: a better graph for time."),
    click.option("--ef", type=click.IntRange(1, MAX_EF), metavar="N",
                 help="The width of a search: recall for time."),
)
"""HNSW's three parameters, None where they are not given."""


class Finite(click.FloatRange):
    """A finite number in a range; click's own lets NaN, and infinity where it is open, through."""

    def convert(self, value: Any, param: click.Parameter | None,
                ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"must be a finite number, not {number}", param, ctx)
        return number


class NonEmpty(click.ParamType):
    """A text that is not empty, or the path that it is."""

    name = "text"

    def __init__(self, kind: type[str] | type[Path] = str) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None,
                ctx: click.Context | None) -> str | Path:
        if not str(value).strip():
            self.fail("it is empty", param, ctx)
        return self._kind(value)


language = click.option("--language", type=NonEmpty(), metavar="LANG|FOLDER",
                        help="Names of labels in this language, such as de, as far as there are "
                             "any (zsl vocab names); also to find labels by.")

answers = stack(
    click.option("-k", "--top", type=click.IntRange(1, MAX_TOP), default=5, show_default=True,
                 metavar="K", help="How many labels an image, at most 1000."),
    click.option("--threshold", type=Finite(0, 1), default=0.0, show_default=True,
                 metavar="P", help="Leave out labels whose score, from 0 to 1, is lower."),
)

keywords = stack(
    click.option("--keywords", is_flag=True,
                 help="Keywords as well: the words that are worth writing down, each with its "
                      "confidence, and the confidence of each label."),
    click.option("--confidence", type=Finite(0, 1), metavar="P",
                 help="Keywords that are at least so probable, from 0 to 1. Default: 0.8. Implies "
                      "--keywords."),
    click.option("--most", type=click.IntRange(1, MAX_TOP), metavar="N",
                 help="At most so many keywords an image. Implies --keywords."),
)

reading = stack(
    click.option("-j", "--jobs", type=click.IntRange(1, MAX_JOBS), metavar="N",
                 help="Threads that decode and infer. Default: the usable cores."),
    click.option("--batch-size", type=click.IntRange(1, MAX_BATCH), metavar="N",
                 help="Images that go through the model at once. Default: 8, with CUDA 64."),
    max_pixels,
)

def output_formats(**helps: str) -> Decorator:
    """The options of what programs read, by their names, with the help of each. The command gets
    the one that is given, if any is, as ``output_format``."""
    return stack(*(click.option(
        f"--{name}", f"as_{name}", is_flag=True, expose_value=False, callback=_only_format,
        help=text) for name, text in helps.items()))


def _only_format(ctx: click.Context, param: click.Parameter, is_given: bool) -> None:
    chosen = ctx.params.setdefault("output_format", None)
    if is_given:
        name = param.opts[0].removeprefix("--")
        if chosen is not None:
            raise click.UsageError(f"--{chosen} and --{name} exclude each other: what is printed "
                                   "has one form", ctx)
        ctx.params["output_format"] = name


output_format = output_formats(jsonl="A JSON record a line.", json="One JSON array.",
                               csv="CSV, a row a label.")


photos = stack(
    click.option("--include", multiple=True, metavar="GLOB",
                 help="Only images that match. May be repeated."),
    click.option("--exclude", multiple=True, metavar="GLOB",
                 help="No images and folders that match. May be repeated."),
    click.option("--hidden", is_flag=True,
                 help="Hidden folders, @eaDir, node_modules and __MACOSX as well."),
    click.option("--follow-links", is_flag=True, help="Symbolic links as well."),
    click.option("--files-from", type=NonEmpty(), metavar="FILE",
                 help="Read paths from a list, a line each or NUL-separated; - is standard input."),
)
read_again = stack(
    click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run."),
    click.option("--check-content", is_flag=True,
                 help="Read every file to see whether it changed; by default only those whose size "
                      "or times did."),
)
catalogue = click.option(
    "--catalogue", type=NonEmpty(), metavar="FOLDER",
    help="Where what is known of the photos lies. Default: in the user's data folder.")


def read_labels(labels: Sequence[str], labels_file: Path | None) -> "list[str | Word] | None":
    """The candidate labels that ``--labels`` and ``--labels-file`` name, or None for all."""
    if not labels and labels_file is None:
        return None
    names: list[str | Word] = [name.strip() for name in ",".join(labels).split(",")]
    if labels_file is not None:
        if str(labels_file) == "-" and sys.stdin is None:
            raise click.UsageError("--labels-file -: standard input is closed")
        try:
            with click.open_file(str(labels_file), "rb") as file:
                names += words_of(file.read(), str(labels_file))
        except OSError as error:
            raise click.UsageError(f"--labels-file {labels_file}: {error.strerror}") from error
        except ZslError as error:
            raise click.UsageError(f"--labels-file {error}") from error
    if not any(names):
        raise click.UsageError("--labels and --labels-file name no label")
    return list(filter(None, names))


def read_keywords(keywords: bool, confidence: float | None, most: int | None) -> dict[str, Any]:
    """What ``keywords`` say, as the library's parameters; none of them where nothing is said."""
    given = {"confidence": confidence, "most": most}
    said = {name: value for name, value in given.items() if value is not None}
    return {"keywords": True, **said} if keywords or said else {}


def read_sources(path: Path | None) -> tuple[dict[str, str], ...]:
    """The list in a ``--sources`` file; raises ZslError."""
    from zsl_cli.support.sources import check

    if path is None:
        return ()
    try:
        entries = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ZslError(f"--sources {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ZslError(f"--sources {path}: not JSON ({error})") from error
    return check(entries, f"--sources {path}")


def read_hnsw(m: int | None, ef_construction: int | None, ef: int | None) -> dict[str, int]:
    """Those of ``hnsw_parameters`` that are given."""
    parameters = {"m": m, "ef_construction": ef_construction, "ef": ef}
    return {name: value for name, value in parameters.items() if value is not None}


def check_encoding(name: str) -> None:
    """Raise click.UsageError unless Python knows this encoding."""
    try:
        "".encode(name)
    except LookupError as error:
        raise click.UsageError(f"--encoding {name}: no such encoding; utf-8 and latin-1 are the "
                               "usual ones") from error


def listed_photos(sources: Sequence[str], files_from: str | None) -> "str | Iterator[str] | None":
    """What ``--files-from`` lists, where photos are named at all."""
    if not sources and files_from is None:
        raise click.UsageError("name a FOLDER, or give --files-from")
    if "-" in sources:
        raise click.UsageError("to read a list of paths from standard input, give --files-from -")
    return _standard_input() if files_from == "-" else files_from


def _standard_input() -> Iterator[str]:
    from zsl_cli.embedding.path_lists import listed

    if sys.stdin is None:
        raise click.UsageError("--files-from -: standard input is closed")
    try:
        yield from listed(sys.stdin.buffer)
    except RequestError as error:
        raise RequestError(f"`files_from` -: {error}") from error
    except OSError as error:
        raise click.UsageError(f"--files-from -: {error.strerror}") from error
