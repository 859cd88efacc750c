"""Models on a card: which one, what is bound to it, what happens when its memory is full, and that
nothing falls back in silence. The sessions compute on the CPU, see cards.py."""

import logging
import threading
from types import SimpleNamespace

import cards
import numpy as np
import pytest
import text_model

from zsl_cli import Model
from zsl_cli.embedding import cuda_libraries, feature_cache, graphs, sessions
from zsl_cli.errors import DeviceError, FolderError, OutOfMemoryError
from zsl_cli.support import folders

DEFAULT = folders.embedded(folders.MODEL) / "default"


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    return text_model.make(tmp_path_factory.mktemp("models") / "paint")


@pytest.fixture
def pixels():
    side = text_model.SIDE
    return [*np.random.default_rng(0).integers(1, 256, (5, side, side, 3), dtype=np.uint8)]


@pytest.mark.parametrize(("device", "where"), [
    ("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:1", "cuda:1")])
def test_a_model_is_on_the_card_that_is_asked_for(monkeypatch, paint, device, where):
    cards.plug_in(monkeypatch)
    model = Model.load(paint, device=device)
    assert model.device == where
    assert model.batch_size > Model.load(paint, device="cpu").batch_size
    assert model.streams > Model.load(paint, device="cpu").streams == 0
    assert feature_cache.identity_of(model) == feature_cache.identity_of(
        Model.load(paint, device="cuda"))  # every card computes the same


def test_a_card_that_the_machine_lacks_is_refused_by_name(monkeypatch, paint):
    made = cards.plug_in(monkeypatch)
    with pytest.raises(DeviceError, match=r"`device=cuda:99` cannot be used: there is no such "
                       r"device on this machine, only cuda:0 \(Card A\), cuda:1 \(Card B\)"):
        Model.load(paint, device="cuda:99")
    assert not made


def test_a_session_on_another_card_than_the_one_that_is_asked_for_is_refused(monkeypatch, paint):
    cards.plug_in(monkeypatch, make=lambda session, number: cards.OnCard(session, 0))
    assert Model.load(paint, device="cuda").device == "cuda:0"
    with pytest.raises(DeviceError, match="`device=cuda:1` cannot be used: ONNX Runtime took "
                       "cuda:0 in its place"):
        Model.load(paint, device="cuda:1")


def test_a_session_that_went_on_without_cuda_is_refused_and_auto_takes_the_cpu(monkeypatch, paint):
    cards.plug_in(monkeypatch, make=lambda session, number: session)
    monkeypatch.setattr(cuda_libraries, "preload",
                        lambda: ["Failed to load libcublas.so.13: no such file"])
    with pytest.raises(DeviceError, match=r"could not load its CUDA libraries \(libcublas\.so\.13.*"
                       r"cannot be loaded\); pip install 'zsl-cli\[cuda\]' brings them"):
        Model.load(paint, device="cuda")
    assert Model.load(paint, device="auto").device == "cpu"


def _fails(kind, text):
    def make(session, number):
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        raise getattr(state, kind)(text)
    return make


@pytest.mark.parametrize("kind", ["Fail", "EPFail", "RuntimeException"])
def test_a_provider_that_raises_is_refused_and_auto_takes_the_cpu(monkeypatch, paint, kind):
    cards.plug_in(monkeypatch, make=_fails(kind, "CUDA failure 46: device busy"))
    with pytest.raises(DeviceError, match=r"`device=cuda:1` cannot be used: .*device busy"):
        Model.load(paint, device="cuda:1")
    assert Model.load(paint, device="auto").device == "cpu"


def test_where_the_file_is_to_blame_the_card_is_not(monkeypatch, tmp_path):
    cards.plug_in(monkeypatch)
    with pytest.raises(FolderError, match=r"no\.onnx: ONNX Runtime cannot load it"):
        sessions.open_session(graphs.Graph(tmp_path / "no.onnx", b"no graph"), "cuda")


def test_nothing_takes_a_session_off_the_card_while_it_runs(monkeypatch, paint):
    """ONNX Runtime's own fallback makes a session on the CPU when a run fails."""
    import onnxruntime

    made = []
    inner = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession",
                        lambda *given, **named: made.append(inner(*given, **named)) or made[-1])
    Model.load(paint, device="cpu")
    assert [session._enable_fallback for session in made] == [False]


def test_bound_batches_give_what_plain_ones_do(monkeypatch, paint, pixels):
    expected = Model.load(paint, device="cpu", threads=1).embed_pixels(pixels)
    made = cards.plug_in(monkeypatch)
    model = Model.load(paint, device="cuda", threads=1)
    np.testing.assert_array_equal(model.embed_pixels(pixels), expected)
    assert [len(session.bound) for session in made] == [1]


