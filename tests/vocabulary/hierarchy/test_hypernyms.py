"""The graph of parents: what lies below, how deep, by which path, and cycles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

PARENTS = {"animal": [], "bird": ["animal"], "pet": ["animal"], "parrot": ["bird"],
           "macaw": ["parrot", "pet"], "tool": ["nowhere"], "hammer": ["tool"]}
NAMES = list(PARENTS)


@pytest.fixture
def hierarchy():
    return Hierarchy(NAMES, PARENTS.values())


def names(rows):
    return [NAMES[row] for row in rows]


def test_roots_are_what_has_no_label_above_it(hierarchy):
    assert names(hierarchy.roots) == ["animal", "tool"]


def test_depth_is_counted_by_the_shortest_path(hierarchy):
    assert names(hierarchy.descendants(0, max_depth=0)) == ["animal"]
    assert names(hierarchy.descendants(0, max_depth=1)) == ["animal", "bird", "pet"]
    assert names(hierarchy.descendants(0, max_depth=2)) == [
        "animal", "bird", "pet", "parrot", "macaw"]
    assert names(hierarchy.descendants(*hierarchy.roots, max_depth=1)) == [
        "animal", "bird", "pet", "tool", "hammer"]
    assert names(hierarchy.descendants(0, 4, max_depth=1)) == ["animal", "bird", "pet", "macaw"]


def test_parents_children_and_lineage(hierarchy):
    assert names(hierarchy.parents(4)) == ["parrot", "pet"]
    assert names(hierarchy.children(0)) == ["bird", "pet"]
    assert names(hierarchy.lineage(4)) == ["animal", "bird", "parrot", "macaw"]


def test_a_cycle_is_found_and_named_from_a_label_to_its_parents():
    assert Hierarchy("abcd", [["b"], ["c"], ["a"], ["a"]]).cycles() == [[0, 1, 2]]
    assert Hierarchy("ab", [["a"], []]).cycles() == [[0]]
    assert len(Hierarchy("abcd", [["b"], ["a"], ["d"], ["c"]]).cycles()) == 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 7), max_size=3), max_size=8))
def test_cycles_are_found_just_where_a_label_lies_above_itself(parents):
    ids = [str(row) for row in range(len(parents))]
    hierarchy = Hierarchy(ids, [[str(row) for row in above] for above in parents])
    tangled = {row for row in range(len(ids))
               if row in hierarchy.descendants(*hierarchy.children(row))}
    cycles = hierarchy.cycles()
    assert bool(cycles) == bool(tangled)
    for cycle in cycles:
        assert set(cycle) <= tangled
        for below, above in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert above in hierarchy.parents(below)


def test_rings_go_up_and_down_by_the_shortest_way(hierarchy):
    rings = [names(ring) for ring in hierarchy.rings(NAMES.index("macaw"))]
    assert rings == [["macaw"], ["pet", "parrot"], ["animal", "bird"]]


def test_ancestors_are_found_by_every_way(hierarchy):
    assert sorted(names(hierarchy.ancestors(NAMES.index("macaw")))) == [
        "animal", "bird", "parrot", "pet"]
    assert hierarchy.ancestors(0) == set()


def test_leaves_below_a_label_are_counted_once_whatever_the_way(hierarchy):
    counts = dict(zip(NAMES, hierarchy.leaf_counts.tolist(), strict=True))
    assert counts == {"animal": 1, "bird": 1, "pet": 1, "parrot": 1, "macaw": 1, "tool": 1,
                      "hammer": 1}
    wide = Hierarchy("abcde", [[], ["a"], ["a"], ["b", "c"], ["c"]])
    assert wide.leaf_counts.tolist() == [2, 1, 2, 1, 1]
    assert Hierarchy("ab", [["b"], ["a"]]).leaf_counts.tolist() == [0, 0]
