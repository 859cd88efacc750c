"""A user's own tokenizer.json, and folders and packages that are not whole."""

import builtins
import json
import subprocess
import sys

import pytest
from tokenizer_texts import LENGTH

from zsl_cli.authoring.networks import tokenization
from zsl_cli.errors import MissingExtraError, ZslError


def test_a_users_file_pads_as_it_says_or_as_the_user_does(siglip2_folder, tmp_path):
    path = siglip2_folder / "tokenizer.json"
    by_name = tokenization.from_file(path, LENGTH, "<mask>")
    assert by_name.encode("dog").ids[-1] == by_name.token_to_id("<mask>")
    assert tokenization.from_file(path, LENGTH, 4).to_str() == by_name.to_str()
    longest = tokenization.from_file(path, LENGTH, "<mask>", fixed=False)
    assert len(longest.encode("dog").ids) < LENGTH == len(longest.encode("dog " * 99).ids)
    by_name.save(str(tmp_path / "own.json"))
    assert tokenization.from_file(tmp_path / "own.json", LENGTH).to_str() == by_name.to_str()
    for pad in ("<nothing>", 10**6, -1):
        with pytest.raises(ZslError, match="has no token"):
            tokenization.from_file(path, LENGTH, pad)


@pytest.mark.parametrize("named", [
    {"tokenizer_config.json": {"pad_token": "<mask>"}},
    {"tokenizer_config.json": {"pad_token": {"content": "<mask>", "special": True}}},
    {"tokenizer_config.json": {"pad_token": None},
     "special_tokens_map.json": {"pad_token": "<mask>"}}], ids=["a text", "a token", "the map"])
def test_a_file_without_padding_pads_with_what_stands_beside_it(siglip2_folder, tmp_path, named):
    path = tmp_path / "tokenizer.json"
    path.write_bytes((siglip2_folder / "tokenizer.json").read_bytes())
    with pytest.raises(ZslError, match=r"does not say which token it pads with, and no"):
        tokenization.from_file(path, LENGTH)
    for name, content in named.items():
        (tmp_path / name).write_text(json.dumps(content))
    found = tokenization.from_file(path, LENGTH)
    assert found.encode("dog").ids[-1] == found.token_to_id("<mask>")


def test_a_file_that_is_no_tokenizer_is_refused(siglip2_folder, tmp_path):
    whole = (siglip2_folder / "tokenizer.json").read_text()
    for content in ("", "{nonsense", "{}", "[1, 2]", whole[:len(whole) // 2]):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(ZslError, match=r"tokenizer\.json: tokenizers cannot load it"):
            tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, 0)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ZslError, match=r"tokenizer\.json: tokenizers cannot load it"):
        tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, 0)
    with pytest.raises(ZslError, match="no such file"):
        tokenization.from_file(tmp_path / "nothing.json", LENGTH)


def test_a_length_without_room_for_a_word_is_refused(siglip2_folder):
    with pytest.raises(ZslError, match="no room"):
        tokenization.from_file(siglip2_folder / "tokenizer.json", 1, 0)


def test_the_file_needs_tokenizers_alone(siglip_folder, tmp_path):
    expected = tokenization.from_folder(siglip_folder, LENGTH)
    expected.save(str(tmp_path / "tokenizer.json"))
    script = ("import sys\n"
              "for name in ('torch', 'transformers', 'sentencepiece', 'open_clip', 'ftfy'):\n"
              "    sys.modules[name] = None\n"
              "from tokenizers import Tokenizer\n"
              "tokenizer = Tokenizer.from_file(sys.argv[1])\n"
              "print([each.ids for each in tokenizer.encode_batch(['a Dog', 'Sea slugs!'])])\n")
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path / "tokenizer.json")],
                            capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(result.stdout) == [expected.encode(text).ids
                                         for text in ("a Dog", "Sea slugs!")]


def test_folders_without_a_whole_tokenizer_are_refused(clip_folder, tmp_path):
    def refused(message):
        with pytest.raises(ZslError, match=message):
            tokenization.from_folder(tmp_path, LENGTH)

    refused("no tokenizer in it")
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    refused("no tokenizer in it")
    (tmp_path / "vocab.json").write_bytes((clip_folder / "vocab.json").read_bytes())
    refused("no tokenizer in it")
    (tmp_path / "tokenizer.json").write_text("{nonsense")
    refused("cannot load its tokenizer")


def test_code_in_a_folder_is_not_run(clip_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda *_: pytest.fail("the user was asked"))
    tokenization.from_folder(clip_folder, LENGTH).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
                                      "class Mine: pass\n")
    (tmp_path / "config.json").write_text('{"model_type": "mine", "auto_map": '
                                          '{"AutoConfig": "mine.Mine"}}')
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", null]}}')
    with pytest.raises(ZslError, match="its tokenizer is code"):
        tokenization.from_folder(tmp_path, LENGTH)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("package", ["transformers", "sentencepiece", "google.protobuf"])
def test_a_missing_package_is_named(package, siglip_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"zsl-cli\[checkpoints\]"):
        tokenization.from_folder(siglip_folder, LENGTH)


def test_a_folder_that_names_no_padding_token_is_refused(siglip2_folder, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((siglip2_folder / "tokenizer.json").read_bytes())
    with pytest.raises(ZslError, match="no padding token"):
        tokenization.from_folder(tmp_path, LENGTH)
    padded = tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, "<pad>")
    padded.save(str(tmp_path / "tokenizer.json"))
    assert tokenization.from_folder(tmp_path, LENGTH).encode("dog").ids == padded.encode("dog").ids
