"""A tokenizer.json gives the ids that the tokenizer of a transformers folder gives."""

import unicodedata

import pytest
import tokenizers
from tokenizer_texts import LENGTH, no_ties, random_texts, reloaded

from zsl_cli.authoring.networks import tokenization
from zsl_cli.errors import ZslError


def test_a_clip_folder_becomes_what_transformers_makes_of_it(clip_folder, tmp_path):
    tokenizer = reloaded(tokenization.from_folder(clip_folder, LENGTH), tmp_path)
    reference = tokenization.reference_of(clip_folder)
    tokenization.check(tokenizer, reference)
    tokenization.check(tokenizer, reference, random_texts(3000, seed=1))


def test_clip_pads_to_the_longest_with_the_end_of_text(clip_folder):
    tokenizer = tokenization.from_folder(clip_folder, LENGTH)
    end = tokenizer.token_to_id("<|endoftext|>")
    short, longer = (encoding.ids for encoding in tokenizer.encode_batch(["dog", "dog dog dog"]))
    assert len(short) == len(longer) < LENGTH
    assert short[2:] == [end] * (len(longer) - 2)
    cut = tokenizer.encode("dog " * 100).ids
    assert (len(cut), cut[-1]) == (LENGTH, end)
    always = tokenization.from_folder(clip_folder, LENGTH, fixed=True)
    assert always.encode("dog").ids == short + [end] * (LENGTH - len(short))
    tokenization.check(always, tokenization.reference_of(clip_folder), ["dog"])


def test_clip_pads_with_the_token_that_its_folder_names(clip_folder, tmp_path):
    for name in ("vocab.json", "merges.txt", "config.json"):
        (tmp_path / name).write_bytes((clip_folder / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "CLIPTokenizer", "pad_token": "!"}')
    tokenizer = tokenization.from_folder(tmp_path, LENGTH, fixed=True)
    assert tokenizer.encode("dog").ids[-1] == tokenizer.token_to_id("!")
    tokenization.check(tokenization.from_folder(tmp_path, LENGTH),
                       tokenization.reference_of(tmp_path))


def test_vocabulary_files_without_a_configuration_are_clips(clip_folder, tmp_path):
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((clip_folder / name).read_bytes())
    assert (tokenization.from_folder(tmp_path, LENGTH).to_str()
            == tokenization.from_folder(clip_folder, LENGTH).to_str())
    with pytest.raises(ZslError, match="does not say how many tokens"):
        tokenization.reference_of(tmp_path)
    tokenization.check(tokenization.from_folder(tmp_path, 9),
                       tokenization.reference_of(tmp_path, 9))


def test_a_siglip_folder_becomes_what_transformers_makes_of_it(siglip_folder, tmp_path):
    tokenizer = reloaded(tokenization.from_folder(siglip_folder, LENGTH), tmp_path)
    reference = tokenization.reference_of(siglip_folder)
    tokenization.check(tokenizer, reference)
    tokenization.check(tokenizer, reference, no_ties(random_texts(3000, seed=2)))
    tokenization.check(tokenizer, reference, ["▁dog▁", "\u0301dog", "dog ①\u036e", "x\u20d7 ｶﾞ"])


@pytest.mark.parametrize("text", ["việt nam", "crème brûlée", "고양이", "ガギグ", "Ångström"])
def test_siglip_takes_letters_apart_from_their_marks(siglip_folder, text):
    tokenization.check(tokenization.from_folder(siglip_folder, LENGTH),
                       tokenization.reference_of(siglip_folder),
                       [unicodedata.normalize("NFD", text)])


def test_siglip_pads_to_its_length_always(siglip_folder):
    tokenizer = tokenization.from_folder(siglip_folder, LENGTH)
    end = tokenizer.token_to_id("</s>")
    ids = tokenizer.encode("Dog!").ids
    assert (len(ids), ids[-1]) == (LENGTH, end)
    assert ids == tokenizer.encode("dog").ids != tokenizer.encode("cat").ids
    cut = tokenizer.encode("cat " * 100).ids
    assert (len(cut), cut[-1], cut.count(end)) == (LENGTH, end, 1)


def test_siglip_keeps_capitals_when_its_folder_says_so(siglip_folder, tmp_path):
    (tmp_path / "spiece.model").write_bytes((siglip_folder / "spiece.model").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "SiglipTokenizer", "do_lower_case": false}')
    tokenizer = tokenization.from_folder(tmp_path, LENGTH)
    assert tokenizer.encode("DOG").ids != tokenizer.encode("dog").ids
    tokenization.check(tokenizer, tokenization.reference_of(tmp_path, LENGTH))


def test_sentencepiece_wins_over_siglips_tokenizer_json_as_in_transformers(
        siglip_folder, clip_folder, tmp_path):
    for path in siglip_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tokenization.from_folder(clip_folder, LENGTH).save(str(tmp_path / "tokenizer.json"))
    assert (tokenization.from_folder(tmp_path, LENGTH).to_str()
            == tokenization.from_folder(siglip_folder, LENGTH).to_str())


def test_a_siglip_2_folder_becomes_what_transformers_makes_of_it(siglip2_folder, tmp_path):
    tokenizer = reloaded(tokenization.from_folder(siglip2_folder, LENGTH), tmp_path)
    reference = tokenization.reference_of(siglip2_folder)
    tokenization.check(tokenizer, reference)
    tokenization.check(tokenizer, reference, random_texts(2000, seed=3))
    ids = tokenizer.encode("A DOG").ids
    assert ids == tokenizer.encode("a dog").ids
    assert ids[-1] == tokenizer.token_to_id("<pad>")


def test_a_conversion_that_differs_is_caught_with_the_phrase_and_both_ids(siglip_folder):
    reference = tokenization.reference_of(siglip_folder)
    tokenizer = tokenization.from_folder(siglip_folder, LENGTH)
    wrong = tokenizers.Tokenizer.from_str(tokenizer.to_str())
    wrong.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.Replace("é", "e"), tokenizer.normalizer])
    with pytest.raises(ZslError, match=r"'café' becomes .*, and should become ") as caught:
        tokenization.check(wrong, reference)
    assert str(wrong.encode("café").ids) in str(caught.value)
    assert str(tokenizer.encode("café").ids) in str(caught.value)
    for change in (lambda t: t.enable_padding(length=LENGTH, pad_id=0, pad_token="<pad>"),
                   lambda t: t.enable_padding(length=LENGTH + 1, pad_id=1, pad_token="</s>"),
                   lambda t: t.enable_truncation(LENGTH - 1)):
        wrong = tokenizers.Tokenizer.from_str(tokenizer.to_str())
        change(wrong)
        with pytest.raises(ZslError, match="does not tokenize as its original"):
            tokenization.check(wrong, reference)


def test_a_lost_end_of_text_is_caught_though_pads_are_the_same_token(clip_folder):
    tokenizer = tokenization.from_folder(clip_folder, LENGTH)
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=["<|startoftext|>", "$A"],
        special_tokens=[("<|startoftext|>", tokenizer.token_to_id("<|startoftext|>"))])
    with pytest.raises(ZslError, match="does not tokenize as its original"):
        tokenization.check(tokenizer, tokenization.reference_of(clip_folder))
