"""TeachRequest: what a vocabulary is taught."""

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_cli.errors import RequestError
from zsl_cli.photos.teaching.reading import Reading
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, set_names
from zsl_cli.support.values import READING, check_device, set_numbers


@dataclass(frozen=True)
class TeachRequest:
    """What is asked of ``teach``; raises RequestError for values that make no sense.

    label: what the photos show: a name, a synonym or an id; None where they are only ``denied``
        labels, or with ``source``. photos: paths, folders and patterns.
    under: labels right above a new one; what has no such name below one of them becomes a new
        label. new: whether what is no label becomes one, even under nothing.
    denied: labels that the photos do not show. synonyms: further names of the label; without a
        photo they are all that is taught.
    source: a folder of class folders or a file of corrections (see corrections.read), in the place
        of label and photos. sidecars: folders, or photos, with sidecars into which zsl wrote: what
        was added and taken out since is taught, as far as it is about labels; in the same place.
    vocabulary: the base; by default the one that goes with the model. into: what the taught
        vocabulary is called, or its folder.
    model, device: see Classifier.load; jobs, batch_size, max_pixels: see Classifier.classify.
    """

    label: str | None = None
    photos: Sequence[Name] = ()
    under: Sequence[str] = ()
    new: bool = False
    denied: Sequence[str] = ()
    synonyms: Sequence[str] = ()
    source: Name | None = None
    sidecars: Sequence[Name] = ()
    vocabulary: Name | None = None
    into: Name | None = None
    model: Name = "default"
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        set_names(self, "photos", "sidecars", "under", "denied", "synonyms")
        check_device(self.device)
        set_numbers(self, **READING)
        if self.source is not None or self.sidecars:
            if self.label or self.photos or self.denied or self.synonyms or (
                    self.source is not None and self.sidecars):
                given = "source" if self.source is not None else "sidecars"
                other = "sidecars" if self.source is not None else "source"
                raise RequestError(f"`{given}` says itself what its photos show: give no label, no "
                                   f"photo, no `denied`, no `synonyms` and no `{other}` beside it")
            return
        if self.synonyms and not self.label:
            raise RequestError("`synonyms` are of a label: name it")
        if not self.label and not self.denied:
            raise RequestError("say which label the photos show")
        if self.label is not None and not self.label.strip():
            raise RequestError("an empty text is no label")
        if not self.photos and not self.synonyms:
            raise RequestError("no photo: a label learns from one at least")

    @property
    def reading(self) -> Reading:
        """How photos are read."""
        return Reading(self.device, self.jobs, self.batch_size, self.max_pixels)
