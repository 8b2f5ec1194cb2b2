"""Checkpoints that torch reads, restricted to weights."""

import io
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

import scratchnet
from tests.interop import files
from tests.interop.test_loading import assert_same


def saved(value):
    file = io.BytesIO()
    scratchnet.save(value, file)
    return file.getvalue()


def both(value):
    """What torch and what we read of it."""
    data = saved(value)
    return torch.load(io.BytesIO(data), weights_only=True), scratchnet.load(io.BytesIO(data))


def test_everything_goes_to_torch_and_back():
    value = files.everything()
    value["kinds"] = value["kinds"][:-1]  # torch reads no complex numbers of weights_only
    del value["numpy"]
    ours = scratchnet.load(io.BytesIO(files.saved(value)))
    theirs, again = both(ours)
    assert_same(again, theirs)
    assert_same(ours, theirs)


@pytest.mark.parametrize("dtype", [d for d in files.KINDS if d != torch.bfloat16], ids=str)
def test_every_dtype(dtype):
    x = torch.tensor([[0, 1], [3, 100]]).to(dtype)
    theirs, again = both(scratchnet.Tensor(x.numpy()))
    assert torch.equal(theirs, x) and theirs.dtype == dtype
    assert_same(again, x)


def test_views_share_memory_again_and_no_more_of_it_is_written():
    x = scratchnet.arange(1000.0).reshape(10, 100)
    views = [x[2:4, :3], x[3, ::2], x.T[:2, 2:], x[:, :0], x[5]]
    for loaded in both(views):
        assert [v.tolist() for v in loaded] == [v.tolist() for v in views]
        loaded[1][0] = -1
        assert loaded[0][1, 0].item() == -1 and loaded[2][0, 1].item() == -1 and loaded[4][0].item() == 500
    assert len(saved(views)) < 6000


def test_what_torch_cannot_say_is_copied():
    flipped, swapped = np.arange(3.0)[::-1], np.arange(3, dtype=">f4")
    fields = np.zeros(3, [("a", "f4"), ("b", "i2")])["a"]
    for loaded in both([scratchnet.Tensor(x) for x in (flipped, swapped, fields)]):
        assert [v.tolist() for v in loaded] == [[2, 1, 0], [0, 1, 2], [0, 0, 0]]


def test_the_same_object_stays_the_same():
    x, inner = scratchnet.ones(2), [1]
    for a, b, c, d in both([x, x, inner, inner]):
        assert a is b and c is d


def test_a_network_and_its_optimizer():
    reference = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    stepped = torch.optim.Adam(reference.parameters())
    reference(torch.randn(4, 2)).sum().backward()
    stepped.step()
    state = {"net": reference.state_dict(), "optimizer": stepped.state_dict(), "epoch": 3}
    ours = scratchnet.load(io.BytesIO(files.saved(state)))
    net = scratchnet.nn.Sequential(scratchnet.nn.Linear(2, 3), scratchnet.nn.BatchNorm1d(3))
    optimizer = scratchnet.optim.Adam(net.parameters())
    net.load_state_dict(ours["net"])
    optimizer.load_state_dict(ours["optimizer"])
    theirs, _ = both({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": np.int64(3)})
    assert type(theirs["net"]) is OrderedDict and theirs["net"]._metadata[""] == {"version": 1}
    assert_same(scratchnet.load(io.BytesIO(files.saved(theirs))), theirs)
    torch.testing.assert_close(theirs["net"], reference.state_dict(), rtol=0, atol=0)
    reference.load_state_dict(theirs["net"])
    stepped.load_state_dict(theirs["optimizer"])


def test_records_lie_where_torchs_do():
    data = saved([scratchnet.ones(3), scratchnet.ones(5)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
            assert (info.header_offset + 30 + name + extra) % 64 == 0
        assert archive.read("archive/byteorder") in (b"little", b"big") and archive.read("archive/version") == b"3\n"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [object()]}, TypeError, r"object at the object\['a'\]\[0\]"),
        (np.ones(2), TypeError, "make a Tensor of it"),
        (lambda: 0, TypeError, "function"),
        (scratchnet.Tensor(np.ones(2, np.uint16)), TypeError, "uint16"),
        (np.dtype("u2"), TypeError, "uint16"),
        (2**3000, ValueError, "3001 bits"),
    ],
)
def test_what_is_refused(value, error, message, tmp_path):
    path = tmp_path / "x.pt"
    path.write_text("old")
    with pytest.raises(error, match=message):
        scratchnet.save(value, path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_structures_that_are_refused():
    deep = loop = []
    for _ in range(300):
        deep = [deep]
    loop.append(loop)
    with pytest.raises(ValueError, match="nested deeper|contains itself"):
        saved(deep)
    with pytest.raises(ValueError, match="contains itself"):
        saved(loop)
    x = np.ones(4, np.float32)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([scratchnet.Tensor(x), scratchnet.Tensor(x.view(np.int32))])
    with pytest.raises(AttributeError, match="got int"):
        scratchnet.save(1, 2)


def test_a_file_by_its_path(tmp_path):
    path = tmp_path / "x.pt"
    scratchnet.save(Counter("aab"), path)
    assert torch.load(path, weights_only=True) == scratchnet.load(path) == Counter("aab")
    torch.save(torch.ones(2, requires_grad=True), path)
    assert scratchnet.load(str(path)).requires_grad
