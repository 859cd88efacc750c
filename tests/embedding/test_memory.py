"""Memory for pictures that are being decoded: bounded, and shared by the threads."""

import threading
import tracemalloc

import numpy as np
import pytest
from pictures import SQUARE, encoded
from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.embedding.images import load
from zsl_cli.embedding.pictures import memory
from zsl_cli.embedding.pictures.memory import Budget


def test_what_is_lent_never_exceeds_the_budget():
    budget, lock, most = Budget(10), threading.Lock(), [0, 0]

    def decode():
        for _ in range(20):
            with budget.lent(4):
                with lock:
                    most[0] += 1
                    most[1] = max(most)
                with lock:
                    most[0] -= 1

    threads = [threading.Thread(target=decode) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] == 0
    assert 1 <= most[1] <= 2


def test_more_than_there_is_is_lent_to_one_alone():
    budget = Budget(10)
    with budget.lent(99):
        pass
    with pytest.raises(ZeroDivisionError), budget.lent(10):
        raise ZeroDivisionError
    with budget.lent(10):
        pass


@pytest.mark.parametrize("format_", ["ICO", "JXL", "PNG"])
def test_memory_is_lent_before_it_is_taken(monkeypatch, format_):
    if format_ == "JXL":
        pytest.importorskip("pillow_jxl")
    asked, opened = [], []

    class Watched(Budget):
        def lent(self, size):
            asked.append((size, len(opened)))
            return super().lent(size)

    data = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), format_)
    plain = images.open_image
    monkeypatch.setattr(memory, "DECODING", Watched(1 << 30))
    monkeypatch.setattr(images, "open_image",
                        lambda *arguments: opened.append(1) or plain(*arguments))
    load(data, SQUARE)
    most = 64 * 64 * 8
    assert asked == ([(0, 0), (most, 1)] if format_ == "PNG" else [(most, 0), (0, 1)])


@pytest.mark.parametrize("type_", [np.uint16, np.int32, np.float32])
def test_deep_pictures_are_scaled_a_part_at_a_time(type_):
    image = Image.fromarray(np.ones((6000, 4000), type_))
    tracemalloc.start()
    load(image, SQUARE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6  # 24 million pixels
