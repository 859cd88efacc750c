"""What both kinds of programs are searched with."""

from typing import Any

from zsl_cli.support.wording import shown


class UnsafeError(Exception):
    """Something through which a file's own code could run; the text completes "the file …"."""


def entry_names(reader: Any) -> list[str]:
    """An archive's entries. Its reader ignores case: of two names that differ in nothing else,
    or in nothing at all, the one that is vetted need not be the one that is loaded."""
    names: list[str] = reader.get_all_records()
    folded: set[str] = set()
    for name in names:
        if name.casefold() in folded:
            raise UnsafeError(f"has two entries of one name ({shown(name)})")
        folded.add(name.casefold())
    return names


def opens_files(schema: Any) -> bool:
    """Whether an operator takes the name of a file (of torch's own, from_file and save do)."""
    return any(argument.name in ("filename", "file", "path", "url")
               and "str" in str(argument.type) for argument in schema.arguments)
