"""What Ray does: it hands chunks to workers, and gives back what came of each."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ZslError
from zsl_cli.photos.cluster import nodes, worker
from zsl_cli.photos.cluster.labeller import Outcome

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.chunks import Chunk
    from zsl_cli.photos.cluster.request import ClusterRequest
    from zsl_cli.photos.cluster.shipping import Shipment

_BLOCKS = 10_000
"""Tasks into which a run is cut at most; each is a chunk or more, and costs the driver some
milliseconds."""


@dataclass(frozen=True)
class Share:
    """What each actor has: threads, which are processors, and how much of a GPU; and how many
    there are."""

    jobs: int
    gpus: float
    actors: int


@contextmanager
def cluster(request: "ClusterRequest", shipped: int) -> "Iterator[Cluster]":
    """The cluster of a request, whose nodes get so many bytes. Raises MissingExtraError,
    ZslError."""
    with nodes.connected(request.address, shipped) as ray:
        yield Cluster(ray, request)


class Cluster:
    """A cluster that this process is connected to."""

    def __init__(self, ray: Any, request: "ClusterRequest") -> None:
        self._ray, self._request = ray, request

    def check(self, needed: Sequence[str]) -> list[str]:
        """See nodes.check."""
        return nodes.check(self._ray, needed)

    def outcomes(self, todo: "list[Chunk]", job: worker.Job,
                 shipment: "Shipment") -> Iterator[Outcome]:
        """What comes of each chunk, as it comes. Raises ZslError where there is no room for a
        worker; and while they come, where the work can't be done or go on."""
        return self._outcomes(todo, job, shipment, self.share(len(todo)))

    def _outcomes(self, todo: "list[Chunk]", job: worker.Job, shipment: "Shipment",
                  share: Share) -> Iterator[Outcome]:
        ray = self._ray
        job = replace(job, reading=replace(job.reading, jobs=share.jobs))
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        rows = [{"part": one.part, "photos": one.photos, "packed": one.packed} for one in todo]
        found = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS)).map(
            worker.Worker, fn_constructor_args=(job, [ray.put(shipment)]),
            compute=ray.data.ActorPoolStrategy(size=share.actors), num_cpus=share.jobs,
            **({"num_gpus": share.gpus} if share.gpus else {}))
        try:
            for row in found.iter_rows():
                outcome = worker.from_row(row)
                if row["fatal"]:
                    raise ZslError(f"no worker can begin: {outcome.error}")
                yield outcome
        except ray.exceptions.RayError as error:
            raise ZslError(f"the cluster gave up: {nodes.told(error)}; what is done is kept: run "
                           "again to go on") from error

    def share(self, chunks: int) -> Share:
        """What each actor has, of a run of so many chunks. Raises ZslError where there is no room
        for one."""
        there = self._ray.cluster_resources()
        processors, gpus = int(there.get("CPU", 0)), there.get("GPU", 0.0)
        request, wanted = self._request, self._request.gpus_per_actor
        if wanted > gpus:
            raise ZslError(f"`gpus_per_actor={wanted:g}`: the cluster has {gpus:g} GPUs")
        by_gpu = int(gpus / wanted) if wanted else None
        actors = request.actors or by_gpu
        jobs = request.jobs or (max(1, processors // actors) if wanted and actors else 1)
        if jobs > processors:
            raise ZslError(f"`jobs={jobs}`: the cluster has {processors} processors")
        room = max(1, processors // jobs)
        return Share(jobs, wanted, max(1, min(actors or room, room, by_gpu or room, chunks)))
