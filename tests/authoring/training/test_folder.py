"""The folder of a training: what is old stays until what is new is there."""

import os
from pathlib import Path

import pytest

from zsl_cli.authoring.training import TrainRequest, folder
from zsl_cli.authoring.training.folder import opened
from zsl_cli.authoring.training.methods import Ridge
from zsl_cli.errors import ZslError


@pytest.fixture
def output(tmp_path):
    """The place of a training that is yet to be."""
    return tmp_path / "below" / "run"


def request(output, **changes):
    """A training into this folder."""
    return TrainRequest(Path("nowhere"), output, **changes)


def write(place, *names):
    """Files with their own names in them; those of folders in them."""
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"{place.name} {name}")


def below(place):
    """All files, by name."""
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


def test_what_fails_before_anything_is_done_leaves_no_folder(output):
    with pytest.raises(KeyboardInterrupt), opened(request(output)):
        raise KeyboardInterrupt
    assert not output.parent.exists()


def test_what_is_done_of_a_training_that_fails_is_there_for_the_next(output):
    with pytest.raises(KeyboardInterrupt), opened(request(output)):
        write(output / "unfinished", "state.pt", ".state.pt-0123abcd.zsl-part", "model/model.json")
        raise KeyboardInterrupt
    assert below(output) > {"unfinished/state.pt"}
    with opened(request(output)):
        assert (output / "unfinished" / "state.pt").exists()
        write(output, "run.pt")
    assert below(output) == {"run.pt"}
    assert os.listdir(output) == ["run.pt"]


def test_two_trainings_at_once_are_refused_and_the_first_goes_on(output):
    with opened(request(output)):
        write(output / "unfinished", "state.pt")
        for changes in ({}, {"restart": True}, {"force": True}):
            with pytest.raises(ZslError, match="another training is at work"), \
                    opened(request(output, **changes)):
                pass
        assert (output / "unfinished" / "state.pt").exists()


def test_a_training_that_another_has_finished_meanwhile_is_not_replaced(output, monkeypatch):
    look = folder.check

    def check(asked):
        look(asked)
        write(output, "run.pt", "train.json")  # by another

    monkeypatch.setattr(folder, "check", check)
    with pytest.raises(ZslError, match="finished training"), opened(request(output)):
        pass
    assert below(output) == {"run.pt", "train.json"}


def test_new_results_take_the_place_of_the_old_ones(output):
    write(output, "run.pt", "train.json", "log.jsonl", "model/model.json", "model/encoder.onnx",
          "vocab/vectors.npy", ".mine")
    with opened(request(output, force=True)):
        write(output / "unfinished", "run.pt", "train.json", "vocab/labels.jsonl", "state.pt")
        folder.put_in_place(output / "unfinished", output)
    assert below(output) == {"run.pt", "train.json", "vocab/labels.jsonl", ".mine"}
    assert (output / "run.pt").read_text() == "unfinished run.pt"


@pytest.mark.parametrize("moves", range(4))
def test_broken_off_while_they_are_put_in_place_it_is_no_finished_training(
        output, monkeypatch, moves):
    write(output, "run.pt", "train.json", "model/model.json")
    real, done = os.replace, []

    def replace(*places):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(places)
        real(*places)

    with pytest.raises(KeyboardInterrupt), opened(request(output, force=True)):
        write(output / "unfinished", *(
            "run.pt", "train.json", "seen.txt", "model/model.json", "state.pt"))
        monkeypatch.setattr(os, "replace", replace)
        folder.put_in_place(output / "unfinished", output)
    with opened(request(output)):  # without force
        assert (output / "unfinished" / "state.pt").exists()


@pytest.mark.parametrize("names", [
    ["photo.jpg"], ["model/model.json"], ["unfinished/novel.txt"], ["run.pt", "notes.txt"],
    ["train.json", "unfinished/novel.txt"]])
def test_a_folder_of_anything_else_is_left_alone(output, names):
    write(output, *names)
    with pytest.raises(ZslError, match="no folder of a training"), \
            opened(request(output, force=True, restart=True)):
        pass
    assert below(output) == set(names)


def test_what_is_unfinished_is_no_beginning_for_a_method_without_epochs(output):
    with pytest.raises(KeyboardInterrupt), opened(request(output)):
        write(output / "unfinished", "state.pt")
        raise KeyboardInterrupt
    with pytest.raises(ZslError, match="give `restart`"), \
            opened(request(output, method=Ridge(), force=True)):
        pass
    with opened(request(output, method=Ridge(), restart=True)):
        pass
