"""Tokenizers as transformers and OpenCLIP keep them, with small vocabularies."""

import json

import pytest
import tokenizers
from networks import (
    corpus,
    import_open_clip,
    import_transformers,
    write_clip_tokenizer,
    write_siglip_tokenizer,
)
from tokenizer_texts import LENGTH

from zsl_cli.authoring.networks import tokenization


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
