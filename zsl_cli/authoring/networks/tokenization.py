"""A dual encoder's tokenizer as one ``tokenizer.json``, which the library ``tokenizers`` runs
alone, with padding and truncation in the file.

``check`` compares its ids with the original's. Known to differ, and not among ``PHRASES``:

- OpenCLIP repairs mojibake (``schÃ¶n``), C1 control characters and the rarer HTML references
  with ftfy and ``html``; the file knows HTML 4's names and their numbers, nested three deep.
- A special token's text inside a phrase (``a </s> b``): originals treat what stands around it
  each in its own way.
- SentencePiece sums scores in single precision, so that of two cuts with the same score
  (``mm m`` or ``m mm``) it may choose the other; so it may for a letter with several marks.
- Letters that are younger than one library's Unicode tables and not the other's.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.authoring.networks import configurations, text_cleaning
from zsl_cli.authoring.networks.libraries import alone, library
from zsl_cli.embedding import tokenizer_files
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer

Reference = Callable[[list[str]], list[list[int]]]

PHRASES = (
    "dog", "golden retriever", "a photo of a sea slug", "a bad photo of the school bus.",
    "Siamese cat", "BMW", "iPhone 15 Pro", "NEW YORK CITY", "café", "crème brûlée", "cafe\u0301",
    "jalapeño", "Ångström", "Straße", "smörgåsbord", "cat's-eye", "I don't think they've seen it",
    "rock 'n' roll", "jack-o'-lantern", "forget-me-not", "Boeing 747-8", "a 50mm f/1.8 lens",
    "route 66, westbound", "3.14159", "1,000,000 km²", "wait... what?!", "(a) [b] {c} <d>",
    "#tag @user $9.99 50% off", "black & white", "C++ or C#", "snake_case_name", "…", "!!!",
    "“curly” quotes — and ‘dashes’", "ＦＵＬＬ　ｗｉｄｔｈ", "ﬁsh and ﬂowers", "犬",
    "東京タワー", "고양이", "собака", "ΕΛΛΗΝΙΚΟΣ ΝΑΟΣ", "قطة", "हाथी", "แมว", "🐶",
    "a 🐱 and a 👩\u200d🚀", "two  spaces", "  blanks around  ", "tab\tand\nnew line",
    "no\u00a0break", "", " ",
    "pneumonoultramicroscopicsilicovolcanoconiosis", "one of the many very long lines " * 30,
)
"""What a conversion is tried on: blanks, letters and signs of all kinds, nothing, too much."""

_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model",
                 "sentencepiece.bpe.model", "tokenizer.model")
_CLIP_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}\x{345}]+"
_ENDLESS = 10**9  # transformers says 10**30 for a length that it does not know


def from_folder(folder: Path, length: int, *, fixed: bool | None = None) -> "Tokenizer":
    """The tokenizer of a Hugging Face model folder, as transformers itself would load it.

    fixed: pad to ``length`` always; by default unless it is CLIP's, whose text towers are causal
        and read the end-of-text token, so that no pad behind it matters.

    Raises ZslError, and MissingExtraError without transformers or sentencepiece.
    """
    original = _original(folder)
    if original.is_fast:
        tokenizer = tokenizer_files.load(original.backend_tokenizer.to_str().encode(),
                                         folder / "tokenizer.json")
    elif type(original).__name__ == "SiglipTokenizer":
        tokenizer = _siglip(original)
    else:
        raise ZslError(f"{folder}: a {type(original).__name__} cannot be made a tokenizer.json; "
                       f"give one with `tokenizer=FILE`")
    pad_id, pad_token = original.pad_token_id, original.pad_token
    if pad_id is None:
        pad_id = _pad_of_config(folder)
        pad_token = None if pad_id is None else tokenizer.id_to_token(pad_id)
    return finish(tokenizer, length, pad_id, pad_token,
                   type(original).__name__ != "CLIPTokenizer" if fixed is None else fixed,
                   original.padding_side, original.truncation_side)


def reference_of(folder: Path, length: int | None = None) -> Reference:
    """What transformers' own tokenizer gives, padded to ``length`` (by default its own). Raises
    as ``from_folder``."""
    original = _original(folder)
    limit = length or _own_length(folder, original)
    return lambda texts: original(texts, padding="max_length", truncation=True,
                                  max_length=limit).input_ids


def from_open_clip(architecture: str, length: int, *, fixed: bool | None = None) -> "Tokenizer":
    """OpenCLIP's own tokenizer, the one of most of its architectures.

    fixed: as for ``from_folder``; by default what the architecture's configuration asks for.

    Raises ZslError for architectures that use a tokenizer of Hugging Face's, which OpenCLIP
    would download, and MissingExtraError without open_clip.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors
    from tokenizers.normalizers import Sequence as Steps

    original, text = _open_clip_tokenizer(architecture)
    tokenizer = Tokenizer(models.BPE(vocab=dict(original.encoder),
                                     merges=list(original.bpe_ranks), end_of_word_suffix="</w>"))
    mode = _clean_mode(architecture, text, "lower")
    tokenizer.normalizer = Steps(text_cleaning.as_open_clip(mode))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    if mode != "canonicalize":  # which takes off their brackets before they are looked for
        tokenizer.add_special_tokens([AddedToken(original.decoder[token], normalized=True)
                                      for token in original.all_special_ids])
    start, end = original.sot_token_id, original.eot_token_id
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[original.decoder[start], "$A", original.decoder[end]],
        special_tokens=[(original.decoder[token], token) for token in (start, end)])
    if fixed is None:
        fixed = bool(text.get("no_causal_mask") or text.get("embed_cls")
                     or text.get("pool_type", "argmax") not in ("argmax", "eos"))
    return finish(tokenizer, length, 0, original.decoder[0], fixed)


