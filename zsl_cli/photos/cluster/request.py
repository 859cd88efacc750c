"""ClusterRequest: what is to be labelled on a cluster, by what, and where it goes."""

import os
from dataclasses import dataclass

from zsl_cli.errors import RequestError
from zsl_cli.photos.asking import Asking
from zsl_cli.support.addresses import is_address
from zsl_cli.support.names import Name
from zsl_cli.support.values import COUNT, POSITIVE, set_numbers


@dataclass(frozen=True)
class ClusterRequest(Asking):
    """What is asked of ``label_on_ray``; raises RequestError for values that make no sense. Which
    photos are meant: see Library and sources.listed; what is asked of each: see Asking.

    output: the folder, or the address in an object store, that gets the parts.
    column: of a manifest, what has the paths or the bytes of images; found by its name otherwise.
    embeddings: whether parts have the embeddings of images, and what a catalogue has to know of
        them.
    retry_failed: whether parts in which an image failed are made again.
    address: of the cluster, see ray.init; None for that of $RAY_ADDRESS, or else one of this
        machine for this run alone.
    actors: how many models are loaded; None for as many as the cluster has room for.
    gpus_per_actor: how much of a GPU each gets; several may share one. With 0 they run on
        processors, whatever else their machines have.
    jobs: threads, and processors, that each actor has; None for one, or with GPUs for its share.
    """

    output: Name | None = None
    column: str | None = None
    embeddings: bool = False
    retry_failed: bool = False
    address: str | None = None
    actors: int | None = None
    gpus_per_actor: float = 0.0

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        super().__post_init__()
        if self.output is None:
            raise RequestError("nothing to write: give `output` a folder or an address")
        set_numbers(self, actors=COUNT)
        if self.gpus_per_actor != 0:
            set_numbers(self, gpus_per_actor=POSITIVE)
        if self.gpus_per_actor > 1 and self.gpus_per_actor != int(self.gpus_per_actor):
            raise RequestError(f"`gpus_per_actor={self.gpus_per_actor:g}`: above 1 it is a whole "
                               "number")
        if self.gpus_per_actor and self.device == "cpu":
            raise RequestError("`gpus_per_actor` is for another `device` than cpu")
        if self.device.startswith("cuda:"):
            raise RequestError(f"`device={self.device}`: which GPU a worker gets Ray says; give "
                               "`device=cuda` and `gpus_per_actor`")
        if self.device == "cuda" and not self.gpus_per_actor:
            raise RequestError("`device=cuda`: say how much of a GPU each worker gets, such as "
                               "`gpus_per_actor=1`")

    @property
    def folder(self) -> str:
        """Where relative paths start from; empty where there are none, so that the same run is the
        same wherever it is started."""
        names = self.arguments
        is_whole = self.files_from is None and all(is_address(one) or os.path.isabs(one)
                                                   for one in names)
        return "" if is_whole else os.getcwd()
