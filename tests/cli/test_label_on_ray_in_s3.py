"""``zsl label --engine ray``: the real command line and a real Ray, an S3 server as source and as
sink; and what is told, within a minute, where that does not work."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from painted_sets import model, photos  # noqa: F401
from s3_server import s3, s3_server  # noqa: F401

pytest.importorskip("ray")
parquet = pytest.importorskip("pyarrow.parquet")

MINUTE = 60


@pytest.fixture
def label(zsl, model, s3):  # noqa: F811
    """Runs it with the model of colours; returns its result, and standard error as text."""

    def run(*arguments, env=None):
        begun = time.monotonic()
        result = zsl("label", "--top", "2", *arguments, "--engine", "ray", "--model", "./paint",
                     "--device", "cpu", env={**s3.environment, **(env or {})})
        said = result.stderr.decode()
        assert result.returncode != 2 or time.monotonic() - begun < MINUTE
        assert result.stdout == b""
        assert "Traceback" not in said
        return result.returncode, said

    return run


@pytest.fixture
def uploaded(s3, photos):  # noqa: F811
    """The pictures, and one that is none, in the bucket."""
    (photos / "bad.png").write_bytes(b"no photo")
    for path in photos.rglob("*.png"):
        s3.put(f"photos/{path.relative_to(photos)}", path.read_bytes())
    return s3


def rows(s3):  # noqa: F811
    """The records of all parts in the bucket, by their paths, without what files have."""
    found = {}
    for key in s3.names("out/"):
        if key.endswith(".parquet"):
            data = s3.client.get_object(Bucket="bucket", Key=key)["Body"].read()
            for row in parquet.read_table(io.BytesIO(data)).to_pylist():
                assert row["path"] not in found
                found[row["path"]] = {name: row[name] for name in (
                    "labels", "error", "size", "model", "vocabulary", "version")}
    return found


@pytest.mark.slow
def test_from_a_bucket_into_a_bucket_and_into_a_catalogue(label, uploaded, zsl, tmp_path):
    status, said = label("s3://bucket/photos", "-o", "s3://bucket/out", "--embeddings")
    assert status == 1  # for the one that is none
    assert "9 photos read, 1 failed" in said
    here = zsl("label", "photos", "-o", "here.parquet", "--model", "./paint", "--device", "cpu",
               "--top", "2")
    assert here.returncode == 1
    theirs = {f"s3://bucket/{row['path']}": row
              for row in parquet.read_table(tmp_path / "here.parquet").to_pylist()}
    ours = rows(uploaded)
    assert ours == {path: {name: row[name] for name in ours[path]} for path, row in theirs.items()}
    manifest = json.loads(uploaded.client.get_object(
        Bucket="bucket", Key="out/_manifest.json")["Body"].read())
    assert (manifest["images"], manifest["failed"]) == (10, 1)
    status, said = label("s3://bucket/photos", "-o", "s3://bucket/out", "--embeddings")
    assert "0 photos read, 0 failed, 10 known already" in said
    assert rows(uploaded) == ours
    done = zsl("index", "--from-run", "s3://bucket/out", "--model", "./paint",
               env=uploaded.environment)
    assert b"9 photos taken over from the run without being opened" in done.stderr
    found = zsl("search", "red", "--model", "./paint", "--top", "6", "--paths")
    assert b"s3://bucket/photos/scarlet/" in found.stdout  # beside the same photo on this machine
    done = zsl("index", "photos", "--from-run", "s3://bucket/out", "--model", "./paint",
               "--device", "cpu", "--check-content", "--catalogue", "other",
               env=uploaded.environment)
    assert b"9 photos taken over from the run without being opened" in done.stderr


@pytest.mark.slow
def test_a_command_that_is_killed_loses_nothing_and_doubles_nothing(label, s3, photos,  # noqa: F811
                                                                    environment, tmp_path):
    data = (photos / "c3" / "0.png").read_bytes()
    names = [f"photos/{number:04}.png" for number in range(1100)]  # five parts
    for name in names:
        s3.put(name, data)
    arguments = ["label", "s3://bucket/photos", "-o", "s3://bucket/out", "--engine", "ray",
                 "--model", "./paint", "--device", "cpu", "--actors", "1"]
    with subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments], cwd=tmp_path,
                          env={**environment, **s3.environment}, start_new_session=True,
                          stderr=subprocess.DEVNULL) as process:
        while not any(name.endswith(".parquet") for name in s3.names("out/")):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    done = sum(name.endswith(".parquet") for name in s3.names("out/"))
    assert 0 < done < 5
    status, said = label("s3://bucket/photos", "-o", "s3://bucket/out")
    assert status == 2  # another question: --top
    assert "top was 5, is 2" in said
    status, said = label("s3://bucket/photos", "-o", "s3://bucket/out", "--top", "5")
    assert status == 0
    known = int(re.search(r"(\d+) known already", said.replace(",", ""))[1])
    assert known in range(256 * done, 1100, 256)  # a worker may have ended a part behind its driver
    assert sorted(rows(s3)) == [f"s3://bucket/{name}" for name in names]


@pytest.mark.slow
def test_an_output_that_cannot_be_written_to_is_told(label, uploaded):
    allowed = uploaded.user("s3:GetObject", "s3:ListBucket")
    uploaded.lock()
    status, said = label("s3://bucket/photos", "-o", "s3://bucket/out", env=allowed)
    assert status == 2
    assert "cannot write s3://bucket/out/_run.json: no permission" in said


def test_wrong_credentials_are_told(label, uploaded):
    uploaded.lock()
    for source, output in (("s3://bucket/photos", "out"), ("photos", "s3://bucket/out")):
        status, said = label(source, "-o", output, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
        assert status == 2
        assert "AWS_ACCESS_KEY_ID" in said
        assert "wrong" not in said


def test_a_bucket_that_does_not_exist_is_told(label, uploaded):
    for source, output in (("s3://nowhere/photos", "out"), ("photos", "s3://nowhere/out")):
        status, said = label(source, "-o", output)
        assert status == 2
        assert "there is no bucket nowhere" in said


def test_a_service_that_cannot_be_reached_is_told(label, uploaded):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        status, said = label("s3://bucket/photos", "-o", "out", env={"AWS_ENDPOINT_URL": endpoint})
        assert status == 2
        assert f"{endpoint} cannot be reached" in said
