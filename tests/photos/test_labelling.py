"""``label`` from Python: requests, results, and what a reporter sees."""

import io
import json
import zlib

import pytest
import without_click

from zsl_cli import LabelRequest, label
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.photo import checksum
from zsl_cli.photos.reporter import Reporter


class Listener(Reporter):
    """Notes what it is told."""

    def __init__(self):
        self.begun, self.done, self.failures, self.changes, self.results = [], {}, [], [], []

    def start(self, description, total=None):
        self.begun.append((description, total))
        self.done[description] = (0, 0)

    def advance(self, done, failed=0):
        before = self.done[self.begun[-1][0]]
        self.done[self.begun[-1][0]] = (before[0] + done, before[1] + failed)

    def loaded(self, classifier, nearest):
        self.model = classifier.model.name

    def photo_failed(self, path, error):
        self.failures.append((path, error.kind))

    def sidecar_changed(self, change):
        self.changes.append(change.path)

    def ended(self, result):
        self.results.append(result)


@pytest.fixture
def request_of(model, photos, tmp_path, monkeypatch):
    """Makes requests of the painted model, in the folder where ``photos`` is."""
    monkeypatch.chdir(tmp_path)
    return lambda sources="photos", **what: LabelRequest(sources, **{
        "model": model, "device": "cpu", **what})


def test_a_reporter_sees_what_a_bar_shows(request_of, photos):
    (photos / "bad.png").write_bytes(b"no photo")
    listener = Listener()
    result = label(request_of(output="l.jsonl", report="r.html"), listener)
    assert listener.begun == [("looking for photos", None), ("loading the model", None),
                              ("labelling", 10), ("writing l.jsonl", 10),
                              ("writing r.html", 10)]
    assert listener.done["looking for photos"] == (10, 0)
    assert listener.done["labelling"] == (10, 1)
    assert listener.model == "paint"
    assert listener.failures == [("photos/bad.png", "image")]
    assert listener.results == [result]


def test_a_result_counts_what_was_done_now_and_before(request_of, photos):
    (photos / "bad12.png").write_bytes(b"no photo")
    first = label(request_of(output="l.jsonl"))
    assert (first.todo, first.kept, first.read, first.failed) == (10, 0, 9, 1)
    assert first.reasons == {"not an image in a known format": 1}
    assert first.outputs == ("l.jsonl",)
    assert first.frequent == (("crimson", 5), ("navy", 3), ("lime", 1))
    again = label(request_of(output="l.jsonl"))
    assert (again.todo, again.kept, again.failed_before) == (0, 10, 1)
    assert (again.read, again.failed) == (0, 0)
    assert not again.ok
    assert label(request_of("photos/c3", output="l.jsonl")).ok


def test_the_command_line_and_python_go_on_with_one_another(zsl, request_of, model, tmp_path):
    what = {"top": 2, "threshold": 0, "labels": ["navy", "crimson"], "under": "c1", "paths": True}
    zsl("label", "photos", "-o", "l.jsonl", "--model", model, "--top", "2", "--labels",
        "navy,crimson", "--under", "c1", "--paths", "--threshold", "0")
    written = (tmp_path / "l.jsonl").read_bytes()
    result = label(request_of(output=tmp_path / "l.jsonl", **{**what, "under": ["c1"]}))
    assert (result.todo, result.kept) == (0, 9)
    label(request_of(output="m.jsonl", **{**what, "under": ["c1"]}))
    assert (tmp_path / "m.jsonl").read_bytes() == (tmp_path / "l.jsonl").read_bytes() == written


def test_records_go_to_a_stream_as_they_come(request_of, tmp_path):
    stream = io.BytesIO()
    result = label(request_of(files_from=["photos/c3/0.png", tmp_path / "nothing.png"],
                              sources=(), output=stream))
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["labels"][0]["label"] == "navy"
    assert second["error"]["kind"] == "missing"
    assert (result.read, result.failed, result.outputs) == (1, 1, ())
    assert not stream.closed


def test_an_interrupt_goes_on_when_what_is_done_is_written(request_of, tmp_path):
    class Impatient(Listener):
        def advance(self, done, failed=0):
            super().advance(done, failed)
            if self.begun[-1][0] == "labelling":
                raise KeyboardInterrupt

    listener = Impatient()
    with pytest.raises(KeyboardInterrupt):
        label(request_of(output="l.jsonl"), listener)
    (result,) = listener.results
    assert result.interrupted
    assert not result.ok
    written = (tmp_path / "l.jsonl").read_bytes()
    assert len(written.splitlines()) == result.read == 9
    assert label(request_of(output="l.jsonl")).kept == 9


