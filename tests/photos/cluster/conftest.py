"""An S3 server on loopback, and runs over chunks in this process."""

import inline_cluster
import pytest
from s3_server import s3, s3_server  # noqa: F401

from zsl_cli import LabelRequest, label
from zsl_cli.photos.cluster import engine
from zsl_cli.photos.cluster.engine import label_on_ray
from zsl_cli.photos.cluster.request import ClusterRequest


@pytest.fixture
def cluster(monkeypatch):
    """Runs in this process."""
    return inline_cluster.inline(monkeypatch)


@pytest.fixture
def asked(model, photos, tmp_path, monkeypatch):
    """What is asked, in the folder where ``photos`` is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "PHOTOS", 1)
    monkeypatch.setattr(engine, "TOGETHER", 4)
    return {"model": model, "device": "cpu"}


@pytest.fixture
def run(asked, cluster):
    """Labels ``photos`` or other sources into ``out``."""
    def run(*sources, listener=None, **what):
        return label_on_ray(ClusterRequest(sources or ("photos",), **{
            "output": "out", **asked, **what}), listener)
    return run


@pytest.fixture
def here(asked, tmp_path):
    """The rows that one machine writes of the same."""
    def rows(*sources, **what):
        label(LabelRequest(sources or ("photos",), output=str(tmp_path / "here.parquet"),
                                force=True, **{**asked, **what}))
        return inline_cluster.table_rows(tmp_path / "here.parquet")
    return rows
