"""The page with the course of a training."""

import browser

from zsl_cli.authoring.training import curves

HISTORY = [{"epoch": epoch, "loss": 2 / epoch, "hit@1": 1 - 1 / epoch, "learning_rate": 0.1}
           for epoch in range(1, 5)]


def test_each_course_has_a_plot_for_each_kind_of_figure():
    page = curves.page("zsl train", {"images": 12}, {"M": HISTORY, "network": HISTORY[:1],
                                                     "nothing": []})
    assert page.count("<h2>") == 2
    assert page.count("<polyline") == 6
    assert 'points="60.0,24.0 ' in page  # the highest loss, at the first epoch


def test_the_page_runs_no_script_and_holds_what_comes_from_outside_as_text():
    page = curves.page("zsl train", {"data": "</dd><script>alert(1)</script>"}, {"M": HISTORY})
    assert "default-src 'none'" in page
    assert "script-src" not in page
    assert "<script" not in page


def test_a_name_that_is_not_utf_8_can_be_written():
    page = curves.page("zsl train", {"data": "caf\udce9"}, {})
    assert b"caf\\xe9" in page.encode()


def test_the_page_in_a_browser(tmp_path, chromium):
    file = tmp_path / "curves.html"
    file.write_text(curves.page("zsl train", {"data": "photos"}, {"M": HISTORY}))
    with browser.page(chromium, tmp_path / "browser") as page:
        page.size(900, 800)
        page.open(file.as_uri())
        assert page.complaints == []
        assert page.value("getComputedStyle(document.body).maxWidth") == "640px"
        assert page.value("getComputedStyle(document.querySelector('polyline')).stroke") == (
            "rgb(37, 99, 235)")
        page.value("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">no')")
        assert any("Content Security Policy" in one for one in page.complaints)
