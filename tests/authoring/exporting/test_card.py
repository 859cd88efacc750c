"""What comes from outside is text in a model card, and no markup."""

import re

import pytest

from zsl_cli.authoring.exporting.card import model_card
from zsl_cli.support.manifests import (
    CAPTIONS,
    Agreement,
    CheckpointEntry,
    ModelManifest,
    SentenceEncoder,
    TextEncoding,
)
from zsl_cli.support.preprocessing import Preprocessing

MARKUP = re.compile(r"[<>\[\]*&]")
HOSTILE = ["<script>alert(1)</script>", "](javascript:alert(1))", "[a](javascript:alert(1))",
           "![a](https://example.org/x.png)", "a | b", "a\n\n# b", "a\r<img src=x>", "`x` <b>",
           "a\u202eb", "a\u2028b", "&lt;b&gt;", "**a**", "_a_", "\\<b>", "|`|`<i>", "$(reboot)",
           "<https://example.org>", "--- ", "\x1b[31m", "\udce9"]


def card(text):
    return model_card(ModelManifest(
        text, text, text, 4, {},
        ({"name": text, "license": text, "url": text},), input=Preprocessing(8),
        architecture=text, features=text, weights=text, license=text, exported_by=text,
        checkpoint=CheckpointEntry(text, text), text=TextEncoding((text,)),
        parity={"float32": Agreement(1, 0.0, 1.0, 1.0)}))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_card_says_what_it_is_given_and_no_more(text):
    plain, hostile = card("plain"), card(text)
    assert hostile.count("\n") == plain.count("\n")
    assert len(hostile.splitlines()) == len(plain.splitlines())
    assert hostile.isprintable() or set(filter(lambda letter: not letter.isprintable(),
                                               hostile)) == {"\n"}
    for line, as_plain in zip(hostile.splitlines(), plain.splitlines(), strict=True):
        if line.startswith("    "):  # of code, where everything is as it is
            continue
        markup = re.sub(r"\\.", "", line)  # what is escaped is text
        assert markup.count("|") == as_plain.count("|")
        assert markup.count("`") == as_plain.count("`")
        assert len(MARKUP.findall(re.sub(r"`[^`]*`", "", markup))) == len(MARKUP.findall(as_plain))


def test_the_command_is_one_that_a_shell_takes_as_it_is_meant():
    assert "    zsl classify photo.jpg --model '$(reboot)'\n" in card("$(reboot)")
    assert "    zsl classify photo.jpg --model default\n" in card("default")


def test_what_is_harmless_stays_as_it_is():
    said = model_card(ModelManifest(
        "my_model-1.0", "1", "words-10", 4, {},
        ({"name": "EfficientNet (Tan & Le)", "license": "Apache-2.0",
          "url": "https://example.org/a_b?c=d_e#f"},), input=Preprocessing(8),
        architecture="timm:resnet18.a1_in1k", license="Apache-2.0",
        text=TextEncoding((), SentenceEncoder("BertModel", "0" * 64, 20))))
    for part in ("# my_model-1.0\n", "| timm:resnet18.a1_in1k |", "space `words-10` |",
                 "| Apache-2.0 |", "Apache-2.0: https://example.org/a_b?c=d_e#f", "20 landmarks"):
        assert part in said


def test_a_card_names_the_command_that_made_the_model():
    def made(**entries):
        return model_card(ModelManifest("mine", "1", "mine-1", 4, {}, (), input=Preprocessing(8),
                                        text=TextEncoding(()), **entries))

    captions = made(embedding=CAPTIONS)
    assert "Made by `zsl train --captions`.\n" in captions
    assert "| phrases as labels | yes, as they are written |" in captions
    assert "| checkpoint | none |" in captions
    assert "## Agreement\n\nNone is measured" in captions
    exported = made(parity={"float32": Agreement(1, 0.0, 1.0, 1.0)})
    assert "Made by `zsl export`; every figure here was measured by it.\n" in exported
    assert "| ONNX Runtime with PyTorch | 1 |" in exported
    assert "Made by `zsl train`.\n" in made(made_by="zsl train")
