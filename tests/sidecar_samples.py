"""Sidecars as programs write them, and what tests read of them."""

import functools
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest

from zsl_cli.classifier.predictions import Keyword
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars.files import Naming, Sidecars
from zsl_cli.photos.sidecars.layout import Layout
from zsl_cli.photos.sidecars.marks import ZSL
from zsl_cli.photos.sidecars.merging import merge as merge_in
from zsl_cli.vocabulary.names.label import Label

ALONE = Layout(parents=False)
"""Keywords without the words above them: what most tests are not about."""

merge = functools.partial(merge_in, layout=ALONE)


def keyword(name: str, path: tuple[str, ...], confidence: float) -> Keyword:
    """A keyword as sidecars are made of it."""
    return Keyword(Label(name, name), name, confidence, path)


MADE = Provenance(model="default", vocabulary="wordnet", version="1.0")
TABBY = keyword("tabby", ("animal", "feline", "cat", "tabby"), 0.8734)
SOFA = keyword("sofa", ("artifact", "furniture", "sofa"), 0.41)
LAMP = keyword("lamp", ("artifact", "lamp"), 0.2)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
HIERARCHY = "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject"
TAGS = "{http://www.digikam.org/ns/1.0/}TagsList"
AUTOMATIC = f"{{{ZSL}}}automatic"

DARKTABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   exif:DateTimeOriginal="2023:08:12 10:11:12.345"
   xmp:Rating="3"
   darktable:xmp_version="5"
   darktable:auto_presets_applied="1">
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="gz03eJxjYGBgYA=="/>
    </rdf:Seq>
   </darktable:history>
   <dc:subject>
    <rdf:Seq>
     <rdf:li>Holiday</rdf:li>
     <rdf:li>Sofa</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>places|Holiday</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"
   digiKam:PickLabel="0"
   acdsee:categories="&lt;Category Assigned=&quot;1&quot;&gt;Oma&#xA;&lt;/Category&gt;">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>People/Oma &amp; Opa</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Oma &amp; Opa</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()
# Several descriptions with a uuid, an unusual prefix, comments, CDATA, padding, Windows line ends.
ADOBE = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<!-- kept -->
<x:xapmeta xmlns:x='adobe:ns:meta/' x:xaptk='XMP toolkit 2.8.2-33, framework 1.5'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:iX='http://ns.adobe.com/iX/1.0/'>

  <rdf:Description rdf:about='uuid:9bd7a0c1-1' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'
    photoshop:City='>Ulm"' photoshop:Urgency = "1"></rdf:Description>

  <rdf:Description rdf:about='uuid:9bd7a0c1-1' xmlns:kw='http://purl.org/dc/elements/1.1/'>
    <kw:subject>
      <rdf:Bag>
        <!-- by hand --><rdf:li><![CDATA[Müller & Söhne]]></rdf:li>
        <rdf:li>Ulm</rdf:li>
      </rdf:Bag>
    </kw:subject>
  </rdf:Description>

</rdf:RDF>
</x:xapmeta>
%s
<?xpacket end='w'?>""".replace("%s", (" " * 99 + "\n") * 20).replace("\n", "\r\n").encode()

REAL = {"darktable": DARKTABLE, "digikam": DIGIKAM, "adobe": ADOBE}
real = pytest.mark.parametrize("existing", REAL.values(), ids=REAL.keys())


def values(data: bytes, tag: str) -> list[str]:
    """A property's values as another XML parser reads them, from lists and plain properties."""
    found = []
    for element in ET.fromstring(data).iter(tag):
        items = [item.text or "" for item in element.iter(f"{RDF}li")]
        found += items or [element.text or ""]
    return found


def wrapped(inside: str, attributes: str = "") -> bytes:
    """A packet of one description."""
    return (f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF[1:-1]}">\n'
            f'  <rdf:Description rdf:about="" xmlns:dc="{SUBJECT[1:-8]}"{attributes}>'
            f'{inside}\n  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n').encode()


def subjects(names: list[str]) -> str:
    items = "".join(f"\n     <rdf:li>{escape(name)}</rdf:li>" for name in names)
    return f"\n   <dc:subject>\n    <rdf:Bag>{items}\n    </rdf:Bag>\n   </dc:subject>"


def packet(lists):
    """A sidecar with these lists, as tag → values."""
    inside = ""
    for number, (tag, texts) in enumerate(lists.items()):
        namespace, _, local = tag[1:].partition("}")
        items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
        inside += (f'\n   <p{number}:{local} xmlns:p{number}="{namespace}"><rdf:Bag>{items}'
                   f"</rdf:Bag></p{number}:{local}>")
    return wrapped(inside)


def without(data: bytes, *texts: str) -> bytes:
    """The packet as a program writes it whose user took keywords out of dc:subject."""
    start, end = data.index(b"<dc:subject"), data.index(b"</dc:subject>")
    part = data[start:end]
    for text in texts:
        assert f"<rdf:li>{text}</rdf:li>".encode() in part
        part = part.replace(f"<rdf:li>{text}</rdf:li>".encode(), b"")
    return data[:start] + part + data[end:]


def touched(folder, *names: str) -> str:
    """A photo in a folder, of empty files."""
    for name in names:
        (folder / name).touch()
    return str(folder / "photo.jpg")


def planned(photo, keywords, naming=Naming.AUTO):
    """The changes that give a photo's sidecars keywords."""
    return Sidecars(naming, ALONE).plan(str(photo), keywords, MADE)
