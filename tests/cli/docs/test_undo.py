"""README's first lines do what they say: photos are tagged, and sidecars are as they were."""

import re
import subprocess
import sys

import pytest
from documents import ROOT

OWN = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject><rdf:Bag><rdf:li>Mimi</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def readme_lines() -> list[str]:
    """The command lines of README's first block, without the installation and comments."""
    text = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    lines = [re.sub(r"\s+# .*", "", line).removeprefix("$ ") for line in block.splitlines()]
    assert "pip install" in lines[0]
    return lines[1:]


@pytest.fixture
def tagged(tmp_path, shell, photographs):
    """A folder of photos, a sidecar of its own among them, and what runs a line over it."""
    folder = tmp_path / "my pictures"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(photographs[number * 6])
    (folder / "0.jpg.xmp").write_text(OWN)

    def run(line):
        script = f"zsl() {{ '{sys.executable}' -m zsl_cli \"$@\"; }}\n" + line.replace(
            "~/Pictures", "'my pictures'")
        subprocess.run(["bash", "-euc", script], env=shell, cwd=tmp_path, check=True,
                       capture_output=True)

    return folder, run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_is_as_before_and_what_was_written_since_stays(tagged):
    folder, run = tagged
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report, label, undo = readme_lines()
    run(report)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (folder.parent / "report.html").exists()
    run(f"{label} --confidence 0.1")
    assert len(names(folder)) == len(before) + 3 + 1  # sidecars, and the copy of the one there was
    since = folder / "1.jpg.xmp"
    since.write_text(since.read_text().replace("<rdf:li>", "<rdf:li>Anna</rdf:li><rdf:li>", 1))
    run(undo)
    assert re.findall("<rdf:li>(.*?)</rdf:li>", since.read_text()) == ["Anna"]
    since.unlink()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    run(f"{label} --confidence 0.1")  # and it can all be had again
    assert "zsl:automatic" in (folder / "0.jpg.xmp").read_text()
