"""Files and folders that are given for a checkpoint and are none are named for what they are."""

import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zsl_cli.authoring.networks import file_kinds, weights  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints  # noqa: E402
from zsl_cli.authoring.networks.recognise import recognise  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n"


def zipped(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return content.getvalue()


def tarred(name):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return content.getvalue()


def arrays():
    content = io.BytesIO()
    np.savez(content, a=np.zeros(3))
    return content.getvalue()


@pytest.mark.parametrize(("name", "content", "words"), [
    ("model.pth", POINTER, "pointer of Git LFS"),
    ("model.safetensors", POINTER, "pointer of Git LFS"),
    ("model.bin", b"", "empty"),
    ("model.pth", b"<!DOCTYPE html>\n<html>", "web page"),
    ("model.xml", b'<?xml version="1.0"?>\n<net name="a" version="11">', "OpenVINO"),
    ("weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(60), "Keras"),
    ("weights.pth", b"\x89HDF\r\n\x1a\n" + bytes(60), "Keras"),
    ("model.keras", zipped("metadata.json", "config.json", "model.weights.h5"), "Keras"),
    ("model.zip", zipped("model/weights.pth", "model/config.json"), "ZIP archive"),
    ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(60), "TensorFlow Lite"),
    ("model.pte", b"\x1c\0\0\0ET12" + bytes(60), "ExecuTorch"),
    ("frozen.pb", b"\n\x1a\n\x05input" + bytes(60), "TensorFlow"),
    ("model.onnx", b"\x08\x08\x12\x07pytorch" + bytes(60), "zsl models import"),
    ("model.pth", b"\x08\x08\x12\x07pytorch" + bytes(60), "zsl models import"),
    ("model.gguf", b"GGUF\3\0\0\0" + bytes(60), "GGUF"),
    ("model.bin", b"GGUF\3\0\0\0" + bytes(60), "GGUF"),
    ("flax_model.msgpack", b"\x82\xa6params" + bytes(60), "Flax"),
    ("model.npz", arrays(), "NumPy"), ("model.pth", arrays(), "NumPy"),
    ("model.npy", b"\x93NUMPY\1\0" + bytes(60), "NumPy"),
    ("model.mlmodel", b"\x08\x04\x12\x10" + bytes(60), "Core ML"),
    ("model.mlpackage", zipped("Manifest.json", "Data/model.mlmodel"), "Core ML"),
    ("model.pdparams", b"\x01\x02" + bytes(60), "PaddlePaddle"),
    ("model.engine", b"ftrt" + bytes(60), "TensorRT"),
    ("model.pth.gz", gzip.compress(b"weights"), "gzip; unpack"),
    ("model.tar", tarred("model.pth"), "tar archive; unpack"),
    ("config.json", b'{"model_type": "vit"}', "JSON file"),
    ("readme.pth", "Gewichte für müde Netze\n".encode(), "a text"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_file_is_named_for_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ZslError, match=words) as refused:
        recognise(tmp_path / name, Hints())
    assert str(refused.value).startswith(f"{tmp_path / name}: cannot be read as a checkpoint: ")
    with pytest.raises(ZslError, match=words):
        recognise(tmp_path / name, Hints("timm:resnet18"))


@pytest.mark.parametrize("legacy", [True, False])
def test_files_of_pytorch_and_safetensors_are_none_of_them_whatever_they_are_called(
        tmp_path, legacy):
    safetensors = pytest.importorskip("safetensors.torch")
    tensors = {"a": torch.arange(6.0).reshape(2, 3)}
    for name in ("a.pth", "a.safetensors", "a.onnx", "a.bin"):
        torch.save(tensors, tmp_path / name, _use_new_zipfile_serialization=not legacy)
        if name != "a.safetensors" or not legacy:
            assert file_kinds.other(tmp_path / name) is None
            assert weights.read(tmp_path / name).tensors["a"].equal(tensors["a"])
        safetensors.save_file(tensors, tmp_path / name, metadata={"format": "pt"})
        assert file_kinds.other(tmp_path / name) is None
        assert weights.read(tmp_path / name).tensors["a"].equal(tensors["a"])


def test_a_pointer_in_the_place_of_what_goes_with_a_checkpoint_is_found(tmp_path):
    from zsl_cli.authoring.networks.projection import Projection

    for name in ("M.npy", "M.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(POINTER)
    for name in ("M.npy", "M.safetensors", "M.safetensors:weight"):
        with pytest.raises(ZslError, match="Git LFS"):
            Projection.load(tmp_path / name)
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(ZslError, match=r"tokenizer\.json: a pointer of Git LFS"):
        recognise(tmp_path / "w.pth", Hints("open_clip:ViT-B-32",
                                            tokenizer=tmp_path / "tokenizer.json"))


def test_weights_without_a_name_in_a_safetensors_file_are_said_to_be_in_one(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({"w": torch.zeros(2, 2)}, tmp_path / "model.pth")
    with pytest.raises(ZslError, match="a safetensors file, whatever it is called"):
        recognise(tmp_path / "model.pth", Hints())


@pytest.mark.parametrize(("files", "words"), [
    (("onnx/vision_model.onnx", "onnx/text_model.onnx", "config.json"), "zsl models import"),
    (("visual/model.onnx", "textual/model.onnx", "config.json"), "zsl models import"),
    (("model.onnx",), "zsl models import"),
    (("saved_model.pb", "variables/variables.index"), "TensorFlow"),
    (("model.ckpt-1.index", "model.ckpt-1.data-00000-of-00001"), "TensorFlow"),
    (("tf_model.h5", "config.json"), "Keras"), (("flax_model.msgpack", "config.json"), "Flax"),
    (("modules.json", "0_CLIPModel/model.safetensors"), "give the folder 0_CLIPModel"),
    (("model_index.json", "image_encoder/model.safetensors"), "diffusers")])
def test_a_folder_is_named_for_what_it_holds(tmp_path, files, words):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"model_type": "clip"}')
    with pytest.raises(ZslError, match=words) as refused:
        recognise(tmp_path, Hints())
    assert "no weights of PyTorch in it" in str(refused.value)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json",
                                  "preprocessor_config.json", "pytorch_model-00001-of-00002.bin"])
def test_a_pointer_anywhere_in_a_folder_is_found(tmp_path, name):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit", "hidden_size": 8}))
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (tmp_path / name).write_bytes(POINTER)
    with pytest.raises(ZslError, match=r"Git LFS.*git lfs pull") as refused:
        recognise(tmp_path, Hints())
    assert name in str(refused.value)
