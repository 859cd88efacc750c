"""What reads the output of a run over many machines."""

from pathlib import Path

import numpy as np
from damaged import Reader

from zsl_cli.classifier.predictions import ScoredLabel
from zsl_cli.errors import ImageError
from zsl_cli.photos.capture import Capture
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.cluster import filling, parts, runs
from zsl_cli.photos.cluster.runs import Run, RunManifest
from zsl_cli.photos.cluster.stores import store_at
from zsl_cli.photos.entry import Entry, Provenance
from zsl_cli.photos.reporter import Reporter
from zsl_cli.vocabulary.names.label import Label

_ENCODER = Encoder("m", "e" * 64, 4)


def outputs(folder: Path) -> None:
    """Two parts with embeddings, with and without a manifest."""
    run = Run(("s3://bucket/photos",), "/", _ENCODER.model, _ENCODER.digest, _ENCODER.dimension,
              "v", "0" * 64, "1", {"top": 1}, 3, True)
    for name in ("ended", "under-way"):
        store = store_at(folder / name)
        runs.begin(store, run)
        infos = [parts.write_part(store, parts.part_name(f"{number:032x}"), [
            Entry(f"s3://bucket/photos/{number}.jpg", (ScoredLabel(Label("c1", "one"), 0.5),), None,
                  7, 1.5), Entry("bad.jpg", (), ImageError("it is none"))],
            Provenance("m", "v", "1"), run, seen=[
                parts.Seen(np.eye(4, dtype=np.float16)[number], 7,
                           Capture("2024-07-01T18:03:22", 1.0, 2.0)), None])
            for number in range(2)]
        if name == "ended":
            runs.write_manifest(store, RunManifest(run.digest, tuple(infos), {"it is none": 2}))


def read_output(folder: Path) -> object:
    """As a catalogue that is forgotten."""
    of = filling.Parts.of(store_at(folder), _ENCODER)
    with Catalogue.transient(None, Identity("", _ENCODER)) as catalogue:
        return filling.fill(catalogue, of.among(["s3://bucket/photos"]), Reporter())


READERS = (
    Reader("runs", outputs, read_output, commands=(
        ("index", "--from-run", "."), ("index", "s3://bucket/photos", "--from-run", "."))),)
