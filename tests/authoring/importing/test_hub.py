"""``zsl models pull`` against a hub on loopback, by huggingface_hub's own client."""

import json
import shutil

import hub_server
import numpy as np
import published
import pytest

pytest.importorskip("huggingface_hub")
onnx = pytest.importorskip("onnx")


@pytest.fixture
def hub(clip):
    """A repository of 50 files, of which eight are needed."""
    files = {path.relative_to(clip.ready).as_posix(): path.read_bytes()
             for path in clip.ready.rglob("*") if (path.is_file() and path.stem in (
                 "vision_model", "text_model")) or path.suffix == ".json"}
    files["README.md"] = b"---\nlicense: mit\n---\n"
    files["LICENSE.txt"] = b"Do as you like.\n"
    for number in range(50 - len(files)):
        files[f"more/{number}.py"] = b"raise SystemExit('nothing is run')\n"
    with hub_server.running(hub_server.Hub("someone/clip", files)) as running:
        yield running


@pytest.fixture
def pull(hub, tmp_path):
    def run(*arguments, **env):
        return published.zsl("models", "pull", *arguments, env={
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"),
            "ZSL_HOME": str(tmp_path / "home"), **env})

    return run


def test_what_is_needed_is_fetched_and_the_model_answers(hub, pull, tmp_path, cat_jpg):
    result = pull("someone/clip", "--name", "clip")
    assert result.returncode == 0, result.stderr
    assert "8 of 50 files" in result.stderr
    assert "licence: mit" in result.stderr
    assert set(hub.fetched()) == {
        "README.md", "LICENSE.txt", "config.json", "preprocessor_config.json", "tokenizer.json",
        "tokenizer_config.json", "onnx/vision_model.onnx", "onnx/text_model.onnx"}
    manifest = json.loads((tmp_path / "home" / "models" / "clip" / "model.json").read_text())
    assert manifest["license"] == "mit"
    assert manifest["published"]["repository"] == "someone/clip"
    assert manifest["published"]["revision"] == hub_server.COMMIT
    assert set(manifest["published"]["files"]) == {"onnx/vision_model.onnx",
                                                   "onnx/text_model.onnx"}
    assert manifest["sources"][0]["url"].endswith(f"someone/clip/tree/{hub_server.COMMIT}")
    folder = tmp_path / "home" / "models" / "clip"
    assert (folder / "LICENSE.txt").read_text() == "Do as you like.\n"
    assert "LICENSE.txt" in manifest["files"]
    assert published.zsl("models", "verify", folder).returncode == 0
    answer = published.zsl("classify", cat_jpg, "--model", "clip", "--labels", "a cat,a dog",
                           "--jsonl", env={"ZSL_HOME": str(tmp_path / "home")})
    assert len(json.loads(answer.stdout)["labels"]) == 2


