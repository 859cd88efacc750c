"""What was found → one HTML file, a contact sheet: a picture of each photo, which links to it.

The file stands alone (see html_page) and has no script. The pictures are read from the photos then
and there; what comes from outside, such as file names, is escaped.
"""

import base64
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.errors import ImageError
from zsl_cli.photos.search.result import Hit, SearchResult
from zsl_cli.support import cpus, html_page
from zsl_cli.support.addresses import is_address
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import counted

SIDE = 288
"""Pixels of a picture; shown half as wide or so, it is sharp on fine screens, too."""
_QUALITY = 75
_SQUARE = Preprocessing(SIDE, crop=1.0)


def write(file: BinaryIO, results: Iterable[SearchResult]) -> None:
    """The contact sheet of some results, in their order."""
    results = list(results)
    title = " · ".join(result.query.title for result in results[:3])
    before, behind = html_page.around(
        __package__, "sheet", title=html_page.escaped(title),
        made=html_page.escaped(f"zsl {__version__}, "
                               f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"))
    file.write(before.encode())
    with ThreadPoolExecutor(cpus.usable_cpus()) as pool:
        for result in results:
            pictures = pool.map(thumbnail, [hit.path for hit in result.hits])
            file.write(_section(result, list(pictures)).encode())
    file.write(behind.encode())


def thumbnail(path: str) -> Image.Image | ImageError:
    """The centre square of a photo, SIDE pixels wide, or why there is none."""
    try:
        return Image.fromarray(images.load(path, _SQUARE))
    except ImageError as error:
        return error


def _section(result: SearchResult, pictures: Sequence[Image.Image | ImageError]) -> str:
    said = (html_page.escaped(str(result.error)) if result.error is not None
            else counted(len(result.hits), "photo"))
    items = "".join(_item(rank, hit, picture) for rank, (hit, picture) in enumerate(
        zip(result.hits, pictures, strict=True), start=1))
    return (f"<section>\n<h1>{html_page.isolated(result.query.title)}</h1>\n<p>{said}</p>\n"
            f"<ol>\n{items}</ol>\n</section>\n")


def _item(rank: int, hit: Hit, picture: Image.Image | ImageError) -> str:
    shown = (f'<span class="none">{html_page.escaped(picture.plain)}</span>'
             if isinstance(picture, ImageError) else
             f'<img src="{_data(picture)}" alt="" width="{SIDE}" height="{SIDE}">')
    alike = f" · +{len(hit.alike)} alike" if hit.alike else ""
    date = f" · {html_page.escaped(hit.date[:10])}" if hit.date else ""
    return (f'<li><a href="{html_page.escaped(_link(hit.path))}" '
            f'title="{html_page.escaped(hit.path)}">{shown}'
            f'<span class="name">{html_page.isolated(os.path.basename(hit.path))}</span></a>'
            f'<span class="facts">{rank} · {hit.score:.3f}{date}{alike}</span></li>\n')


def _link(path: str) -> str:
    """Where a photo is, for a browser; an object store's address leads nowhere in most, and says
    where it is all the same."""
    return quote(path, safe="/:") if is_address(path) else Path(path).as_uri()


def _data(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
