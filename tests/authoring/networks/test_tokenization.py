"""A tokenizer.json gives the ids that the tokenizer it was made from gives."""

import builtins
import json
import random
import re
import subprocess
import sys
import unicodedata

import pytest

tokenizers = pytest.importorskip("tokenizers")

from networks import (  # noqa: E402
    WORDS,
    corpus,
    import_open_clip,
    import_transformers,
    write_clip_tokenizer,
    write_siglip_tokenizer,
)

from zsl_cli.authoring.networks import tokenization  # noqa: E402
from zsl_cli.errors import MissingExtraError, ZslError  # noqa: E402

LENGTH = 16


def random_texts(count, seed):
    """Words and signs of every kind, run together and apart. Left out is what no conversion
    promises: letters that are new to Unicode, marks that stand on nothing."""
    pick = random.Random(seed)

    def sign():
        kind = pick.random()
        if kind < 0.4:
            return chr(pick.randint(32, 126))
        if kind < 0.55:
            return pick.choice("  \t\n\r\f\v\x1c\u00a0\u2003\u2028\u200b\u200d\u3000\ufeff")
        if kind < 0.7:
            return pick.choice("'\"’‘“”–—…-_.,!?&<>#/▁ＡｂﬁǅｶŉİıΣςſK①™🐶🏽")
        while True:
            letter = chr(pick.choice([pick.randint(0xC0, 0x2FFF), pick.randint(0x3000, 0xFFFF),
                                      pick.randint(0x10000, 0x1F9FF)]))
            if unicodedata.ucd_3_2_0.category(letter)[0] not in "MC":
                return letter

    return ["".join(pick.choice((sign, sign, lambda: pick.choice(WORDS), lambda: " "))()
                    for _ in range(pick.randint(1, 20))) for _ in range(count)]


def no_mojibake(texts):
    """The texts that ftfy takes for decoded as they had been encoded."""
    import ftfy

    return [text for text in texts if ftfy.fix_encoding(text) == text]


