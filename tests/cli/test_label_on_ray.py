"""``zsl label --engine ray``: what goes with what; and a run on a Ray of this machine."""

import json

import inline_cluster
import pytest
from painted_sets import model, photos  # noqa: F401

from zsl_cli.cli.terminal.clusters import given


@pytest.mark.parametrize(("arguments", "message"), [
    (["-o", "out", "--report", "r.html"], "--report is not for --engine ray"),
    (["-o", "out", "--no-xmp-parents"], "--xmp-parents is not for --engine ray"),
    (["-o", "out", "--format", "csv"], "--format is not for --engine ray"),
    ([], "--engine ray writes a folder of Parquet files: name it with --output"),
    (["-o", "-"], "--engine ray writes a folder of Parquet files: name it with --output"),
    (["-o", "out", "--gpus-per-actor", "1.5"], "--gpus-per-actor 1.5: above 1 it is a whole"),
    (["-o", "out", "--device", "cuda"], "such as --gpus-per-actor 1"),
    (["-o", "s3://", "--top", "3"], "can't be the name of a bucket"),
    (["-o", "ftp://a/b"], "no object store is known under ftp://")])
def test_what_does_not_go_together_is_wrong_use(zsl, tmp_path, arguments, message):
    result = zsl("label", "photos", "--engine", "ray", *arguments)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("parameter", ["address", "actors", "gpus_per_actor", "embeddings",
                                       "column"])
def test_options_of_a_cluster_are_for_that_alone(parameter):
    with pytest.raises(Exception, match=f"--{parameter.replace('_', '-')} is for --engine ray"):
        given("local", {parameter: 1})


@pytest.mark.slow
def test_a_run_says_what_it_did_and_ray_says_nothing(zsl, model, photos, tmp_path):  # noqa: F811
    pytest.importorskip("ray")
    (photos / "bad.png").write_bytes(b"no photo")
    arguments = ("label", "photos", "-o", "out", "--engine", "ray", "--model", "./paint",
                 "--embeddings", "--keywords")
    result = zsl(*arguments)
    assert (result.returncode, result.stdout) == (1, b"")
    lines = result.stderr.decode().splitlines()
    assert lines[0] == "zsl: photos/bad.png: not an image in a known format"
    assert lines[1].startswith("zsl: 9 photos read, 1 failed, 0 known already, ")
    assert lines[2] == "     1 × not an image in a known format"
    assert lines[-1] == f"     written: {tmp_path / 'out'}"
    assert all(line.startswith(("zsl: ", "     ")) for line in lines)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())
    assert (manifest["images"], manifest["failed"], len(manifest["parts"])) == (10, 1, 1)
    assert len(inline_cluster.rows(tmp_path / "out")) == 10
    again = zsl(*arguments)
    assert again.returncode == 1
    assert b"0 photos read, 0 failed, 10 known already" in again.stderr
    assert b"1 of these failed in an earlier run; --retry-failed tries them again" in again.stderr
