"""``zsl vocab index``: the HNSW index, built before it is needed."""

from dataclasses import asdict, replace

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter, duration
from zsl_cli.support.wording import counted


@click.command("index")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@options.hnsw_parameters
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@options.common
def command(name: str, m: int | None, ef_construction: int | None, ef: int | None, as_json: bool,
            quiet: bool, verbose: bool, debug: bool) -> None:
    """Build the HNSW index of a vocabulary, and measure it.

    Its recall and its time are printed. It is kept in the user's cache, where zsl classify
    and zsl label find it. They use the parameters that the vocabulary was built with, which are the
    defaults here; others are for finding out which are best, and zsl classify and zsl label take
    --ef too.
    """
    from zsl_cli.vocabulary import index_report
    from zsl_cli.vocabulary.search import recall
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(name)
    with TerminalReporter().shown(quiet) as reporter:
        report = index_report.build(vocabulary, options.read_hnsw(m, ef_construction, ef),
                                    reporter)
    parameters, measured, path = report.parameters, report.measured, report.path
    if as_json:
        printing.put_json({
            "vocabulary": vocabulary.name, "labels": len(vocabulary),
            "dimension": vocabulary.dimension, **asdict(parameters),
            "seconds": round(report.seconds, 3),
            "recall@10": measured.recall, "exact_ms": round(measured.exact_seconds * 1e3, 4),
            "query_ms": round(measured.index_seconds * 1e3, 4),
            "path": path and str(path), "bytes": report.bytes})
        return
    printing.put(f"index         {counted(len(vocabulary), 'label')} of "
                 f"{counted(vocabulary.dimension, 'dimension')}, M {parameters.m}, "
                 f"ef_construction {parameters.ef_construction}, ef {parameters.ef}")
    printing.put(f"ready after   {duration(report.seconds)}")
    printing.put(f"recall@10     {measured.recall:.4f}, over {recall.QUERIES} noisy label vectors")
    printing.put(f"a query       {measured.index_seconds * 1e3:.3f} ms, exact search "
                 f"{measured.exact_seconds * 1e3:.3f} ms")
    printing.put(f"kept in       {path} ({(report.bytes or 0) / 1e6:,.0f} MB)" if path else
                 f"kept in       nowhere: {report.cache} " + (
                     "can be written to by others" if report.shared else "cannot be written"))
    own = vocabulary.hnsw_parameters
    if replace(parameters, ef=own.ef) != own:
        printing.note(f"zsl classify and zsl label use the vocabulary's own M {own.m} and "
                      f"ef_construction {own.ef_construction}; build the vocabulary with these to "
                      "have them used")