def test_phrases_go_to_the_card_too(monkeypatch, paint):
    expected = Model.load(paint, device="cpu").label_encoder.encode(["red", "blue bus"])
    made = cards.plug_in(monkeypatch)
    encoder = Model.load(paint, device="cuda:1").label_encoder
    np.testing.assert_array_equal(encoder.encode(["red", "blue bus"]), expected)
    assert [len(session.bound) for session in made] == [0, 1]


class Small(cards.OnCard):
    """A card with room for two images."""

    room = 2

    def __init__(self, session, number):
        super().__init__(session, number)
        self.sizes = []

    def run_with_iobinding(self, binding, options):
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        super().run_with_iobinding(binding, options)
        self.sizes.append(len(binding.copy_outputs_to_cpu()[0]))
        if self.sizes[-1] > self.room:
            raise state.RuntimeException("BFCArena::AllocateRawInternal Failed to allocate memory "
                                         "for requested buffer of size 999")


def test_a_batch_that_a_card_has_no_memory_for_goes_in_smaller_ones(monkeypatch, paint, pixels,
                                                                    caplog):
    expected = Model.load(paint, device="cpu", threads=1).embed_pixels(pixels)
    made = cards.plug_in(monkeypatch, Small)
    model = Model.load(paint, device="cuda", threads=1)
    with caplog.at_level(logging.INFO, "zsl_cli"):
        found = model.embed_pixels(pixels)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert made[0].sizes == [5, 2, 2, 1]
    assert "its memory does not suffice for 5 images at once; going on with 2" in caplog.text
    model.embed_pixels(pixels)
    assert made[0].sizes[4:] == [2, 2, 1]  # it has learnt


def test_a_card_without_memory_for_one_image_is_an_error(monkeypatch, paint, pixels):
    monkeypatch.setattr(Small, "room", 0)
    cards.plug_in(monkeypatch, Small)
    with pytest.raises(OutOfMemoryError, match="cuda:1: its memory does not suffice, or other"):
        Model.load(paint, device="cuda:1", threads=1).embed_pixels(pixels)


def test_no_more_batches_are_on_a_card_at_once_than_it_has_streams(monkeypatch, paint, pixels):
    at_once, most = [], []

    class Counting(cards.OnCard):
        def run_with_iobinding(self, binding, options):
            at_once.append(1)
            most.append(len(at_once))
            super().run_with_iobinding(binding, options)
            at_once.pop()

    cards.plug_in(monkeypatch, Counting)
    model = Model.load(paint, device="cuda", threads=1)
    threads = [threading.Thread(target=model.embed_pixels, args=(pixels[:1],)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 12
    assert max(most) <= model.streams


def _assigned(**parts):
    return [SimpleNamespace(ep_name=name, get_nodes=lambda operators=operators: [
        SimpleNamespace(op_type=operator) for operator in operators])
            for name, operators in parts.items()]


@pytest.mark.parametrize(("on_card", "on_cpu", "told"), [
    (["Conv"] * 9, ["Shape"], False), (["Conv"], [], False),
    (["Conv"], ["ConvInteger", "ConvInteger", "Shape"], True)])
def test_a_graph_of_which_a_card_gets_the_smaller_part_is_told(monkeypatch, paint, caplog, on_card,
                                                               on_cpu, told):
    class Partly(cards.OnCard):
        def get_provider_graph_assignment_info(self):
            return _assigned(**{sessions.CUDA: on_card, "CPUExecutionProvider": on_cpu})

    cards.plug_in(monkeypatch, Partly)
    with caplog.at_level(logging.INFO, "zsl_cli"):
        model = Model.load(paint, device="cuda")
    assert ("3 of its 4 operators run on the CPU" in caplog.text) is told
    assert ("(ConvInteger, Shape)" in caplog.text) is told
    left, nodes = sessions.left_on_cpu(model._session)
    assert (sorted(left.elements()), nodes) == (sorted(on_cpu), len(on_card) + len(on_cpu))


@pytest.fixture
def made_for_a_card():
    """The default's session with all that sessions on cards have, but for the card."""
    with pytest.warns(UserWarning, match="Duplicate provider"):
        return sessions._make_session(DEFAULT / "encoder.onnx", [
            ("CPUExecutionProvider", {}), "CPUExecutionProvider"], 1)


@pytest.mark.usefixtures("told_nodes")
def test_where_the_nodes_of_a_graph_run_is_told_and_weights_are_floats_there(made_for_a_card):
    left, nodes = sessions.left_on_cpu(made_for_a_card)
    assert left.total() == nodes > 50
    assert left["Conv"] > 20
    assert left["DequantizeLinear"] == left["QuantizeLinear"] > 20  # activations alone


def test_int8_in_floats_as_on_a_card_agrees_with_int8_in_integers(made_for_a_card, photographs):
    model = Model.load(device="cpu", threads=1)
    pixels = [model.read(photo) for photo in photographs]
    floats = sessions.run(made_for_a_card, {"images": np.stack(pixels)}, DEFAULT)
    assert (floats * model.embed_pixels(pixels)).sum(axis=1).min() > 0.999
