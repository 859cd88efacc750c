"""``*``, ``?``, ``[…]`` and ``**`` in paths: names that match, files that a pattern stands for.

A letter with an accent may be stored as one character or as two (macOS does); to whoever types a
pattern both are the same name, so that everything is compared in Unicode's form NFC.
"""

import glob
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from zsl_cli.errors import ZslError

Enters = Callable[["os.DirEntry[str]"], bool]
"""Whether what is in a folder counts, where a pattern does not name the folder itself."""


def composed(name: str) -> str:
    """A name in the form in which names are compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """What matches a relative path, with slashes and composed, when one of the patterns does;
    capitals do not count. None if there are none. Raises ZslError for what is no pattern."""
    expressions = [_compiled(pattern, translate(composed(pattern))) for pattern in patterns]
    return re.compile("|".join(expressions), re.IGNORECASE | re.DOTALL) if expressions else None


def _compiled(pattern: str, expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as error:
        raise ZslError(f"{pattern!r} is no pattern: {error}") from error
    return expression


def matching(pattern: str, enters: Enters) -> Iterator[str]:
    """The files that a pattern stands for, sorted within each folder; hidden ones only where the
    pattern says so. Raises ZslError for what is no pattern."""
    drive, rest = os.path.splitdrive(pattern)
    parts = [part for part in re.split(r"[\\/]" if os.sep == "\\" else "/", rest) if part]
    start = drive + (os.sep if rest[:1] in (os.sep, "/") else "")
    return _matching(start, parts, enters)


def _matching(start: str, parts: list[str], enters: Enters) -> Iterator[str]:
    waiting = [(start, 0)]
    while waiting:  # by hand: folders may be deeper than Python's stack
        folder, at = waiting.pop()
        part, last = parts[at], at == len(parts) - 1
        if part == "**":
            deeper = [(path, at) for path, entry in _entries(folder)
                      if not entry.name.startswith(".") and enters(entry)
                      and _is_folder(entry) and not entry.is_symlink()]  # which may go round
            waiting += reversed(deeper)
            if last:
                yield from (path for path, entry in _entries(folder) if not _is_folder(entry)
                            and not entry.name.startswith("."))
            else:
                waiting.append((folder, at + 1))
        elif not glob.has_magic(part) and os.path.lexists(os.path.join(folder, part)):
            path = os.path.join(folder, part)
            if not last:
                waiting.append((path, at + 1))
            elif not os.path.isdir(path):
                yield path
        else:
            expression = re.compile(_compiled(part, _name(composed(part))), re.DOTALL)
            found = [(path, entry) for path, entry in _entries(folder)
                     if expression.fullmatch(composed(entry.name))
                     and (part.startswith(".") or not entry.name.startswith("."))]
            if last:
                yield from (path for path, entry in found if not _is_folder(entry))
            else:
                named = not part.startswith("*")  # which says something of the folder
                waiting += reversed([(path, at + 1) for path, entry in found
                                     if _is_folder(entry) and (named or enters(entry))])


def _entries(folder: str) -> list[tuple[str, "os.DirEntry[str]"]]:
    try:
        with os.scandir(folder or os.curdir) as scanned:
            return [(os.path.join(folder, entry.name), entry)
                    for entry in sorted(scanned, key=lambda entry: entry.name)]
    except OSError:  # as a shell: what can't be read has nothing that matches
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def translate(pattern: str) -> str:
    """A pattern as a regular expression over a whole relative path."""
    pattern = pattern.replace(os.sep, "/").removeprefix("./").rstrip("/")
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    parts = pattern.lstrip("/").split("/")
    expression = ""
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            expression += ".*" if last else "(?:.*/)?"
        else:
            expression += _name(part) + ("" if last else "/")
    return f"(?:{anywhere}{expression})"


def _name(pattern: str) -> str:
    """``*``, ``?`` and ``[…]`` within a name."""
    out, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        end = pattern.find("]", at + 2) if character == "[" else -1
        if end > 0:
            inner = pattern[at + 1:end].replace("\\", "\\\\").replace("[", "\\[")
            inner = "^/" + inner[1:] if inner[0] in "!^" else inner
            out, at = f"{out}[{inner}]", end
        elif character == "*":
            out += "[^/]*"
        elif character == "?":
            out += "[^/]"
        else:
            out += re.escape(character)
        at += 1
    return out
