"""The model card: a model folder's README.md, made from its manifest alone. What comes from
outside, a checkpoint's names among it, is text there and no markup."""

import shlex

from zsl_cli.authoring.calibrating import writing
from zsl_cli.support.manifests import Agreement, CheckpointEntry, ModelManifest, TextEncoding
from zsl_cli.support.markdown import address, code, plain
from zsl_cli.support.wording import printable

_CARD = """# {name}

An image encoder for [zsl](https://pypi.org/project/zsl-cli/): uint8 RGB pixels in, a unit vector
out. Made by {command}{measured}.

| | |
|---|---|
| architecture | {architecture} |
| weights | {weights} |
| input | {input} |
| normalisation | {normalisation} |
| features | {features} |
| embedding | {dimension} dimensions, space {space} |
| phrases as labels | {text} |
| checkpoint | {checkpoint} |
| licence | {license} |{assumed}
| exported by | {exported_by} |

    zsl classify photo.jpg --model {argument}

## Agreement

{agreement}

{confidence}
## Sources and licences

{sources}
"""

_AGREEMENT = """| compared | inputs | largest difference | smallest cosine | mean cosine | \
same ten nearest labels |
|---|---|---|---|---|---|
{rows}"""

_COMPARED = {"float32": "ONNX Runtime with PyTorch",
             "published": "as completed with as published"}


def model_card(manifest: ModelManifest) -> str:
    """Markdown for a model folder's README.md."""
    frame = manifest.input
    assumed = (*manifest.assumed, *(manifest.published.assumed if manifest.published else ()))
    return _CARD.format(
        input=f"{frame.size} x {frame.size} pixels, {frame.fit}, share {frame.crop:.4g}, "
              f"{frame.interpolation}, {frame.layout}",
        command=code(_command(manifest)),
        measured="; every figure here was measured by it" if manifest.parity else "",
        assumed="".join(f"\n| assumed | {plain(one)} |" for one in assumed),
        name=plain(manifest.name), argument=printable(shlex.quote(manifest.name)),
        space=code(manifest.space), dimension=manifest.dimension,
        architecture=plain(manifest.architecture), weights=plain(manifest.weights),
        features=plain(manifest.features), normalisation=_normalisation(manifest),
        text=_phrases(manifest.text),
        checkpoint=_checkpoint(manifest.checkpoint),
        license=plain(manifest.license or "not given"), exported_by=plain(manifest.exported_by),
        agreement=_agreement(manifest),
        confidence=writing.section(manifest.confidence),
        sources="\n".join(f"- {plain(source['name'])}, {plain(source['license'])}: "
                          f"{address(source['url'])}"
                          for source in manifest.sources) or "None were given.")


def _command(manifest: ModelManifest) -> str:
    if manifest.trained_on_captions:
        return "zsl train --captions"
    return manifest.made_by or ("zsl models import" if manifest.published else "zsl export")


def _checkpoint(checkpoint: CheckpointEntry | None) -> str:
    if checkpoint is None:
        return "none"
    return f"{code(checkpoint.file)}, SHA-256 {code(checkpoint.sha256)}"


def _agreement(manifest: ModelManifest) -> str:
    if not manifest.parity:
        return "None is measured: of what it was made of nothing was converted."
    return _AGREEMENT.format(rows="\n".join(_row(name, one, manifest)
                                            for name, one in manifest.parity.items()))


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
        return (f"yes, by a sentence encoder ({plain(encoder.encoder)}, SHA-256 "
                f"{code(encoder.sha256)}) and a map into the space, over "
                f"{encoder.landmarks:,} landmarks")
    if not text.templates:
        return "yes, as they are written"
    written = ", ".join(map(code, text.templates))
    return f"yes; a vocabulary's labels were put into {written}"


def _row(name: str, agreement: Agreement, manifest: ModelManifest) -> str:
    figures = agreement.to_entries()
    compared = plain(f"the way from a photograph with that of {manifest.compared_with}") if (
        name == "pipeline") else _compared(name)
    return (f"| {compared} | {figures['images']} | {figures['max_difference']} | "
            f"{figures['min_cosine']} | {figures['mean_cosine']} | {figures.get('top_10', '')} |")


def _compared(name: str) -> str:
    text, _, form = name.rpartition(" ")
    return _COMPARED.get(form, f"{form} with float32") + (", label encoder" if text else "")
