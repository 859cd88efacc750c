"""What a colour profile does to the labels of photographs."""

import io

import pytest
from icc_profiles import ADOBE, P3, PROPHOTO, rgb_profile
from PIL import Image, ImageCms
from shared_data import DATA

from zsl_cli import Classifier
from zsl_cli.embedding.walk import images_in

pytestmark = pytest.mark.data
PROFILES = {"P3": rgb_profile(P3, 2.2), "ProPhoto": rgb_profile(PROPHOTO, 1.8),
            "Adobe RGB": rgb_profile(ADOBE, 2.2)}
PHOTOS = 100


def encoded(image, profile=None):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, subsampling=0, icc_profile=profile)
    return file.getvalue()


@pytest.mark.parametrize("name", PROFILES)
def test_a_photo_in_other_colours_has_the_same_first_label(name):
    profile, srgb = PROFILES[name], ImageCms.createProfile("sRGB")
    there = ImageCms.buildTransform(srgb, ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                                    "RGB", "RGB")
    plain, wide = [], []
    for path in list(images_in(str(DATA / "imagenet-sample")))[::10][:PHOTOS]:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        image.info.clear()
        plain.append(encoded(image))
        wide.append(encoded(there.apply(image), profile))
    classifier = Classifier.load(device="cpu")
    first, second = ([found.labels[0].id for found in classifier.classify(sources, top=1)]
                     for sources in (plain, wide))
    same = sum(one == other for one, other in zip(first, second, strict=True))
    print(f"{name}: {same} of {len(first)} have the same first label")
    assert same >= 0.94 * len(first)
