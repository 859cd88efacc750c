"""The page that ``zsl eval`` writes, and its tables."""

import csv
import io
import subprocess
import sys

import browser
import pytest
from painted_sets import rows_of


def test_a_k_above_the_number_of_candidates_is_a_dash_everywhere(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--k", "10", "--candidates", "own", "--json",
                 "--report", "page.html")
    assert result.stderr == b""
    assert result.returncode == 0
    assert rows_of(result)["own"]["hit@10"] is None
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert '<td class="number">–</td>' in page
    assert "fewer labels than k" in page
    arguments = ("eval", photos, "--model", model, "--k", "10", "--candidates", "own")
    (row,) = csv.DictReader(io.StringIO(zsl(*arguments, "--csv").stdout.decode()))
    assert row["hit@10"] == ""
    table = zsl(*arguments).stdout.decode()
    assert "Flat hit@k" in table
    assert "fewer labels than k" in table


def test_a_plot_of_hits_leaves_out_what_has_none(zsl, model, photos):
    zsl("eval", photos, "--model", model, "--k", "10,20", "--report", "page.html", "--quiet")
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert "hit@k of each row" not in page
    zsl("eval", photos, "--model", model, "--k", "4,5", "--report", "other.html", "--quiet")
    page = (photos.parent / "other.html").read_text(encoding="utf-8")
    assert page.count("<polyline class=\"line") == 3  # of all alone, and two of stacking


def test_a_report_takes_the_place_of_none_but_an_unchanged_one_of_its_own(zsl, model, photos,
                                                                          tmp_path):
    def run(*more):
        return zsl("eval", photos, "--model", model, "--json", "--report", "page.html", *more)

    page = tmp_path / "page.html"
    page.write_text("my thesis")
    result = run()
    assert result.returncode == 2
    assert b"page.html exists" in result.stderr
    assert b"--force" in result.stderr
    assert result.stdout == b""
    assert page.read_text() == "my thesis"
    assert run("--force").returncode == 0
    first = page.read_bytes()
    assert run("--k", "1").returncode == 0  # a page that zsl eval wrote
    assert page.read_bytes() != first
    for changed in (page.read_bytes().replace(b"Evaluation of", b"My notes on"),
                    page.read_bytes() + b"my notes"):
        page.write_bytes(changed)
        assert run().returncode == 2
        assert page.read_bytes() == changed


def test_the_figures_are_printed_before_a_report_that_cannot_be_written(zsl, model, photos,
                                                                               full_disk):
    result = zsl("eval", photos, "--model", model, "--json", "--report", full_disk)
    assert result.returncode == 2
    assert result.stderr == b"zsl: cannot write /dev/full: No space left on device\n"
    assert rows_of(result)["own"]["images"] == 9


def test_a_report_is_written_although_the_figures_cannot_be(environment, model, photos, tmp_path,
                                                               full_disk):
    with full_disk.open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "zsl_cli", "eval", photos, "--model", model, "--json",
             "--report", "page.html"], cwd=tmp_path, env=environment, stdout=full,
            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 2
    assert b"No space left" in result.stderr
    assert b"Evaluation of" in (tmp_path / "page.html").read_bytes()


def test_the_page_holds_hostile_names_as_text(zsl, model, photos):
    (photos / "c3" / "<img src=x onerror=alert(1)>.png").write_bytes(
        (photos / "c3" / "0.png").read_bytes())
    (photos / "<script>alert(2)<") .mkdir()
    (photos / "<script>alert(2)<" / "a.png").write_bytes(b"")
    result = zsl("eval", photos, "--model", model, "--report", "page.html", "--quiet")
    assert result.returncode == 1
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(2)" in page
    assert "&lt;img src=x" in page
    assert "<script" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (380, "dark")])
def test_the_page_in_a_browser(zsl, model, photos, tmp_path, chromium, width, scheme):
    (photos / "c3" / "<b>&.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    zsl("eval", photos, "--model", model, "--report", "page.html", "--stacking", "best", "--quiet")
    with browser.page(chromium, tmp_path / "browser") as page:
        page.size(width, 800)
        page.prefer(scheme)
        page.open((tmp_path / "page.html").as_uri())
        page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.complaints == []
        assert [address for address in page.requests if not address.startswith("data:")] == [
            (tmp_path / "page.html").as_uri()]
        assert page.value("document.documentElement.scrollWidth") <= width
        assert page.value("document.querySelectorAll('.wide tbody tr').length") >= 8
        assert page.value("[...document.querySelectorAll('.plot')].every(plot => "
                          "plot.getBoundingClientRect().height > 10)")
        assert page.value("getComputedStyle(document.querySelector('.line')).stroke") != "none"
        page.value("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
        page.wait("[...document.querySelectorAll('img')].every(one => one.naturalWidth == 144)")
        wrong = page.value("[...document.querySelectorAll('.photos')][0].innerText")
        assert "is: " in wrong
        assert "navy" in wrong
        assert "c3/<b>&.png" in page.value("document.body.textContent")
