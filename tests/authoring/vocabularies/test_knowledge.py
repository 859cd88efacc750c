"""Tables of common knowledge: the project's, and what is said of faults in any."""

import subprocess
import sys
from pathlib import Path

import pytest
import wordnet_files

from zsl_cli.authoring.vocabularies import knowledge, wordnet
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.vocabulary import Vocabulary

CHECK = Path(__file__).parents[3] / "scripts" / "check_knowledge.py"
CRANE, DIGGER, BIRD, CHILD = "n00000004", "n00000006", "n00000003", "n09917593"
GOOD = {
    "classes.tsv": f"{CRANE}\tcrane (bird)\n{DIGGER}\tcrane (machine)\n",
    "everyday.tsv": f"# living\n{BIRD}\tbird\tbirdie, small bird\n{CHILD}\tchild\t\n",
    "kinds.tsv": f"{CRANE}\twading bird\twader\n",
    "looks.tsv": f"{BIRD}\tbird\tcrane (bird) 9; crane (machine) 1\n",
    "beside.tsv": f"{CHILD}\tchild\t200\tcrane (machine) 3\n",
    "sensitive.tsv": f"{DIGGER}\tcrane\tmachine\n"}
PEOPLE = ("person", "people", "man", "woman", "boy", "girl", "child", "baby", "crowd", "family",
          "couple", "player", "cyclist")
BROAD = ("animal", "pet", "dog", "cat", "bird", "fish", "insect", "reptile", "flower", "plant",
         "tree", "food", "drink", "fruit", "vegetable", "meal", "dessert", "bread", "meat",
         "clothes", "shoe", "hat", "vehicle", "car", "boat", "aircraft", "building", "house",
         "room", "furniture", "tool", "toy", "sport", "ball", "weapon", "computer", "telephone",
         "electronics", "landscape", "mountain", "water", "sea", "beach", "sky", "weather",
         "bottle", "kitchenware", "jewelry")
BETWEEN = (("kangaroo", "marsupial"), ("zebra", "hoofed animal"), ("grey whale", "marine mammal"),
           ("goldfinch", "songbird"), ("bell pepper", "pepper"), ("beet", "root vegetable"),
           ("ice cream", "frozen dessert"), ("ketchup", "condiment"), ("hammer", "hand tool"),
           ("power drill", "power tool"), ("cleaver", "cutting tool"), ("saxophone", "woodwind"),
           ("grand piano", "keyboard instrument"), ("sports car", "motor vehicle"),
           ("hat", "headwear"), ("coat", "outerwear"), ("sweatshirt", "clothes"),
           ("armchair", "seat"), ("barn", "farm building"), ("castle", "fortification"))


@pytest.fixture
def write(tmp_path):
    """Writes good tables, one of which has another content, into a folder."""
    def write(name="", content=""):
        for table, good in GOOD.items():
            (tmp_path / table).write_text(content if table == name else good, "utf-8")
        return tmp_path
    return write


@pytest.fixture
def nouns(tmp_path):
    """A WordNet of nine nouns."""
    folder = tmp_path / "nouns"
    folder.mkdir()
    wordnet_files.write(folder)
    return wordnet.WordNet(folder)


@pytest.fixture(scope="module")
def own():
    """The project's tables."""
    return knowledge.load()


def test_tables_are_read(write, nouns):
    tables = knowledge.load(write(), nouns)
    assert tables.classes == {CRANE: "crane (bird)", DIGGER: "crane (machine)"}
    assert tables.everyday == {BIRD: ("bird", "birdie", "small bird"), CHILD: ("child",)}
    assert tables.kinds == {CRANE: ("wading bird", "wader")}
    assert tables.plain == {**tables.everyday, **tables.kinds}
    assert tables.looks == {BIRD: {CRANE: 9, DIGGER: 1}}
    assert tables.beside == {CHILD: knowledge.Beside(0.2, {DIGGER: 0.3})}
    assert tables.sensitive == {DIGGER: "machine"}


