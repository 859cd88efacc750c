"""What the tests of ``zsl label`` read of its runs."""

import json
import os
import re

LARGE = 240  # photographs of the fixture large_library, of which a run notes 32 at a time


def records(path):
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(path):
    """The file names in a JSONL file, in order."""
    return [os.path.basename(record["path"]) for record in records(path)]


def summary(result):
    """(read, failed, known) of the closing summary."""
    found = re.search(r"([\d,]+) photos? read, ([\d,]+) failed, ([\d,]+) known",
                      result.stderr.decode())
    return tuple(int(number.replace(",", "")) for number in found.groups())
