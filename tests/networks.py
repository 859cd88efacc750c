"""Small networks of real architectures, with random weights, as training leaves them on disk."""

import json
import random

import pytest

_LIBRARIES = []  # torch forgets the operators of a library that is let go
WORDS = ["a", "photo", "of", "the", "dog", "cat", "golden", "retriever", "small", "big", "red",
         "blue", "café", "naïve", "coffee", "machine", "sea", "slug", "street", "sign", "mountain",
         "snow", "leopard", "piano", "über", "straße", "ice", "cream", "traffic", "light", "bus",
         "zebra", "toaster", "hello", "world", "don't", "they've", "it's", "jack-o'-lantern",
         "日本", "猫", "犬", "собака", "ναός", "3", "17", "50mm", "2024"]


def import_torchvision():
    """torchvision, also where its compiled half does not fit this torch: two of its operators,
    which no network here uses, are then declared in their place."""
    torch = pytest.importorskip("torch")
    try:
        import torchvision
    except ImportError:
        pytest.skip("torchvision is not installed")
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)
        import torchvision
    return torchvision


def import_timm():
    """timm, which imports torchvision."""
    pytest.importorskip("torch")
    import_torchvision()
    return pytest.importorskip("timm")


def import_open_clip():
    """open_clip, which imports torchvision."""
    pytest.importorskip("torch")
    import_torchvision()
    return pytest.importorskip("open_clip")


def import_transformers():
    """transformers, which imports torchvision where there is one."""
    pytest.importorskip("torch")
    try:
        import torchvision  # noqa: F401
    except ImportError:
        pass
    except RuntimeError:
        import_torchvision()
    return pytest.importorskip("transformers")


def lively(network, seed=0):
    """The network with weights whose activations tell images apart, in eval mode."""
    import torch

    torch.manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.normal_(module.weight, std=module.in_features ** -0.5)
                if module.bias is not None:
                    torch.nn.init.normal_(module.bias, std=0.1)
    return network.eval()


def corpus(lines=400):
    """Lines of words, the same ones every time."""
    pick = random.Random(0)
    return [" ".join(pick.choices(WORDS, k=pick.randint(2, 9))) for _ in range(lines)]


def write_clip_tokenizer(folder, length):
    """CLIP's two files with a small vocabulary: every byte, every byte that ends a word, merges;
    returns the number of tokens, of which the last two begin and end a text."""
    import tokenizers

    bpe = tokenizers.Tokenizer(tokenizers.models.BPE(end_of_word_suffix="</w>"))
    bpe.normalizer = tokenizers.normalizers.Lowercase()
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.WhitespaceSplit(),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.train_from_iterator(corpus(), tokenizers.trainers.BpeTrainer(
        vocab_size=400, end_of_word_suffix="</w>", show_progress=False))
    merges = [tuple(pair) for pair in json.loads(bpe.to_str())["model"]["merges"]]
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges),
              "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text(
        "\n".join(["#version: 0.2", *map(" ".join, merges)]), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "CLIPTokenizer", "model_max_length": length}))
    return len(tokens)


def write_siglip_tokenizer(folder, length, kind="unigram", normalization="nmt_nfkc"):
    """SigLIP's files with a small SentencePiece model."""
    transformers = import_transformers()
    sentencepiece = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_prefix=str(folder / "spiece"), vocab_size=300,
        model_type=kind, normalization_rule_name=normalization, character_coverage=0.9995,
        hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2)
    original = transformers.SiglipTokenizer(str(folder / "spiece.model"), model_max_length=length)
    original.save_pretrained(folder)


def write_clip(folder, side=64, length=32):
    """A small CLIP in Hugging Face layout; returns it."""
    transformers = import_transformers()
    tokens = write_clip_tokenizer(folder, length)
    tower = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
             "num_attention_heads": 3}
    config = transformers.CLIPConfig(
        text_config={**tower, "vocab_size": tokens, "max_position_embeddings": length,
                     "bos_token_id": tokens - 2, "eos_token_id": tokens - 1,
                     "pad_token_id": tokens - 1},
        vision_config={**tower, "image_size": side, "patch_size": 16}, projection_dim=24)
    model = lively(transformers.CLIPModel(config))
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "crop_size": side, "do_center_crop": True, "do_normalize": True, "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": side,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711]}))
    return model


def write_siglip(folder, side=64, length=24, tokens=320):
    """A small SigLIP in Hugging Face layout, with vectors for so many tokens; returns it."""
    transformers = import_transformers()
    write_siglip_tokenizer(folder, length)
    tower = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
             "num_attention_heads": 3}
    config = transformers.SiglipConfig(
        text_config={**tower, "vocab_size": tokens, "max_position_embeddings": length,
                     "projection_size": 48},
        vision_config={**tower, "image_size": side, "patch_size": 16})
    model = lively(transformers.SiglipModel(config))
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 3,
        "image_processor_type": "SiglipImageProcessor", "rescale_factor": 1 / 255,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "size": {"height": side, "width": side}}))
    return model