def reference_of_open_clip(architecture: str, length: int | None = None) -> Reference:
    """What OpenCLIP's own tokenizer gives, padded to ``length`` (by default the architecture's).
    Raises as ``from_open_clip``."""
    original, _text = _open_clip_tokenizer(architecture)
    return lambda texts: original(texts, context_length=length).tolist()


def open_clip_clean_mode(architecture: str) -> str:
    """What OpenCLIP does to a text before it hands it to a tokenizer of Hugging Face's: the
    ``clean`` of ``from_file``. Raises ZslError when it does something to the ids too."""
    return _clean_mode(architecture, _open_clip_text(architecture)[1], "whitespace")


def from_file(path: Path, length: int, pad: int | str | None = None, *, fixed: bool = True,
              clean: str | None = None) -> "Tokenizer":
    """A user's own ``tokenizer.json``.

    pad: the padding token or its id; by default what the file pads with.
    clean: what OpenCLIP would do to a text first: ``lower``, ``whitespace`` or ``canonicalize``.

    Raises ZslError for what cannot be read, and for a padding token that is not known.
    """
    from tokenizers.normalizers import Sequence as Steps

    try:
        with path.open("rb") as file:
            tokenizer = tokenizer_files.load(file.read(tokenizer_files.LARGEST + 1), path)
    except FileNotFoundError as error:
        raise ZslError(f"{path}: no such file") from error
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error
    if pad is None:
        pad = (int(tokenizer.padding["pad_id"]) if tokenizer.padding is not None
               else _pad_beside(path))
        if pad is None:
            raise ZslError(f"{path}: does not say which token it pads with, and no "
                           "tokenizer_config.json beside it does")
    number = tokenizer.token_to_id(pad) if isinstance(pad, str) else pad
    token = None if number is None or number < 0 else tokenizer.id_to_token(number)
    if number is None or token is None:
        raise ZslError(f"{path}: has no token {pad!r} to pad with")
    if clean is not None:
        own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = Steps([*text_cleaning.as_open_clip(clean), *own])
    return finish(tokenizer, length, number, token, fixed)


def _pad_of_config(folder: Path) -> int | None:
    """The padding token that the configuration of a folder's network names."""
    file = folder / "config.json"
    config = configurations.read(file) if file.is_file() else {}
    text = config.get("text_config")
    number = (text if isinstance(text, dict) else config).get("pad_token_id")
    return number if type(number) is int and number >= 0 else None


