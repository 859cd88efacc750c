"""``zsl vocab fit``: what it refuses, says and does when it is stopped."""

import os

import pytest

pytest.importorskip("scipy")

from zsl_cli import Vocabulary
from zsl_cli.cli.vocab.fit import command
from zsl_cli.errors import ZslError


@pytest.mark.parametrize(("arguments", "message"), [
    (("-o", "there", "--projection", "M.npz"), "there exists; give --force"),
    (("-o", "new", "--projection", "no/M.npz"),
     "--projection no/M.npz: there is no folder HERE/no"),
    (("-o", "new", "--projection", "M.npz", "--phrase-map", "no/P.npz"),
     "--phrase-map no/P.npz: there is no folder HERE/no"),
    (("-o", "new", "--projection", ""), "'--projection': it is empty"),
    (("-o", "new", "--projection", "there"), "--projection there: this is a folder"),
    (("-o", "new", "--projection", "new/M.npz"),
     "--projection new/M.npz: this lies in new, which is to be written")])
def test_places_that_cannot_be_written_are_told_before_anything_is_read(zsl, tmp_path, arguments,
                                                                        message):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "vocabulary.json").touch()
    result = zsl("vocab", "fit", "nowhere.pth", *arguments)
    assert result.returncode == 2
    assert message.replace("HERE", str(tmp_path)) in result.stderr.decode()
    assert os.listdir(tmp_path) == ["there"]


@pytest.mark.parametrize(("projection", "phrases"), [("there", "new"), ("new", "there")])
def test_fit_replaces_no_file_unless_it_is_told_to(zsl, tmp_path, projection, phrases):
    (tmp_path / "there").write_text("mine")
    arguments = ("vocab", "fit", "no.pth", "-o", "folder", "--projection", projection,
                 "--phrase-map", phrases)
    result = zsl(*arguments)
    assert result.returncode == 2
    assert "there exists; give --force" in result.stderr.decode()
    assert "there exists" not in zsl(*arguments, "--force").stderr.decode()
    assert (tmp_path / "there").read_text() == "mine"  # since there is no checkpoint


@pytest.fixture
def fit_command(fits_at_once, tmp_path, monkeypatch, wordnet):
    """The command with a fit that is done already; what happens meanwhile is ``during``."""
    monkeypatch.chdir(tmp_path)

    def run(during=lambda: None, *more):
        fits_at_once.during = during
        command.main(["c.pth", "-o", "out", "--projection", "M.npz", "--phrase-map", "P.npz",
                      "--wordnet", str(tmp_path), *more], standalone_mode=False)

    return run


def test_the_length_of_a_networks_features_can_be_given(fit_command, tmp_path, capsys):
    fit_command(lambda: None, "--feature-length", "28")
    assert Vocabulary.load(tmp_path / "out").manifest.entries["fit"]["feature_length"] == 28
    said = capsys.readouterr().err
    assert "features" not in said
    assert said.endswith("zsl: wrote out, M.npz, P.npz\n")
    fit_command(lambda: None, "--force")
    assert Vocabulary.load(tmp_path / "out").manifest.entries["fit"]["feature_length"] == 15.6
    assert ("timm:some_net.v1's features are taken to be as long as EfficientNet-Lite0's, 15.6; "
            "--feature-length") in capsys.readouterr().err


def test_a_checkpoint_with_code_in_it_is_refused_without_a_word_of_trusting(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save(torch.nn.Linear(2, 2), "whole.pth")
    with pytest.raises(ZslError, match=r"holds more than tensors .*state_dict\(\) alone$"):
        command.main(["whole.pth", "-o", "out", "--projection", "M.npz"], standalone_mode=False)
