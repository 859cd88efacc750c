"""Pictures in other colours than sRGB are seen as a person sees them."""

import io

import numpy as np
import pytest
from icc_profiles import ADOBE, P3, PROPHOTO, grey_profile, rgb_profile
from pictures import SQUARE, difference, encoded
from PIL import Image, ImageCms

from zsl_cli.embedding.images import load
from zsl_cli.embedding.pictures import colour

PROFILES = {"P3": rgb_profile(P3, 2.2), "ProPhoto": rgb_profile(PROPHOTO, 1.8),
            "Adobe RGB": rgb_profile(ADOBE, 2.2)}


def in_colours_of(image, profile, mode="RGB"):
    """The picture as one of that profile: the same to the eye, other numbers."""
    image = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), io.BytesIO(profile),
                                      outputMode=mode)
    image.info.clear()
    return image


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_wide_profile_changes_numbers_and_not_what_is_seen(cat, name, format_):
    profile = PROFILES[name]
    wide = in_colours_of(cat, profile)
    options = {"lossless": True} if format_ == "WEBP" else {}
    if format_ == "JPEG":
        options = {"quality": 98, "subsampling": 0}
    expected = load(cat, SQUARE)
    assert difference(load(wide, SQUARE), expected) > 3
    got = load(encoded(wide, format_, icc_profile=profile, **options), SQUARE)
    assert difference(got, expected) < 2.5


def test_transparency_and_palettes_have_profiles_too(cat):
    profile, expected = PROFILES["ProPhoto"], load(cat, SQUARE)
    wide = in_colours_of(cat, profile)
    clear = wide.copy()
    clear.putalpha(255)
    assert difference(load(encoded(clear, "PNG", icc_profile=profile), SQUARE), expected) < 2.5
    palette = wide.quantize(256)
    assert difference(load(encoded(palette, "PNG", icc_profile=profile), SQUARE), expected,
                      block=8) < 4


def test_a_profile_of_grey_is_applied_to_grey_alone(cat):
    grey, profile = cat.convert("L"), grey_profile(1.0)
    linear = in_colours_of(grey.convert("RGB"), profile, "L")
    expected = load(grey, SQUARE)
    assert difference(load(linear, SQUARE), expected) > 10
    assert difference(load(encoded(linear, "PNG", icc_profile=profile), SQUARE), expected) < 3
    assert difference(load(encoded(cat, "PNG", icc_profile=profile), SQUARE),
                      load(cat, SQUARE)) == 0


def test_lab_is_converted(cat):
    lab = ImageCms.profileToProfile(cat, ImageCms.createProfile("sRGB"),
                                    ImageCms.createProfile("LAB"), outputMode="LAB")
    assert difference(load(encoded(lab, "TIFF"), SQUARE), load(cat, SQUARE)) < 3


@pytest.mark.parametrize("profile", [
    b"", b"no profile", PROFILES["P3"][:200], PROFILES["P3"][:20] + bytes(400),
    ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()],
    ids=["none", "text", "cut", "empty", "sRGB"])
def test_srgb_and_a_damaged_profile_leave_every_pixel(cat, profile):
    got = load(encoded(cat, "PNG", icc_profile=profile), SQUARE)
    assert (got == load(cat, SQUARE)).all()


def test_what_is_converted_is_what_littlecms_converts(cat):
    profile = PROFILES["P3"]
    expected = ImageCms.profileToProfile(cat, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    got = colour.to_srgb(cat, profile)
    assert (np.asarray(got) == np.asarray(expected)).all()
    grey = Image.new("L", (4, 4), 100)
    assert colour.to_srgb(grey, profile) is grey
