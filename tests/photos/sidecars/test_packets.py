"""XMP packets that are damaged, odd or hostile."""

import time

import pytest
from sidecar_samples import ADOBE, DARKTABLE, MADE, SUBJECT, TABBY, merge, subjects, values, wrapped

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars import elements, packet
from zsl_cli.photos.sidecars.marks import ZSL


@pytest.mark.parametrize("blank", [b"", b" \n", b"\0" * 4096, b"\xef\xbb\xbf", b"\xff\xfe"])
def test_what_is_blank_counts_as_none(blank):
    assert merge(blank, [TABBY], MADE) == merge(None, [TABBY], MADE)
    assert merge(blank, [], MADE) == blank


@pytest.mark.parametrize("existing", [
    DARKTABLE.replace(b"</x:xmpmeta>", b"</x:xmpmeta>\n<?xpacket end='r'?>"),
    b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>" + wrapped("") + b" " * 2048,
    wrapped("").replace(b'<x:xmpmeta xmlns:x="adobe:ns:meta/">', b"").replace(b"</x:xmpmeta>", b""),
], ids=["read-only", "no-end", "bare-rdf"])
def test_odd_packets_are_merged_into_and_come_back(existing):
    merged = merge(existing, [TABBY], MADE)
    assert "tabby" in values(merged, SUBJECT)
    assert merge(merged, [], MADE) == existing


@pytest.mark.parametrize(("data", "message"), [
    (DARKTABLE[:-20], "not well-formed XML"),
    (DARKTABLE.replace(b"Holiday", b"\xff\xfe"), "not well-formed XML"),
    (DARKTABLE.replace(b"Holiday", b"&bomb;"), "not well-formed XML"),
    (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + ADOBE, "DOCTYPE"),
    (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DOCTYPE"),
    (" <a><b/></a>".encode("utf-16-le"), "NUL"),
    (DARKTABLE.replace(b"Holiday", b"Holi\0day"), "NUL"),
    (b"<html><body/></html>", "rdf:RDF"),
    (b'<?xml version="1.0" encoding="rot13"?><a/>', "encoding"),
    (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "claims to be UTF-16 and is not"),
    ("\ufeff<a>".encode("utf-16-le") + b"\0", "UTF-16"),
    ("\ufeff<a>".encode("utf-32-be") + b"\0", "UTF-32"),
    (wrapped("<un:bound/>"), "the prefix un stands for no namespace"),
    (b" " * (packet.MAX_BYTES + 1), "exceed the limit"),
    (wrapped(" " * (packet.MAX_BYTES - 1000)), "would be larger than the limit"),
    (wrapped(subjects(["x"] * 10_001)), "10,001 keywords are more than the 10,000"),
    (wrapped("<dc:subject><rdf:Description/></dc:subject>"), "subject is no list"),
], ids=["cut", "not-utf8", "entity", "bomb", "external", "unmarked",
        "nul", "html", "encoding",
        "claim", "half", "half-wide", "prefix", "large", "grown", "many",
        "no-list"])
def test_what_cannot_be_merged_into_is_refused_with_the_remedy(data, message):
    with pytest.raises(ImageError, match=message) as refused:
        merge(data, [TABBY], MADE)
    assert refused.value.kind == "sidecar"
    assert "run zsl again" in str(refused.value)


def test_deep_nesting_does_not_exhaust_the_stack():
    deep = wrapped("<dc:a>" * 50_000 + "</dc:a>" * 50_000)
    assert b"<rdf:li>tabby</rdf:li>" in merge(deep, [TABBY], MADE)


BLANKS = " " * 1_000_000
MANY = 2000


@pytest.mark.parametrize("existing", [
    wrapped("", BLANKS),
    wrapped("", f" {BLANKS}dc:title{BLANKS}={BLANKS}'x'{BLANKS}"),
    wrapped("", f' xmlns:z="{ZSL}"{BLANKS}z:model{BLANKS}="x"{BLANKS}'),
    wrapped(f"\n{BLANKS}<dc:title/>"),
    wrapped("", "".join(f" a{n}=''" for n in range(50_000))),
    wrapped("", "".join(f" xmlns:zsl{n}='u'" for n in range(50_000))),
    wrapped("", f" a='{'>' * 1_000_000}'"),
    wrapped(subjects([f"mine {n}" for n in range(9_000)])),
    wrapped(f"<dc:title>{'&lt;' * 200_000}</dc:title>"),
], ids=["tag", "attribute", "own-attribute", "indentation", "attributes", "namespaces", "value",
        "keywords", "references"])
def test_much_of_one_thing_takes_time_in_proportion(existing):
    start = time.process_time()
    merged = merge(existing, [TABBY], MADE)
    assert b"<rdf:li>tabby</rdf:li>" in merged
    if ZSL.encode() not in existing:
        assert merge(merged, [], MADE) == existing
    assert time.process_time() - start < 15  # what is quadratic would take minutes and hours


@pytest.mark.parametrize(("existing", "message"), [
    (wrapped("<dc:a/>" * MANY), "more than [0-9,]+ elements"),
    (wrapped("<dc:a>" * MANY + "</dc:a>" * MANY), "more than [0-9,]+ elements"),
    (wrapped("", "".join(f" a{n}=''" for n in range(MANY))), "elements, attributes"),
    (wrapped("".join(f"<dc:a xmlns:p{n}='u'>" for n in range(100)) + "</dc:a>" * 100),
     "attributes and namespaces"),
    (wrapped("<p:a p:b=''/>" * 1000, f" xmlns:p='{'u' * 1_000_000}'"), "namespace in it is longer"),
], ids=["elements", "depth", "attributes", "scopes", "name"])
def test_a_small_packet_that_would_fill_the_memory_is_refused(existing, message, monkeypatch):
    monkeypatch.setattr(elements, "MAX_PARTS", MANY)
    with pytest.raises(ImageError, match=message) as refused:
        merge(existing, [TABBY], MADE)
    assert refused.value.kind == "sidecar"


