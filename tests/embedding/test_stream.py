"""Images through a model: order, errors, and a bounded window."""

import threading

import numpy as np
import pytest

from zsl_cli.embedding import stream
from zsl_cli.errors import ImageError, NotFiniteError


class Echo:
    """A model whose embedding is the pixels."""

    batches: list[int]

    def __init__(self):
        self.batches = []

    def embed_pixels(self, pixels):
        self.batches.append(len(pixels))
        numbers = np.array(pixels, np.float32).reshape(len(pixels), 1)
        return np.hstack([numbers, np.ones_like(numbers)])


def items(count, bad=()):
    for number in range(count):
        if number in bad:
            yield number, ImageError("known to be bad")
        elif -number in bad:
            yield number, _failing
        else:
            yield number, lambda _model, number=number: np.full(1, number)


def _failing(_model):
    raise ImageError("fails when it is read")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 33])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("jobs", [1, 3])
def test_order_and_errors_survive_any_batching(count, batch_size, jobs):
    model = Echo()
    keys, values = [], []
    for batch in stream.embed(model, items(count, bad={1, -2}), batch_size=batch_size, jobs=jobs):
        rows = iter(batch.embeddings[:, 0].tolist())
        keys += batch.keys
        values += [None if error else next(rows) for error in batch.errors]
    assert keys == list(range(count))
    assert values == [None if number in (1, 2) else number for number in range(count)]
    assert max(model.batches, default=0) <= batch_size


def test_images_are_decoded_while_a_model_is_opened():
    decoded = threading.Event()

    class Opening(Echo):
        @property
        def batch_size(self):
            assert decoded.wait(10)
            return 4

    def read(_model):
        decoded.set()
        return np.ones(1)

    found = list(stream.embed(Opening(), [(number, read) for number in range(10)], together=9))
    assert [batch.keys for batch in found] == [[*range(8)], [8, 9]]


def test_no_more_is_read_ahead_than_the_window_holds():
    taken = []

    def endless():
        for number, item in items(10_000):
            taken.append(number)
            yield number, item

    batches = stream.embed(Echo(), endless(), batch_size=8, jobs=2)
    next(batches)
    assert len(taken) <= 3 * 8 + 2
    batches.close()


class Card(Echo):
    """A model on a card, which takes its time for each batch, and notes its thread."""

    streams = 2

    def __init__(self):
        super().__init__()
        self.threads = set()
        self.busy = threading.Event()
        self.go_on = threading.Event()

    def embed_pixels(self, pixels):
        if len(pixels):
            self.threads.add(threading.current_thread().name)
            self.busy.set()
            assert self.go_on.wait(10)
        return super().embed_pixels(pixels)


def test_a_card_s_batches_take_no_thread_from_decoding():
    """One thread decodes on while batches wait for the card."""
    model, decoded = Card(), threading.Event()

    def read(_model, number):
        if number == 20:  # of the third batch
            decoded.set()
        return np.full(1, number)

    found = []
    reader = threading.Thread(target=lambda: found.extend(stream.embed(
        model, ((number, lambda model, number=number: read(model, number))
                for number in range(50)), batch_size=8, jobs=1)))
    reader.start()
    assert model.busy.wait(10)
    assert decoded.wait(10)
    model.go_on.set()
    reader.join(10)
    assert [key for batch in found for key in batch.keys] == list(range(50))
    assert np.concatenate([batch.embeddings[:, 0] for batch in found]).tolist() == [*range(50)]
    assert all(name.startswith("zsl-gpu") for name in model.threads)
    assert len(model.threads) <= model.streams


def test_a_card_reads_one_batch_further_ahead_and_no_more():
    taken = []

    def endless():
        for number, item in items(10_000):
            taken.append(number)
            yield number, item

    model = Card()
    model.go_on.set()
    batches = stream.embed(model, endless(), batch_size=8, jobs=2)
    next(batches)
    assert len(taken) <= 4 * 8 + 2
    batches.close()


def test_a_consumer_that_stops_leaves_no_thread_busy():
    started = threading.Event()
    release = threading.Event()

    def slow(_model):
        started.set()
        release.wait(10)
        return np.zeros(1)

    batches = stream.embed(Echo(), [(0, ImageError("x")), *((n, slow) for n in range(50))],
                           batch_size=1, jobs=1)
    next(batches)
    started.wait(5)
    batches.close()
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("zsl-decode"):
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_image_whose_embedding_is_not_finite_is_one_with_an_error(count, number):
    values, errors = [], []
    last = [(count, lambda _model: np.full(1, number))]
    for batch in stream.embed(Echo(), [*items(count - 1, bad={0}), *last], batch_size=4):
        values += batch.embeddings[:, 0].tolist()
        errors += [str(error) for error in batch.errors if error]
    assert values == list(range(1, count - 1))
    assert [*errors] == ["known to be bad"] * (count > 1) + [str(NotFiniteError())]
