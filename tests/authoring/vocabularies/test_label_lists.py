"""Lists of labels: WordNet, texts, tables, records, class folders."""

import numpy as np
import pytest
from lines import Lines

from zsl_cli import Vocabulary
from zsl_cli.authoring.exporting import labels
from zsl_cli.authoring.vocabularies import label_lists, labelset
from zsl_cli.authoring.vocabularies.label_lists import Places
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary import as_text, writing
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture
def read(tmp_path):
    """Reads a file with this content; returns its labels and what was said."""

    def put_and_read(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        said = Lines()
        return label_lists.read(str(path), Places(), reporter=said), said

    return put_and_read


def test_a_text_has_a_label_a_line(read):
    labels, said = read("l.txt", b"\xef\xbb\xbftiger shark\r\n\r\n  red   panda \ncaf\xc3\xa9\n")
    assert labels == [Label(name, name) for name in ("tiger shark", "red panda", "café")]
    assert said == []


def test_the_lists_of_the_field_give_ids_names_and_synonyms(read):
    labels, said = read("synset_words.txt", "n02012849 crane\nn03126707 crane, derrick crane\n")
    assert labels == [Label("n02012849", "crane", ambiguous=True),
                      Label("n03126707", "crane", ("derrick crane",), ambiguous=True)]
    labels, again = read("numbered.txt", "0: crane, bird\n1: crane\n2: hot_dog\n3: crane, bird\n")
    assert labels == [Label("crane, bird", "crane", ("bird",), ambiguous=True),
                      Label("crane", "crane", ambiguous=True), Label("hot_dog", "hot dog")]
    assert (said, again) == ([], ["taken once, though they are repeated: 'crane, bird'"])


def test_ids_alone_are_named_by_wordnet(tmp_path, wordnet):
    (tmp_path / "wnids.txt").write_text("n00000004\nn00000006\n")
    labels = label_lists.read(str(tmp_path / "wnids.txt"), Places(wordnet=tmp_path))
    assert [(label.id, label.name, label.gloss) for label in labels] == [
        ("n00000004", "crane", "a bird"), ("n00000006", "crane", "lifts")]


def test_a_label_that_stands_twice_counts_once(read):
    labels, said = read("l.txt", "crane\nowl\ncrane\n")
    assert [label.name for label in labels] == ["crane", "owl"]
    assert said == ["taken once, though they are repeated: 'crane'"]


TABLE = ('id,name,synonyms,gloss,parent\n'
         '1,animal,,"a living thing, which moves",\n'
         '2,Red Panda,lesser panda;firefox,,1\n'
         '3,crane,,bird,1|9\n'
         '4,crane,,machine,\n')


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_table_has_any_of_five_columns(read, suffix):
    table = TABLE if suffix == "csv" else (
        TABLE.replace('"', "").replace(",", "\t").replace("thing\t which", "thing, which"))
    labels, said = read(f"l.{suffix}", table)
    assert labels == [
        Label("1", "animal", gloss="a living thing, which moves"),
        Label("2", "Red Panda", ("lesser panda", "firefox"), parents=("1",)),
        Label("3", "crane", gloss="bird", parents=("1", "9"), ambiguous=True),
        Label("4", "crane", gloss="machine", ambiguous=True)]
    assert said == ["parents that are no labels themselves count for nothing: '9' (line 4)"]


def test_an_exported_table_is_read_as_it_was_written(read, tmp_path):
    labels = [Label('"', '"', gloss='"so" \\n; or | so'),
              Label("\\", "back\\slash", ("a|b", "c;d\\")),
              Label("x'", "don't", ("|", "\\|", ";"), parents=('"', "\\")),
              Label("dog\udcff", "dog", ("tail\\udcff",))]
    folder = tmp_path / "v"
    folder.mkdir()
    writing.write(folder, "v", "s", labels, np.eye(4, dtype=np.float32))
    for vectors in (False, True):
        exported = as_text.tsv(Vocabulary.load(folder), vectors=vectors)
        assert read("l.tsv", b"".join(exported)) == (labels, [])


def test_a_cell_of_an_exported_table_may_have_tabs_and_ends_of_line(read):
    assert read("l.tsv", "name\tgloss\nred\\tpanda\tlives\\r\\nin trees\r\n")[0] == [
        Label("red panda", "red panda", gloss="lives in trees")]


def test_records_have_the_fields_of_a_vocabulary(read):
    labels, _ = read("l.jsonl", '{"name": "animal", "id": 7}\n\n'
                     '{"name": "owl", "synonyms": ["hooter"], "parents": ["7"], "more": 1}\n'
                     '{"name": "eagle owl", "parent": "owl"}\n')
    assert labels == [Label("7", "animal"), Label("owl", "owl", ("hooter",), parents=("7",)),
                      Label("eagle owl", "eagle owl", parents=("owl",))]


def test_one_synonym_and_one_parent_may_be_so_called(read):
    expected = [Label("owl", "owl"), Label("scops", "scops", ("owlet",), parents=("owl",))]
    for name, content in (("l.csv", "name,Synonym,parent\nowl,,\nscops,owlet,owl\n"), (
            "l.jsonl", '{"name": "owl"}\n{"name": "scops", "synonym": "owlet", "parent": "owl"}')):
        assert read(name, content) == (expected, [])


def test_columns_that_are_not_read_are_named(read):
    assert read("l.csv", "name,colour,,size\nowl,brown,,9\n")[1] == [
        "l.csv: columns that are not read: 'colour', 'size'; those that are: id, name, synonyms, "
        "gloss, parents"]


def test_class_folders(tmp_path, wordnet):
    for name in ("tabby_cat", "n00000004_wading-crane", "n00000006", ".hidden"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "readme.txt").touch()
    labels = label_lists.read(str(tmp_path / "data"), Places(wordnet=tmp_path))
    assert labels == [Label("n00000004", "wading-crane"),
                      Label("n00000006", "crane", gloss="lifts"),
                      Label("tabby_cat", "tabby cat")]


def test_what_is_wrong_with_class_folders_is_told_by_their_names(tmp_path, wordnet):
    for name in ("n00000004_crane", "n00000004_wading_crane"):
        (tmp_path / "data" / name).mkdir(parents=True)
    with pytest.raises(ZslError, match=r"data, class folder 'n00000004_wading_crane': id "
                                       r"'n00000004' is that of class folder 'n00000004_crane'"):
        label_lists.read(str(tmp_path / "data"), Places(wordnet=tmp_path))
    (tmp_path / "other" / "n99999999").mkdir(parents=True)
    with pytest.raises(ZslError, match=r"folder 'n99999999': WordNet has no noun n99999999"):
        label_lists.read(str(tmp_path / "other"), Places(wordnet=tmp_path))


@pytest.mark.parametrize(("source", "names"), [
    ("wordnet", ["entity", "animal", "bird", "crane", "machine", "crane", "person"]),
    ("wordnet:animal", ["animal", "bird", "crane"]),
    ("wordnet:n00000005", ["machine", "crane"]),
    ("wordnet:person", ["boss", "person", "child"]),
])
def test_all_of_wordnet_or_what_lies_below_a_synset(tmp_path, wordnet, source, names):
    (tmp_path / "index.noun").write_text(
        "animal n 1 1 @ 1 1 00000002\nperson n 1 1 @ 1 1 00007846\n")
    labels = label_lists.read(source, Places(wordnet=tmp_path))
    assert sorted(label.name for label in labels if label.name != "child" or "boss" in names) == (
        sorted(names))


def test_the_most_frequent_sense_comes_first(tmp_path, wordnet):
    labels = label_lists.read("wordnet", Places(wordnet=tmp_path))
    assert [label.id for label in labels if label.name == "crane"] == ["n00000006", "n00000004"]


def test_persons_are_left_out_and_that_is_said(tmp_path, wordnet):
    said = Lines()
    names = {label.name for label in label_lists.read("wordnet", Places(wordnet=tmp_path),
                                                      reporter=said)}
    assert "boss" not in names
    assert {"child", "person"} <= names  # which have plain words
    assert said == ["left out 1 label of persons, many of them slurs or judgements; `persons` "
                    "keeps them"]
    everything = label_lists.read("wordnet", Places(wordnet=tmp_path), persons=True)
    assert "boss" in {label.name for label in everything}


@pytest.mark.parametrize(("name", "content", "message"), [
    ("l.txt", b"fine\nna\xefve\n", r"l\.txt, line 2: not UTF-8 text"),
    ("l.txt", b"fine\n\x00\x01\n", r"line 2: this is no text"),
    ("l.txt", b"\n\n", r"l\.txt: no label in it"),
    ("l.csv", "id,title\n1,x\n", r"l\.csv, line 1: no column \"name\""),
    ("l.csv", "", r"l\.csv, line 1: no column \"name\""),
    ("l.csv", "id,name\n1,a\n1,b\n", r"l\.csv, line 3: id '1' is that of line 2"),
    ("l.csv", "id,name\n1,\n", r"line 2: a label without a name"),
    ("l.csv", "id,name\n1,a,b\n", r"line 2: more cells"),
    ("l.csv", 'id,name\n1,a\n2,"b\n', r"line 3: "),
    ("l.tsv", "id\tname\n1\ta\tb\n", r"line 2: more cells .* write a tab as .t"),
    ("l.csv", "id,name,parent\n1,a,3\n2,b,1\n3,c,2\n", r"line 2: a label lies below itself: 1 < 3"),
    ("l.csv", "id,name,parent\n1,a,1\n", r"line 2: a label lies below itself: 1 < 1"),
    ("l.jsonl", '{"name": "a"}\n{"name"\n', r"l\.jsonl, line 2: not JSON"),
    ("l.jsonl", "[1]\n", r"line 1: expected an object with a name"),
    ("l.jsonl", '{"name": 1.5}\n', r"line 1: name 1\.5 is not a text"),
    ("l.jsonl", '{"name": 5}\n', r"line 1: name 5 is not a text"),
    ("l.csv", "name,parents,Parent\na,b,c\n", r"line 1: two columns parents"),
    ("l.csv", "id;name\n1;a\n", r"separate its cells with commas, not with ';'"),
    ("l.tsv", "id|name\n1|a\n", r"separate its cells with tabs, not with '\|'"),
    ("l.json", '["cat"]', r"l\.json: JSON is read as \.jsonl, with an object a line"),
    ("l.xlsx", "cat", r"a spreadsheet; save its table as \.csv first"),
    ("l.txt", b"PK\x03\x04cat", r"a compressed file; unpack it first"),
    ("l.txt", "cat\n".encode("utf-16"), r"UTF-16 text; convert the file first \(iconv -f utf-16"),
    ("l.jsonl", '{"name": "a", "parents": [[]]}\n', r"line 1: parents: expected a text"),
])
def test_what_is_wrong_is_told_with_file_and_line(read, name, content, message):
    with pytest.raises(ZslError, match=message):
        read(name, content)


def test_sources_that_are_not_there(tmp_path, wordnet):
    with pytest.raises(ZslError, match=r"`labels=nothing\.txt`: no such file or folder"):
        label_lists.read("nothing.txt", Places())
    with pytest.raises(ZslError, match="wordnet: `: what lies below which noun"):
        label_lists.read("wordnet: ", Places(wordnet=tmp_path))
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "data" / "val").mkdir()
    with pytest.raises(ZslError, match=r"are parts of a dataset \(train, val\).*data.train$"):
        label_lists.read(str(tmp_path / "data"), Places())
    with pytest.raises(ZslError, match="WordNet has no such noun or id"):
        label_lists.read("wordnet:unicorns", Places(wordnet=tmp_path))


