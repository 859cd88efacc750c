"""What workers need of models, vocabularies and names is sent; what is used is what was sent."""

import inline_cluster
import names_files
import pytest

from zsl_cli import TeachRequest, teach
from zsl_cli.errors import FolderError, ZslError
from zsl_cli.photos import indexing
from zsl_cli.photos.cluster import engine, shipping
from zsl_cli.photos.cluster.shipping import Shipment
from zsl_cli.support import folders


@pytest.fixture
def default(asked, library, monkeypatch):
    """What is asked of the default model, in chunks as they are: the same photos are looked at
    together, here and there, since last digits depend on that."""
    monkeypatch.setattr(engine, "TOGETHER", indexing.TOGETHER)
    return {**asked, "model": "default"}


@pytest.fixture
def shipment(model):
    """The model of colours, and its vocabulary."""
    return Shipment.of({"model": (folders.MODEL, model),
                        "vocabulary": (folders.VOCABULARY, model / "vocab")})


def test_names_of_a_language_are_sent(run, here, cluster, default, tmp_path, monkeypatch):
    names_files.make(tmp_path / "home" / "names" / "de")
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "home"))
    asked = {**default, "language": "de", "keywords": True, "paths": True}
    expected = here(**asked)

    def without_home(*arguments):
        monkeypatch.delenv("ZSL_HOME")
        return lay_down(*arguments)

    lay_down = shipping.lay_down
    monkeypatch.setattr(shipping, "lay_down", without_home)
    run(**asked)
    rows = inline_cluster.rows("out")
    assert rows == expected
    assert "Katze" in str(rows)


def test_what_was_taught_is_sent(run, here, default, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "home"))
    teach(TeachRequest("Chelsea", [str(photos / f"a/{number:02}.jpg") for number in (6, 7)],
                       under="cat"))
    asked = {**default, "vocabulary": "mine", "labels": None}
    run(**asked)
    rows = inline_cluster.rows("out")
    # Where the two photos are not known already, they go through the model with the others.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another"))
    assert rows == here(**asked)
    assert "Chelsea" in str(rows)


def test_what_a_node_has_is_used_and_what_is_damaged_there_written_again(shipment):
    folder = shipping.lay_down(shipment)
    assert folder.name == shipment.digest
    assert shipping.is_there(shipment.digest)
    written = folder / "model" / "encoder.onnx"
    before = written.stat().st_mtime_ns
    assert shipping.lay_down(shipment) == folder
    assert written.stat().st_mtime_ns == before
    written.write_bytes(b"something else")
    assert not shipping.is_there(shipment.digest)
    shipping.lay_down(shipment)
    assert shipping.is_there(shipment.digest)


def test_another_content_is_another_shipment(shipment, model):
    manifest = model / "model.json"
    manifest.write_text(manifest.read_text().replace("{", "{ ", 1))
    other = Shipment.of({"model": (folders.MODEL, model),
                         "vocabulary": (folders.VOCABULARY, model / "vocab")})
    assert other.digest != shipment.digest


def test_a_folder_that_is_not_what_its_manifest_says_is_not_sent(model):
    (model / "encoder.onnx").write_bytes(b"something else")
    with pytest.raises(FolderError, match="changed since it was written"):
        Shipment.of({"model": (folders.MODEL, model)})


def test_where_nothing_can_be_laid_down_is_told(shipment, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ZslError, match=r"the model cannot be laid down there .* XDG_CACHE_HOME"):
        shipping.lay_down(shipment)
