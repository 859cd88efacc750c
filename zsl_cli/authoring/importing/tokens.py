"""The tokenizer of a published text tower: ``tokenizer.json`` with the padding, the cut and the
cleaning of texts that the programs around it add after it is loaded."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zsl_cli.authoring.importing.request import ImportRequest
from zsl_cli.authoring.importing.towers import Tower, section
from zsl_cli.authoring.networks import text_cleaning, tokenization
from zsl_cli.embedding import tokenizer_files
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LENGTHS = {"clip": 77, "siglip": 64, "siglip2": 64}
"""Of texts, where no file says it, by the kind of model."""

_ENDLESS = 10**5  # transformers says 10**30 for a length that it does not know
_SLACK = 0.5
"""A table of tokens may have rows to spare, but hardly more than there are tokens."""


def length_of(tower: Tower, request: ImportRequest, declared: int | None) -> int:
    """The most tokens of a text: the user's word, what the graph is fixed to, or the least that a
    file says. Raises ZslError."""
    if given := request.context_length or declared:
        return given
    config = tower.config()
    model = section(config, "model_cfg") or config
    said = [section(model, "text_config").get("max_position_embeddings"),
            section(model, "text_cfg").get("context_length"),
            model.get("max_position_embeddings"),
            tower.config("sentence_bert_config.json").get("max_seq_length"),
            tower.config("tokenizer_config.json").get("model_max_length")]
    known = [int(one) for one in said if isinstance(one, int | float) and 0 < one < _ENDLESS]
    kind = _LENGTHS.get(str(config.get("model_type")))
    if "text_cfg" in model:
        kind = _LENGTHS["clip"]
    if not known and kind is None:
        raise ZslError(f"{tower.graph}: nothing says how many tokens a text may have; give "
                       "`context_length`")
    return min(known) if known else kind or 0


def read(tower: Tower, request: ImportRequest, length: int, rows: int | None) -> "Tokenizer":
    """The tokenizer, which pads each text to ``length`` tokens.

    rows: how many tokens the text graph has vectors for, where that is known.

    Raises ZslError.
    """
    from tokenizers.normalizers import Sequence

    file = request.tokenizer or tower.file("tokenizer.json")
    if file is None:
        raise ZslError(f"{tower.graph}: no tokenizer.json beside it, nor above it; give one with "
                       "`tokenizer`")
    try:
        with file.open("rb") as opened:
            tokenizer = tokenizer_files.load(opened.read(tokenizer_files.LARGEST + 1), file)
    except OSError as error:
        raise ZslError(f"{file}: {error.strerror}") from error
    size = tokenizer.get_vocab_size()
    if rows is not None and (size > rows or size < rows * _SLACK):
        raise ZslError(f"{file}: the tokenizer of another model: it has {size:,} tokens, and "
                       f"{tower.graph.name} vectors for {rows:,}")
    settings = tower.config("tokenizer_config.json")
    steps = _cleaning(tower, request, settings)
    if steps:
        own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = Sequence([*steps, *own])
    token, number = _pad(tokenizer, tower, request, settings)
    sides = ["left" if settings.get(name) == "left" else "right"
             for name in ("padding_side", "truncation_side")]
    return tokenization.finish(tokenizer, length, number, token, True, *sides)


def _pad(tokenizer: "Tokenizer", tower: Tower, request: ImportRequest,
         settings: Mapping[str, Any]) -> tuple[str, int]:
    """The token that fills a text up, and its id. Raises ZslError."""
    named = (request.pad_token or settings.get("pad_token")
             or tower.config("special_tokens_map.json").get("pad_token"))
    token = named.get("content") if isinstance(named, dict) else named
    if token is None and tokenizer.padding is not None:
        token = tokenizer.padding["pad_token"]
    if token is None:
        raise ZslError(f"{tower.graph}: no file says with which token texts are filled up; give "
                       "`pad_token`")
    number = tokenizer.token_to_id(str(token))
    if number is None:
        raise ZslError(f"{tower.graph}: texts are filled up with {token!r}, which its tokenizer "
                       "does not have; give `pad_token`")
    return str(token), number


def _cleaning(tower: Tower, request: ImportRequest, settings: Mapping[str, Any]) -> list[Any]:
    """What is done to a text before the tokenizer's own steps."""
    config = tower.config()
    text = section(section(config, "model_cfg") or config, "text_cfg")
    mode = request.clean
    if mode is None and text:
        said = section(text, "tokenizer_kwargs").get("clean")
        mode = said or ("whitespace" if text.get("hf_tokenizer_name") else "lower")
    if mode is not None:
        return text_cleaning.as_open_clip(str(mode))
    # transformers' classes for SigLIP do this in Python, whatever is in the tokenizer.json; SigLIP
    # 2 has Gemma's tokens and was trained with lower case
    kind, model = str(settings.get("tokenizer_class", "")), str(config.get("model_type"))
    lowers = kind.startswith("Siglip") and settings.get("do_lower_case", True)
    second = model == "siglip2" or (model == "siglip" and kind.startswith("Gemma"))
    return text_cleaning.lowercase() if lowers or second else []