def test_a_table_that_a_folder_does_not_have_is_the_project_s(tmp_path, own):
    (tmp_path / "sensitive.tsv").write_text(GOOD["sensitive.tsv"])
    tables = knowledge.load(tmp_path)
    assert tables.sensitive == {DIGGER: "machine"}
    assert tables.looks == own.looks


def test_kinds_of_the_project_lie_between_its_own_words_alone(tmp_path, own):
    (tmp_path / "everyday.tsv").write_text(f"{CHILD}\tseat\t\n")
    assert knowledge.load(tmp_path).plain == {CHILD: ("seat",)}
    (tmp_path / "everyday.tsv").unlink()
    (tmp_path / "kinds.tsv").write_text(f"{CRANE}\tbig bird\t\n")
    assert knowledge.load(tmp_path).plain == {**own.everyday, CRANE: ("big bird",)}


@pytest.mark.parametrize(("name", "content", "fault"), [
    ("classes.tsv", f"{CRANE}\n", "line 1: 1 columns, and 2 are expected"),
    ("classes.tsv", f"{CRANE}\tcrane\n{DIGGER}\tcrane\n", "two classes 'crane'"),
    ("looks.tsv", f"# birds\n{BIRD}\tbird\tstork 9\n", "line 2: 'stork' is none of the classes"),
    ("looks.tsv", f"{BIRD}\tbird\tcrane (bird) 10\n", "line 1: .* no class with a weight from 1"),
    ("looks.tsv", f"{BIRD}\tbird\tcrane (bird) 0\n", "weight from 1 to 9"),
    ("looks.tsv", f"{BIRD}\tbird\tcrane (bird)\n", "weight from 1 to 9"),
    ("looks.tsv", f"{BIRD}\tbird\tcrane (bird) 3;\n", "'' is no class with a weight"),
    ("looks.tsv", f"{BIRD}\tbird\t\n", "line 1: column 3 is empty"),
    ("looks.tsv", f"{BIRD}\tbird\tcrane (bird) 3; crane (bird) 4\n", "stands there twice"),
    ("looks.tsv", 2 * f"{BIRD}\tbird\tcrane (bird) 3\n", "line 2: n00000003 has a row already"),
    ("looks.tsv", f"{BIRD}\tfowl\tcrane (bird) 3\n", "'fowl' is no word of n00000003, which is bi"),
    ("looks.tsv", "n00000099\tbird\tcrane (bird) 3\n", "'n00000099' is no noun synset of WordNet"),
    ("looks.tsv", "bird\tbird\tcrane (bird) 3\n", "line 1: 'bird' is no noun synset of WordNet 3"),
    ("everyday.tsv", f"{BIRD}\tbird\n", "line 1: 2 columns, and 3 are expected"),
    ("everyday.tsv", f"{BIRD}\tbird\t\n{CHILD}\tchild\tBird\n", "line 2: 'Bird' is a word of n0"),
    ("kinds.tsv", f"{CRANE}\twader\tbirdie\n", "line 1: 'birdie' is a word of n00000003 already"),
    ("kinds.tsv", f"{BIRD}\twader\t\n", "line 1: n00000003 has a row already"),
    ("beside.tsv", f"{CHILD}\tchild\t1001\tcrane (bird) 3\n", "line 1: '1001' is no number of ph"),
    ("beside.tsv", f"{CHILD}\tchild\t1000\tcrane (bird) 3\n", "photos in 1,000, from 1 to 999"),
    ("beside.tsv", f"{CHILD}\tchild\t0\tcrane (bird) 3\n", "'0' is no number of photos"),
    ("beside.tsv", f"{CHILD}\tchild\t20\tcrane 3\n", "'crane' is none of the classes"),
    ("sensitive.tsv", f"{DIGGER}\tcrane\t\n", "line 1: column 3 is empty")])
def test_a_fault_is_told_with_its_line(write, nouns, name, content, fault):
    with pytest.raises(ZslError, match=fault) as raised:
        knowledge.load(write(name, content), nouns)
    assert name in str(raised.value)


def test_a_class_that_the_classifier_does_not_have_is_told(write):
    tables = knowledge.load(write())
    tables.check_classes([CRANE, DIGGER])
    with pytest.raises(ZslError, match=rf"does not have: '{DIGGER} \(crane \(machine\)\)'"):
        tables.check_classes([CRANE])


