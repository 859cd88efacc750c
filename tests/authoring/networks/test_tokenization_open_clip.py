"""A tokenizer.json gives the ids that OpenCLIP's tokenizer gives."""

import json
import sys

import pytest
from networks import import_open_clip
from tokenizer_texts import LENGTH, no_mojibake, random_texts, reloaded

from zsl_cli.authoring.networks import tokenization
from zsl_cli.errors import MissingExtraError, ZslError


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
    with pytest.raises(ZslError, match="`tokenizer=FILE`"):
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


def test_what_open_clips_tokenizer_misses_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    expected = r"open_clip_torch: pip install 'zsl-cli\[checkpoints\]'"
    with pytest.raises(MissingExtraError, match=expected):
        tokenization.from_open_clip("ViT-B-32", 77)


def test_an_open_clip_that_does_not_fit_its_torchvision_is_one_line(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "open_clip", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "open_clip.py").write_text("raise RuntimeError('operator nms does not exist')")
    with pytest.raises(ZslError, match="cannot be imported: operator nms"):
        tokenization.from_open_clip("ViT-B-32", 77)
