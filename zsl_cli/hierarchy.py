"""The hypernym graph over labels: who lies under whom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence


class Hierarchy:
    """A directed acyclic graph from each label to its parents (WordNet hypernyms, say).

    Parents that are no labels themselves are ignored.
    """

    def __init__(self, ids: Sequence[str], parents: Iterable[Sequence[str]]) -> None:
        """``parents`` gives the parent ids of each of ``ids``, in the same order."""
        self._rows = {id_: row for row, id_ in enumerate(ids)}
        self._children: list[list[int]] = [[] for _ in ids]
        self._parents: list[list[int]] = []
        for row, above in enumerate(parents):
            known = [self._rows[parent] for parent in above if parent in self._rows]
            self._parents.append(known)
            for parent in known:
                self._children[parent].append(row)

    def descendants(self, row: int) -> list[int]:
        """The rows under ``row``, itself included, in rising order. Cycles do no harm."""
        found = {row}
        open_rows = [row]
        while open_rows:
            for child in self._children[open_rows.pop()]:
                if child not in found:
                    found.add(child)
                    open_rows.append(child)
        return sorted(found)

    def lineage(self, row: int) -> list[int]:
        """The rows from the root down to ``row``, itself included, by the first parent of each
        (where a label has several). A cycle is left where it closes."""
        found = [row]
        while above := [parent for parent in self._parents[found[-1]] if parent not in found]:
            found.append(above[0])
        return found[::-1]


def find_cycle(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Some labels each of which lies below the next, and the last below the first; none where
    there is no cycle. Parents that are no labels are ignored."""
    done: set[str] = set()
    for start in parents:
        trail: dict[str, Iterator[str]] = {start: iter(parents[start])} if start not in done else {}
        while trail:
            label = next(reversed(trail))
            above = next((one for one in trail[label] if one in parents and one not in done), None)
            if above is None:
                done.add(label)
                del trail[label]
            elif above in trail:
                path = list(trail)
                return path[path.index(above):]
            else:
                trail[above] = iter(parents[above])
    return []