def test_only_labels_of_wordnet_need_it(read, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", "/nowhere")
    with pytest.raises(ZslError, match=r"^no data\.noun in /nowhere, which \$WNSEARCHDIR names$"):
        label_lists.read("wordnet", Places())
    assert len(read("l.txt", "owl\nbat\n")[0]) == 2


def test_children_of_what_is_left_out_go_to_its_parents():
    labels = [Label("1", "animal"), Label("2", "bird", parents=("1",)),
              Label("3", "owl", parents=("2",)), Label("4", "bat", parents=("2", "1", "nowhere"))]
    assert list(label_lists.relinked(labels, [True, False, True, True])) == [
        Label("1", "animal"), Label("3", "owl", parents=("1",)),
        Label("4", "bat", parents=("1", "nowhere"))]


def test_any_number_of_labels_may_be_left_out_between_two():
    deep = [Label(str(row), "x", parents=(str(row - 1),) if row else ()) for row in range(5_000)]
    kept = [row in (0, 4_999) for row in range(5_000)]
    assert list(label_lists.relinked(deep, kept))[1].parents == ("0",)
    wide = [Label(f"{row}{side}", "x", parents=(f"{row - 1}a", f"{row - 1}b") if row else ())
            for row in range(60) for side in "ab"]
    kept = [row < 2 or row > 117 for row in range(120)]
    assert list(label_lists.relinked(wide, kept))[2].parents == ("0a", "0b")


def test_class_lists_that_are_no_text_and_classes_nested_without_end_are_refused(tmp_path):
    (tmp_path / "imagenet_synsets.txt").write_bytes(b"n01440764\n\xff\xfe")
    with pytest.raises(ZslError, match=r"imagenet_synsets\.txt: not a list of WordNet ids"):
        labelset.imagenet_ids("imagenet", tmp_path)
    (tmp_path / "classes.json").write_text("[" * 5000)
    with pytest.raises(ZslError, match=r"classes\.json: not valid JSON"):
        labels.read_classes(tmp_path / "classes.json")
