"""Runs over chunks in this process, by the worker that Ray would make an actor of, and what tests
read of them."""

from contextlib import contextmanager

import pyarrow.dataset
from pyarrow import parquet

from zsl_cli.errors import ZslError
from zsl_cli.photos.cluster import ray_data, shipping, worker


class Inline:
    """A cluster of one worker, in this process."""

    def __init__(self, stops_after=None):
        self.labelled = []  # the parts
        self.needed = []
        self.stops_after = stops_after
        self.tells = True

    @contextmanager
    def __call__(self, request, shipped):
        yield self

    def check(self, needed):
        self.needed = needed
        return []

    def outcomes(self, todo, job, shipment):
        shipping.lay_down(shipment)
        actor = worker.Worker(job, [None])
        for chunk in todo:
            if self.stops_after == len(self.labelled):
                raise KeyboardInterrupt
            row = actor({"part": chunk.part, "photos": chunk.photos, "packed": chunk.packed})
            outcome = worker.from_row(row)
            if row["fatal"]:
                raise ZslError(outcome.error)
            self.labelled.append(outcome.part)
            if self.tells:
                yield outcome


def inline(monkeypatch, **how):
    """Have runs work in this process; returns what tells of them."""
    cluster = Inline(**how)
    monkeypatch.setattr(ray_data, "cluster", cluster)
    return cluster


def rows(folder):
    """The records of all parts, sorted by path."""
    return pyarrow.dataset.dataset(str(folder), format="parquet").to_table().sort_by(
        "path").to_pylist()


def table_rows(path):
    """Those of one Parquet file."""
    return parquet.read_table(path).sort_by("path").to_pylist()


def without_path(rows):
    """Records without what tells where a photo lies and since when."""
    return [{name: value for name, value in row.items() if name not in ("path", "mtime")}
            for row in rows]
