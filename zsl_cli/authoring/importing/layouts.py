"""Where published models have their files: one entry a layout."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed, some

FORMS = {
    "fp32": ("",), "fp16": ("_fp16",), "int8": ("_int8", "_quantized"), "uint8": ("_uint8",),
    "q4": ("_q4",), "q4f16": ("_q4f16",), "bnb4": ("_bnb4",)}
"""Forms of weights, and what the names of their files end in."""

IMAGE_OUTPUTS = ("image_embeds", "l2norm_image_embeddings", "image_embeddings", "image_embedding",
                 "image_features", "pooler_output", "embedding", "sentence_embedding")
TEXT_OUTPUTS = ("text_embeds", "l2norm_text_embeddings", "text_embeddings", "text_embedding",
                "text_features", "sentence_embedding", "pooler_output", "embedding")
"""What the vectors are called among a graph's outputs, the surest name first. An output with
tokens (``last_hidden_state``) is none of them."""

TOKENS_OUTPUTS = ("last_hidden_state", "token_embeddings")
"""Where a text tower leaves the mean over its tokens to whoever runs it."""

SETTINGS = ("config.json", "preprocessor_config.json", "processor_config.json",
            "preprocess_cfg.json", "open_clip_config.json", "tokenizer.json",
            "tokenizer_config.json", "special_tokens_map.json",
            "sentence_bert_config.json", "README.md")
"""What is read beside the graphs. It lies in the folder of a graph, or in one above it."""

_LICENSES, _TEXTS = ("license", "licence", "copying", "notice"), ("", ".txt", ".md")


@dataclass(frozen=True)
class Layout:
    """Where one kind of publisher puts the graphs.

    name: of the layout, for people.
    image, text: paths from the model's root, in which ``{form}`` is what the form's file ends in
        and ``{variant}`` one of several models in a folder; the same path for a merged graph.
    more: further files that a tower needs.
    """

    name: str
    image: str | None
    text: str | None
    more: tuple[str, ...] = ()


LAYOUTS = (
    Layout("transformers.js", "onnx/vision_model{form}.onnx", "onnx/text_model{form}.onnx"),
    Layout("MobileCLIP 2", "onnx/{variant}/vision_model{form}.onnx",
           "onnx/{variant}/text_model{form}.onnx"),
    Layout("Immich", "visual/model.onnx", "textual/model.onnx"),
    Layout("transformers.js, merged", "onnx/model{form}.onnx", "onnx/model{form}.onnx",
           ("modules.json", "1_Pooling/config.json", "2_Dense/config.json",
            "2_Dense/model.safetensors")),
    Layout("two towers", "vision_model{form}.onnx", "text_model{form}.onnx"),
    Layout("one graph", "model{form}.onnx", "model{form}.onnx"))
"""Those that are known, the most special ones first. One graph may have one tower: Qdrant has a
repository for each."""


@dataclass(frozen=True)
class Found:
    """A layout among the names of some files.

    image, text: the graphs by form. variants: all there are, of which ``variant`` was chosen.
    """

    layout: Layout
    image: dict[str, str]
    text: dict[str, str]
    variant: str | None = None

    @property
    def forms(self) -> list[str]:
        """Those that every tower has."""
        return [form for form in FORMS if form in (self.image or self.text)
                and (not self.text or form in self.text)]

    def form(self, wanted: str | None) -> str:
        """The form that is wanted, or the most exact one. Raises ZslError."""
        if wanted is None and self.forms:
            return self.forms[0]
        if wanted not in self.forms:
            raise ZslError(f"`form={wanted}`: there is " + (
                listed(self.forms) if self.forms else "no form of both towers"))
        return wanted


def find(names: Collection[str], variant: str | None = None) -> Found | None:
    """The first layout of which there are graphs among some paths from a root.

    Raises ZslError where there are several variants, of which none is chosen, or not this one.
    """
    for layout in LAYOUTS:
        several = "{variant}" in (layout.image or "")
        variants = [variant] if variant and several else (
            _variants(layout, names) if several else [None])
        found = [one for one in (_with(layout, names, name) for name in variants)
                 if one.image or one.text]
        if several and variant and not found and (there := _variants(layout, names)):
            raise ZslError(f"`variant={variant}`: there is {listed(there)}")
        if len(found) > 1:
            raise ZslError("several models are there; choose one with `variant`: "
                           + listed([str(one.variant) for one in found]))
        if found:
            if variant and not several:
                raise ZslError(f"`variant={variant}`: it chooses one of several models in a "
                               f"folder, and the layout here, {layout.name}, has one")
            return found[0]
    return None


def needed(found: Found, form: str, names: Collection[str]) -> list[str]:
    """What of a repository is read for one form: the graphs and
    the settings; which other files have weights, the graphs say."""
    graphs = {towers[form] for towers in (found.image, found.text) if form in towers}
    folders = {folder for graph in graphs for folder in _above(graph)}
    wanted = []
    for name in names:
        folder, _, plain = name.rpartition("/")
        settings = folder in folders and (plain in SETTINGS or is_license(plain))
        if name in graphs or settings or name in found.layout.more:
            wanted.append(name)
    return wanted


def is_license(name: str) -> bool:
    """Whether a file, by its plain name, has the terms of a model."""
    path = PurePosixPath(name.lower())
    return path.suffix in _TEXTS and path.name.startswith(_LICENSES)


def looked_for() -> str:
    """The files of the known layouts, in words."""
    return some([f"{(layout.image or '').format(form='', variant='*')} ({layout.name})"
                 for layout in LAYOUTS])


def _above(name: str) -> Sequence[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _variants(layout: Layout, names: Collection[str]) -> list[str]:
    before, _, after = (layout.image or "").format(form="", variant="\0").partition("\0")
    return sorted({name[len(before):-len(after)] for name in names
                   if name.startswith(before) and name.endswith(after)
                   and "/" not in name[len(before):-len(after)]})


def _with(layout: Layout, names: Collection[str], variant: str | None) -> Found:
    def forms(pattern: str | None) -> dict[str, str]:
        paths = {form: [pattern.format(form=suffix, variant=variant) for suffix in suffixes]
                 for form, suffixes in FORMS.items()} if pattern else {}
        return {form: there[0] for form, several in paths.items()
                if (there := [path for path in several if path in names])}
    return Found(layout, forms(layout.image), forms(layout.text), variant)
