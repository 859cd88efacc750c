"""What a folder comes from, as its manifest has it: dictionaries with a name, a licence, an
address."""

from typing import Any

from zsl_cli.errors import RequestError

_KEYS = ("name", "license", "url")


def check(sources: object, named: str = "`sources`") -> tuple[dict[str, str], ...]:
    """The sources of a request; raises RequestError for anything else.

    named: what messages call it.
    """
    if not isinstance(sources, list | tuple) or not all(
            isinstance(one, dict) and all(isinstance(one.get(key), str) for key in _KEYS)
            for one in sources):
        raise RequestError(f"{named}: a list of {{name, license, url}} is expected")
    return tuple(sources)


def completed(entry: Any) -> tuple[dict[str, str], ...]:
    """Those of a manifest that are objects, with what they lack; what is there for people alone
    makes no folder unusable."""
    return tuple({**one, **{key: str(one.get(key, "not given")) for key in _KEYS}}
                 for one in entry if isinstance(one, dict)) if isinstance(entry, list) else ()
