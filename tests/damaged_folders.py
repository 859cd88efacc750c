"""What reads checkpoints, word vectors, lists of labels, WordNet, wordnets of
other languages, and the kinds of folder."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import names_files
import numpy as np
import royal
import text_model
import word_vectors
import wordnet_files
from damaged import Reader, each, the_file

from zsl_cli.authoring.vocabularies import knowledge, label_files, label_lists, wordnet
from zsl_cli.authoring.vocabularies.names.build import NamesRequest, build_names
from zsl_cli.authoring.vocabularies.word_vectors import open_vectors
from zsl_cli.classifier.classifier import Classifier
from zsl_cli.support import folders, text_lists
from zsl_cli.support.progress import SILENT
from zsl_cli.vocabulary import as_text, checks
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.language import LanguageNames
from zsl_cli.vocabulary.search import nearest
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.lessons import Lesson
from zsl_cli.vocabulary.vocabulary import Vocabulary


def vectors(folder: Path) -> None:
    """Word vectors in all formats, and compressed in all ways."""
    found = word_vectors.FOUND
    text, glove = word_vectors.text(found), word_vectors.text(found, header=False)
    for name, data in {
            "a.txt": text, "glove.txt": glove, "tabs.txt": word_vectors.text(found, blank="\t"),
            "a.bin": word_vectors.BINARY, "lines.bin": word_vectors.binary(found, b"\n"),
            "fast.bin": word_vectors.fasttext(found),
            "subwords.bin": word_vectors.fasttext(found, buckets=4, rows=np.ones((4, 6))),
            "old.bin": word_vectors.fasttext(found, version=None),
            "a.gz": gzip.compress(text), "a.bz2": bz2.compress(glove), "a.xz": lzma.compress(text),
            "a.lzma": lzma.compress(text, lzma.FORMAT_ALONE),
            "a.zip": zipped(text), "b.bin.gz": gzip.compress(word_vectors.BINARY)}.items():
        (folder / name).write_bytes(data)


def zipped(data: bytes) -> bytes:
    """A zip archive with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.txt", data)
    return file.getvalue()


def read_vectors(folder: Path) -> object:
    """All words, and those of words that are not there."""
    with open_vectors(the_file(folder), guess=("tigers", "red panda")) as opened:
        words = [word for word, _ in opened.read()]
        return words, list(opened.notes())


def checkpoints(folder: Path) -> None:
    """State dicts, plain and in what training programs put around them; matrices."""
    import torch
    from safetensors.torch import save_file

    from zsl_cli.authoring.networks.phrase_map import PhraseMap
    from zsl_cli.authoring.networks.projection import Projection

    layers = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.BatchNorm1d(4))
    state = layers.state_dict()
    torch.save(state, folder / "a.pt")
    torch.save({"state_dict": state, "epoch": 3, "arch": "resnet18"}, folder / "b.pth")
    torch.save(state, folder / "old.bin", _use_new_zipfile_serialization=False)
    save_file(state, folder / "a.safetensors")
    with (folder / "m.npz").open("wb") as file:
        Projection(np.eye(4, dtype=np.float32), temperature=2.0, space="s").save(file)
    np.save(folder / "m.npy", np.eye(4, dtype=np.float32))
    with (folder / "phrases.npz").open("wb") as file:
        PhraseMap(np.eye(3, dtype=np.float32), np.ones((3, 2), np.float32),
                  np.zeros(2, np.float32), 0.5, 4, "s", "e", 3).save(file)


def read_checkpoint(folder: Path) -> object:
    """Its tensors, the network that they belong to, and as a matrix M."""
    from zsl_cli.authoring.networks import weights
    from zsl_cli.authoring.networks.phrase_map import PhraseMap
    from zsl_cli.authoring.networks.projection import Projection

    path = the_file(folder)
    if path.name.startswith("phrases"):
        return PhraseMap.load(path)
    if path.suffix.startswith(".np"):
        return Projection.load(path)
    read = weights.read(path)
    weights.refuse_broken(read.tensors, path)
    return read


