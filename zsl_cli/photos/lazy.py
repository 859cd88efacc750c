"""A model and a vocabulary that are loaded when they are needed, which in a run with nothing to do
is never."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from zsl_cli.classifier.pairing import vocabulary_for
from zsl_cli.classifier.predictions import Keyword, P, Prediction, spoken
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.entry import Provenance
from zsl_cli.support import folders
from zsl_cli.support.names import Name
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary.names.language import LanguageNames
from zsl_cli.vocabulary.names.language import find as find_names
from zsl_cli.vocabulary.search.nearest import EXACT_UP_TO
from zsl_cli.vocabulary.words.spoken import untranslated

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.embedding.model import Model
    from zsl_cli.photos.question import Question
    from zsl_cli.vocabulary.everyday import Everyday
    from zsl_cli.vocabulary.lineages import Lineages
    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.search.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

class LazyClassifier:
    """What the manifests of a model and a vocabulary say at once, and they themselves at first
    use.

    encoder: what embeddings are made with; provenance: what labels are. model_folder,
    vocabulary_folder, names_folder: what is loaded; the latter two None where there is none.
    """

    def __init__(self, model: Name, vocabulary: Name | None,
                 question: "Question", *, language: Name | None = None, device: str = "auto",
                 exact: bool | None = None, ef: int | None = None,
                 phrases_alone: bool = False) -> None:
        """phrases_alone: to have no vocabulary, where none is named; else see vocabulary_for.

        Raises ZslError for folders that cannot be used, and for candidate labels that make no
        sense."""
        self.model_folder = folders.find(folders.MODEL, model)
        of_model = folders.read_manifest(folders.MODEL, self.model_folder)
        self.encoder = Encoder.of(of_model)
        self.vocabulary_folder: Path | None = None if phrases_alone else vocabulary_for(
            self.model_folder, of_model, vocabulary)
        if self.vocabulary_folder is None:
            from zsl_cli.vocabulary.vocabulary import Vocabulary

            self._vocabulary: Vocabulary | None = Vocabulary.empty(of_model.space,
                                                                   of_model.dimension)
            of_labels = self._vocabulary.manifest
        else:
            self._vocabulary = None
            of_labels = folders.read_manifest(folders.VOCABULARY, self.vocabulary_folder)
        self.names_folder = None if language is None else find_names(language)
        self._names = None if language is None else LanguageNames.load(language)
        self._exact = exact if exact is not None else (
            of_labels.labels * of_labels.dimension <= EXACT_UP_TO
            or (question.rule is not None and ef is None))  # for which all are compared anyway
        self._device, self._ef, self._question = device, ef, question
        self._model_of_images: Model | None = None
        self._loading: Future[Vocabulary] | None = None
        self._taken: tuple[Taken, ...] = ()
        self._candidates: frozenset[int] | None = None  # None for the whole vocabulary
        if (question.labels is not None or question.under or question.max_depth is not None
                or self.vocabulary_folder is None):
            from zsl_cli.classifier.candidates import choose

            choice = choose(  # whose errors are said before all else
                self.vocabulary, question.labels, question.under, max_depth=question.max_depth,
                phrases=of_model.encodes_phrases)
            self._taken, self._candidates = choice.taken, choice.rows
        self.provenance = Provenance(of_model.name, of_labels.name, __version__)

    def start(self, images: int) -> "Model":
        """The model, opened when the first image is read; the vocabulary is loaded meanwhile.

        How they work does not depend on the number of images, so that a run that is resumed gives
        the same scores to the last digit.
        """
        from zsl_cli.embedding.model import Model
        from zsl_cli.vocabulary.vocabulary import Vocabulary

        if self._model_of_images is None:
            self._model_of_images = Model.described(self.model_folder, device=self._device,
                                                    threads=1)
            if self._vocabulary is None and self.vocabulary_folder:  # on a thread beside the model
                self._loading = Vocabulary.start_loading(
                    self.vocabulary_folder, exact=self._exact, queries=images, ef=self._ef,
                    keywords=self._question.rule is not None)
        return self._model_of_images

    def load(self, images: int) -> "tuple[Classifier, Nearest]":
        """The classifier and the search over the candidate labels; see ``start``."""
        from zsl_cli.classifier.classifier import Classifier

        model = self.start(images)
        if self._loading is not None:
            self._vocabulary = self._loading.result()
            self._vocabulary.language = self._names
            self._loading = None
        classifier = Classifier(model, self.vocabulary)
        question = self._question
        return classifier, classifier.candidates(
            question.labels, question.under, max_depth=question.max_depth, exact=self._exact,
            ef=self._ef, images=images)

    @property
    def names(self) -> LanguageNames | None:
        """The names of the language that labels are called in."""
        return self._names

    @property
    def vocabulary(self) -> "Vocabulary":
        """The vocabulary, loaded once."""
        if self._vocabulary is None:
            from zsl_cli.vocabulary.vocabulary import Vocabulary

            assert self.vocabulary_folder is not None
            self._vocabulary = Vocabulary.load(self.vocabulary_folder)
            self._vocabulary.language = self._names
        return self._vocabulary

    @cached_property
    def lineages(self) -> "Lineages":
        """The paths of what is answered."""
        from zsl_cli.vocabulary.lineages import Lineages

        return Lineages(self.vocabulary, self._taken)

    @cached_property
    def _own(self) -> frozenset[str]:
        """See taken.own_ids."""
        from zsl_cli.vocabulary.words.own_words import own_ids

        return own_ids(self.vocabulary, self._taken) if self._taken else frozenset()

    def spoken(self, prediction: P) -> P:
        """See predictions.spoken; keywords, which have no path here, as well."""
        if not self._names:
            return prediction
        prediction = spoken(prediction, self.vocabulary, self._own)
        return prediction if prediction.keywords is None else replace(
            prediction, keywords=tuple(replace(one, name=self.name_of(one.id, one.name))
                                       for one in prediction.keywords))

    def keyword_lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """See Everyday.lineage."""
        return self._everyday.lineage(id_)

    @cached_property
    def _everyday(self) -> "Everyday":
        from zsl_cli.vocabulary.everyday import Everyday

        return Everyday(self.vocabulary, self._taken)

    def keywords_of(self, prediction: Prediction) -> list[Keyword]:
        """Its keywords with their paths, called as ``spoken`` does it."""
        paths = ((one, self._everyday.path(one.id)) for one in prediction.keywords or ())
        return [replace(one, name=path[-1], path=path,
                        parents=self._everyday.words_above(one.id)) for one, path in paths]

    def name_of(self, id_: str, name: str) -> str:
        """What a label of this id is called, and in English so."""
        return name if self._names is None else self.word_of(id_, name)

    def word_of(self, id_: str, name: str) -> str:
        """The keyword of a label of this id that is answered under this name: the user's own word,
        else see Vocabulary.word_of."""
        if id_ in self._own or id_ not in self.vocabulary.rows:
            return name
        return self.vocabulary.word_of(self.vocabulary.label(self.vocabulary.rows[id_]))

    @property
    def untranslated(self) -> str:
        """See spoken.untranslated; of the candidate labels that are not called by the user's own
        words."""
        if self._names is None:
            return ""
        rows = self._candidates
        if rows is not None and self._taken:
            rows = frozenset(row for row in rows if self.vocabulary.label(row).id not in self._own)
        return untranslated(self.vocabulary, rows)

    def path_names(self, id_: str) -> tuple[str, ...]:
        """See Lineages.path_names."""
        return self.lineages.path_names(id_)

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """See Lineages.lineage."""
        return self.lineages.lineage(id_)
