"""A page that stands alone in one HTML file: it asks nothing of any network, and its content
security policy sees to it."""

import base64
import hashlib
import re
from html import escape
from importlib import resources

from zsl_cli.support.wording import printable

_CONTENT = "<!--content-->"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="<!--policy-->">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="zsl">
<title><!--title--></title>
<link rel="icon" href="data:,">
<style><!--style--></style>
</head>
<body>
%s</body>
</html>
"""


def around(package: str, name: str, *, title: str, **texts: str) -> tuple[str, str]:
    """What stands before and behind the content of a page.

    Its style sheet is ``NAME.css`` of the package. Its body is ``NAME.html``, where there is one:
    the content belongs in the place of ``<!--content-->`` there, and in that of ``<!--script-->``
    what there is of ``NAME_*.js`` and, behind them, ``NAME.js``, which makes use of them. A content
    security policy allows style and script by their hash, pictures within the page, and nothing
    else.

    title: as markup. texts: what comes into further places of the body, as markup.
    """
    folder = resources.files(package)
    style = folder.joinpath(f"{name}.css").read_text(encoding="utf-8")
    files = sorted((one for one in folder.iterdir()
                    if re.fullmatch(rf"{name}(_\w+)?\.js", one.name)),
                   key=lambda one: (one.name == f"{name}.js", one.name))
    script = "\n".join(one.read_text(encoding="utf-8") for one in files) or None
    texts |= {"policy": _policy(style, script), "style": style, "script": script or "",
              "title": title}
    body = folder.joinpath(f"{name}.html")
    before, _, behind = (_PAGE % (body.read_text(encoding="utf-8") if body.is_file() else
                                  f"{_CONTENT}\n")).partition(_CONTENT)
    # All at once, so that what looks like a place within one of the texts is none.
    return _filled(before, texts), _filled(behind, texts)


def escaped(text: str) -> str:
    """Text from outside as markup, for an attribute or an element that holds text alone."""
    return escape(printable(text))


def isolated(text: str) -> str:
    """Text from outside as an element, which cannot turn the text around it about."""
    return f"<bdi>{escaped(text)}</bdi>"


def _filled(template: str, texts: dict[str, str]) -> str:
    return re.sub("<!--([a-z]+)-->", lambda place: texts[place[1]], template)


def _policy(style: str, script: str | None) -> str:
    scripts = "" if script is None else f" script-src '{_hash(script)}';"
    return (f"default-src 'none'; img-src data:; style-src '{_hash(style)}';{scripts} "
            "base-uri 'none'; form-action 'none'")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
