"""A vocabulary that is fitted to a classifier, and the maps that go with it."""

import os

import pytest

pytest.importorskip("scipy")

from zsl_cli import Vocabulary
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.vocabularies.classifier_fit import from_classifier
from zsl_cli.errors import ZslError


@pytest.fixture
def build(fits_at_once, tmp_path, wordnet):
    """Fits into ``tmp_path``; what was asked of the fit."""

    def run(**options):
        from_classifier.fit_vocabulary(from_classifier.FitRequest(
            tmp_path / "c.pth", tmp_path / "out", tmp_path / "M.npz", tmp_path / "P.npz",
            wordnet=tmp_path, **options))
        return fits_at_once.requests[-1]

    return run


def test_folder_projection_and_phrase_map_are_of_one_space(build, tmp_path):
    build()
    vocabulary = Vocabulary.load(tmp_path / "out")
    projection = Projection.load(tmp_path / "M.npz")
    assert projection.space == PhraseMap.load(tmp_path / "P.npz").space == vocabulary.space
    assert len(vocabulary) == 40
    assert vocabulary.manifest.entries["fit"]["temperature"] == projection.temperature
    assert vocabulary.prior_dimension == 70
    assert PhraseMap.load(tmp_path / "P.npz").slack == 71
    assert vocabulary.space.startswith("some_net.v1-wordnet-")


def test_where_class_lists_and_texts_are_can_be_given(build, tmp_path):
    request = build(class_lists=tmp_path / "lists", text_encoder=tmp_path / "texts")
    assert request.class_lists == tmp_path / "lists"
    assert request.text_encoder == tmp_path / "texts"
    assert request.wordnet == tmp_path


@pytest.mark.parametrize("kind", [Projection, PhraseMap])
def test_a_full_disk_leaves_all_as_it_was(build, tmp_path, monkeypatch, kind):
    def save(_self, _file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kind, "save", save)
    (tmp_path / "M.npz").write_bytes(b"an older one")
    with pytest.raises(ZslError, match=r"cannot write .*out: No space"):
        build(force=True)
    assert not [name for name in os.listdir(tmp_path) if "out" in name or "P.npz" in name]
    assert (tmp_path / "M.npz").read_bytes() == b"an older one"


def test_places_are_looked_at_before_anything_is_read(tmp_path):
    for name, places in (("projection", {}), ("phrase_map", {"phrase_map": tmp_path / "no" / "P"})):
        request = from_classifier.FitRequest(
            tmp_path / "no.pth", tmp_path / "out",
            tmp_path / ("M" if places else "no/M"), **places)
        with pytest.raises(ZslError, match=f"`{name}` .*there is no folder"):
            from_classifier.fit_vocabulary(request)


def test_what_is_fitted_to_does_not_go_with_what_is_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("vocabulary.json", "c.pth"):
        (tmp_path / "out" / name).touch()
    request = from_classifier.FitRequest(tmp_path / "out" / "c.pth", tmp_path / "out",
                                         tmp_path / "M.npz", force=True)
    with pytest.raises(ZslError, match=r"c.pth lies in .*out, which would be replaced"):
        from_classifier.fit_vocabulary(request)
