"""The program as a whole: help, unknown commands, models, vocab, doctor, the Python API."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from readers import until_the_reader_goes, without_stream

import zsl_cli
from zsl_cli import Classifier
from zsl_cli.classifier import diagnosis
from zsl_cli.cli import vocab
from zsl_cli.cli.main import COMMANDS
from zsl_cli.cli.main import zsl as zsl_group
from zsl_cli.errors import ZslError
from zsl_cli.support import folders


@pytest.mark.parametrize("name", ["click.py", "numpy.py", "PIL/__init__.py", "rich/__init__.py",
                                  "onnxruntime.py", "xml/__init__.py"])
def test_a_module_in_the_current_folder_is_not_run(zsl, tmp_path, cat_jpg, name):
    planted = tmp_path / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("raise SystemExit('planted')")
    result = zsl("classify", str(cat_jpg), "--jsonl")
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_sentence_that_help_has_of_a_command_is_the_commands_own(name):
    help_text = " ".join((zsl_group.get_command(None, name).help or "").split())
    assert help_text.startswith(COMMANDS[name].removesuffix("."))


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("models", "show"),
                                     *(("vocab", name) for name in vocab.command.commands)])
def test_every_command_has_help_on_standard_output(zsl, command):
    result = zsl(*command, "--help")
    assert result.returncode == 0
    assert b"Usage: zsl" in result.stdout
    assert result.stderr == b""


@pytest.mark.parametrize("arguments", [
    ("search", "cat", "--jsonl", "--paths"), ("search", "cat", "--paths", "--paths0"),
    ("classify", "a.jpg", "--json", "--csv"), ("eval", "set.csv", "--markdown", "--json"),
    ("vocab", "neighbours", "cat", "--csv", "--jsonl")])
def test_two_forms_of_output_together_are_wrong_use(zsl, arguments):
    result = zsl(*arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines()[-1] == (
        f"Error: {arguments[-2]} and {arguments[-1]} exclude each other: what is printed has one "
        "form")


def test_help_and_version_import_nothing_heavy(environment):
    code = ("import sys; from zsl_cli.cli.main import zsl, COMMANDS; "
            "[zsl.get_command(None, name) for name in COMMANDS]; "
            "print([m for m in ('numpy', 'onnxruntime', 'hnswlib', 'rich', 'PIL', 'torch') "
            "if m in sys.modules])")
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            check=True)
    assert result.stdout.strip() == b"[]"


def test_classify_never_imports_torch_or_scipy(environment, cat_jpg):
    code = ("import sys, os; os._exit = lambda status: print([m for m in ('torch', 'scipy', "
            "'transformers', 'tokenizers') if m in sys.modules]); "
            f"sys.argv = ['zsl', 'classify', '{cat_jpg}', '-q']; "
            "from zsl_cli.cli import main; main()")
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            check=True)
    assert result.stdout.splitlines()[-1] == b"[]"


def test_version(zsl):
    assert zsl("--version").stdout.decode().split()[-1] == zsl_cli.__version__


@pytest.mark.parametrize(("command", "file", "part"), [
    ("models", "encoder.onnx", "dimension"), ("vocab", "vectors.npy", "labels")])
def test_list_show_and_verify(zsl, tmp_path, command, file, part):
    kind = folders.MODEL if command == "models" else folders.VOCABULARY
    assert zsl(command, "list").stdout.startswith(b"default\t")
    assert part in json.loads(zsl(command, "show", "--json").stdout)
    assert b"sha256" in zsl(command, "show", "default").stdout
    verified = zsl(command, "verify", "-q", *(["--without-index"] if command == "vocab" else []))
    assert (verified.returncode, verified.stderr) == (0, b"")
    assert b"files are what the manifest says" in verified.stdout
    folder = shutil.copytree(folders.embedded(kind) / "default",
                             tmp_path / kind.parent / "mine")
    env = {"ZSL_HOME": str(tmp_path)}
    assert b"mine\t" in zsl(command, "list", env=env).stdout
    with (folder / file).open("ab") as changed:
        changed.write(b"x")
    result = zsl(command, "verify", "mine", env=env)
    assert result.returncode == 2
    assert f"{file}: changed" in result.stderr.decode()
    (folder / kind.file).write_text("{")
    result = zsl(command, "list", env=env)
    assert result.returncode == 1
    assert result.stdout.startswith(b"default\t")
    assert b"not valid JSON" in result.stderr


@pytest.mark.parametrize("calibration", [{"temperature": 0}, {"neighbours": "a"}, {"x": 1}])
def test_an_impossible_calibration_is_refused(zsl, tmp_path, calibration):
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default", tmp_path / "m")
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, "calibration": calibration}))
    result = zsl("models", "verify", str(folder))
    assert result.returncode == 2
    assert b"model.json: calibration:" in result.stderr


@pytest.mark.parametrize("change", [
    {"name": 1}, {"space": None}, {"dimension": "451"}, {"dimension": [1]}, {"files": None},
    {"files": {"encoder.onnx": {"sha256": 1, "bytes": None}}}, {"input": [1]}, {"input": None},
    {"input": {"size": "a"}}, {"calibration": "hot"}, {"text": 5}, {"format": "1"}])
def test_a_malformed_model_manifest_is_an_error_of_one_line(zsl, tmp_path, cat_jpg, change):
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default", tmp_path / "m")
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, **change}))
    result = zsl("classify", str(cat_jpg), "--model", "m")
    assert result.returncode == 2
    (line,) = result.stderr.decode().splitlines()
    assert "model.json" in line or "encoder.onnx: changed" in line


def test_help_to_a_reader_who_has_gone_is_quiet(environment):
    status, _, err = until_the_reader_goes(["classify", "--help"], environment, lines=0)
    assert (status, err) == (0, b"")


@pytest.mark.usefixtures("posix")
def test_a_closed_standard_output_is_an_error_where_something_goes_there(environment, cat_jpg,
                                                                         tmp_path):
    for arguments in (["doctor"], ["classify", str(cat_jpg)], ["classify", str(cat_jpg), "--csv"],
                      ["label", str(cat_jpg), "-o", "-"], ["models", "list"]):
        status, err = without_stream(1, arguments, environment)
        assert status == 2
        assert err.splitlines()[-1] == b"zsl: standard output is closed"
    output = tmp_path / "l.jsonl"
    status, err = without_stream(1, ["label", str(cat_jpg), "-o", str(output)], environment)
    assert status == 0
    assert b"1 photo read" in err
    assert json.loads(output.read_bytes())["path"] == str(cat_jpg)


@pytest.mark.usefixtures("posix")
def test_a_closed_standard_input_is_said_where_it_is_read(environment, cat_jpg):
    status, err = without_stream(
        0, ["classify", str(cat_jpg), "--labels-file", "-"], environment)
    assert status == 2
    assert b"--labels-file -: standard input is closed" in err


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_has_the_same_exit_status_with_and_without_its_traceback(zsl, cat_jpg, debug):
    result = zsl("classify", str(cat_jpg), "--model", "fancy", *["--debug"] * debug)
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"no model called 'fancy'" in result.stderr
    assert (b"Traceback" in result.stderr) is debug


def test_an_interrupt_waits_for_a_module_that_is_being_imported(zsl, cat_jpg, tmp_path):
    """Compiled modules make an error of their own of it."""
    (tmp_path / "onnxruntime.py").write_text(
        "import signal, time\n"
        "signal.raise_signal(signal.SIGINT)\n"
        "print('imported', flush=True)\n"
        "def __getattr__(name):\n"
        "    if name.startswith('__'):\n"
        "        raise AttributeError(name)\n"
        "    time.sleep(60)\n")
    result = zsl("classify", str(cat_jpg), env={"PYTHONPATH": str(tmp_path)})
    assert (result.returncode, result.stdout.strip(), result.stderr) == (130, b"imported", b"")



def test_doctor_says_that_nothing_is_wrong_and_what_is(zsl, tmp_path):
    assert b"Nothing is wrong." in zsl("doctor").stdout
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default",
                             tmp_path / "models" / "default")
    (folder / "encoder.onnx").write_bytes(b"")
    result = zsl("doctor", env={"ZSL_HOME": str(tmp_path)})
    assert result.returncode == 2
    assert b"encoder.onnx: changed" in result.stdout


def test_doctor_lists_what_every_extra_for_users_brings():
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[2] / "setup.cfg")
    brought = config["options.extras_require"]
    told = {extra: brought[extra] for _, extra, _ in diagnosis._EXTRAS}
    assert told.keys() == brought.keys() - {"bench", "cuda", "test", "train"}
    assert brought["train"] == brought["export"]  # one line for both; cuda is told by the device
    for package, extra, _ in diagnosis._EXTRAS:
        assert re.search(rf"\n{package}(\[\w+\])?>=", told[extra])


def test_the_public_names_show_up_before_they_are_imported(environment):
    code = "import sys, zsl_cli; print(set(zsl_cli.__all__) - set(dir(zsl_cli)), *sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            check=True)
    empty, *modules = result.stdout.decode().split()
    assert empty == "set()"
    assert "numpy" not in modules


def test_the_python_api_in_the_readme(cat_jpg, cat):
    classifier = Classifier.load(device="cpu")
    found = list(classifier.classify([cat_jpg, cat_jpg.read_bytes(), cat, "nothing.jpg"], top=3))
    assert [prediction.path for prediction in found] == [str(cat_jpg), "-", "-", "nothing.jpg"]
    assert found[0].labels == found[1].labels
    assert found[3].error.kind == "missing"
    assert found[3].labels == ()
    for prediction in found[:3]:
        assert prediction.labels[0].name == "cat"
    embeddings = classifier.model.embed([cat_jpg, cat])
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    ids, scores = classifier.vocabulary.search(embeddings, k=3)
    assert ids[0] == [label.id for label in found[0].labels]
    assert scores.shape == (2, 3)


@pytest.mark.parametrize("top", [0, 1001])
def test_a_wrong_request_is_refused_before_the_first_image(top):
    with pytest.raises(ZslError, match="from 1 to 1,000"):
        Classifier.load(device="cpu").classify(["nothing.jpg"], top=top)


def test_one_label_may_be_a_text(cat_jpg):
    (found,) = Classifier.load(device="cpu").classify([cat_jpg], labels="tabby", under="animal")
    assert [label.name for label in found.labels] == ["tabby"]


def test_probabilities_are_a_softmax_over_the_nearest():
    classifier = Classifier.load(device="cpu")
    products = -np.sort(-np.random.default_rng(0).normal(size=(3, 150)), axis=1) / 50
    got = classifier.probabilities(products.astype(np.float32), among=100)
    weights = np.exp(products / classifier.model.calibration.temperature)
    np.testing.assert_allclose(got, weights / weights[:, :100].sum(1, keepdims=True), rtol=1e-3)


@pytest.mark.parametrize("name", ["device", "max_pixels", "wordnet", "class_lists"])
def test_an_option_of_several_commands_is_the_same_in_all(name):
    commands = [*(zsl_group.get_command(None, command) for command in COMMANDS),
                *vocab.command.commands.values()]
    found = [option.to_info_dict() for command in commands for option in command.params
             if option.name == name]
    assert len(found) > 1
    assert all(one == found[0] for one in found)


def test_every_package_is_installed():
    """What setup.cfg does not list is there in a clone, and missing in what pip installs."""
    root = Path(__file__).parents[2]
    given = configparser.ConfigParser()
    given.read(root / "setup.cfg")
    listed = set(given["options"]["packages"].split())
    there = {".".join(path.parent.relative_to(root).parts)
             for path in (root / "zsl_cli").rglob("__init__.py")}
    assert there <= listed
