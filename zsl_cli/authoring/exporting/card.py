"""The model card: a model folder's README.md, made from its manifest alone."""

from collections.abc import Mapping
from typing import Any

_CARD = """# {name}

An image encoder for [zsl](https://pypi.org/project/zsl-cli/): uint8 RGB pixels in, a unit vector
out. Made by `zsl export`; every figure here was measured by it.

| | |
|---|---|
| architecture | {architecture} |
| weights | {weights} |
| input | {size} x {size} pixels, {fit}, share {crop:.4g}, {interpolation}, {layout} |
| normalisation | mean {mean}, std {std} of values from 0 to 255, inside the graph |
| features | {features} |
| embedding | {dimension} dimensions, space `{space}` |
| phrases as labels | {text} |
| checkpoint | `{checkpoint[file]}`, SHA-256 `{checkpoint[sha256]}` |
| licence | {license} |
| exported by | {exported_by} |

    zsl classify photo.jpg --model {name}

## Agreement

| compared | inputs | largest difference | smallest cosine | mean cosine | same ten nearest labels |
|---|---|---|---|---|---|
{parity}

## Sources and licences

{sources}
"""

_COMPARED = {"float32": "ONNX Runtime with PyTorch", "int8": "int8 with float32",
             "fp16": "fp16 with float32"}


def model_card(entries: Mapping[str, Any]) -> str:
    """Markdown for a model folder's README.md.

    entries: of its manifest.
    """
    parity = "\n".join(
        f"| {_compared(name)} | {found['images']} | {found['max_difference']} | "
        f"{found['min_cosine']} | {found['mean_cosine']} | {found.get('top_10', '')} |"
        for name, found in entries["parity"].items())
    sources = "\n".join(f"- {source['name']}, {source['license']}: {source['url']}"
                        for source in entries["sources"]) or "None were given."
    text = entries.get("text")
    numbers = {name: ", ".join(f"{value:.6g}" for value in values)
               for name, values in entries["normalisation"].items()}
    return _CARD.format(**{
        **entries, **entries["input"], **numbers, "parity": parity, "sources": sources,
        "license": entries["license"] or "not given",
        "text": "no" if text is None else _phrases(text),
    })


def _phrases(text: dict[str, Any]) -> str:
    """What the label encoder is."""
    if "encoder" in text:
        return (f"yes, by a sentence encoder ({text['encoder']}, SHA-256 `{text['sha256']}`) and a "
                f"map into the space, over {text['landmarks']:,} landmarks")
    written = ", ".join(f"`{template}`" for template in text["templates"])
    return f"yes; a vocabulary's labels were put into {written}"


def _compared(name: str) -> str:
    text, _, form = name.rpartition(" ")
    return _COMPARED[form] + (", label encoder" if text else "")
