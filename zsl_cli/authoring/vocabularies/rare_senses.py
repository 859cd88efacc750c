"""Which names of a label mostly mean something else that is no label.

A user who lists ``chat`` means no bird. A vocabulary cannot tell, since it knows the bird and not
the conversation; WordNet does, whose senses are ordered by how often each was tagged in text.
"""

from collections.abc import Collection

from zsl_cli.authoring.vocabularies.wordnet import WordNet

_OFTEN = 3  # tags of another sense that make a main name, which is a good name for a label, rare
_TIMES = 2  # as often as the label's own


def rare_names(wordnet: WordNet, id_: str, among: Collection[str]) -> tuple[str, ...]:
    """The words of a synset that have an earlier sense which is not ``among`` the labels and was
    tagged more than twice as often. The first word has to be a rare one by the text, one of the
    others is where neither sense was ever tagged, too."""
    words = wordnet.synsets[id_].words
    return tuple(word for word in words if _is_rare(wordnet, word, id_, among,
                                                    main=word == words[0]))


def _is_rare(wordnet: WordNet, word: str, id_: str, among: Collection[str], *,
             main: bool) -> bool:
    earlier = wordnet.senses.get(word.lower(), ())[:wordnet.sense_rank(word, id_)]
    others = [sense for sense in earlier if sense not in among]
    if not others:
        return False
    own = wordnet.tag_count(word, id_)
    most = max(wordnet.tag_count(word, sense) for sense in others)
    if main:
        return most >= _OFTEN and most > _TIMES * own
    return most > _TIMES * own or own == 0
