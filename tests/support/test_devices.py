"""How devices are spelt."""

import pytest

from zsl_cli.errors import RequestError
from zsl_cli.support import devices
from zsl_cli.support.devices import Device
from zsl_cli.support.values import check_device


@pytest.mark.parametrize(("text", "device"), [
    ("auto", Device("auto")), ("cpu", Device("cpu")), ("cuda", Device("cuda", 0)),
    ("cuda:0", Device("cuda", 0)), ("cuda:1", Device("cuda", 1)), ("cuda:15", Device("cuda", 15))])
def test_a_device_is_a_kind_and_a_number(text, device):
    check_device(text)
    assert devices.parse(text) == device
    assert devices.kind_of(str(device)) == device.kind
    assert devices.parse(str(device)) == device


@pytest.mark.parametrize("text", [
    "", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:01", "cuda:1.0", "cuda: 1", "cuda:1 ",
    "cuda:1\n", "cuda:\u0661", "cuda:N", "cpu:0", "auto:1", "cuda:999999", "tpu", None, 0, ["cpu"]])
def test_what_is_no_device_is_refused_with_what_is_one(text):
    assert devices.parse(text) is None
    with pytest.raises(RequestError, match=r"is one of auto, cpu, cuda, and not .*one is cuda:0"):
        check_device(text)
