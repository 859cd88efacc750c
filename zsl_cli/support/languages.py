"""Codes of languages: ``de``, ``deu`` and ``ger`` are the same one."""

import re
from dataclasses import dataclass
from functools import cache

_CODE = re.compile(r"[a-zA-Z]{2,3}(?:[-_.@][\w.@-]*)?", re.ASCII)

# ISO 639-1, 639-3 and, where it is another, 639-2/B, then the name.
_TABLE = """
aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic;
an arg Aragonese; ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara;
az aze Azerbaijani; ba bak Bashkir; be bel Belarusian; bg bul Bulgarian; bi bis Bislama;
bm bam Bambara; bn ben Bengali; bo bod tib Tibetan; br bre Breton; bs bos Bosnian;
ca cat Catalan; ce che Chechen; ch cha Chamorro; co cos Corsican; cr cre Cree;
cs ces cze Czech; cu chu Church Slavic; cv chv Chuvash; cy cym wel Welsh; da dan Danish;
de deu ger German; dv div Dhivehi; dz dzo Dzongkha; ee ewe Ewe; el ell gre Greek;
en eng English; eo epo Esperanto; es spa Spanish; et est Estonian; eu eus baq Basque;
fa fas per Persian; ff ful Fulah; fi fin Finnish; fj fij Fijian; fo fao Faroese;
fr fra fre French; fy fry Western Frisian; ga gle Irish; gd gla Scottish Gaelic;
gl glg Galician; gn grn Guarani; gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew;
hi hin Hindi; ho hmo Hiri Motu; hr hrv Croatian; ht hat Haitian; hu hun Hungarian;
hy hye arm Armenian; hz her Herero; ia ina Interlingua; id ind Indonesian; ie ile Interlingue;
ig ibo Igbo; ii iii Nuosu; ik ipk Inupiaq; io ido Ido; is isl ice Icelandic; it ita Italian;
iu iku Inuktitut; ja jpn Japanese; jv jav Javanese; ka kat geo Georgian; kg kon Kongo;
ki kik Kikuyu; kj kua Kuanyama; kk kaz Kazakh; kl kal Kalaallisut; km khm Khmer;
kn kan Kannada; ko kor Korean; kr kau Kanuri; ks kas Kashmiri; ku kur Kurdish; kv kom Komi;
kw cor Cornish; ky kir Kyrgyz; la lat Latin; lb ltz Luxembourgish; lg lug Ganda;
li lim Limburgish; ln lin Lingala; lo lao Lao; lt lit Lithuanian; lu lub Luba-Katanga;
lv lav Latvian; mg mlg Malagasy; mh mah Marshallese; mi mri mao Maori; mk mkd mac Macedonian;
ml mal Malayalam; mn mon Mongolian; mr mar Marathi; ms msa may Malay; mt mlt Maltese;
my mya bur Burmese; na nau Nauru; nb nob Norwegian Bokmål; nd nde North Ndebele;
ne nep Nepali; ng ndo Ndonga; nl nld dut Dutch; nn nno Norwegian Nynorsk; no nor Norwegian;
nr nbl South Ndebele; nv nav Navajo; ny nya Nyanja; oc oci Occitan; oj oji Ojibwa;
om orm Oromo; or ori Odia; os oss Ossetian; pa pan Punjabi; pi pli Pali; pl pol Polish;
ps pus Pashto; pt por Portuguese; qu que Quechua; rm roh Romansh; rn run Rundi;
ro ron rum Romanian; ru rus Russian; rw kin Kinyarwanda; sa san Sanskrit; sc srd Sardinian;
sd snd Sindhi; se sme Northern Sami; sg sag Sango; si sin Sinhala; sk slk slo Slovak;
sl slv Slovenian; sm smo Samoan; sn sna Shona; so som Somali; sq sqi alb Albanian;
sr srp Serbian; ss ssw Swati; st sot Southern Sotho; su sun Sundanese; sv swe Swedish;
sw swa Swahili; ta tam Tamil; te tel Telugu; tg tgk Tajik; th tha Thai; ti tir Tigrinya;
tk tuk Turkmen; tl tgl Tagalog; tn tsn Tswana; to ton Tonga; tr tur Turkish; ts tso Tsonga;
tt tat Tatar; tw twi Twi; ty tah Tahitian; ug uig Uyghur; uk ukr Ukrainian; ur urd Urdu;
uz uzb Uzbek; ve ven Venda; vi vie Vietnamese; vo vol Volapük; wa wln Walloon; wo wol Wolof;
xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; za zha Zhuang; zh zho chi Chinese; zu zul Zulu
"""

# The one of a macrolanguage that its two letters most often mean: what wordnets are of.
_INDIVIDUAL = {"als": "sq", "arb": "ar", "cmn": "zh", "qcn": "zh", "ekk": "et", "khk": "mn",
               "lvs": "lv", "npi": "ne", "ory": "or", "pes": "fa", "prs": "fa", "swh": "sw",
               "uzn": "uz", "zsm": "ms"}


@dataclass(frozen=True)
class Language:
    """A language by its codes.

    tag: of BCP 47, without script and region: two letters where there are any.
    iso639_3: three letters; those that were asked for, where they say more than the two do.
    name: in English, or the code.
    """

    tag: str
    iso639_3: str
    name: str


def language(code: str) -> Language | None:
    """The language of a code of two or three letters, whatever follows them (``pt-BR``,
    ``de_DE.UTF-8``) and in whatever case; None for what is no such code."""
    if not _CODE.fullmatch(code):
        return None
    letters = re.split("[^a-z]", code.lower())[0]
    known = _known()
    two = _INDIVIDUAL.get(letters, letters)
    if two not in known:
        return Language(letters, letters, letters) if len(letters) == 3 else None
    found = known[two]
    return found if two == letters else Language(found.tag, letters, found.name)


@cache
def _known() -> dict[str, Language]:
    """The languages of the table, by each of their codes."""
    known: dict[str, Language] = {}
    for line in _TABLE.split(";"):
        tag, three, *rest = line.split()
        bibliographic = rest.pop(0) if rest[0].islower() else three
        found = Language(tag, three, " ".join(rest))
        known |= dict.fromkeys((tag, three, bibliographic), found)
    return known
