"""Pages that stand alone: what is filled into them, what they allow, text from outside."""

import base64
import hashlib
import re
import sys

import pytest

from zsl_cli.support import html_page


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a page; its folder, and the name it is imported by."""
    name = f"pages_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.html").write_text(
        "<p><!--content--></p><script><!--script--></script>")
    (folder / "one.css").write_text("p { color: red }\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder, name
    sys.modules.pop(name, None)


def hash_of(file):
    return base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()


def test_a_style_sheet_is_allowed_by_its_hash_and_nothing_else_is(package):
    folder, name = package
    before, behind = html_page.around(name, "one", title="A page")
    assert before.startswith("<!doctype html>\n")
    assert "<title>A page</title>" in before
    assert before.endswith("<style>p { color: red }\n</style>\n</head>\n<body>\n<p>")
    assert behind == "</p><script></script></body>\n</html>\n"
    (policy,) = re.findall('Policy" content="([^"]*)"', before)
    assert policy == (f"default-src 'none'; img-src data:; style-src "
                      f"'sha256-{hash_of(folder / 'one.css')}'; base-uri 'none'; "
                      "form-action 'none'")


def test_a_script_is_allowed_by_its_hash_too(package):
    folder, name = package
    (folder / "one.js").write_text("const place = '<!--style-->'")
    before, behind = html_page.around(name, "one", title="<!--content-->")
    assert f"script-src 'sha256-{hash_of(folder / 'one.js')}';" in before
    assert "<title><!--content--></title>" in before  # what looks like a place is none
    assert "<script>const place = '<!--style-->'</script>" in behind


def test_a_page_without_a_body_of_its_own_is_its_content(package):
    folder, name = package
    (folder / "one.html").unlink()
    before, behind = html_page.around(name, "one", title="A page")
    assert (before[-8:], behind) == ("\n<body>\n", "\n</body>\n</html>\n")


def test_text_from_outside_is_no_markup_and_turns_nothing_about():
    assert html_page.escaped('a"<b>&\u202e\udce9') == "a&quot;&lt;b&gt;&amp;\\u202e\\xe9"
    assert html_page.isolated("<b>") == "<bdi>&lt;b&gt;</bdi>"
