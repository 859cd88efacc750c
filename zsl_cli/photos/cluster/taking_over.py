"""``index`` over a run's output: its embeddings go into the catalogue, and what is new or changed
since is read."""

from dataclasses import dataclass, replace
from functools import partial

from zsl_cli.errors import RequestError
from zsl_cli.photos import indexing
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.cluster import filling
from zsl_cli.photos.cluster.stores import is_address, store_at
from zsl_cli.photos.indexing import IndexRequest
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.result import IndexResult
from zsl_cli.support import folders
from zsl_cli.support.names import Name


@dataclass(frozen=True)
class TakeOverRequest(IndexRequest):
    """What is asked of ``take_over``; raises RequestError for values that make no sense.

    from_run: the output of a run over many machines, a folder or an address.
    sources: folders, or addresses, into which nobody looks; by default what the run was given.
    check_content: whether a photo is the one that the run saw is told by what is in it, and not by
        its size and mtime. The rest: see IndexRequest.
    """

    from_run: Name = ""

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        if not self.from_run:
            raise RequestError("`from_run` is the output of a run, a folder or an address")
        super().__post_init__()
        if self.files_from is not None:
            raise RequestError("`from_run` is for folders, and takes no `files_from`")
        addresses = [source for source in self.arguments if is_address(source)]
        if len(addresses) not in (0, len(self.arguments)):
            raise RequestError(f"{addresses[0]} is in an object store, which nobody looks into; "
                               "name it alone")

    def _check_any(self) -> None:
        """There need not be any photos named."""


def take_over(request: TakeOverRequest, reporter: Reporter | None = None) -> IndexResult:
    """Put what a run has made of photos into their catalogue, without opening one; then read what
    is new, or has changed since, as ``index`` does.

    Raises RequestError for sources that are not there, and ZslError for a run that has no
    embeddings or those of another model, and for a catalogue that can't be used.
    """
    reporter = reporter or Reporter()
    encoder = Encoder.of(folders.read_manifest(folders.MODEL, folders.find(
        folders.MODEL, request.model)))
    parts = filling.Parts.of(store_at(request.from_run), encoder).among(request.arguments)
    request = replace(request, sources=parts.roots)
    return indexing.index(request, reporter, fill=partial(
        filling.fill, of=parts, reporter=reporter, check_content=request.check_content,
        walk=request.walk()))
