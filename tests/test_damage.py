"""Whatever is damaged, a reader gives a result or an error of zsl's own, and changes nothing.

``scripts/damage`` does the same for as long as one likes, and looks at time and memory, too.
"""

import random
import warnings

import pytest
from damage import KINDS, damaged
from damaged import written
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from zsl_cli.errors import ImageError, ZslError

PHOTOS = ["images", "metadata", "sidecars", "catalogues", "data sets", "captions", "path lists",
          "corrections", "runs"]
FOLDERS = ["vectors", "models", "vocabularies", "label lists", "class names", "corpora",
           "wordnet", "foreign wordnets", "names"]
CHECKPOINTS = ["checkpoints", "shards", "programs"]
EXAMPLES = {"catalogues": 40, "models": 25, "programs": 15, "vectors": 60}


def reader_of(name):
    pytest.importorskip("onnx")
    if name in CHECKPOINTS:
        pytest.importorskip("torch.export.pt2_archive")
        pytest.importorskip("safetensors")
    if name == "vectors":
        pytest.importorskip("gensim")
    from damaged_readers import READERS

    return READERS[name]


def check(reader, files):
    with written(files) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the program does
        try:
            reader.read(folder)
        except (ZslError, ImageError) as error:
            assert str(error).strip()
        assert not reader.changed(files, folder)


@pytest.mark.parametrize("name", PHOTOS + FOLDERS + CHECKPOINTS)
def test_good_input_is_read(name):
    reader = reader_of(name)
    for files in reader.samples.values():
        with written(files) as folder:
            reader.read(folder)


@pytest.mark.parametrize("name", PHOTOS + FOLDERS + CHECKPOINTS)
def test_damaged_input_is_a_result_or_an_error_of_our_own(name):
    reader = reader_of(name)

    @seed(16)
    @settings(max_examples=EXAMPLES.get(name, 100), database=None)
    @given(st.integers(0, 1 << 64))
    def holds(number):
        _, files = reader.damaged(random.Random(number))
        check(reader, files)

    holds()


@given(st.one_of(st.binary(max_size=99), st.sampled_from(
    [start + rest for start in (b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\x1f\x8b", b"BZh")
     for rest in (b"", b"\0" * 40)])), st.binary(max_size=99), st.integers(0, 999))
def test_every_kind_of_damage_fits_any_bytes_and_is_the_same_for_a_seed(data, other, number):
    for kind in KINDS:
        assert isinstance(kind(data, other, random.Random(number)), bytes)
    assert damaged(data, other, random.Random(number)) == damaged(data, other,
                                                                  random.Random(number))
