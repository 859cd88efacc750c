"""How usual labels are in pictures."""

from types import SimpleNamespace

import numpy as np
import pytest

from zsl_cli.authoring.vocabularies.classifier_fit import prior

ABOVE = {"dog": "n00002684", "pug": "n00002684", "thought": "n0", "snowfall": "n0",
         "crowd": "n00007347", "milk": "n00020827"}


@pytest.fixture
def nats(monkeypatch):
    """The priors of the labels above, by their ids, without the usage of words."""
    monkeypatch.setattr(prior, "log_usage", lambda _, ids: np.zeros(len(ids), np.float32))
    wordnet = SimpleNamespace(ancestors=lambda id_: {id_, ABOVE[id_]})

    def of(*known):
        values = prior.label_prior(wordnet, list(ABOVE), *known)
        assert values.dtype == np.float32
        assert abs(values.mean()) < 1e-6
        return dict(zip(ABOVE, values.tolist(), strict=True))

    return of


def test_what_is_photographed_is_more_usual(nats):
    values = nats({"pug", "thought"})
    assert values["pug"] - values["dog"] == pytest.approx(prior.PHOTOGRAPHED_WEIGHT)
    assert values["thought"] == pytest.approx(values["pug"])


def test_a_plain_word_counts_for_things_alone(nats):
    values = nats((), {"dog", "thought", "crowd", "milk"})
    for thing in ("dog", "crowd", "milk"):
        assert values[thing] - values["pug"] == pytest.approx(prior.EVERYDAY_WEIGHT)
    assert values["thought"] == pytest.approx(values["pug"])


def test_what_is_no_thing_and_stands_beside_takes_nothing_from_things(nats):
    values = nats((), {"snowfall"}, {"snowfall", "dog"})
    assert values["snowfall"] - values["thought"] == pytest.approx(prior.BESIDE_WEIGHT)
    assert values["dog"] == pytest.approx(values["pug"])


def test_usage_counts_by_its_weight(nats, monkeypatch):
    usage = np.arange(len(ABOVE), dtype=np.float32)
    monkeypatch.setattr(prior, "log_usage", lambda *_: usage.copy())
    assert list(nats(()).values()) == pytest.approx(
        list(prior.WORD_WEIGHT * (usage - usage.mean())), abs=1e-6)