def no_ties(texts):
    """The texts without what is said three times in a row: two cuts of it have the same score,
    and the last digit of a sum decides."""
    return [text for text in texts if not re.search(
        r"(.+)\1\1", "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower())))]


def reloaded(tokenizer, tmp_path):
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """CLIP's files with a small vocabulary: every byte, every byte that ends a word, merges."""
    import_transformers()
    folder = tmp_path_factory.mktemp("clip")
    tokens = write_clip_tokenizer(folder, LENGTH)
    (folder / "tokenizer_config.json").unlink()
    (folder / "config.json").write_text(json.dumps({
        "model_type": "clip", "text_config": {
            "max_position_embeddings": LENGTH, "vocab_size": tokens,
            "bos_token_id": tokens - 2, "eos_token_id": tokens - 1}}))
    return folder


@pytest.fixture(scope="module")
def vit_b_32():
    """OpenCLIP's table as a tokenizer.json would have it, and OpenCLIP's own tokenizer."""
    import_open_clip()
    return (tokenization.from_open_clip("ViT-B-32", 77),
            tokenization.reference_of_open_clip("ViT-B-32"))


@pytest.fixture(scope="module", params=[
    ("unigram", "nmt_nfkc"), ("bpe", "nmt_nfkc"), ("unigram", "identity")], ids=" ".join)
def siglip_folder(request, tmp_path_factory):
    """SigLIP's files with a small SentencePiece model."""
    folder = tmp_path_factory.mktemp("siglip")
    write_siglip_tokenizer(folder, LENGTH, *request.param)
    (folder / "config.json").write_text('{"model_type": "siglip"}')
    return folder


@pytest.fixture(scope="module")
def siglip2_folder(tmp_path_factory):
    """SigLIP 2's files: byte-pair encoding over whole words, bytes for what it does not know."""
    pytest.importorskip("transformers")
    trained = tokenizers.Tokenizer(tokenizers.models.BPE(
        unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trained.train_from_iterator(corpus(), tokenizers.trainers.BpeTrainer(
        vocab_size=600, show_progress=False,
        special_tokens=[*special, *(f"<0x{byte:02X}>" for byte in range(256))]))
    content = json.loads(trained.to_str())
    content["added_tokens"] = content["added_tokens"][:len(special)]
    content["post_processor"] = json.loads(tokenizers.processors.TemplateProcessing(
        single=["$A", "<eos>"], special_tokens=[("<eos>", 1)]).__getstate__())
    folder = tmp_path_factory.mktemp("siglip2")
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (folder / "config.json").write_text('{"model_type": "siglip2"}')
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GemmaTokenizer", "model_max_length": LENGTH, "padding_side": "right",
        "pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}))
    return folder


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


def test_open_clips_table_gives_the_ids_of_open_clip(vit_b_32, tmp_path):
    tokenizer, reference = reloaded(vit_b_32[0], tmp_path), vit_b_32[1]
    tokenization.check(tokenizer, reference)
    tokenization.check(tokenizer, reference, no_mojibake(random_texts(2000, seed=4)))
    first, second = tokenizer.encode_batch(["a", "a diagram of a dog"])
    assert first.ids == [49406, 320, 49407, 0, 0, 0, 0]
    assert second.ids[-1] == 49407


@pytest.mark.parametrize("text", [
    "salt &amp; pepper", "salt &amp;amp; pepper", "caf&eacute;", "it&#39;s", "it&#x27;s",
    "&quot;dog&quot;", "&lt;dog&gt;", "a&nbsp;dog", "&copy 2024", "&notin; &not; &notit", "&apos;",
    "“dog’s”", "ﬁne ﬂuﬀy ﬃ ﬄ ﬅ ﬆ", "Ǆ ǆ Ĳ ŉ", "ＤＯＧ　ｄｏｇ１", "ｶﾞｷﾞ", "cafe\u0301",
    "\x1b[31mred\x1b[0m", "\ufeffdog\x00\x07", "<start_of_text>dog<END_OF_TEXT>",
    "ΟΔΟΣ Σ ΣΑΣ. Σ'Α ΑΣ'", "'S 'ſ", "b\u0345c"])
def test_what_open_clip_repairs_in_a_text_is_repaired(text, vit_b_32):
    tokenization.check(*vit_b_32, [text])


def test_an_open_clip_configuration_chooses_how_texts_are_cleaned(tmp_path):
    open_clip = import_open_clip()
    texts = no_mojibake(random_texts(500, seed=5))
    ids = {}
    for mode in ("canonicalize", "whitespace"):
        path = tmp_path / f"zsl-test-{mode}.json"
        path.write_text(json.dumps({
            "embed_dim": 8, "vision_cfg": {}, "text_cfg": {
                "context_length": 20, "tokenizer_kwargs": {"clean": mode}}}))
        open_clip.add_model_config(path)
        tokenizer = tokenization.from_open_clip(path.stem, 20)
        reference = tokenization.reference_of_open_clip(path.stem)
        tokenization.check(tokenizer, reference)
        tokenization.check(tokenizer, reference, [*texts, "start of text <start_of_text> dog"])
        ids[mode] = tokenizer.encode("Snow_Leopard!").ids
    assert ids["canonicalize"] == tokenizer.encode("snow leopard").ids != ids["whitespace"]


def test_text_towers_that_look_at_pads_get_a_fixed_number_of_tokens():
    import_open_clip()
    lengths = {name: len(tokenization.from_open_clip(name, 76).encode("a dog").ids)
               for name in ("ViT-B-32", "coca_ViT-B-32", "MobileCLIP-S1")}
    assert lengths == {"ViT-B-32": 4, "coca_ViT-B-32": 76, "MobileCLIP-S1": 76}


@pytest.mark.parametrize("convert", [
    lambda name: tokenization.from_open_clip(name, 64), tokenization.reference_of_open_clip])
def test_a_tokenizer_that_open_clip_would_download_is_asked_for(convert):
    import_open_clip()
    with pytest.raises(ZslError, match="--tokenizer FILE"):
        convert("ViT-B-16-SigLIP")
    with pytest.raises(ZslError, match="knows no architecture 'hf-hub:a/b'"):
        convert("hf-hub:a/b")


def test_open_clips_cleaning_can_come_before_a_users_tokenizer(siglip2_folder):
    open_clip = import_open_clip()
    mode = tokenization.open_clip_clean_mode("ViT-B-16-SigLIP2")
    assert (mode, tokenization.open_clip_clean_mode("roberta-ViT-B-32")) == (
        "canonicalize", "whitespace")
    with pytest.raises(ZslError, match="strip_sep_token"):
        tokenization.open_clip_clean_mode("ViT-L-14-CLIPA")
    path = siglip2_folder / "tokenizer.json"
    plain = tokenization.from_file(path, LENGTH, "<pad>")
    cleaned = tokenization.from_file(path, LENGTH, "<pad>", clean=mode)
    clean = open_clip.tokenizer.get_clean_fn(mode)
    tokenization.check(cleaned, lambda texts: [plain.encode(clean(text)).ids for text in texts],
                       no_mojibake([*tokenization.PHRASES, *random_texts(500, seed=6)]))
    assert plain.encode("Sea_Slug!").ids != plain.encode("sea slug").ids


def test_a_users_file_pads_as_it_says_or_as_the_user_does(siglip2_folder, tmp_path):
    path = siglip2_folder / "tokenizer.json"
    with pytest.raises(ZslError, match="does not say which token it pads with"):
        tokenization.from_file(path, LENGTH)
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


def test_a_file_that_is_no_tokenizer_is_refused(siglip2_folder, tmp_path):
    whole = (siglip2_folder / "tokenizer.json").read_text()
    for content in ("", "{nonsense", "{}", "[1, 2]", whole[:len(whole) // 2]):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(ZslError, match=r"tokenizer\.json: cannot be read"):
            tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, 0)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ZslError, match=r"tokenizer\.json: cannot be read"):
        tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, 0)
    with pytest.raises(ZslError, match="no such file"):
        tokenization.from_file(tmp_path / "nothing.json", LENGTH)


def test_a_length_without_room_for_a_word_is_refused(siglip2_folder):
    with pytest.raises(ZslError, match="no room"):
        tokenization.from_file(siglip2_folder / "tokenizer.json", 1, 0)


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
    with pytest.raises(ZslError, match="cannot load its tokenizer"):
        tokenization.from_folder(tmp_path, LENGTH)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("package", ["transformers", "sentencepiece", "google.protobuf"])
def test_a_missing_package_is_named(package, siglip_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"zsl-cli\[export\]"):
        tokenization.from_folder(siglip_folder, LENGTH)


@pytest.mark.parametrize(("package", "name"), [
    ("open_clip", "open_clip_torch"), ("tokenizers", "tokenizers")])
def test_what_open_clips_tokenizer_misses_is_named(package, name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{name}: pip install 'zsl-cli\[export\]'"):
        tokenization.from_open_clip("ViT-B-32", 77)


def test_an_open_clip_that_does_not_fit_its_torchvision_is_one_line(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "open_clip", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "open_clip.py").write_text("raise RuntimeError('operator nms does not exist')")
    with pytest.raises(ZslError, match="cannot be imported: operator nms"):
        tokenization.from_open_clip("ViT-B-32", 77)


def test_a_folder_that_names_no_padding_token_is_refused(siglip2_folder, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((siglip2_folder / "tokenizer.json").read_bytes())
    with pytest.raises(ZslError, match="no padding token"):
        tokenization.from_folder(tmp_path, LENGTH)
    padded = tokenization.from_file(tmp_path / "tokenizer.json", LENGTH, "<pad>")
    padded.save(str(tmp_path / "tokenizer.json"))
    assert tokenization.from_folder(tmp_path, LENGTH).encode("dog").ids == padded.encode("dog").ids
