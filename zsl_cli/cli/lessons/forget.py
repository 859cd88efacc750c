"""``zsl lessons forget``: as if it had not been taught."""

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted


@click.command("forget")
@click.argument("labels", nargs=-1, metavar="LABEL...")
@click.option("--photo", "photos", multiple=True, metavar="PHOTO",
              help="Only the lessons of this photo. May be repeated.")
@click.option("--all", "everything", is_flag=True, help="Everything that was taught.")
@click.option("--vocab", "vocabulary", default="mine", show_default=True, metavar="NAME|FOLDER",
              help="The taught vocabulary.")
@options.common
def command(labels: tuple[str, ...], photos: tuple[str, ...], everything: bool, vocabulary: str,
            quiet: bool, verbose: bool, debug: bool) -> None:
    """Forget all lessons of a LABEL; a new label goes, too.

    The vectors are then what they would be if it had never been taught.

    \b
      zsl lessons forget ukulele
      zsl lessons forget ukulele --photo IMG_2041.jpg
    """
    cpus.one_blas_thread()
    if not labels and not photos and not everything:
        raise click.UsageError("name a LABEL, or give --photo, or --all")
    if everything and (labels or photos):
        raise click.UsageError("--all leaves nothing to name")
    from zsl_cli.photos.teaching import forgetting

    change = forgetting.forget(labels, vocabulary, photos=photos, everything=everything)
    gone = f"; {', '.join(change.labels)} no label any more" if change.labels else ""
    printing.put(f"{counted(change.lessons, 'lesson')} forgotten{gone}")
