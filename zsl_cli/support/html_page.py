"""A page that stands alone in one HTML file: it asks nothing of any network, and its content
security policy sees to it."""

import base64
import hashlib
import re
from html import escape
from importlib import resources

from zsl_cli.support.wording import printable

_CONTENT = "<!--content-->"


def around(package: str, name: str, **texts: str) -> tuple[str, str]:
    """What stands before and behind the content of a page.

    The page is ``NAME.html`` of the package; in the places of ``<!--style-->`` and
    ``<!--script-->`` it gets ``NAME.css`` and, where there are any, ``NAME_*.js`` and behind them
    ``NAME.js``, which makes use of them, in that of
    ``<!--policy-->`` a content security policy that allows these two by their hash, pictures
    within the page, and nothing else. The content belongs in the place of ``<!--content-->``.

    texts: what comes into further places, as markup.
    """
    folder = resources.files(package)
    style = folder.joinpath(f"{name}.css").read_text(encoding="utf-8")
    files = sorted((one for one in folder.iterdir()
                    if re.fullmatch(rf"{name}(_\w+)?\.js", one.name)),
                   key=lambda one: (one.name == f"{name}.js", one.name))
    script = "\n".join(one.read_text(encoding="utf-8") for one in files) or None
    texts |= {"policy": _policy(style, script), "style": style, "script": script or ""}
    # All at once, so that what looks like a place within one of the texts is none.
    before, _, behind = folder.joinpath(f"{name}.html").read_text(
        encoding="utf-8").partition(_CONTENT)
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
