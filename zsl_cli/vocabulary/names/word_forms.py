"""The forms in which people write one word: plurals, and British and American spelling.

A form is worth something only where it is the name of a label, so that rules may be few and rough:
what they make of other words is no name.
"""

import re
from collections.abc import Iterator

OWN_WORDS = frozenset({
    "arms", "briefs", "clothes", "customs", "glasses", "goods", "greens", "irons", "james", "jeans",
    "news", "overalls", "pants", "scales", "shorts", "slacks", "spectacles", "spirits", "tights",
    "works"})
"""Words in the plural that mean something else than several of their singular."""

_IRREGULAR = {"children": "child", "dice": "die", "feet": "foot", "geese": "goose",
              "lice": "louse", "mice": "mouse", "oxen": "ox", "people": "person", "teeth": "tooth"}

_PLURALS = tuple((re.compile(ending), singular) for ending, singular in (
    (r"(?<=..[^s])s$", ""),  # dogs, shoes, taxis; no grass, no bus
    (r"(?<=.)ies$", "y"),  # puppies
    (r"(?<=.)ves$", "f"),  # wolves
    (r"(?<=.)ves$", "fe"),  # knives
    (r"(?<=[sxzo])es$", ""), (r"(?<=[cs]h)es$", ""),  # buses, boxes, potatoes, churches
    (r"zzes$", "z"),  # quizzes
    (r"men$", "man"),  # firemen
    (r"(?<=...)i$", "us"),  # cacti
    (r"(?<=...)ae$", "a"),  # algae
))

_SPELLINGS = tuple((re.compile(one), other) for one, other in (
    (r"(?<=...)our\b", "or"), (r"(?<=...)or\b", "our"),  # harbour
    (r"(?<=..)([bt])re\b", r"\1er"), (r"(?<=..)([bt])er\b", r"\1re"),  # theatre, fibre
    (r"\bgrey", "gray"), (r"\bgray", "grey"),
    (r"llery\b", "lry"), (r"lry\b", "llery"),  # jewellery
    (r"(?<=[aeiou])ll(?=e[dr]|ing)", "l"), (r"(?<=[aeiou])l(?=e[dr]|ing)", "ll"),  # traveller
    (r"yjama", "ajama"), (r"\bpajama", "pyjama"), (r"oustache", "ustache"),
    (r"\bmustache", "moustache"), (r"oughnut", "onut"), (r"\bdonut", "doughnut"),
    (r"ough\b", "ow"), (r"plow\b", "plough"), (r"inium\b", "inum"), (r"inum\b", "inium"),
    (r"ise\b", "ize"), (r"ize\b", "ise"), (r"ogue\b", "og"), (r"og\b", "ogue"),
    (r"\btyre", "tire"), (r"aeo", "eo"), (r"axe\b", "ax"), (r"\bax\b", "axe"),
))
_RESPELLED = re.compile("|".join(f"(?:{one.pattern})" for one, _ in _SPELLINGS))  # few names are


def forms(name: str) -> Iterator[str]:
    """The other forms of a normalised name, the likeliest first: its singular, then these in the
    other spelling."""
    seen = {name}
    bases = [name, *singulars(name)]
    for form in (*bases[1:], *(other for base in bases for other in _respelled(base))):
        if form not in seen:
            seen.add(form)
            yield form


def singulars(name: str) -> Iterator[str]:
    """What a name, by its last word, may be the plural of, the likeliest first; what no name is,
    too, so that it has to be looked for."""
    before, blank, last = name.rpartition(" ")
    if last in OWN_WORDS:
        return
    if last in _IRREGULAR:
        yield before + blank + _IRREGULAR[last]
    for ending, singular in _PLURALS:
        if ending.search(last):
            yield before + blank + ending.sub(singular, last)


def _respelled(name: str) -> Iterator[str]:
    for one, other in _SPELLINGS if _RESPELLED.search(name) else ():
        if one.search(name):
            yield one.sub(other, name)
