"""The model card: a model folder's README.md, made from its manifest alone."""

from typing import Any

_CARD = """# {name}

An image encoder for [zsl](https://pypi.org/project/zsl-cli/): uint8 RGB pixels in, a unit vector
out. Made by `zsl export`; every figure here was measured by it.

| | |
|---|---|
| architecture | {architecture} |
| weights | {weights} |
| input | {size} x {size} pixels, centre crop {crop}, {interpolation}, {layout} |
| embedding | {dimension} dimensions, space `{space}` |
| checkpoint | `{checkpoint[file]}`, SHA-256 `{checkpoint[sha256]}` |
| exported by | {exported_by} |

## Agreement

| compared | images | largest difference | smallest cosine | mean cosine |
|---|---|---|---|---|
{parity}

## Sources and licences

{sources}
"""

_COMPARED = {"float32": "ONNX Runtime with PyTorch", "int8": "int8 with float32"}


def model_card(manifest: dict[str, Any]) -> str:
    """Markdown for a model folder's README.md."""
    parity = "\n".join(
        f"| {_COMPARED[name]} | {found['images']} | {found['max_difference']} | "
        f"{found['min_cosine']} | {found['mean_cosine']} |"
        for name, found in manifest["parity"].items())
    sources = "\n".join(f"- {source['name']}, {source['license']}: {source['url']}"
                        for source in manifest["sources"]) or "None were given."
    return _CARD.format(**{**manifest, **manifest["input"], "parity": parity, "sources": sources})
