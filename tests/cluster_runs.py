"""The output of runs over photos, made in this process, in parts of four photos."""

from dataclasses import replace

import inline_cluster
import pytest

from zsl_cli.photos.cluster import engine, runs
from zsl_cli.photos.cluster.request import ClusterRequest
from zsl_cli.photos.cluster.stores import store_at


def label(folder, sources, output, *, ends=True, noted=None, **asked):
    """Label photos with the model of a folder into parts with embeddings; returns their store, and
    what is noted of the run.

    ends: whether the run gets to its end. noted: what is noted otherwise than it was. asked: see
    ClusterRequest.
    """
    with pytest.MonkeyPatch.context() as patch:
        inline_cluster.inline(patch)
        patch.setattr(engine, "PHOTOS", 1)
        patch.setattr(engine, "TOGETHER", 4)
        engine.label_on_ray(ClusterRequest(sources, output=output, model=folder, device="cpu",
                                           **{"embeddings": True, **asked}))
    store = store_at(output)
    run = replace(runs.read_run(store), **(noted or {}))
    runs.write_json(store, runs.RUN, run.entries())
    if not ends:
        store.delete(runs.MANIFEST)
    return store, run
