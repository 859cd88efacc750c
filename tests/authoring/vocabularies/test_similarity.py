"""The agreement of word vectors with WordNet."""

import re
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from zsl_cli.authoring.vocabularies import similarity
from zsl_cli.authoring.vocabularies.wordnet import Synset, WordNet

PARENTS = {"entity": "", "animal": "entity", "machine": "entity", "bird": "animal",
           "cat": "animal", "dog": "animal", "crane": "bird machine", "duck": "bird",
           "swan": "bird", "drill": "machine", "press": "machine", "tabby": "cat",
           "robot": "machine animal", "london": "entity", "run": "entity"}


@pytest.fixture
def wordnet(tmp_path):
    """A small WordNet; of the crane, the bird and the machine are two senses."""
    offsets, lines, senses = {}, [], {}
    entries = [(word, parents) for word, parents in PARENTS.items() if word != "crane"]
    entries += [("crane", "bird"), ("crane", "machine")]
    for number, (word, parents) in enumerate(entries, 1):
        above = parents.split()
        pointers = "".join(f" @ {offsets[parent]:08} n 0000" for parent in above)
        spelled = word.capitalize() if word == "london" else word
        lines.append(f"{number:08} 05 n 01 {spelled} 0 {len(above):03}{pointers} | x\n")
        offsets[word] = number
        senses.setdefault(word, []).append(number)
    (tmp_path / "data.noun").write_text("".join(lines))
    (tmp_path / "index.noun").write_text("".join(
        f"{word} n {len(found)} 0 {len(found)} 0 {' '.join(f'{at:08}' for at in found)}\n"
        for word, found in senses.items()))
    (tmp_path / "cntlist.rev").write_text("".join(
        f"{word}%1:05:00:: 1 3\n" for word in PARENTS if word != "tabby")
        + "run%2:38:00:: 1 9\n")
    return WordNet(tmp_path)


def climb(wordnet, id_, steps=0):
    """Every way up from a synset, one by one."""
    yield id_, steps
    for parent in wordnet.synsets[id_].hypernyms:
        yield from climb(wordnet, parent, steps + 1)


def path_similarity(wordnet, first, second):
    lengths = [steps + others for one, other in product(wordnet.senses[first],
                                                        wordnet.senses[second])
               for (id_, steps), (same, others) in product(climb(wordnet, one),
                                                           climb(wordnet, other)) if id_ == same]
    return 1 / (1 + min(lengths))


def ranks(values):
    """The mean rank of each value among equals."""
    return [sum(other < value for other in values) + sum(other == value for other in values) / 2
            for value in values]


def test_path_similarity_is_that_of_the_closest_senses(wordnet):
    graph = similarity.Graph(wordnet)
    assert graph.path_similarity("cat", "cat") == 1
    assert graph.path_similarity("cat", "dog") == 1 / 3
    assert graph.path_similarity("tabby", "swan") == 1 / 5
    assert graph.path_similarity("crane", "duck") == 1 / 3
    assert graph.path_similarity("drill", "crane") == 1 / 3
    assert graph.path_similarity("robot", "drill") == 1 / 3
    for first, second in product(PARENTS, PARENTS):
        assert graph.path_similarity(first, second) == path_similarity(wordnet, first, second)


def test_common_nouns_are_no_names_no_verbs_and_none_that_nobody_uses(wordnet):
    assert similarity.Graph(wordnet).common_nouns([*PARENTS, "unknown"]) == sorted(
        set(PARENTS) - {"london", "run", "tabby"})


def test_the_correlation_is_spearmans_over_the_pairs(wordnet):
    names = list(PARENTS)
    vectors = 9 * np.random.default_rng(3).normal(size=(len(names), 8)).astype(np.float32)
    found = similarity.agreement(names, vectors, wordnet, pairs=40)
    graph = similarity.Graph(wordnet)
    pairs = graph.sample(graph.common_nouns(names), 40, 0)
    assert (found.pairs, found.nouns) == (40, 12)
    assert len({frozenset(pair) for pair in pairs}) == 40
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = [float(unit[names.index(one)] @ unit[names.index(other)]) for one, other in pairs]
    expected = np.corrcoef(ranks(cosine),
                           ranks([path_similarity(wordnet, *pair) for pair in pairs]))[0, 1]
    assert found.correlation == pytest.approx(expected, abs=1e-9)


def test_vectors_that_follow_the_tree_correlate(wordnet):
    names = list(PARENTS)
    ids = list(wordnet.synsets)
    vectors = np.zeros((len(names), len(ids)))
    for row, name in enumerate(names):
        for id_, _ in climb(wordnet, wordnet.senses[name][0]):
            vectors[row, ids.index(id_)] = 1
    assert similarity.agreement(names, vectors, wordnet).correlation > 0.7
    assert similarity.agreement(names, vectors[::-1], wordnet).correlation < 0.3


def test_half_of_the_pairs_are_related():
    """Of 40 kinds of five nouns each, two drawn at random are of one kind once in fifty times."""
    synsets = {"root": Synset("root", ("root",), "", ())}
    for kind in range(40):
        synsets[f"k{kind}"] = Synset(f"k{kind}", (f"k{kind}",), "", ("root",))
        for number in range(5):
            name = f"n{kind}-{number}"
            synsets[name] = Synset(name, (name,), "", (f"k{kind}",))
    graph = similarity.Graph(SimpleNamespace(
        synsets=synsets, senses={name: (name,) for name in synsets}))
    nouns = [name for name in synsets if name.startswith("n")]
    pairs = graph.sample(nouns, 300, 0)
    assert pairs == graph.sample(nouns, 300, 0) != graph.sample(nouns, 300, 1)
    assert len(set(pairs)) == 300
    of_one_kind = sum(first.split("-")[0] == second.split("-")[0] for first, second in pairs)
    assert of_one_kind > 25  # of a third of the near half; at random, 6


def test_too_few_nouns_give_no_figure(wordnet):
    assert similarity.agreement(["cat", "dog", "the"], np.ones((3, 2)), wordnet) is None


def test_verify_prints_it_for_any_vocabulary(zsl, wordnet_installed):
    result = zsl("vocab", "verify", "default", "--similarity", "--without-index",
                 env=wordnet_installed)
    assert result.returncode == 0, result.stderr
    assert re.search(rb"similarity: Spearman correlation with WordNet path similarity: 0\.\d+ "
                     rb"\(2,000 pairs of [\d,]+ nouns\)", result.stdout)
