"""``zsl classify``: the top labels of some images."""

import os
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import meanings, notes, options, predictions, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.classifier.keyword_rule import KeywordRule
    from zsl_cli.classifier.predictions import Prediction
    from zsl_cli.errors import ImageError

_MANY = 200  # labels from which on it is shown how far their encoding is
_MOST_PIPED = 1 << 30  # bytes


@click.command("classify")
@click.argument("images", nargs=-1, metavar="IMAGE...")
@options.answers
@options.keywords
@options.candidates
@options.explain
@options.paths
@options.language
@options.output_format
@options.model_and_vocabulary
@options.reading
@options.common
def command(images: tuple[str, ...], top: int, threshold: float, keywords: bool,
            confidence: float | None, most: int | None, labels: tuple[str, ...],
            labels_file: Path | None, under: tuple[str, ...], max_depth: int | None,
            exact: bool | None, ef: int | None, explain: bool, paths: bool, language: str | None,
            output_format: str | None, model: str, vocabulary: str | None, device: str,
            jobs: int | None, batch_size: int | None, max_pixels: int, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Say what is in each IMAGE: a file, a folder, a pattern, or - for standard input.

    \b
      zsl classify photo.jpg --top 3
      zsl classify *.jpg --jsonl > labels.jsonl
      zsl classify *.jpg --keywords --csv > keywords.csv
      zsl classify photo.jpg --labels cat,dog,horse
      zsl classify photo.jpg --under animal
      zsl classify --labels-file keywords.txt --explain
    """
    started = time.perf_counter()
    cpus.one_blas_thread()
    if not images and not explain:
        raise click.MissingParameter(ctx=click.get_current_context(),
                                     param=click.get_current_context().command.params[0])
    if str(labels_file) == "-" and "-" in images:
        raise click.UsageError("standard input cannot be both an image and the --labels-file")
    names = options.read_labels(labels, labels_file)
    if explain and names is None:
        raise click.UsageError("--explain is for the words of --labels and --labels-file")
    from zsl_cli.classifier.classifier import Classifier, keywords_search
    from zsl_cli.embedding.walk import Walk
    from zsl_cli.vocabulary.lineages import Lineages
    from zsl_cli.vocabulary.search.subset import Subset

    predictions.warm_up(output_format)
    walk = Walk()
    sources = list(walk.expand(images))
    said = options.read_keywords(keywords, confidence, most)
    has_keywords = bool(said) or output_format is None
    exact = keywords_search(exact, ef) if has_keywords else exact
    is_library = any(map(os.path.isdir, images))  # which may be known; to look costs a photo more
    classifier = Classifier.load(model, vocabulary, language=language, device=device,
                                 exact=exact, ef=ef, images=len(sources),
                                 keywords=has_keywords, reads=not is_library)
    rule = _rule(said, classifier) if has_keywords else None
    with TerminalReporter().shown(quiet or len(names or ()) < _MANY) as reporter:
        reporter.start("encoding phrases", len(names or ()), "phrases")
        nearest = classifier.candidates(names, under or None, max_depth=max_depth, exact=exact,
                                        ef=ef, images=len(sources), advance=reporter.advance)
    if not sources and explain:
        printing.put_table(meanings.EXPLAINED, meanings.explained(classifier, nearest))
        return 0
    if explain or not quiet:
        meanings.say(classifier, under, nearest, explain=explain)
    if not quiet:
        notes.say_untranslated(classifier.vocabulary, nearest)
    notes.say_what_is_used(classifier, nearest)
    asked = {"top": top, "threshold": threshold, "rule": rule, "batch_size": batch_size,
             "jobs": jobs, "max_pixels": max_pixels}
    path_of = Lineages(classifier.vocabulary,
                       nearest.taken if isinstance(nearest, Subset) else ()).path_names
    done, failures = 0, []
    with _predicting(classifier, is_library) as predict:
        answers = predict(_read(sources), nearest, **asked)
        for prediction in predictions.write(answers, output_format, classifier.model.name,
                                            classifier.vocabulary.name,
                                            path_of if paths else None, rule):
            if prediction.error is None:
                done += 1
            else:
                failures.append(prediction.error)
                printing.say(f"{prediction.path}: {as_options(str(prediction.error))}")
    for line in notes.passed_over(walk.passed_over):
        printing.note(line)
    printing.detail(f"{counted(done, 'image')}, {len(failures):,} failed, "
                    f"{time.perf_counter() - started:.2f} s")
    return _status(done, failures)


@contextmanager
def _predicting(classifier: "Classifier", is_library: bool,
                ) -> "Iterator[Callable[..., Iterator[Prediction]]]":
    """What predicts: of a library with what catalogues know of it."""
    if not is_library:
        yield classifier.predict
        return
    from zsl_cli.photos.known import KnownEmbeddings, predict

    with KnownEmbeddings.of(classifier.model.manifest) as known:
        yield partial(predict, classifier, known=known)


def _rule(said: dict[str, Any], classifier: "Classifier") -> "KeywordRule | None":
    """By which keywords are chosen; none where nobody asks for them and there is no vocabulary,
    in the place of which phrases would have to be encoded first."""
    from zsl_cli.classifier.keyword_rule import KeywordRule

    if not said and not len(classifier.vocabulary):
        return None
    return KeywordRule.asked(True, said.get("confidence"), said.get("most"))


def _read(paths: "Iterable[tuple[str, ImageError | None]]",
          ) -> "Iterator[tuple[str, str | bytes | ImageError]]":
    piped: bytes | ImageError = b""
    for path, error in paths:
        if path == "-" and not piped:
            piped = _piped()
        yield path, error or (piped if path == "-" else path)


def _piped() -> "bytes | ImageError":
    """What comes from standard input, or why it is no image."""
    from zsl_cli.errors import ImageError

    if sys.stdin is None:
        return ImageError("standard input is closed", "file")
    try:
        data = sys.stdin.buffer.read(_MOST_PIPED + 1)
    except OSError as error:
        return ImageError(f"cannot read standard input: {error.strerror or error}", "file")
    if len(data) > _MOST_PIPED:
        return ImageError(f"more than {_MOST_PIPED >> 30} GB come from standard input; give the "
                          "file's name", "limit")
    return data


def _status(done: int, failures: "list[ImageError]") -> int:
    """1 when some input failed; 2 when there was nothing to read at all."""
    if not failures:
        return 0
    nothing = all(e.kind in ("missing", "empty", "permission") for e in failures)
    return 2 if nothing and not done else 1
