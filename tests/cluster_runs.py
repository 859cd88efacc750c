"""Runs over photos as a cluster makes them, in this process and without Ray."""

import os
from dataclasses import replace

from zsl_cli.errors import ImageError
from zsl_cli.photos.answering import Answering
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.cluster import parts, runs
from zsl_cli.photos.cluster.labeller import Labeller
from zsl_cli.photos.cluster.request import ClusterRequest
from zsl_cli.photos.cluster.runs import Run, RunManifest
from zsl_cli.photos.cluster.sources import listed
from zsl_cli.photos.cluster.stores import store_at
from zsl_cli.photos.lazy import LazyClassifier
from zsl_cli.support import folders
from zsl_cli.support.version import __version__


def run_of(folder, *sources, **changes):
    """What is noted of a run over these sources."""
    encoder = Encoder.of(folders.read_manifest(folders.MODEL, folder))
    return replace(Run(sources, os.getcwd(), encoder.model, encoder.digest, encoder.dimension,
                       "own", "0" * 64, __version__, {}, 4, True), **changes)


def label(folder, source, output, *, chunk=4, ends=True, **changes):
    """Label a source into the parts of an output, with embeddings; returns the store and the
    run."""
    request = ClusterRequest(str(source), output=output, model=folder, device="cpu", jobs=1,
                             embeddings=True)
    store, run = store_at(output), run_of(folder, str(source), **changes)
    runs.begin(store, run)
    lazy = LazyClassifier(folder, None, request.question, device="cpu")
    classifier, nearest = lazy.load(1)

    def write(name, labelled):
        seen = [None if isinstance(one.answer, ImageError) else
                parts.Seen(one.answer, one.photo.crc, one.photo.capture) for one in labelled]
        info = parts.write_part(store, name, [one.entry for one in labelled], lazy.provenance, run,
                                seen=seen if run.embeddings else None)
        infos.append(info)
        return info.size

    infos = []
    labeller = Labeller(lazy, classifier.model, Answering(classifier, nearest, request.question),
                        request.reading, write)
    for one in listed(request, request.walk(), chunk, lambda number: None).chunks:
        labeller.label(one.part, one.unpacked())
    if ends:
        runs.write_manifest(store, RunManifest(run.digest, tuple(infos)))
    return store, run
