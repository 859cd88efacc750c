"""What is asked of a training is looked at before anything is read."""

from pathlib import Path

import pytest
from training_problems import NearestMean

import zsl_cli
from zsl_cli import TrainRequest
from zsl_cli.authoring.training.methods import L2, METHODS, Conse, Rank, Ridge, Softmax
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.errors import RequestError


def test_paths_may_be_text():
    as_text = TrainRequest("photos", "run", backbone="net.pth", hold_out="held.txt",
                           model=Path("net"), vocabulary=Path("words"))
    assert as_text == TrainRequest(Path("photos"), Path("run"), backbone=Path("net.pth"),
                                   hold_out=Path("held.txt"), model="net", vocabulary="words")
    assert (as_text.work, as_text.name) == (Path("run/unfinished"), "run")


@pytest.mark.parametrize(("changes", "message"), [
    ({"quantize": "int4"}, "`quantize` is one of none, int8, fp16, and not 'int4'"),
    ({"device": "gpu"}, "`device` is one of auto, cpu, cuda, and not 'gpu'"),
    ({"max_pixels": 0}, "`max_pixels` must be a whole number at least 1, not 0"),
    ({"max_pixels": None}, "`max_pixels` must be a whole number at least 1, not None"),
    ({"method": "rank"}, "`method` takes a Method, not 'rank'"),
    ({"schedule": 3}, "`schedule` takes a Schedule, not 3"),
    ({"data": None}, "`data` takes a path"),
    ({"method": Softmax(), "schedule": Schedule(validation="class")},
     "`method=softmax` knows its training labels alone, so none can be held out"),
    ({"method": Conse(), "schedule": Schedule(finetune=1)},
     "`finetune`: `method=conse` trains nothing to go on with"),
    ({"method": Ridge(direction="to-features"), "schedule": Schedule(finetune=1)},
     "`finetune`: the label vectors lie where"),
    ({"quantize": "int8", "export": False}, "`quantize` is for a model that is exported"),
    ({"method": Ridge(), "schedule": Schedule(epochs=3)},
     "`epochs` is for a `method` that is trained in epochs; it would do nothing here"),
    ({"method": NearestMean(), "schedule": Schedule(patience=3)},
     "`patience` is for training that is validated"),
    ({"method": Conse(), "schedule": Schedule(views=3)},
     "`views` is for a `method` that is trained"),
    ({"method": Rank(samples=3)}, "`samples` is for `negatives=sampled`"),
    ({"method": L2(shift=1), "from_scratch": True},
     r"`shift` is for `method=l2, rank or cross-entropy` that goes on from a model's M")])
def test_what_makes_no_sense_is_refused(changes, message):
    with pytest.raises(RequestError, match=f"^{message}"):
        TrainRequest(**{"data": "photos", "output": "run", **changes})


def test_a_course_is_looked_at_too():
    with pytest.raises(RequestError, match="`epochs` must be a whole number from 1 to 100,000"):
        Schedule(epochs=0)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_defaults_go_with_every_method(method):
    assert TrainRequest("photos", "run", method(), from_scratch=True, export=False).force is False


def test_training_is_at_the_front_door():
    assert {"train", "TrainRequest", "TrainResult"} <= set(zsl_cli.__all__)
