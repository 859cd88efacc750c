"""Options of ``--engine ray``, and which go with it."""

from collections.abc import Mapping
from typing import Any

import click

from zsl_cli.cli.terminal.options import Finite, NonEmpty, stack

ENGINES = ("local", "ray")

options = stack(
    click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True,
                 help="ray works on the machines of a Ray cluster: a source may be s3://… or "
                      "gs://… as well, a .jsonl or .parquet file with a column of paths or of the "
                      "bytes of images, or a .tar file; the output is a folder of Parquet files, "
                      "there or here."),
    click.option("--address", type=NonEmpty(), metavar="HOST:PORT",
                 help="With --engine ray: the cluster; auto for the one that this machine is in. "
                      "Default: $RAY_ADDRESS, or else this machine alone."),
    click.option("--actors", type=click.IntRange(1), metavar="N",
                 help="With --engine ray: how many models are loaded, with --jobs processors each, "
                      "by default one. Default: as many as there is room for."),
    click.option("--gpus-per-actor", type=Finite(0), metavar="F",
                 help="With --engine ray: how much of a GPU each has; with 0.5 two share one. "
                      "Default: none."),
    click.option("--embeddings", is_flag=True,
                 help="With --engine ray: write the embeddings, too, so that zsl index need not "
                      "read the photos again."),
    click.option("--column", type=NonEmpty(), metavar="NAME",
                 help="With --engine ray: the column of a .jsonl or .parquet file that has the "
                      "paths or the bytes. Default: path, image and the like."),
)

PARAMETERS = ("address", "actors", "gpus_per_actor", "embeddings", "column")
"""Of the options but --engine."""

NOT_THERE = ("output_format", "xmp_naming", "xmp_parents", "xmp_root", "catalogue",
             "check_content", "force")
_LOCAL = ("report", "xmp", "undo", "dry_run", "explain", *NOT_THERE)
"""Parameters of what one machine alone does."""


def given(engine: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of PARAMETERS that are given. Raises click.UsageError for what does not go with the
    engine."""
    ours = {name: parameters[name] for name in PARAMETERS if parameters.get(name)}
    if engine != "ray":
        if ours:
            raise click.UsageError(f"{_option(next(iter(ours)))} is for --engine ray")
        return {}
    for name in _LOCAL:
        if parameters.get(name, False) not in ((True,) if name == "xmp_parents" else (None, False)):
            raise click.UsageError(f"{_option(name)} is not for --engine ray, which writes a "
                                   "folder of Parquet files")
    if parameters.get("output") in (None, "-"):
        raise click.UsageError("--engine ray writes a folder of Parquet files: name it with "
                               "--output, or give an address such as s3://bucket/labels")
    return ours


def _option(parameter: str) -> str:
    return {"output_format": "--format"}.get(parameter, "--" + parameter.replace("_", "-"))
