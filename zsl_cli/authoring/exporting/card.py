"""The model card: a model folder's README.md, made from its manifest alone."""

from dataclasses import asdict

from zsl_cli.support.manifests import Agreement, CheckpointEntry, ModelManifest, TextEncoding

_CARD = """# {name}

An image encoder for [zsl](https://pypi.org/project/zsl-cli/): uint8 RGB pixels in, a unit vector
out. Made by `zsl export`; every figure here was measured by it.

| | |
|---|---|
| architecture | {architecture} |
| weights | {weights} |
| input | {size} x {size} pixels, {fit}, share {crop:.4g}, {interpolation}, {layout} |
| normalisation | {normalisation} |
| features | {features} |
| embedding | {dimension} dimensions, space `{space}` |
| phrases as labels | {text} |
| checkpoint | `{checkpoint.file}`, SHA-256 `{checkpoint.sha256}` |
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


def model_card(manifest: ModelManifest) -> str:
    """Markdown for a model folder's README.md."""
    return _CARD.format(
        **asdict(manifest.input), name=manifest.name, space=manifest.space,
        dimension=manifest.dimension, architecture=manifest.architecture,
        weights=manifest.weights, features=manifest.features,
        normalisation=_normalisation(manifest), text=_phrases(manifest.text),
        checkpoint=manifest.checkpoint or CheckpointEntry("", ""),
        license=manifest.license or "not given", exported_by=manifest.exported_by,
        parity="\n".join(_row(name, one) for name, one in manifest.parity.items()),
        sources="\n".join(f"- {source['name']}, {source['license']}: {source['url']}"
                          for source in manifest.sources) or "None were given.")


def _normalisation(manifest: ModelManifest) -> str:
    if manifest.normalisation is None:
        return "inside the graph"
    mean, std = (", ".join(f"{value:.6g}" for value in values)
                 for values in (manifest.normalisation.mean, manifest.normalisation.std))
    return f"mean {mean}, std {std} of values from 0 to 255, inside the graph"


def _phrases(text: TextEncoding | None) -> str:
    """What the label encoder is."""
    if text is None:
        return "no"
    if (encoder := text.sentence_encoder) is not None:
        return (f"yes, by a sentence encoder ({encoder.encoder}, SHA-256 `{encoder.sha256}`) and "
                f"a map into the space, over {encoder.landmarks:,} landmarks")
    written = ", ".join(f"`{template}`" for template in text.templates)
    return f"yes; a vocabulary's labels were put into {written}"


def _row(name: str, agreement: Agreement) -> str:
    figures = agreement.to_entries()
    return (f"| {_compared(name)} | {figures['images']} | {figures['max_difference']} | "
            f"{figures['min_cosine']} | {figures['mean_cosine']} | {figures.get('top_10', '')} |")


def _compared(name: str) -> str:
    text, _, form = name.rpartition(" ")
    return _COMPARED[form] + (", label encoder" if text else "")
