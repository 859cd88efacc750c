"""The paths of labels: a vocabulary's hierarchy, or that of the user's own list."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_BETWEEN = "|"  # levels in the id of one that is no candidate


class Lineages:
    """Where each label lies, in the user's own words for what he listed.

    A list with a hierarchy has its own; the labels of any other list lie where the vocabulary has
    them.
    """

    def __init__(self, vocabulary: "Vocabulary", taken: "Sequence[Taken]" = ()) -> None:
        self._vocabulary = vocabulary
        self._names: dict[str, str] = {}
        paths: dict[str, tuple[str, ...]] = {}
        for one in taken:
            if one.instead is None:
                id_ = one.phrase if one.row is None else vocabulary.label(one.row).id
                assert id_ is not None
                self._names[id_] = (one.name if one.row is None or one.is_own else
                                    vocabulary.name_of(vocabulary.label(one.row)))
                paths[id_] = (*one.word.above, self._names[id_])
        self._paths = paths if any(one.word.above for one in taken) else {}
        self._ids = {path: id_ for id_, path in self._paths.items()}

    @property
    def has_hierarchy(self) -> bool:
        """Whether the user's list has one of its own."""
        return bool(self._paths)

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """(id, name) from the top of the hierarchy down to the label of this id; what is no label
        there has an id that is its path. A phrase, which is its own id, lies under nothing but
        what is above it in the user's list."""
        if path := self._paths.get(id_):
            levels = [path[:depth] for depth in range(1, len(path) + 1)]
            return tuple((self._ids.get(level, _BETWEEN.join(level)), level[-1])
                         for level in levels)
        if id_ not in self._vocabulary.rows:
            return ((id_, self._names.get(id_, id_)),)
        return tuple((above, self._names.get(above, name))
                     for above, name in self._vocabulary.lineage(id_))

    def path_names(self, id_: str) -> tuple[str, ...]:
        """The names of ``lineage``."""
        return tuple(name for _, name in self.lineage(id_))

    def words_above(self, id_: str) -> tuple[str, ...] | None:
        """The user's own words in ``path_names`` above the label, without what only orders them in
        his list; None where the hierarchy is not his."""
        if not self.has_hierarchy:
            return None
        return tuple(name for above, name in self.lineage(id_)[:-1] if above in self._names)
