"""Weights from one format to another, read back by the packages the formats come from."""

import numpy as np
import pytest
import safetensors.numpy
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.interop.converting import convert, state_dict_in
from scratchnet.interop.zoo import fitting
from scratchnet.nn.init_skipping import skipped
from scratchnet.text.models import G2P, BertModel
from scratchnet.vision import models

STATE = {
    "file": Tensor(np.arange(6, dtype=np.float32).reshape(2, 3).T),     # a name that numpy.savez takes for its own
    "bias ü": Tensor(np.float64([0.5, -2])),
    "half": Tensor(np.float16([1.5])),
    "steps": Tensor(np.array(7)),
    "mask": Tensor(np.array([True, False])),
    "bytes": Tensor(np.uint8([1, 255])),
    "none": Tensor(np.zeros((0, 3), np.float32)),
}  # fmt: skip
READERS = {
    ".npz": lambda path: dict(np.load(path)),
    ".safetensors": safetensors.numpy.load_file,
    ".pth": lambda path: {name: value.numpy() for name, value in torch.load(path, weights_only=True).items()},
}


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "state.pt"
    scratchnet.save(STATE, path)
    return path


@pytest.mark.parametrize("ending", READERS)
def test_formats_are_read_by_those_who_made_them(ending, checkpoint, tmp_path):
    target = tmp_path / f"out{ending}"
    assert convert(checkpoint, target) == len(STATE)
    back = tmp_path / "back.pt"
    convert(target, back)
    read, again = READERS[ending](target), scratchnet.load(back)
    assert read.keys() == again.keys() == STATE.keys()
    for name, tensor in STATE.items():
        for array in (read[name], again[name].array):
            assert array.dtype == tensor.array.dtype and array.shape == tensor.array.shape
            np.testing.assert_array_equal(array, tensor.array)


def test_numbers_begin_at_multiples_of_their_size(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "out.safetensors")
    data = (tmp_path / "out.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    assert size % 8 == 0
    for name, entry in safetensors.deserialize(data):
        begin = data.find(bytes(entry["data"]), 8 + size)
        assert begin % STATE[name].array.itemsize == 0


def test_nested_checkpoints(tmp_path):
    net, average = nn.Linear(2, 1).state_dict(), nn.Linear(2, 3).state_dict()
    source = tmp_path / "run.pt"
    scratchnet.save({"epoch": 3, "model": net, "seen": [Tensor(np.zeros(1))]}, source)
    assert convert(source, tmp_path / "net.npz") == 2
    assert convert(source, tmp_path / "all.pt") == 3 and scratchnet.load(tmp_path / "all.pt")["epoch"] == 3
    scratchnet.save({"model": net, "average": average}, source)
    assert convert(source, tmp_path / "net.pt", "average") == 2
    assert scratchnet.load(tmp_path / "net.pt")["weight"].shape == (3, 2)


@pytest.mark.parametrize(
    "value, target, key, message",
    [
        (STATE, "out.onnx", None, r"ends in .pt, .pth, .npz or .safetensors, got .*out.onnx"),
        ({"a": STATE, "b": STATE}, "out.npz", None, "several state dicts, choose a key: a, b"),
        ({"a": STATE}, "out.npz", "b", r"no key 'b': it has a \(OrderedDict\)|no key 'b': it has a \(dict\)"),
        ([1, 2], "out.npz", None, "no state dict, names of tensors and nothing else: it is a list"),
        ([1, 2], "out.npz", "a", "no key 'a': it is a list"),
        ({**STATE, "epoch": 3}, "out.npz", None, r"nothing else: it has epoch \(int\)$"),
        ({str(i): i for i in range(9)}, "out.npz", None, r"5 \(int\), …$"),
        ({}, "out.npz", None, "nothing else$"),
    ],
)
def test_refusals_write_nothing(value, target, key, message, tmp_path):
    scratchnet.save(value, tmp_path / "in.pt")
    with pytest.raises(ValueError, match=message):
        convert(tmp_path / "in.pt", tmp_path / target, key)
    assert [path.name for path in tmp_path.iterdir()] == ["in.pt"]


def test_safetensors_knows_no_such_dtype(tmp_path):
    np.savez(tmp_path / "in.npz", wide=np.uint16([1]))
    with pytest.raises(ValueError, match="wide has dtype uint16, which .safetensors does not know"):
        convert(tmp_path / "in.npz", tmp_path / "out.safetensors")


def test_the_only_state_dict_is_found():
    assert state_dict_in(STATE) == STATE
    assert state_dict_in({"epoch": 3, "state_dict": STATE}).keys() == STATE.keys()


def test_which_network_fits(monkeypatch):
    few = ["LeNet5", "MobileNetV2", "Perceptron", "ResNet", "mobilenet_v2", "resnet18"]
    monkeypatch.setattr(models, "__all__", few)
    for make, options, expected in (
        (models.mobilenet_v2, {}, "vision.models.MobileNetV2()"),
        (models.resnet18, {"num_classes": 7}, "vision.models.resnet18(num_classes=7)"),
        (models.LeNet5, {"num_classes": 3}, "vision.models.LeNet5(num_classes=3)"),
        (models.mobilenet_v2, {"width_mult": 0.35}, None),
        (BertModel, BERT, f"text.models.BertModel({', '.join(f'{key}={value}' for key, value in BERT.items())})"),
        (G2P, {}, "text.models.G2P()"),
        (nn.Linear, {"in_features": 2, "out_features": 3}, None),
    ):
        with skipped():
            state_dict = make(**options).state_dict()
        wrapped = {f"module.{key}": value for key, value in sorted(state_dict.items()) if "num_batches" not in key}
        assert fitting(wrapped) == expected
    assert fitting({}) is None and fitting(STATE) is None
    lenet = models.LeNet5().state_dict()
    assert fitting({**lenet, "fc3.bias": Tensor(np.array(1.0))}) is None
    assert fitting({**lenet, "fc3.bias": Tensor(np.zeros(11))}) is None


BERT = {
    "vocab_size": 9, "hidden_size": 24, "num_hidden_layers": 2, "intermediate_size": 5, "max_position_embeddings": 7,
    "type_vocab_size": 3,
}  # fmt: skip
