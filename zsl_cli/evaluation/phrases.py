"""A vocabulary of a set's own class names, for a model that encodes phrases and has none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.names.class_names import read
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from zsl_cli.embedding.model import Model


def vocabulary_of(names: Sequence[str], model: "Model") -> Vocabulary:
    """The classes of these names as labels whose vectors the model has encoded; of
    what they are made of (see ``class_names``) the main name is the phrase."""
    if model.label_encoder is None:
        raise ZslError(f"no vocabulary fits model {model.name!r}, and it does not encode phrases")
    phrases = [read(name).name or name for name in names]
    lines = [Label(name, phrase).to_json().encode()
             for name, phrase in zip(names, phrases, strict=True)]
    manifest = VocabularyManifest.of_phrases(model.space, model.dimension, len(names))
    return Vocabulary(manifest, None, lines, model.label_encoder.encode(phrases))
