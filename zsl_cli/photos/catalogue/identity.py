"""Whose catalogue it is: of which library, with the embeddings of which model."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from zsl_cli.support.manifests import ENCODER_FILE, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Encoder:
    """What embeddings depend on beside the photo.

    model: the name of the model. digest: of the encoder's bytes and of what is done to a picture
        before. dimension: of an embedding.
    """

    model: str
    digest: str
    dimension: int

    @classmethod
    def of(cls, manifest: ModelManifest) -> Self:
        """The encoder of a model folder."""
        text = json.dumps({"encoder": manifest.files[ENCODER_FILE].sha256,
                           "input": asdict(manifest.input)}, sort_keys=True)
        return cls(manifest.name, hashlib.sha256(text.encode()).hexdigest(), manifest.dimension)


@dataclass(frozen=True)
class Identity:
    """What a catalogue is of.

    library: the folder, an absolute path with all links followed; empty for single photos and
        lists, which may lie anywhere.
    """

    library: str
    encoder: Encoder

    def facts(self) -> dict[str, str]:
        """As the catalogue notes it."""
        return {"library": self.library.encode("utf-8", "surrogateescape").hex(),
                "model": self.encoder.model, "encoder": self.encoder.digest,
                "dimension": str(self.encoder.dimension)}

    @classmethod
    def noted(cls, facts: "Mapping[str, str]") -> Self:
        """What facts say. Raises ValueError where they do not."""
        try:
            library = bytes.fromhex(facts["library"]).decode("utf-8", "surrogateescape")
            encoder = Encoder(facts["model"], facts["encoder"], int(facts["dimension"]))
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        if not 0 < encoder.dimension <= 1 << 16:
            raise ValueError(f"a dimension of {encoder.dimension}")
        return cls(library, encoder)
