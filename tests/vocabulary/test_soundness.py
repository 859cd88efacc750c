"""Label vectors that are zero or not finite, with right hashes: named, and never used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_cli import Vocabulary
from zsl_cli.errors import FolderError
from zsl_cli.vocabulary import checks, index_report, writing
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.soundness import unsound
from zsl_cli.vocabulary.words import meaning

QUERY = np.eye(1, 4, dtype=np.float32)
USES = {"exact": lambda v: v.search(QUERY, 2, exact=True),
        "index": lambda v: v.search(QUERY, 2, exact=False),
        "subset": lambda v: v.subset([0, 2]),
        "neighbours": lambda v: meaning.neighbours(v, meaning.read_sum(v, "label 0"), 2),
        "build": lambda v: index_report.build(v, {})}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_vector_that_is_zero_or_not_finite_is_named_wherever_it_would_be_used(
        tmp_path, use, number, dtype):
    vectors = np.tile(np.eye(4, dtype=dtype), (3, 1))
    vectors[2, slice(None) if number == 0 else 1] = number
    (tmp_path / "v").mkdir()
    writing.write(tmp_path / "v", "v", "s", [Label(f"id{n}", f"label {n}") for n in range(12)],
                  vectors)
    vocabulary = Vocabulary.load(tmp_path / "v")
    with pytest.raises(FolderError, match=r"vectors\.npy: the vector of row 3, id2 \(label 2\), is "
                                          "zero or not finite"):
        USES[use](vocabulary)
    vocabulary.subset([0, 1])  # has no part in it
    wrong = next(one for one in checks.check(vocabulary, index=False) if one.name == "norms")
    assert wrong.state == "wrong"
    assert "row 3, id2 (label 2)" in wrong.examples[0]


@given(st.sets(st.integers(0, 2999)), st.sampled_from([np.nan, np.inf, 0]))
def test_exactly_those_rows_are_found(rows, number):
    vectors = np.ones((3000, 2), np.float32)
    vectors[sorted(rows)] = number
    assert unsound(vectors).tolist() == sorted(rows)


@pytest.mark.parametrize("number", [1e-30, 1e30])
def test_very_small_and_very_large_numbers_are_numbers(number):
    assert not len(unsound(np.full((2, 3), number, np.float32)))