def test_a_dry_run_writes_nothing(request_of, tmp_path, catalogues):
    before = set(tmp_path.rglob("*"))
    result = label(request_of(output="l.jsonl", dry_run=True))
    assert (result.todo, result.read, result.outputs) == (9, 0, ("l.jsonl",))
    assert set(tmp_path.rglob("*")) == before
    assert not catalogues.exists()
    label(request_of(output="done.jsonl"))
    assert label(request_of(output="done.jsonl", dry_run=True)).kept == 9
    before = set(tmp_path.rglob("*"))
    listener = Listener()
    result = label(request_of(output="l.jsonl", xmp=True, dry_run=True), listener)
    assert (result.read, result.kept, result.sidecars) == (0, 9, 9)
    assert "photos/c3/0.png.xmp" in listener.changes
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("what", "message"), [
    ({"sources": ()}, "nothing to label: name a folder in `sources`, or give `files_from`"),
    ({"output": None}, "nothing to write: give `output`, `report` or `xmp`"),
    ({"xmp_naming": "full"}, "`xmp_naming` is for `xmp`"),
    ({"xmp": True, "xmp_naming": "odd"}, "`xmp_naming` is one of auto, full, stem"),
    ({"output": None, "report": "r.html", "output_format": "csv"}, "`output_format` is for the"),
    ({"output_format": "xml"}, "`output_format` is one of jsonl, csv, excel, parquet"),
    ({"output": io.BytesIO(), "output_format": "csv"},
     "what is streamed is JSONL; for csv give `output` a file"),
    ({"report": "l.jsonl"}, "l.jsonl cannot be both the output and the report"),
    ({"sources": (), "files_from": "nowhere"}, "`files_from` nowhere: No such file"),
    ({"top": 0}, "`top` must be a whole number from 1 to 1,000, not 0"),
    ({"top": 2.5}, "`top` must be a whole number from 1 to 1,000, not 2.5"),
    ({"threshold": float("nan")}, "`threshold` must be a number from 0 to 1, not nan"),
    ({"threshold": 1.5}, "`threshold` must be"), ({"max_depth": -1}, "`max_depth` must be"),
    ({"exact": True, "ef": 10}, "`ef` is for the HNSW index, which `exact` does without"),
    ({"ef": 0}, "`ef` must be"), ({"jobs": 0}, "`jobs` must be"),
    ({"batch_size": 2000}, "`batch_size` must be"), ({"max_pixels": 0}, "`max_pixels` must be"),
    ({"sources": [1]}, "`sources` takes a name, or several, not [1]"),
    ({"device": "tpu"}, "`device` is one of auto, cpu, cuda, and not 'tpu'"),
    ({"xmp": True, "confidence": 0.01}, "would write thousands of keywords into each sidecar"),
    ({"xmp": True, "confidence": 2}, "`confidence` must be")])
def test_what_makes_no_sense_is_refused(request_of, what, message):
    with pytest.raises(RequestError) as refused:
        label(request_of(**{"sources": "photos", "output": "l.jsonl", **what}))
    assert message in str(refused.value)


def test_one_text_is_one_name(request_of, photos):
    (photos / "other.bmp").write_bytes(b"no photo")
    request = request_of(output="l.jsonl", exclude="*.png", labels="cat", under="animal")
    assert [path for path, _ in request.photos(request.walk())] == ["photos/other.bmp"]
    assert (request.question.labels, request.question.under) == (("cat",), ("animal",))


def test_what_somebody_else_wrote_is_not_replaced_without_force(request_of, tmp_path):
    (tmp_path / "l.jsonl").write_text("mine\n")
    with pytest.raises(ZslError, match="was not written by an earlier run of the same command; "
                                       "give `force` to replace it"):
        label(request_of(output="l.jsonl"))
    assert label(request_of(output="l.jsonl", force=True)).ok


def test_neither_click_nor_rich_is_needed(environment, model, photos, tmp_path):
    assert without_click.run("""
from zsl_cli import EvaluationRequest, LabelRequest, evaluate, label
result = label(LabelRequest("photos", output="l.csv", report="r.html", xmp=True, model="./paint"))
print(result.read, result.sidecars, *result.outputs)
result = evaluate(EvaluationRequest("photos", "./paint"))
result.write_page("page.html")
print(*(row["candidates"] for row in result.rows), result.ok)
""", tmp_path, environment) == ["9 9 l.csv r.html", "own all True"]


def test_a_file_that_grows_as_fast_as_it_is_read_has_an_end(tmp_path):
    path = tmp_path / "growing.jpg"
    path.write_bytes(b"photo")

    class Growing(io.FileIO):
        def read(self, size=-1):
            with path.open("ab") as file:
                file.write(b"more")
            return super().read(size)

    with Growing(path) as file:
        assert checksum(file) == zlib.crc32(b"photo")