def _pad_beside(path: Path) -> str | None:
    """The padding token that the configuration beside a ``tokenizer.json`` names: the file itself
    has one only where its padding was switched on before it was saved."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        file = path.parent / name
        token = configurations.read(file).get("pad_token") if file.is_file() else None
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str) and token:
            return token
    return None


def check(tokenizer: "Tokenizer", reference: Reference, phrases: Sequence[str] = PHRASES) -> None:
    """Raise ZslError with the first phrase to which a finished tokenizer gives other ids than the
    original does. Pads at the end may be fewer or more unless they are of a fixed number."""
    padding = tokenizer.padding
    assert padding is not None  # every tokenizer of this module pads
    texts = list(phrases)
    for phrase, encoding, expected in zip(
            texts, tokenizer_files.encode(tokenizer, texts, Path("tokenizer.json")),
            reference(texts), strict=True):
        got, wanted = encoding.ids, list(expected)
        if padding["length"] is None:
            width = max(len(got), len(wanted))
            got, wanted = ([*ids, *[padding["pad_id"]] * (width - len(ids))]
                           for ids in (got, wanted))
        if got != wanted:
            raise ZslError(f"the tokenizer.json does not tokenize as its original: {phrase!r} "
                           f"becomes {got}, and should become {wanted}")


def finish(tokenizer: "Tokenizer", length: int, pad_id: int | None, pad_token: str | None,
            fixed: bool, padding_side: str = "right", truncation_side: str = "right",
            ) -> "Tokenizer":
    """Switch on truncation to ``length``, special tokens included, and padding: to ``length`` if
    ``fixed``, to the longest of a batch otherwise."""
    if pad_id is None or pad_token is None:
        raise ZslError("the tokenizer has no padding token; give a tokenizer.json that pads "
                       "with `tokenizer=FILE`")
    if length <= tokenizer.num_special_tokens_to_add(False):
        raise ZslError(f"{length} tokens leave no room for a word")
    if length > tokenizer_files.MOST_TOKENS:
        raise ZslError(f"{length:,} tokens a text are more than {tokenizer_files.MOST_TOKENS:,}")
    tokenizer.enable_truncation(length, direction=truncation_side)
    tokenizer.enable_padding(direction=padding_side, pad_id=pad_id, pad_token=pad_token,
                             length=length if fixed else None)
    return tokenizer


@alone()
def _original(folder: Path) -> Any:
    """The tokenizer that transformers loads from a folder, without running code from it."""
    configurations.vet_tokenizer(folder)
    transformers = library("transformers", "a Hugging Face tokenizer")
    names = {name for name in _VOCABULARIES if (folder / name).is_file()}
    # transformers would make do without a vocabulary, or without merges
    if not names or (names == {"vocab.json"} and not (folder / "merges.txt").is_file()):
        raise ZslError(f"{folder}: no tokenizer in it (tokenizer.json, vocab.json and merges.txt, "
                       f"or spiece.model); give one with `tokenizer=FILE`")
    if any(name.endswith(".model") for name in names):
        for module in ("sentencepiece", "google.protobuf"):
            library(module, "a SentencePiece tokenizer")
    loader: Any = transformers.AutoTokenizer
    if not any((folder / name).is_file() for name in ("config.json", "tokenizer_config.json")):
        loader = (transformers.PreTrainedTokenizerFast if "tokenizer.json" in names
                  else transformers.CLIPTokenizer if "vocab.json" in names
                  else transformers.SiglipTokenizer)
    try:
        # False, not None, which asks the user
        with tokenizer_files.panics(folder, "transformers cannot load its tokenizer"):
            return loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ZslError:
        raise
    except Exception as error:  # of many kinds, down to bare Exception
        raise ZslError(f"{folder}: transformers cannot load its tokenizer ({error}); give a "
                       f"tokenizer.json with `tokenizer=FILE`") from error


def _own_length(folder: Path, original: Any) -> int:
    if original.model_max_length < _ENDLESS:
        return original.model_max_length
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return config.get("text_config", config)["max_position_embeddings"]
    except (OSError, ValueError, KeyError) as error:
        raise ZslError(f"{folder}: does not say how many tokens a text may have") from error


def _siglip(original: Any) -> "Tokenizer":
    """SiglipTokenizer, which is written in Python around sentencepiece."""
    from tokenizers import Tokenizer, processors

    schema = library("sentencepiece.sentencepiece_model_pb2", "a SentencePiece tokenizer")
    proto = schema.ModelProto.FromString(
        original.sp_model.serialized_model_proto())
    tokenizer = Tokenizer(_sentencepiece_model(proto, original.vocab_file))
    tokenizer.normalizer = _siglip_normalizer(proto.normalizer_spec, original.do_lower_case)
    for number, token in sorted(original.added_tokens_decoder.items()):
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        if tokenizer.token_to_id(token.content) != number:
            raise ZslError(f"{original.vocab_file}: {token.content} cannot have the id {number}")
    end = original.eos_token
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", end], special_tokens=[(end, original.eos_token_id)])
    return tokenizer


def _sentencepiece_model(proto: Any, source: str) -> Any:
    from tokenizers import models

    trainer = proto.trainer_spec
    if trainer.treat_whitespace_as_suffix:
        raise ZslError(f"{source}: words that end in their blank are not supported")
    if trainer.model_type == trainer.UNIGRAM:
        return models.Unigram([(piece.piece, piece.score) for piece in proto.pieces],
                              unk_id=trainer.unk_id, byte_fallback=trainer.byte_fallback)
    if trainer.model_type != trainer.BPE:
        raise ZslError(f"{source}: neither a unigram model nor byte-pair encoding")
    ids = {piece.piece: number for number, piece in enumerate(proto.pieces)}
    merges = [(piece.piece[:cut], piece.piece[cut:])
              for piece in sorted(proto.pieces, key=lambda piece: -piece.score)
              for cut in range(1, len(piece.piece))
              if piece.piece[:cut] in ids and piece.piece[cut:] in ids]
    return models.BPE(vocab=ids, merges=merges, unk_token=trainer.unk_piece, fuse_unk=True,
                      byte_fallback=trainer.byte_fallback)


def _siglip_normalizer(spec: Any, lower: bool) -> "Normalizer":
    """What SiglipTokenizer does to a text, and then sentencepiece: the words stay one piece with
    their blanks, as they do there."""
    from tokenizers import Regex, normalizers

    steps = [normalizers.Replace("▁", " "), normalizers.Prepend("▁"),
             *(text_cleaning.lowercase() if lower else []),
             normalizers.Replace(Regex(text_cleaning.PUNCTUATION), ""),
             normalizers.Replace(Regex(text_cleaning.BLANKS), " "),
             normalizers.Strip(left=False)]
    if spec.precompiled_charsmap:
        # Precompiled looks at a letter and its marks together, and may drop the marks: a sign
        # that is no text keeps them apart, and they are joined where Unicode can
        steps += [normalizers.Replace(Regex(r"(?!\A)"), "\x01"),
                  normalizers.Precompiled(spec.precompiled_charsmap),
                  normalizers.Replace("\x01", ""), normalizers.NFC()]
    if spec.remove_extra_whitespaces:  # the charsmap has made new ones
        steps += [normalizers.Replace(Regex(" {2,}"), " "),
                  normalizers.Replace(Regex(r"[ ▁]+\z"), "")]
    return normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])


def _open_clip_text(architecture: str) -> tuple[Any, dict[str, Any]]:
    """The library, and what it knows of an architecture's text tower."""
    open_clip = library("open_clip", "an OpenCLIP tokenizer")
    if architecture not in open_clip.list_models():  # names with a schema are downloaded
        raise ZslError(f"OpenCLIP knows no architecture {architecture!r}")
    return open_clip, open_clip.get_model_config(architecture)["text_cfg"]


@alone()
def _open_clip_tokenizer(architecture: str) -> tuple[Any, dict[str, Any]]:
    open_clip, text = _open_clip_text(architecture)
    downloaded = text.get("hf_tokenizer_name") or ("siglip" in architecture.lower() and "SigLIP's")
    if downloaded:
        raise ZslError(f"{architecture} uses the tokenizer {downloaded}, which OpenCLIP would "
                       f"download; give its tokenizer.json with `tokenizer=FILE`")
    return open_clip.get_tokenizer(architecture), text


def _clean_mode(architecture: str, text: dict[str, Any], default: str) -> str:
    options = {"tokenizer_mode": text.get("tokenizer_mode"), **text.get("tokenizer_kwargs", {})}
    mode = options.pop("clean", default)
    unknown = [name for name, value in options.items() if value]
    if unknown:
        raise ZslError(f"{architecture}: the tokenizer's {', '.join(unknown)} is not supported")
    return mode
