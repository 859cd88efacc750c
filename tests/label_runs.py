"""What the tests of ``zsl label`` read of its runs."""

import json
import os
import re
import sqlite3
from contextlib import closing

LARGE = 240  # photographs of the fixture large_library, of which a run notes 32 at a time


def records(path):
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(path):
    """The file names in a JSONL file, in order."""
    return [os.path.basename(record["path"]) for record in records(path)]


def database(catalogues):
    """The database of the only catalogue."""
    [path] = catalogues.glob("*/catalogue.sqlite")
    return path


def change(catalogues, *statements):
    """Change the only catalogue behind the back of zsl; returns the rows of the last statement."""
    with closing(sqlite3.connect(database(catalogues), isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def summary(result):
    """(read, failed, known) of the closing summary."""
    found = re.search(r"([\d,]+) photos? read, ([\d,]+) failed, ([\d,]+) known",
                      result.stderr.decode())
    return tuple(int(number.replace(",", "")) for number in found.groups())
