"""``zsl models pull``: a ready model of the Hugging Face hub → a model folder."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from zsl_cli.cli.models import importing
from zsl_cli.cli.terminal import options, preparing, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.errors import ZslError
from zsl_cli.support import extras, folders


@click.command("pull")
@click.argument("repositories", nargs=-1, required=True, metavar="OWNER/NAME[@REVISION]")
@importing.target
@click.option("--compare/--no-compare", default=True, show_default=True,
              help="With --form: fetch fp32 as well, and measure the form against it.")
@importing.said
@preparing.options_
@options.common
def command(repositories: tuple[str, ...], compare: bool, quiet: bool, verbose: bool, debug: bool,
            **parameters: Any) -> None:
    """Fetch a ready ONNX model from a hub and import it.

    Only the files that are needed are fetched, into the cache that other programs share; what is
    broken off goes on. HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and HF_HOME count. Nothing of a
    repository is run. Without -o and --name the model is called NAME.

    \b
      zsl models pull Xenova/clip-vit-base-patch32 --name clip
      zsl models pull Qdrant/clip-ViT-B-32-vision Qdrant/clip-ViT-B-32-text --name qdrant-clip
      zsl classify photo.jpg --model clip --labels "a red panda,a fire truck"
    """
    if parameters["output"] is None and parameters["name"] is None:
        parameters["name"] = repositories[0].partition("@")[0].rpartition("/")[2]
    with extras.needed("hub", "importing"):
        from zsl_cli.authoring.importing import hub, import_model
    wanted = importing.request((Path(),), **parameters)
    folders.check_target(wanted.output, force=wanted.force)  # before anything is fetched
    with TerminalReporter().shown(quiet) as reporter:
        pulled = [hub.pull(one, form=wanted.form, variant=wanted.variant, compare=compare,
                           reporter=reporter) for one in repositories]
        if weights := [one for one in pulled if not one.ready]:
            folder = shlex.quote(str(weights[0].folder))
            raise ZslError(f"{weights[0].repository.name} has weights of PyTorch and no ONNX "
                           f"graph; zsl export goes on from here: zsl export {folder} -o "
                           f"{shlex.quote(str(wanted.output))} (pip install "
                           "'zsl-cli[export,checkpoints]')")
        result = import_model(replace(
            wanted, paths=tuple(one.folder for one in pulled), repository=pulled[0].repository,
            license=wanted.license or pulled[0].license,
            sources=(*(hub.source_of(one) for one in pulled), *wanted.sources)), reporter)
    printing.note(importing.follow_up(result))
