"""The HTML report: as a file, and in a real browser."""

import base64
import hashlib
import io
import json
import re
import tracemalloc

import browser
import pytest

from zsl_cli.classifier.predictions import Keyword, ScoredLabel
from zsl_cli.errors import ImageError
from zsl_cli.photos import report
from zsl_cli.photos.entry import Entry
from zsl_cli.vocabulary.names.label import Label

TREE = {"n1": ("animal", None), "n2": ("feline", "n1"), "n3": ("tabby", "n2"),
        "n4": ("tiger", "n2"), "n5": ("dog", "n1"), "n6": ("artifact", None),
        "n7": ("cup", "n6"), "n8": ("</script><b>x</b>", None)}
ABOUT = report.About("default", "default", "1.0", "2026-01-02T03:04:05+00:00", ("~/Pictures",))
HOSTILE = ["<img src=x onerror=alert(1)>.jpg", "<script>alert(2)<\\script>.jpg",
           '"><svg onload=alert(3)>.jpg', "\u202egpj.exe", "new\nline.jpg", "\udcff\udcfe.jpg",
           "<!--<script>.jpg", "{{x}}&amp;.jpg", "\u2028.jpg"]


def lineage(id_):
    found = []
    while id_ is not None:
        name, parent = TREE[id_]
        found.append((id_, name))
        id_ = parent
    return found[::-1]


@pytest.fixture(scope="module")
def thumbnail(cat):
    file = io.BytesIO()
    cat.resize((144, 144)).save(file, "JPEG", quality=60)
    return file.getvalue()


def written(entries):
    file = io.BytesIO()
    report.write(file, entries, lineage, ABOUT)
    return file.getvalue()


def some(thumbnail, count=300):
    """Entries: cats, tigers, dogs and cups in turn, one without a label, hostile names, and
    failures."""
    kinds = [("n3", "tabby", 0.9), ("n4", "tiger", 0.5), ("n5", "dog", 0.3), ("n7", "cup", 0.7)]
    for number in range(count):
        id_, name, score = kinds[number % 4]
        yield Entry(f"photos/{number // 100}/{number:04}.jpg",
                    (scored(id_, name, score), scored("n6", "artifact", 0.05)),
                    thumbnail=thumbnail)
    yield Entry("photos/none.jpg")
    for name in HOSTILE:
        yield Entry(f"photos/{name}", (scored("n8", "</script><b>x</b>", 0.2),),
                    thumbnail=thumbnail)
    for number in range(3):
        yield Entry(f"photos/bad{number}<b>.jpg",
                    error=ImageError(f"truncated ({number} bytes <i>left</i>)"))


def scored(id_, name, score):
    return ScoredLabel(Label(id_, name), score)


def data(page, kind):
    return [json.loads(found) for found in re.findall(
        rf'<script type="application/json" data-block="{kind}">(.*?)</script>', page.decode())]


def test_the_file_is_utf8_and_holds_names_as_json_alone(thumbnail):
    page = written(some(thumbnail, 4))
    text = page.decode("utf-8")
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "alert" not in markup
    assert "photos/" not in markup
    for block in re.findall(r'data-block="\w+">(.*?)</script>', text):
        assert not set("<>&\u2028") & set(block)
    rows = [row for block in data(page, "rows") for row in block["photos"]]
    assert rows[5][1] == HOSTILE[0]
    assert [row[1] for row in rows if "xff" in row[1]] == ["\\xff\\xfe.jpg"]
    assert sum(len(block) for block in data(page, "thumbnails")) == len(rows)


def test_keywords_have_a_table_of_their_own_the_broad_first(thumbnail):
    entry = Entry("a.jpg", (scored("n3", "tabby", 0.9),), thumbnail=thumbnail, keywords=(
        Keyword(Label("n3", "tabby"), "tabby", .85), Keyword(Label("n7", "cup"), "cup", .9),
        Keyword(Label("n2", "feline"), "feline", .95)))
    file = io.BytesIO()
    report.write(file, [entry, Entry("b.jpg", keywords=())], lineage, ABOUT, lineage)
    page = file.getvalue()
    (table,) = data(page, "keywords")
    assert [name for _, name, _ in table] == ["animal", "feline", "tabby", "artifact", "cup"]
    (block,) = data(page, "rows")
    assert [photo[3] for photo in block["photos"]] == [[1, 950, 2, 850, 4, 900], []]
    assert len(data(page, "labels")[0]) == 3
    assert data(written([entry]), "keywords") == []
    assert len(data(written([entry]), "rows")[0]["photos"][0]) == 3


