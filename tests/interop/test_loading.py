"""Checkpoints of torch's, read without it."""

import io
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop
from tests.interop import files

LEGACY = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


def load(data, **options):
    return scratchnet.load(io.BytesIO(data), **options)


def assert_same(ours, theirs):
    """The same structure with the same numbers; bfloat16 as float32."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(
            ours, scratchnet.nn.Parameter if isinstance(theirs, torch.nn.Parameter) else scratchnet.Tensor
        )
        expected = theirs.detach()
        expected = expected.float() if expected.dtype == torch.bfloat16 else expected
        assert ours.array.dtype == expected.numpy().dtype and ours.requires_grad == theirs.requires_grad
        np.testing.assert_array_equal(ours.array, expected.numpy())
        if theirs.numel() > 1:
            assert ours.stride() == theirs.stride()
    elif isinstance(theirs, np.ndarray | np.generic):
        assert type(ours) is type(theirs) and ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    elif isinstance(theirs, torch.Size):
        assert type(ours) is scratchnet.Size and tuple(ours) == tuple(theirs)
    elif isinstance(theirs, torch.device):
        assert str(ours) == str(theirs)
    elif isinstance(theirs, torch.dtype):
        assert ours is getattr(scratchnet, str(theirs).removeprefix("torch."))
    else:
        assert type(ours) is type(theirs)
        if isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            assert_same(list(ours.values()), list(theirs.values()))
            assert_same(getattr(ours, "_metadata", None), getattr(theirs, "_metadata", None))
        elif isinstance(theirs, list | tuple):
            assert len(ours) == len(theirs)
            for mine, other in zip(ours, theirs, strict=True):
                assert_same(mine, other)
        else:
            assert ours == theirs


@LEGACY
def test_everything_that_torch_saves_comes_back(legacy):
    value = files.everything()
    assert_same(load(files.saved(value, legacy)), value)


@pytest.mark.parametrize("map_location", ["cpu", "cuda:0", {"cuda:0": "cpu"}, lambda storage, location: storage,
                                          torch.device("cpu")])  # fmt: skip
def test_any_map_location_means_the_cpu(map_location):
    assert load(files.saved(torch.ones(2)), map_location=map_location, weights_only=False).device == "cpu"


@LEGACY
def test_storages_from_elsewhere_come_to_the_cpu(legacy):
    data = files.saved(torch.ones(2), legacy).replace(b"X\x03\x00\x00\x00cpu", b"X\x03\x00\x00\x00mps")
    if not legacy:
        data = files.zipped(files.tensor().replace(b"cpu", b"mps") + b".", [bytes(16)])
    assert load(data).device == "cpu"


@LEGACY
def test_shared_storages_stay_shared_and_own_ones_their_own(legacy):
    x = torch.arange(6.0)
    whole, part, other = load(files.saved([x, x[2:4], x.clone()], legacy))
    whole.array[3] = 70
    assert part.tolist() == [2, 70] and other.tolist() == [0, 1, 2, 3, 4, 5]
    twice = torch.ones(1)
    a, b = load(files.saved([twice, twice], legacy))
    assert a is b


@pytest.mark.parametrize("dtype", files.KINDS, ids=str)
def test_big_endian_files(dtype):
    """By hand: torch writes the order of the machine that it runs on."""
    x = torch.tensor([1, 0, 3, 200][: 2 if dtype == torch.bool else 3]).to(dtype)
    kind = f"{files.KINDS[dtype]}Storage"
    size = x.element_size()
    stored = x.view(torch.uint8).numpy().reshape(-1, size)[:, ::-1].tobytes()
    pickle = files.tensor(len(x), shape=(len(x),), kind=kind) + b"."
    data = files.zipped(pickle, [stored], byteorder=b"big")
    assert_same(load(data), x)
    assert torch.equal(torch.load(io.BytesIO(data), weights_only=True), x)


@LEGACY
def test_strides_of_dimensions_of_one(legacy):
    """Of a convolution with one input channel; those of `permute`, too."""
    for x in (torch.ones(4, 1, 3, 3), torch.ones(1, 3, 2).permute(2, 0, 1), torch.ones(1).as_strided((1, 1), (70, 9))):
        assert load(files.saved(x, legacy)).stride() == x.stride()


def test_views_of_storages_in_the_legacy_stream():
    """Files of before 0.4 say that a storage is a part of another."""
    whole = files.saved(torch.arange(6.0), legacy=True)
    begin = whole.index(b"cpu") + 3
    at = whole.index(b"K\x06N", begin)  # number of elements, no view
    view = b"K\x06(" + files.text("other") + b"K\x02K\x03t"
    data = whole[:at] + view + whole[at + 3 :].replace(b"K\x06\x85", b"K\x03\x85", 1)
    assert load(data).tolist() == [2, 3, 4]
    with pytest.raises(interop.CheckpointError, match="reaches element 7"):
        load(data.replace(b"K\x02K\x03t", b"K\x04K\x03t", 1))


def test_ordered_dicts_of_pairs():
    """As Python 2 wrote them: the pairs are the argument."""
    pairs = b"](" + b"".join(b"](" + files.text(name) + b"K" + bytes([n]) + b"e" for n, name in enumerate("ba")) + b"e"
    data = files.zipped(files.call("collections.OrderedDict", pairs) + b".")
    assert load(data) == torch.load(io.BytesIO(data), weights_only=True) == OrderedDict(b=0, a=1)


def test_a_file_is_read_from_where_it_stands():
    file = io.BytesIO(b"before" + files.saved(torch.ones(2)))
    file.seek(6)
    assert scratchnet.load(file).tolist() == [1, 1]


def test_checksums_that_torch_was_told_not_to_write():
    torch.serialization.set_crc32_options(False)
    try:
        data = files.saved(torch.ones(2))
    finally:
        torch.serialization.set_crc32_options(True)
    assert load(data).tolist() == [1, 1]


@pytest.mark.parametrize("mmap", [None, True, False])
def test_a_mapped_file_is_not_changed_by_what_is_done_to_the_tensors(tmp_path, mmap):
    path = tmp_path / "x.pt"
    torch.save(torch.ones(3), path)
    x = scratchnet.load(path, mmap=mmap)
    with scratchnet.no_grad():
        x.mul_(2)
    assert x.tolist() == [2, 2, 2] and torch.load(path).tolist() == [1, 1, 1]
    root = x.array
    while isinstance(root.base, np.ndarray):
        root = root.base
    assert isinstance(root, np.memmap) == bool(mmap)


def test_large_files_are_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr("scratchnet.interop.loading._MAPPED_FROM", 100)
    path = tmp_path / "x.pt"
    path.write_bytes(files.saved(torch.ones(3)))
    x = scratchnet.load(path)
    assert not x.array.flags.owndata and x.tolist() == [1, 1, 1]
    path.write_bytes(path.read_bytes().replace(struct.pack("<f", 1), struct.pack("<f", 2), 1))
    with pytest.raises(interop.CheckpointError, match="checksum differs"):
        scratchnet.load(path)
    assert scratchnet.load(path, mmap=True).tolist() == [2, 1, 1]


def test_what_cannot_be_mapped(tmp_path):
    with pytest.raises(ValueError, match="must be a file path"):
        load(files.saved(1), mmap=True)
    (tmp_path / "old.pt").write_bytes(files.saved(1, legacy=True))
    with pytest.raises(interop.CheckpointError, match="mmap can only"):
        scratchnet.load(tmp_path / "old.pt", mmap=True)
    with pytest.raises(FileNotFoundError):
        scratchnet.load(tmp_path / "none.pt")
    with pytest.raises(AttributeError, match="got int"):
        scratchnet.load(3)


def test_checkpoints_of_the_trainer(tmp_path):
    scratchnet.training.checkpoint.save(tmp_path / "x.ckpt", {"epoch": 3})
    assert scratchnet.load(tmp_path / "x.ckpt") == {"epoch": 3}
    assert interop.CheckpointError is scratchnet.training.CheckpointError
