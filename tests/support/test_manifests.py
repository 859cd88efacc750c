"""A model's manifest as a dataclass: what it is written as, and what it is read from."""

import json
from pathlib import Path

import pytest

from zsl_cli.support import folders, sources
from zsl_cli.support.manifests import Agreement, ModelManifest, SentenceEncoder


@pytest.fixture
def entries():
    """Of the default model."""
    return dict(folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, "default"))
                .entries)


def read(entries):
    return ModelManifest.from_entries(entries, Path("model.json"))


def test_a_manifest_is_written_as_it_was_read(entries):
    manifest = read(entries)
    assert isinstance(manifest.text.sentence_encoder, SentenceEncoder)
    assert manifest.parity["int8"].images == 256
    del entries["format"]
    assert json.dumps(manifest.to_entries()) == json.dumps(entries)  # in this order


@pytest.mark.parametrize("part", ["normalisation", "parity", "architecture", "features",
                                  "weights", "exported_by", "license"])
@pytest.mark.parametrize("value", [None, 7, [], {"mean": 1}, {"float32": {"images": 1}}])
def test_what_is_there_for_people_makes_no_folder_unusable(entries, part, value):
    manifest = read({**entries, part: value})
    assert manifest.parity == ({} if part == "parity" else read(entries).parity)
    assert (manifest.normalisation is None) == (part == "normalisation")
    del entries[part]
    read(entries)


def test_figures_are_rounded_and_those_that_are_not_known_left_out():
    assert Agreement(3, 0.000123456, 0.99999999, 0.123456789).to_entries() == {
        "images": 3, "max_difference": 0.000123, "min_cosine": 1.0, "mean_cosine": 0.123457}
    assert Agreement(3, 1.0, 1.0, 1.0, 0.98765432).to_entries()["top_10"] == 0.9877


def test_what_a_source_lacks_is_not_given():
    (source,) = read({"format": 1, "name": "m", "version": "1", "space": "s", "dimension": 2,
                      "input": {"size": 8}, "files": {}, "sources": [{"name": "me"}, 3]}).sources
    assert source == {"name": "me", "license": "not given", "url": "not given"}
    assert sources.check([source]) == (source,)
