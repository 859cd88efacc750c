"""``zsl models suggest``."""

import json


def test_each_suggestion_says_where_it_was_read_and_that_nobody_has_tried_it(zsl):
    shown = zsl("models", "suggest")
    assert shown.returncode == 0
    assert b"clip-vit-base-patch32" in shown.stdout
    assert b"downloaded" in shown.stderr
    models = json.loads(zsl("models", "suggest", "--json").stdout)["models"]
    assert all(one["source"].startswith("https://") and not one["tried"] for one in models)
    assert b"https://" in zsl("models", "suggest", "--verbose").stdout
