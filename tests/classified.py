"""What the tests of ``zsl classify`` read of its records."""

import json


def found(result):
    """The labels of the first record, as (id, label, score)."""
    record = json.loads(result.stdout.splitlines()[0])
    return [(label["id"], label["label"], label["score"]) for label in record["labels"]]


def ids(result):
    return [id_ for id_, _, _ in found(result)]
