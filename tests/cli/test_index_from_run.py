"""``zsl index --from-run``: the real command line over what a cluster has written."""

import os

import cluster_runs
import pytest
from label_runs import summary
from painted_sets import model, photos  # noqa: F401
from s3_server import s3, s3_server  # noqa: F401

pytest.importorskip("pyarrow")


@pytest.fixture
def index(zsl, model, photos):  # noqa: F811
    """Runs it with the model of colours."""
    return lambda *arguments, **options: zsl("index", *arguments, "--model", "./paint", "--device",
                                             "cpu", **options)


@pytest.fixture
def out(model, photos, tmp_path, monkeypatch):  # noqa: F811
    """The output of a run over the pictures, which nobody can read any more: they have other
    bytes, and the same sizes and times."""
    monkeypatch.chdir(tmp_path)
    cluster_runs.label(model, "photos", "out")
    for path in photos.rglob("*.png"):
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return "out"


def test_photos_that_nobody_opens_are_searched_and_labelled(index, out, zsl, photos):  # noqa: F811
    done = index("photos", "--from-run", out)
    said = done.stderr.decode()
    assert (done.returncode, summary(done)) == (0, (0, 0, 9))
    assert "9 photos taken over from the run without being opened\n" in said
    found = zsl("search", "red", "--top", "1", "--model", "./paint", "--paths")
    assert found.stdout.decode().startswith(str(photos / "scarlet"))
    done = zsl("label", "photos", "-o", "labels.jsonl", "--model", "./paint", "--device", "cpu")
    assert (done.returncode, summary(done)) == (0, (0, 0, 9))
    assert "9 photos taken over" not in index("photos", "--from-run", out).stderr.decode()


def test_what_came_of_it_is_summed_up(index, out, photos):  # noqa: F811
    (photos / "c3" / "0.png").unlink()
    os.utime(photos / "c3" / "1.png", (1, 1))
    dry = index("--from-run", out, "--dry-run")
    assert dry.stdout.decode().splitlines()[:2] == [
        "1 photo to read, 7 known already",
        "7 photos taken over from the run without being opened"]
    done = index("photos", "--from-run", out)
    said = done.stderr.decode()
    assert (done.returncode, summary(done)) == (1, (0, 1, 7))
    assert ("1 of the run changed since, or were copied without their times, and read as usual; "
            "--check-content compares what is in them instead") in said
    assert "1 of the run not there" in said


def test_what_cannot_be_taken_over_is_told_in_the_words_of_the_command(index, out, zsl):
    assert b"no _run.json there" in index("photos", "--from-run", "photos").stderr
    done = zsl("index", "photos", "--from-run", out)
    assert done.returncode == 2
    assert b"out was made by model 'paint', not 'default'; give that one as --model" in done.stderr
    done = index("--from-run", out, "--files-from", "list.txt")
    assert done.returncode == 2
    assert b"--from-run is for folders, and takes no --files-from" in done.stderr
    done = index("s3://bucket/photos")
    assert done.returncode == 2
    assert b"is read by zsl label on a cluster; give its output as --from-run, too" in done.stderr
    assert b"name a FOLDER, or give --files-from" in index().stderr


def test_photos_of_an_object_store_are_searched(index, zsl, s3, model, photos,  # noqa: F811
                                                catalogues):
    for path in photos.rglob("*.png"):
        s3.put(f"photos/{path.relative_to(photos)}", path.read_bytes())
    cluster_runs.label(model, "s3://bucket/photos", "s3://bucket/out")
    done = index("--from-run", "s3://bucket/out", env=s3.environment)
    said = done.stderr.decode()
    assert done.returncode == 0
    assert "9 photos taken over from the run without being opened\n" in said
    assert "photos read" not in said
    found = zsl("search", "red", "--model", "./paint", "--top", "2", "--paths", "--sheet",
                "sheet.html", env=s3.environment)
    assert found.returncode == 0
    assert all(line.startswith("s3://bucket/photos/scarlet/")
               for line in found.stdout.decode().splitlines())
    assert zsl("catalogues", "show", "s3://bucket/photos").stdout.decode().splitlines()[1:4] == [
        "library    s3://bucket/photos", "model      paint, 4 dimensions", "state      ok"]
    s3.client.delete_object(Bucket="bucket", Key="out/_run.json")
    done = index("--from-run", "s3://bucket/out", env=s3.environment)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