def test_style_and_script_are_allowed_by_their_hash_and_nothing_else_is(thumbnail):
    text = written(some(thumbnail, 4)).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?://", text)
    assert " style=" not in text
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(", text)


def test_the_same_entries_give_the_same_file(thumbnail):
    assert written(some(thumbnail)) == written(some(thumbnail))


def test_memory_does_not_grow_with_the_library(thumbnail):

    class Nowhere(io.RawIOBase):
        def writable(self):
            return True

        def write(self, block):
            return len(block)

    peaks = []
    for count in (1_000, 10_000):
        tracemalloc.start()
        report.write(io.BufferedWriter(Nowhere()), some(thumbnail, count), lineage, ABOUT)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    with browser.page(chromium, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def opened(page, thumbnail, tmp_path):
    """The report of ``some``, opened."""
    path = tmp_path / "a report.html"
    path.write_bytes(written(some(thumbnail)))
    page.size(1280, 900)
    page.open(path.as_uri())
    page.wait("document.querySelector('.card')")
    yield page
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [path.as_uri()]


def found(page):
    return page.value("document.getElementById('found').textContent")


def names(page):
    return page.value("[...document.querySelectorAll('.file')].map(e => e.textContent)")


def filtered(page, text):
    page.value("document.getElementById('text').focus()")
    page.type(text)
    page.wait("document.getElementById('found').textContent.includes('of')")


def test_the_page_shows_photos_labels_and_failures(opened):
    assert found(opened) == "310 photos"
    assert 100 <= len(names(opened)) <= 310
    assert opened.value("document.querySelector('.labels li').innerText.split('\\n')") == [
        "tabby", "90 %"]
    assert opened.value("document.querySelector('.card img').naturalWidth") == 144
    assert "3 files could not be labelled" in opened.value(
        "document.getElementById('failures').innerText")
    opened.value("document.querySelector('#failures summary').click()")
    opened.wait("document.querySelector('#failure-list li')")
    failures = opened.value("document.getElementById('failure-list').innerText")
    assert "3 × truncated (… bytes <i>left</i>)" in failures
    assert "photos/bad0<b>.jpg" in failures


def test_names_and_labels_are_text_and_run_nothing(opened):
    filtered(opened, "b>x")
    shown = names(opened)
    assert shown[:3] == HOSTILE[:3]
    assert shown[3:6] == ["\\u202egpj.exe", "new\\nline.jpg", "\\xff\\xfe.jpg"]
    assert opened.value("document.querySelectorAll('svg, main script, main b, main i').length") == 0
    assert opened.value("document.querySelector('.label-name').textContent") == TREE["n8"][0]


def test_text_filters_by_label_by_what_is_below_it_and_by_file_name(opened):
    filtered(opened, "feline")
    assert found(opened) == "150 of 310 photos"
    opened.value("document.getElementById('clear').click()")
    assert found(opened) == "310 photos"
    filtered(opened, "0042")
    assert names(opened) == ["0042.jpg"]
    opened.value("document.getElementById('clear').click()")
    filtered(opened, "no label")
    assert names(opened) == ["none.jpg"]
    opened.value("document.getElementById('clear').click()")
    filtered(opened, "photos/")  # where all of them are
    assert names(opened) == []
    opened.value("document.getElementById('clear').click()")
    filtered(opened, "no such thing")
    assert opened.value("document.getElementById('empty').innerText").startswith("No photo match")


def test_the_score_filters_and_the_address_remembers(opened):
    opened.value("""(() => { const s = document.getElementById('score'); s.value = 60;
        s.dispatchEvent(new Event('input')); })()""")
    opened.wait("document.getElementById('found').textContent === '150 of 310 photos'")
    assert "score=60" in opened.value("location.hash")
    assert opened.value("[...document.querySelectorAll('.choose')].map(e => e.innerText)")[0] \
        .split("\n")[-1] == "75"
    opened.value("location.hash = '#score=40&label=n2'")
    opened.wait("document.getElementById('found').textContent === '150 of 310 photos'")
    assert opened.value("document.getElementById('chosen').textContent") == "feline ✕"


def test_the_tree_counts_and_chooses(opened):
    branches = opened.value("[...document.querySelectorAll('.choose')].map(e => e.innerText)")
    assert [branch.split("\n") for branch in branches][:2] == [
        ["artifact", "300"], ["cup", "75"]]
    opened.value("document.querySelector('[data-label=n1]').click()")
    assert found(opened) == "225 of 310 photos"
    assert opened.value("document.activeElement.dataset.label") == "n1"
    assert opened.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    opened.value("document.querySelector('[data-label=n1]').click()")
    assert found(opened) == "310 photos"


def test_everything_can_be_done_by_keyboard(opened):
    seen = []
    for _ in range(40):
        opened.press("Tab")
        seen.append(opened.value("document.activeElement.id || document.activeElement.className"))
        if seen[-1] == "card":
            break
    assert seen[0] == "skip"
    assert {"text", "score", "choose", "card"} <= set(seen)
    opened.press("ArrowRight")
    opened.press("ArrowRight")
    opened.press("Enter")
    opened.wait("document.getElementById('details').open")
    assert opened.value("document.getElementById('details-name').textContent") == "0002.jpg"
    opened.press("ArrowLeft")
    assert opened.value("document.getElementById('details-path').textContent") == (
        "photos/0/0001.jpg")
    assert "animal › feline" in opened.value(
        "document.getElementById('details-labels').textContent")
    opened.press("Escape")
    opened.wait("!document.getElementById('details').open")
    opened.wait("document.activeElement.dataset.at === '1'")
    opened.press("ArrowDown")
    assert int(opened.value("document.activeElement.dataset.at")) > 2


def test_more_cards_come_when_they_are_asked_for(opened):
    for _ in range(4):
        opened.value("document.getElementById('more').hidden || "
                     "document.getElementById('more').click()")
    assert len(names(opened)) == 310
    assert len(set(names(opened))) == 310


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(opened, width, scheme, tmp_path):
    opened.size(width, 800)
    opened.prefer(scheme)
    opened.value("document.getElementById('browse').open = true")
    assert opened.value("document.documentElement.scrollWidth") <= width
    opened.value("document.querySelector('.card').click()")
    opened.wait("document.getElementById('details').open")
    assert opened.value("document.documentElement.scrollWidth") <= width
    assert opened.value("document.getElementById('details').getBoundingClientRect().right") <= width


def test_an_empty_library_has_a_page_too(page, tmp_path):
    path = tmp_path / "empty.html"
    path.write_bytes(written([]))
    page.open(path.as_uri())
    page.wait("document.getElementById('empty').innerText === 'There are no photos.'")
    assert page.complaints == []


def test_corrections_are_given_as_a_file_for_teach(opened, tmp_path):
    opened.value("""(() => { window.saved = []; URL.createObjectURL = (blob) => {
        blob.text().then((text) => window.saved.push(text)); return '#'; }; })()""")
    opened.value("document.querySelector('.card').click()")
    opened.wait("document.getElementById('details').open")
    assert opened.value("document.getElementById('corrections').hidden")
    opened.value("document.querySelector('#details-labels .wrong').focus()")
    opened.press("Enter")
    assert opened.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert opened.value("document.querySelectorAll('#details-labels .struck').length") == 1
    opened.value("document.querySelector('#details-added input').focus()")
    opened.type("Rufus  <b>")
    opened.press("Enter")
    assert opened.value("document.querySelector('.added bdi').textContent") == "Rufus <b>"
    opened.type("a mistake")
    opened.press("Enter")
    opened.value("document.querySelectorAll('.added button')[1].click()")
    assert opened.value("document.querySelectorAll('.added li').length") == 1
    opened.value("document.getElementById('next').click()")  # another photo has its own
    assert opened.value("document.querySelectorAll('.added li, .struck').length") == 0
    opened.press("Escape")
    assert opened.value("document.querySelector('#corrections p').textContent") == "2 corrections"
    opened.value("document.querySelector('#corrections button').click()")
    opened.wait("window.saved.length")
    assert [json.loads(line) for line in opened.value("window.saved[0]").splitlines()] == [
        {"path": "photos/0/0000.jpg", "label": "n3", "shows": False, "name": "tabby"},
        {"path": "photos/0/0000.jpg", "label": "Rufus <b>", "shows": True}]
    opened.value("document.querySelectorAll('#corrections button')[1].click()")
    assert opened.value("document.getElementById('corrections').hidden")