def test_a_folder_without_tables_is_no_folder_of_tables(tmp_path):
    with pytest.raises(ZslError, match=r"none of the tables classes\.tsv, everyday\.tsv"):
        knowledge.load(tmp_path)


def test_everyday_words_are_many_and_the_broad_ones_are_there(own):
    words = {plain[0] for plain in own.everyday.values()}
    assert len(words) >= 1500
    assert not {*BROAD, *PEOPLE} - words
    assert not {"organism", "artifact", "container", "machine"} & {
        plain[0] for plain in own.plain.values()}  # which tell nothing


@pytest.mark.parametrize(("name", "word"), BETWEEN)
def test_above_a_thing_there_is_the_word_for_its_kind(own, name, word):
    vocabulary = Vocabulary.load("default")
    below = next(id_ for id_, plain in own.everyday.items() if name in plain)
    path = [vocabulary.label(row) for row in
            vocabulary.taxonomy.everyday(vocabulary.rows[below])[:-1]]
    assert word in map(vocabulary.word_of, path)


def test_kinds_do_not_lengthen_the_paths_of_pets():
    vocabulary = Vocabulary.load("default")
    for path in (["animal", "dog", "German shepherd"], ["animal", "cat", "tabby"]):
        label = next(label for label in vocabulary.labels if path[-1] in (label.name, *label.plain))
        rows = vocabulary.taxonomy.everyday(vocabulary.rows[label.id])
        assert [vocabulary.word_of(vocabulary.label(row)) for row in rows] == path


def test_people_and_their_surroundings_are_seen_beside_classes(own):
    by_word = {plain[0]: id_ for id_, plain in own.everyday.items()}
    assert not [word for word in (*PEOPLE, "sky", "tree", "grass", "beach", "snow", "table")
                if by_word[word] not in own.beside]
    person, dog = own.beside[by_word["person"]], own.beside[by_word["dog"]]
    names = {name: id_ for id_, name in own.classes.items()}
    assert person.shares[names["groom"]] > 0.8 > person.shares.get(names["lion"], 0)
    assert dog.shares[names["papillon"]] == pytest.approx(0.9)
    assert person.base_rate > dog.base_rate


def test_what_a_thing_looks_like_is_known_of_every_everyday_word(own):
    described = {*own.looks, *own.beside, *own.classes}
    assert len(own.looks) >= 3000
    assert not [plain[0] for id_, plain in own.everyday.items() if id_ not in described]


def test_classes_are_those_that_the_default_was_trained_on(own):
    labels = {label.id for label in Vocabulary.load("default").labels}
    assert len(own.classes) == 1000
    assert not own.classes.keys() - labels


def test_words_that_hurt_are_sensitive_and_harmless_ones_are_not(own):
    words = {id_: plain[0] for id_, plain in own.everyday.items()}
    sensitive = {words[id_] for id_ in own.sensitive if id_ in words}
    assert {"underwear", "gun", "monkey", "toilet", "funeral", "cigarette"} <= sensitive
    assert not {"dog", "bear", "wheelchair", "child", "crutch", "syringe"} & sensitive


def test_synsets_and_names_are_those_of_wordnet(wordnet_installed):
    assert knowledge.load(None, wordnet.load(None)).looks


def test_the_check_says_what_is_covered_and_what_is_wrong(environment, wordnet_installed, tmp_path):
    def check(*arguments):
        return subprocess.run([sys.executable, CHECK, *arguments], capture_output=True, text=True,
                              env={**environment, **wordnet_installed}, cwd=CHECK.parents[1],
                              check=False)

    right = check()
    assert right.returncode == 0, right.stderr
    assert "labels of the default have looks" in right.stdout
    assert "everyday words that no table describes: 0\n  none" in right.stdout
    (tmp_path / "sensitive.tsv").write_text("n02084071\tcat\tweapon\n")
    wrong = check(str(tmp_path))
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(f"{tmp_path / 'sensitive.tsv'}, line 1: 'cat' is no word of n")
