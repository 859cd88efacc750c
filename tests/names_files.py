"""Wordnets of another language, as a test wants them, and folders of names made of them."""

from zsl_cli.authoring.vocabularies.names.build import NamesRequest, build_names

NAMES = [("n02084071", "Hündin"), ("n02084071", "Hund"), ("n02087122", "Jagdhund"),
         ("n02121620", "Katze"), ("n02121620", "Kater"), ("n02129165", "Löwe"),
         ("n04335435", "Straßenbahn"), ("n02958343", "Auto"), ("n07739125", "Apfel"),
         ("n01503061", "Vogel"), ("n00015388", "Tier")]
"""In German, of labels of the default vocabulary: dog, hunting dog, cat, lion, streetcar, car,
apple, bird, animal."""

HEADER = "# Wiktionary\t{}\thttp://wiktionary.org/\tCC BY-SA\n"


def tab(names=NAMES, *, code="deu", header=HEADER):
    """A tab file of the Open Multilingual Wordnet; of adjectives and examples, too."""
    lines = "".join(f"{id_[1:]}-n\t{code}:lemma\t{name}\n" for id_, name in names)
    return f"{header.format(code)}00002098-a\t{code}:lemma\tunfähig\n{lines}"


def lmf(names=NAMES, *, language="de", prefix="omw-de-", by="id", doctype=None):
    """WN-LMF. The offset is in the ids of the synsets, or for ``by="dc"`` in their dc:identifier,
    or nowhere."""
    ids = {id_: f"{prefix}{id_[1:]}-n" if by == "id" else f"de-{at}-n"
           for at, id_ in enumerate(dict(names))}
    doctype = doctype or ('<!DOCTYPE LexicalResource SYSTEM '
                          '"http://globalwordnet.github.io/schemas/WN-LMF-1.0.dtd">')
    entries = "".join(
        f'<LexicalEntry id="e{at}"><Lemma writtenForm="{name}" partOfSpeech="n"/>'
        f'<Sense id="s{at}" synset="{ids[id_]}"/></LexicalEntry>\n'
        for at, (id_, name) in enumerate(names))
    synsets = "".join(
        f'<Synset id="{one}" ili="i{at}" partOfSpeech="n"'
        + (f' dc:identifier="pwn-3.0:{id_[1:]}-n"' if by == "dc" else "") + "/>\n"
        for at, (id_, one) in enumerate(ids.items()))
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n'
            f'<LexicalResource xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
            f'<Lexicon id="omw-de" label="Offenes Wortnetz" language="{language}" '
            f'license="https://creativecommons.org/licenses/by/4.0/" version="1.4">\n'
            '<LexicalEntry id="v"><Lemma writtenForm="bellen" partOfSpeech="v"/>'
            f'<Sense id="v1" synset="omw-de-01047745-v"/></LexicalEntry>\n'
            f'{entries}{synsets}</Lexicon></LexicalResource>\n')


def make(folder, names=NAMES, **more):
    """A folder of names."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    source = folder.parent / f"{folder.name}.tab"
    source.write_text(tab(names, **more), "utf-8")
    try:
        return build_names(NamesRequest([source], folder)).folder
    finally:
        source.unlink()