def test_the_name_is_the_repositorys_and_what_is_cached_is_not_fetched_again(hub, pull, tmp_path):
    assert pull("someone/clip").returncode == 0
    hub.asked.clear()
    assert pull("someone/clip", "--name", "again").returncode == 0
    assert not hub.fetched()
    assert {path.name for path in (tmp_path / "home" / "models").iterdir()} == {"clip", "again"}
    offline = pull("someone/clip", "--name", "offline", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr


def test_a_cut_connection_goes_on_where_it_was(hub, pull):
    name = "onnx/vision_model.onnx"
    model = onnx.load_from_string(hub.files[name])  # so large that the client keeps a part
    model.graph.initializer.append(onnx.numpy_helper.from_array(
        np.zeros(7_000_000, np.float32), "unused"))
    hub.files[name] = model.SerializeToString()
    hub.cut.add(name)
    result = pull("someone/clip")
    assert result.returncode == 0, result.stderr
    ranges = [wanted for method, asked, wanted in hub.asked
              if (method, asked) == ("GET", name)]
    assert ranges[0] is None
    assert ranges[1].startswith("bytes=")


def _with_int8(hub, clip, tmp_path, *, broken=False):
    """The repository with the same model in int8."""
    ready = shutil.copytree(clip.ready, tmp_path / "ready")
    published.in_int8(ready)
    for name in ("vision_model", "text_model"):
        content = (ready / "onnx" / f"{name}_quantized.onnx").read_bytes()
        if broken:
            model = onnx.load_from_string(content)
            for tensor in model.graph.initializer:
                if tensor.data_type == onnx.TensorProto.INT8:
                    values = onnx.numpy_helper.to_array(tensor)
                    tensor.CopyFrom(onnx.numpy_helper.from_array(values[::-1], tensor.name))
            content = model.SerializeToString()
        hub.files[f"onnx/{name}_quantized.onnx"] = content


def test_another_form_is_compared_with_fp32_which_is_fetched_as_well(hub, pull, clip, tmp_path):
    _with_int8(hub, clip, tmp_path)
    result = pull("someone/clip", "--form", "int8", "--name", "clip")
    assert result.returncode == 0, result.stderr
    assert "to compare int8 with fp32" in result.stderr
    assert {"onnx/text_model.onnx", "onnx/text_model_quantized.onnx"} <= set(hub.fetched())
    manifest = json.loads((tmp_path / "home" / "models" / "clip" / "model.json").read_text())
    assert manifest["parity"]["text int8"]["mean_cosine"] > 0.98


def test_a_broken_form_is_refused(hub, pull, clip, tmp_path):
    _with_int8(hub, clip, tmp_path, broken=True)
    _refused(pull("someone/clip", "--form", "int8"), tmp_path, "does not agree with fp32")


def test_a_form_alone_is_fetched_where_nobody_wants_to_compare(hub, pull, clip, tmp_path):
    _with_int8(hub, clip, tmp_path)
    result = pull("someone/clip", "--form", "int8", "--no-compare", "--name", "clip")
    assert result.returncode == 0, result.stderr
    assert "onnx/text_model.onnx" not in hub.fetched()
    assert "assumed: that the int8 weights of vision_model_quantized.onnx agree with fp32" in (
        result.stderr)


def _refused(result, tmp_path, *expected):
    assert result.returncode == 2, result.stderr
    for part in expected:
        assert part in result.stderr.splitlines()[-1]
    assert not (tmp_path / "home").exists()


def test_a_wrong_hash_is_refused_and_not_kept(hub, pull, tmp_path):
    hub.wrong.add("onnx/vision_model.onnx")
    _refused(pull("someone/clip"), tmp_path, "onnx/vision_model.onnx", "another SHA-256")
    hub.wrong.clear()
    assert pull("someone/clip").returncode == 0


def test_a_private_repository_wants_a_token(hub, pull, tmp_path):
    hub.token = "hf_secret"
    _refused(pull("someone/clip"), tmp_path, "no such repository", "HF_TOKEN")
    _refused(pull("someone/clip", HF_TOKEN="hf_another"), tmp_path, "no such repository")
    assert pull("someone/clip", HF_TOKEN="hf_secret").returncode == 0


def test_a_repository_whose_terms_have_to_be_accepted(hub, pull, tmp_path):
    hub.token, hub.gated = "hf_secret", True
    _refused(pull("someone/clip"), tmp_path, "terms accepted first", "someone/clip", "HF_TOKEN")
    assert pull("someone/clip", HF_TOKEN="hf_secret").returncode == 0


def test_a_revision_that_is_not_there(pull, tmp_path):
    _refused(pull("someone/clip@v9"), tmp_path, "no revision 'v9'")


def test_a_repository_that_is_not_there(pull, tmp_path):
    _refused(pull("someone/else"), tmp_path, "someone/else: no such repository")


def test_a_hub_that_cannot_be_reached(pull, tmp_path):
    _refused(pull("someone/clip", HF_ENDPOINT="http://127.0.0.1:9"), tmp_path, "cannot be reached")


def test_offline_without_a_cache(pull, tmp_path):
    _refused(pull("someone/clip", HF_HUB_OFFLINE="1"), tmp_path, "not in the cache",
             "HF_HUB_OFFLINE")


def test_a_full_disk(hub, pull, tmp_path, disk):
    small = disk(300)
    _refused(pull("someone/clip", HF_HOME=str(small.path / "hf")), tmp_path, "no room is left",
             "HF_HOME")


def test_weights_of_pytorch_are_fetched_for_export(hub, pull, clip, tmp_path):
    hub.files = {name: content for name, content in hub.files.items() if "onnx" not in name}
    hub.files["model.safetensors"] = (clip.folder / "model.safetensors").read_bytes()
    _refused(pull("someone/clip"), tmp_path, "weights of PyTorch", "zsl export ")
    assert "model.safetensors" in hub.fetched()


def test_a_repository_with_neither(hub, pull, tmp_path):
    hub.files = {"weights.gguf": b"1", "README.md": b""}
    _refused(pull("someone/clip"), tmp_path, "none of the known layouts", "weights.gguf")


@pytest.mark.parametrize("name", ["clip", "a/b/c", "someone/clip@", "https://example.com/x"])
def test_what_is_no_name_of_a_repository(pull, tmp_path, name):
    result = pull(name)
    assert result.returncode == 2
    assert "OWNER/NAME" in result.stderr
