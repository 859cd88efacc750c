"""Random views of a photograph."""

import numpy as np
import pytest
from PIL import Image

from zsl_cli.authoring.training import augmentation
from zsl_cli.embedding import images
from zsl_cli.support.preprocessing import Preprocessing


@pytest.fixture
def ramp():
    """Red rises from left to right, green from top to bottom."""
    across = np.linspace(0, 255, 256)
    pixels = np.stack([np.tile(across, (256, 1)), np.tile(across, (256, 1)).T,
                       np.full((256, 256), 128)], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


def view(picture, seed, **given):
    return augmentation.view(picture, Preprocessing(64, **given), np.random.default_rng(seed))


def test_a_view_is_a_part_of_the_picture_mirrored_now_and_then(ramp, monkeypatch):
    monkeypatch.setattr(augmentation, "JITTER", 0)
    mirrored = 0
    for seed in range(40):
        pixels = view(ramp, seed).astype(float)
        assert pixels.shape == (64, 64, 3)
        rise = pixels[:, -1, 0].mean() - pixels[:, 0, 0].mean()
        mirrored += rise < 0
        down = pixels[-1, :, 1].mean() - pixels[0, :, 1].mean()
        assert down > 0  # never upside down
        share = abs(rise) * down / 255 ** 2
        assert 0.3 < share <= 1.01
    assert 10 < mirrored < 30


def test_colours_change_a_little(ramp):
    means = [view(ramp, seed)[..., 2].mean() for seed in range(20)]
    assert max(means) - min(means) > 10
    assert 128 * 0.75 < min(means) < max(means) < 128 * 1.25


def test_a_generator_gives_the_same_view_again(ramp):
    assert np.array_equal(view(ramp, 3), view(ramp, 3))
    assert not np.array_equal(view(ramp, 3), view(ramp, 4))


def test_the_layout_is_the_networks(ramp):
    there = view(ramp, 5, layout="NCHW")
    assert there.shape == (3, 64, 64)
    assert np.array_equal(there.transpose(1, 2, 0), view(ramp, 5))


def test_what_is_no_image_is_said_as_everywhere(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(images.ImageError, match="not an image"):
        view(tmp_path / "a.jpg", 0)