def shards(folder: Path) -> None:
    """A checkpoint in two parts, and a folder of Hugging Face's layout."""
    import torch
    from safetensors.torch import save_file

    (folder / "a").mkdir()
    for name in ("x", "y"):
        save_file({name: torch.ones(3)}, folder / "a" / f"{name}.safetensors")
    (folder / "a" / "model.safetensors.index.json").write_text(json.dumps(
        {"weight_map": {name: f"{name}.safetensors" for name in ("x", "y")}}))
    for name, config in {
            "clip": {"model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": 8,
                     "text_config": {"hidden_size": 8, "num_hidden_layers": 1},
                     "vision_config": {"hidden_size": 8, "num_hidden_layers": 1}},
            "timm": {"architecture": "resnet18", "num_classes": 10, "pretrained_cfg": {
                "input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], "crop_pct": 0.9}}}.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps(config))
        save_file({"x": torch.ones(3)}, folder / name / "model.safetensors")


def read_shards(folder: Path) -> object:
    """What is in them, and what network that is."""
    from zsl_cli.authoring.networks import configurations, weights

    config = folder / "config.json"
    if config.exists():
        found = configurations.read(config)
        configurations.vet(found, config)
        return found
    return weights.read(folder / "model.safetensors.index.json")


def programs(folder: Path) -> None:
    """What torch.export and torch.jit write."""
    import exported_programs
    import torch

    torch.export.save(exported_programs.exported(), folder / "a.pt2")
    exported_programs.scripted(torch.nn.Linear(4, 2), folder / "a.pt")
    exported_programs.scripted(exported_programs.Stateful(), folder / "b.pt")


def read_program(folder: Path) -> object:
    """Whichever it is."""
    from zsl_cli.authoring.networks import vetting, weights

    path = the_file(folder)
    load = {"program": vetting.load_program, "torchscript": vetting.load_torchscript}
    return load.get(vetting.kind_of(path), weights.read)(path)


def models(folder: Path) -> None:
    """A model that encodes phrases, with a vocabulary of its own."""
    made = text_model.make(folder / "paint")
    text_model.make_vocabulary(made / "vocab")


def read_model(folder: Path) -> object:
    """Classify a picture with it, by labels and by phrases."""
    classifier = Classifier.load(folder, device="cpu")
    pixels = [classifier.model.read(_red())]
    vectors = classifier.model.embed_pixels(pixels)
    classifier.classify([_red()], top=2, labels=["a red thing", "crimson"])
    return vectors, list(classifier.classify([_red()], top=2))


def _red():
    from PIL import Image

    return Image.new("RGB", (20, 20), (250, 5, 5))


def vocabularies(folder: Path) -> None:
    """Vocabularies, with a label prior and without."""
    royal.make(folder / "royal")
    royal.make(folder / "plain", prior=False, dtype=np.float32)
    manifest = folders.read_manifest(folders.VOCABULARY, folder / "royal")
    new = Label("my-rex", "Rex", parents=(Vocabulary.load(folder / "royal").label(0).id,))
    lesson = Lesson("my-rex", True, "00-1", "/a.jpg", manifest.space, "2026-11-30T12:00:00Z",
                    np.ones(manifest.dimension, np.float16))
    ones = np.ones((1, manifest.dimension), np.float32)
    taught_folder.create(
        folder / "taught", "taught", folder / "royal", manifest,
        taught_folder.Contents("royal", "m", Definitions((new,)), (lesson,)),
        taught_folder.Vectors(np.array([manifest.labels]), ones, np.array([0]), ones,
                              np.empty(0, np.int64), ones[:0]))
    (folder / ".taught.lock").unlink(missing_ok=True)


def read_vocabulary(folder: Path) -> object:
    """Every label, what is near, whether it is in order, and all of it as text."""
    found = Vocabulary.load(folder)
    for label in found.labels[:20]:
        found.look_up(label.name)
        found.path_names(label.id)
    found.look_up("the queens")
    _ = found.hierarchy.descendants(0), found.spelling.like("kingg")
    list(checks.check(found, index=False))
    b"".join(as_text.tsv(found, vectors=True))
    b"".join(as_text.word2vec(found, as_text.words(found)[0]))
    queries = np.ones((1, found.dimension), np.float32)
    if found.taught is not None:
        taught_folder.Contents.read(folder, found.manifest)
    nearest.Hnsw(found.vectors, found.hnsw_parameters).search(queries, 3)
    return found.searcher(exact=True).search(queries, 3)


def label_list(folder: Path) -> None:
    """Labels as a list, as tables and as JSON."""
    for name, text in {
            "a.txt": "red panda\nn02123045 tabby, tabby cat\n\n3. sea slug\n",
            "numbered.txt": "1. red\n2. green\n3. blue\n",
            "a.csv": "id,name,synonyms,gloss\n1,king,ruler;lord,\"a \"\"man\"\"\"\n2,queen,,\n",
            "a.tsv": "id\tname\tparents\n1\tking\t\n2\tqueen\\ta\t1|3\n",
            "a.jsonl": '{"id": 7, "name": "king", "synonyms": ["a", "b"], "parents": "1;2"}\n' * 2,
    }.items():
        (folder / name).write_text(text)


def read_label_list(folder: Path) -> object:
    """As labels of a vocabulary to be built, and as a list for ``--labels-file``."""
    path = the_file(folder)
    found = label_lists.read(str(path), label_lists.Places())
    for label in found:
        label.to_json().encode("utf-8", "backslashreplace")
    list(label_files.read(path, SILENT))
    return text_lists.read_lines(path)


def class_names(folder: Path) -> None:
    """The names of a classifier's classes, as text and as JSON."""
    names = ["tench", "n01443537 goldfish", "great white shark"]
    for name, content in {"list": names, "pairs": [["n01440764", one] for one in names],
                          "numbered": {str(at): one for at, one in enumerate(names)},
                          "index": {one: at for at, one in enumerate(names)}}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "list.txt").write_text("\n".join(names))


def read_class_names(folder: Path) -> object:
    """As labels."""
    from zsl_cli.authoring.exporting import labels

    return labels.read_classes(the_file(folder))


def corpora(folder: Path) -> None:
    """Text to train word vectors on."""
    text = b"a red panda sat on a tree\nthe shark swam\n" * 20
    (folder / "a.txt").write_bytes("é".encode() + text)
    (folder / "a.gz").write_bytes(gzip.compress(text))
    (folder / "a.xz").write_bytes(lzma.compress(text))


def read_corpus(folder: Path) -> object:
    """All of its text."""
    from zsl_cli.authoring.vocabularies.word_training import corpus

    return ["".join(corpus.read(file)) for file in corpus.find(folder)]


def wordnets(folder: Path) -> None:
    """A small WordNet."""
    (folder / "small").mkdir()
    wordnet_files.write(folder / "small")


def read_wordnet(folder: Path) -> object:
    """All nouns, what lies above each and how it is used."""
    read = wordnet.WordNet(folder)
    places = label_lists.Places(wordnet=folder)
    for source in ("wordnet", "wordnet:crane"):
        for label in label_lists.read(source, places):
            label.to_json().encode("utf-8", "backslashreplace")
    ids = list(read.synsets)
    return [(read.nearest_ancestors(one, ids[:3]), read.tag_count("crane", one)) for one in ids]


def tables(folder: Path) -> None:
    """A few rows of each table of common knowledge."""
    (folder / "small").mkdir()
    for path in knowledge.tables.FOLDER.glob("*.tsv"):
        rows = path.read_bytes().splitlines(keepends=True)
        (folder / "small" / path.name).write_bytes(b"".join(
            rows if path.name == "classes.tsv" else rows[:12]))
def foreign_wordnets(folder: Path) -> None:
    """Names of nouns in German: tab files and WN-LMF, plain and compressed."""
    tab, lmf = names_files.tab().encode(), names_files.lmf().encode()
    for name, data in {"a.tab": tab, "a.xml": lmf, "b.xml": names_files.lmf(by="dc").encode(),
                       "a.tab.gz": gzip.compress(tab), "a.xml.xz": lzma.compress(lmf)}.items():
        (folder / name).write_bytes(data)


def read_foreign_wordnet(folder: Path) -> object:
    """As a folder of names, which is read."""
    made = build_names(NamesRequest([the_file(folder)], folder / "out", language="de"))
    return read_names(made.folder)


def names(folder: Path) -> None:
    """Names in German."""
    names_files.make(folder / "de")


def read_names(folder: Path) -> object:
    """All names, and what they mean."""
    found = LanguageNames.load(folder)
    return found and [(found.ids(name), found.ids_nearly(name)) for name in found.all_names]


READERS = (
    Reader("foreign wordnets", each(foreign_wordnets), read_foreign_wordnet, commands=(
        ("vocab", "names", "{name}", "-o", "out"),)),
    Reader("names", names, read_names, manifest="names.json", commands=(
        ("vocab", "show", "--label", "Hund", "--language", "."),)),
    Reader("vectors", each(vectors), read_vectors, commands=(
        ("vocab", "build", "{name}", "-o", "out", "--labels", "{name}", "--wordnet", "."),)),
    Reader("checkpoints", each(checkpoints), read_checkpoint, commands=(
        ("export", "{name}", "--dry-run", "-o", "out"),
        ("export", "{name}", "--dry-run", "--arch", "torchvision:resnet18", "-o", "out"))),
    Reader("shards", shards, read_shards, commands=(("export", ".", "--dry-run", "-o", "out"),)),
    Reader("programs", each(programs), read_program, commands=(
        ("export", "{name}", "--dry-run", "--size", "32", "-o", "out"),)),
    Reader("models", models, read_model, manifest="model.json", commands=(
        ("models", "verify", "."), ("models", "show", "."))),
    Reader("vocabularies", vocabularies, read_vocabulary, manifest="vocabulary.json", commands=(
        ("vocab", "verify", "."), ("vocab", "show", "."), ("vocab", "export", ".", "-o", "out.tsv"),
        ("vocab", "show", ".", "--label", "king"),
        ("vocab", "neighbours", "king", "--vocab", "."))),
    Reader("label lists", each(label_list), read_label_list, commands=(
        ("classify", "nowhere.jpg", "--labels-file", "{name}", "--device", "cpu"),)),
    Reader("class names", each(class_names), read_class_names),
    Reader("corpora", each(corpora), read_corpus),
    Reader("knowledge", tables, knowledge.load),
    Reader("wordnet", wordnets, read_wordnet, commands=(
        ("vocab", "build", "default", "-o", "out", "--labels", "wordnet", "--wordnet", "."),)))
