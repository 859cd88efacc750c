"""What a vocabulary folder is written with."""

import json

from royal import make


def test_a_folder_gets_the_parameters_that_are_given_and_else_those_that_suit_it(tmp_path):
    folder = make(tmp_path / "v", hnsw={"m": 8})
    assert json.loads((folder / "vocabulary.json").read_text())["hnsw"] == {
        "m": 8, "ef_construction": 400, "ef": 384}
