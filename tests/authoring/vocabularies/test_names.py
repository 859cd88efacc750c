"""Wordnets of other languages as folders of names."""

import gzip
import json
import lzma

import names_files
import pytest

from zsl_cli import NamesRequest, build_names
from zsl_cli.authoring.vocabularies.names import offsets, wordnet_names
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support import folders


class Said(list):
    """A reporter's notes."""

    def say(self, line):
        self.append(line)

    def start(self, *_):
        pass


@pytest.fixture
def build(tmp_path):
    """Builds names of files with this content; they by id, and the manifest."""

    def run(*contents, name="names", reporter=None, **more):
        files = []
        for number, content in enumerate(contents):
            files.append(tmp_path / f"{number}.tab")
            files[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        made = build_names(NamesRequest(files, tmp_path / name, **more),
                           Said() if reporter is None else reporter)
        entries = map(json.loads, (made.folder / "names.jsonl").read_text("utf-8").splitlines())
        return {entry["id"]: [entry["name"], *entry.get("synonyms", [])]
                for entry in entries}, made

    return run


GERMAN = {"n02084071": ["Hund", "Hündin"], "n02087122": ["Jagdhund"],
          "n02121620": ["Katze", "Kater"], "n02129165": ["Löwe"], "n04335435": ["Straßenbahn"],
          "n02958343": ["Auto"], "n07739125": ["Apfel"], "n01503061": ["Vogel"],
          "n00015388": ["Tier"]}


@pytest.mark.parametrize("content", [
    names_files.tab(), names_files.tab().replace("\n", "\r\n"), "\ufeff" + names_files.tab(),
    names_files.tab(header=""), names_files.tab() + "\n\n",
    gzip.compress(names_files.tab().encode()),
    names_files.lmf(), names_files.lmf(by="dc"), "\ufeff" + names_files.lmf(),
    names_files.lmf(prefix="omw.deu-"), names_files.lmf(prefix="de-pwn30-"),
    lzma.compress(names_files.lmf().encode()), names_files.lmf().encode("utf-16").replace(
        "UTF-8".encode("utf-16-le"), "UTF-16".encode("utf-16-le"))],
    ids=["tab", "crlf", "bom", "no header", "blank lines", "gz", "lmf", "dc:identifier", "lmf bom",
         "dot", "pwn30", "xz", "utf-16"])
def test_names_of_nouns_are_read_from_tab_files_and_lmf(build, content):
    names, made = build(content)
    assert names == GERMAN
    assert (made.manifest.language, made.manifest.iso639_3) == ("de", "deu")
    assert (made.manifest.synsets, made.manifest.names) == (9, 11)
    assert (made.named, made.language) == (9, "German")


def test_the_manifest_says_project_and_licence_and_what_was_read(build, tmp_path):
    _, made = build(names_files.tab())
    assert made.manifest.sources == (
        {"name": "Wiktionary", "license": "CC BY-SA", "url": "http://wiktionary.org/"},)
    (read,) = made.manifest.entries["made_from"]
    assert read == {"file": "0.tab", "sha256": folders.sha256(tmp_path / "0.tab")}
    _, made = build(names_files.lmf(), name="lmf")
    assert made.manifest.sources[0]["license"] == "https://creativecommons.org/licenses/by/4.0/"
    _, made = build(names_files.tab(header=""), name="bare")
    assert made.manifest.sources[0]["license"] == "not given"


@pytest.mark.parametrize(("names", "first"), [
    (["Ross", "Hund"], "Hund"),  # as in Jagdhund, a narrower label
    (["Ross", "Hengst"], "Ross"),  # nothing tells, so the order of the file
    (["Tier", "Hund"], "Hund"),
    (["Tier", "Rüde"], "Rüde"),  # the other one is a wider label's name
    (["Canis familiaris", "Rüde"], "Rüde"),  # English has it, too
])
def test_the_name_that_people_use_comes_first(build, names, first):
    rows = [("n02084071", name) for name in names]
    rows += [("n02087122", "Jagdhund"), ("n00015388", "Tier")]
    assert build(names_files.tab(rows))[0]["n02084071"][0] == first


def test_a_name_that_more_files_have_comes_first(build):
    one, other = [("n02129165", "Leu"), ("n02129165", "Löwe")], [("n02129165", "Löwe")]
    names, made = build(names_files.tab(one), names_files.tab(other, code="ger"))
    assert names == {"n02129165": ["Löwe", "Leu"]}
    assert len(made.manifest.sources) == 2


def test_names_are_cleaned_and_what_is_none_is_passed_over_and_counted(build):
    said = Said()
    rows = [("n02084071", name) for name in (
        " Hund ", "hund", "Haus_hund", "Hof\u00adhund", "Hu\u0308ndin", '"Wau"', "GAP!", "x", "",
        "[[Hund]]", "Hund&lt;1", "Hu\x01nd", "H" * 81, "12", "犬")]
    names, _ = build(names_files.tab(rows), reporter=said)
    assert names["n02084071"] == ["Hund", "Haus hund", "Hofhund", "Hündin", "Wau", "犬"]
    (line,) = said
    assert "1 name of verbs, adjectives and adverbs" in line
    assert "1 name given twice" in line
    assert "7 names with markup or control characters, or too long" in line


def test_roots_plurals_definitions_and_examples_are_no_names(build):
    extra = "02084071-n\tarb:lemma:root\tr\n02084071-n\tarb:def\t0\tein Tier\n"
    names, made = build(names_files.tab([("n02084071", "كلب")], code="arb") + extra)
    assert names == {"n02084071": ["كلب"]}
    assert (made.manifest.language, made.manifest.iso639_3) == ("ar", "arb")


def shifted(names, number):
    """The first so many of the names at offsets that are no nouns."""
    return [(f"n{int(id_[1:]) + 1:08}" if at < number else id_, name)
            for at, (id_, name) in enumerate(names)]


def test_offsets_of_another_wordnet_are_counted_and_refused_above_a_fifth(build, tmp_path):
    names = [(id_, f"Wort{at}") for at, id_ in enumerate(sorted(offsets.nouns())[5000:5100])]
    names = [(id_, f"{name} wort") for id_, name in names]
    said = Said()
    kept, _ = build(names_files.tab(shifted(names, 19)), reporter=said)
    assert len(kept) == 81
    assert "19 synsets that WordNet 3.0 does not have" in said[0]
    for content in (names_files.tab(shifted(names, 21)), names_files.lmf(shifted(names, 21))):
        with pytest.raises(ZslError, match=r"21 of its 100 synsets are no nouns of WordNet 3\.0"):
            build(content, name="other")
    assert not (tmp_path / "other").exists()


def test_the_list_of_offsets_is_that_of_wordnet():
    nouns = offsets.nouns()
    assert len(nouns) == 82_115
    assert {"n00001740", "n02084071", "n15300051"} <= nouns
    assert "n02086723" not in nouns  # the dog of WordNet 3.1
    assert offsets.compact([1740, 1930]) == offsets.compact([1930, 1740])


BOMB = ('<!DOCTYPE LexicalResource [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">'
        '<!ENTITY c SYSTEM "file:///etc/passwd">]>')


@pytest.mark.parametrize(("content", "said"), [
    ("", "the file is empty"),
    ("\n\n", "no tab file"),
    ("# Wiktionary\tdeu\tx\ty\n", "no tab file"),
    ("hello\nworld\n", "no tab file of the Open Multilingual Wordnet"),
    ("id,name\n1,Hund\n", "no tab file"),
    ("<!DOCTYPE html><html><body>404</body></html>", "neither WN-LMF"),
    ("<LexicalResource><Lexicon>", "not XML"),
    (names_files.lmf().replace("UTF-8", "UT-1"), "unknown encoding"),
    (b"\0" * 257 + b"ustar" + b"\0" * 250, "an archive; unpack it"),
    (names_files.lmf(doctype=BOMB), "declares the entity 'a'"),
    (names_files.lmf(by="none"), "not named by offsets"),
    (names_files.lmf(prefix="omw-de-1"), "not named by offsets"),
    ("<LexicalResource><Lexicon language='de'/></LexicalResource>", "no name of a noun"),
    ("<LexicalResource a='" + "x" * (1 << 21) + "'/>", "a tag of more than 1 MB"),
    ("02084071-n\tdeu:lemma\t" + "x" * (1 << 20) + "\n", "line 1: this is no text"),
    ("00002098-a\tdeu:lemma\tunfähig\n", "no name of a noun in it"),
    (names_files.tab([("n02084071", "<b>Hund</b>")]), "no name of a noun in it"),
    (names_files.tab().encode("latin-1"), "line 2: not UTF-8"),
    (b"\x89PNG\r\n\x1a\n\0\0\0", "line 1: not UTF-8"),
    (b"GIF89a\0\0", "line 1: this is no text"),
    (gzip.compress(names_files.tab().encode())[:-20], "truncated or damaged"),
    (names_files.tab(code="xx"), "does not say of which language"),
    (names_files.tab(header="", code="lemma").replace("lemma:", ""), "does not say of which"),
])
def test_what_is_no_wordnet_is_one_error_and_leaves_nothing(build, tmp_path, content, said):
    with pytest.raises(ZslError, match=said) as error:
        build(content)
    assert "\n" not in str(error.value)
    assert str(tmp_path / "0.tab") in str(error.value)
    assert not (tmp_path / "names").exists()


def test_files_of_two_languages_are_an_error(build):
    with pytest.raises(ZslError, match=r"names in French \(fr\), and not in German \(de\)"):
        build(names_files.tab(), names_files.tab(code="fra"))


def test_of_a_file_with_several_languages_one_is_chosen(build):
    german, french = names_files.lmf(), names_files.lmf([("n02084071", "chien")], language="fr")
    lexicon = french[french.index("<Lexicon "):french.index("</LexicalResource")]
    both = german.replace("</LexicalResource>", lexicon + "</LexicalResource>")
    with pytest.raises(ZslError, match="several languages"):
        build(both)
    assert build(both, language="fra")[0] == {"n02084071": ["chien"]}
    assert build(both, language="de", name="de")[0] == GERMAN


def test_the_language_can_be_given_where_a_file_does_not_say_it(build):
    text = names_files.tab(header="", code="xx").replace("xx:", "")
    assert build(text, language="deu")[1].manifest.language == "de"


def test_nothing_is_replaced_without_force(build, tmp_path):
    build(names_files.tab())
    with pytest.raises(ZslError, match="exists; give `force`"):
        build(names_files.tab([("n02084071", "Hund")]))
    names, _ = build(names_files.tab([("n02084071", "Hund")]), force=True)
    assert names == {"n02084071": ["Hund"]}
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(ZslError, match="exists and is no"):
        build(names_files.tab(), name="photos", force=True)
    with pytest.raises(ZslError, match="would be replaced"):
        build_names(NamesRequest([tmp_path / "names" / "names.jsonl"], tmp_path / "names",
                                 force=True))


@pytest.mark.parametrize("wrong", [{"files": []}, {"files": ["a"], "language": "german"},
                                   {"files": 3}, {"files": ["a"], "output": 3}])
def test_a_request_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(RequestError):
        NamesRequest(**wrong)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ZslError, match=r"gone\.tab: No such file"):
        build_names(NamesRequest([tmp_path / "gone.tab"], tmp_path / "names"))


def test_a_joiner_within_a_name_stays():
    assert wordnet_names.clean("می\u200cشود") == "می\u200cشود"
