"""Library: which photos are meant."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from zsl_cli.embedding.path_lists import listed
from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError, RequestError
from zsl_cli.support.names import Name, names_of, set_names


@dataclass(frozen=True)
class Library:
    """Which photos are meant; raises RequestError where none are.

    sources: folders, photos and patterns, or one of these.
    files_from: a file that lists more photos (see path_lists.listed), or their paths themselves.
    include, exclude: one text, or several; with hidden and follow_links which images of a folder
        count, see walk.Walk.
    """

    sources: Name | Sequence[Name] = ()
    files_from: Name | Iterable[Name] | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_links: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        set_names(self, "sources", "include", "exclude")
        self._check_any()

    def _check_any(self) -> None:
        if not self.arguments and self.files_from is None:
            raise RequestError("nothing to label: name a folder in `sources`, or give `files_from`")

    @property
    def arguments(self) -> list[str]:
        """The sources, as many as there are."""
        return names_of(self.sources)

    @property
    def names(self) -> list[str]:
        """What is labelled, as it was asked for, as far as it has a name."""
        if isinstance(self.files_from, str | os.PathLike):
            return [*self.arguments, os.fspath(self.files_from)]
        return self.arguments

    def walk(self) -> Walk:
        """Which images of a folder count."""
        return Walk(tuple(self.include), tuple(self.exclude), self.hidden, self.follow_links)

    def photos(self, walk: Walk) -> Iterator[tuple[str, ImageError | None]]:
        """The photos, or places that can't be read with their error; raises RequestError for a
        list that can't."""
        yield from walk.expand(self.arguments)
        yield from walk.expand(self.listed(), patterns=False)

    def listed(self) -> Iterator[str]:
        """The paths of ``files_from``; raises RequestError for a list that can't be read."""
        if not isinstance(self.files_from, str | os.PathLike):
            yield from (os.fspath(path) for path in self.files_from or ())
            return
        try:
            with open(self.files_from, "rb") as file:
                yield from listed(file)
        except RequestError as error:
            raise RequestError(f"`files_from` {os.fspath(self.files_from)}: {error}") from error
        except OSError as error:
            raise RequestError(f"`files_from` {os.fspath(self.files_from)}: "
                               f"{error.strerror or error}") from error
