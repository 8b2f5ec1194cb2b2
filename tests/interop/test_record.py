"""`record` and `replay`: what is in the file is what torch computed, and torch is not needed to compare with it."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop, nn
from scratchnet.interop.packing import Packer, Thinned, unpack
from scratchnet.interop.reference import Reference
from scratchnet.interop.shipped import find
from scratchnet.vision.models import LeNet5, Perceptron
from tools import make_references

X = np.random.default_rng(0).standard_normal((4, 6))


def network(lib):
    return lib.nn.Sequential(lib.nn.Linear(6, 5), lib.nn.Dropout(0.5), lib.nn.LayerNorm(5), lib.nn.Linear(5, 2)).double()


@pytest.fixture
def recorded(tmp_path):
    theirs = network(torch)
    interop.record(theirs, X, tmp_path / "net.pt", seed=3)
    return theirs, tmp_path / "net.pt"


def test_replay_is_compare(recorded):
    theirs, path = recorded
    ours = network(scratchnet)
    assert interop.replay(ours, path).ok
    ours[2].eps = 1e-3
    played, compared = interop.replay(ours, path), interop.compare(ours, theirs, X, seed=3)
    assert str(played) == str(compared) and played.to_dict() == compared.to_dict()
    assert played.likely_cause.text == "eps is 0.001, torch's is 1e-05"


def test_ours_is_converted_and_not_changed(recorded):
    ours = network(scratchnet).float()
    before = ours[0].weight.array.copy()
    assert interop.replay(ours, str(recorded[1])).ok
    assert ours[0].weight.dtype == np.float32 and (ours[0].weight.array == before).all()


def test_the_file_is_a_checkpoint_with_what_torch_computed(recorded):
    theirs, path = recorded
    values = unpack(scratchnet.load(path))
    assert values["torch_version"] == torch.__version__.partition("+")[0] and values["seed"] == 3
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(values["state"][name], value.numpy())
    torch.manual_seed(3)
    y = theirs(torch.tensor(X))
    calls = values["observation"]["calls"]
    assert [call["kind"] for call in calls] == ["Sequential", "Linear", "Dropout", "LayerNorm", "Linear"]
    assert calls[3]["options"]["eps"] == 1e-5 and calls[2]["options"]["p"] == 0.5
    np.testing.assert_array_equal(calls[0]["outputs"][""], y.detach().numpy())
    y.backward(torch.tensor(values["observation"]["cotangents"][""]))
    for name, p in theirs.named_parameters():
        np.testing.assert_array_equal(values["observation"]["parameter_gradients"][name], p.grad.numpy())


def test_without_torch(recorded):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from scratchnet import interop, nn\n"
        "net = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.LayerNorm(5, eps=1e-3), nn.Linear(5, 2))\n"
        f"print(interop.replay(net, {str(recorded[1])!r}).likely_cause.text)\n"
        "print(interop.replay(nn.GRU(3, 4), 'gru').ok, *interop.references())\n"
        "try: interop.compare(nn.ReLU(), None, None)\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    cause, rest, refusal = out.splitlines()
    assert cause == "eps is 0.001, torch's is 1e-05" and rest.startswith("True attention batchnorm_eval")
    assert "pip install torch" in refusal and "replay" in refusal


def test_a_loss_is_kept_with_the_gradients_it_gave(tmp_path):
    def loss(y):
        return (y * y).mean()

    theirs = torch.nn.Linear(6, 3).double()
    interop.record(theirs, X, tmp_path / "a.pt", loss=loss)
    played = interop.replay(nn.Linear(6, 3), tmp_path / "a.pt")
    assert played.ok and "loss" not in {row.kind for row in played.rows}
    played = interop.replay(nn.Linear(6, 3), tmp_path / "a.pt", loss=loss)
    assert played.ok and "loss" in {row.kind for row in played.rows}
    y = theirs(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(next(r for r in played.rows if r.kind == "loss").theirs, (y * y).mean())
    np.testing.assert_allclose(next(r for r in played.rows if r.kind == "gradient").theirs, 2 * y / y.size)


def test_a_loss_needs_one_that_was_recorded(recorded):
    with pytest.raises(ValueError, match=r"net.pt was recorded without a loss"):
        interop.replay(network(scratchnet), recorded[1], loss=lambda y: y.sum())


def test_gradients_of_which_some_numbers_are_kept(tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 9), torch.nn.Linear(9, 2)).double()
    interop.record(theirs, X, tmp_path / "all.pt")
    interop.record(theirs, X, tmp_path / "some.pt", most=8)
    assert (tmp_path / "some.pt").stat().st_size < (tmp_path / "all.pt").stat().st_size
    ours = nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 2))
    assert interop.replay(ours, tmp_path / "some.pt").ok

    class Doubled(nn.Linear):
        def forward(self, x):
            return scratchnet.nn.functional.linear(x, 2 * self.weight - self.weight.detach(), self.bias)

    wrong = interop.replay(nn.Sequential(Doubled(6, 9), nn.Linear(9, 2)), tmp_path / "some.pt")
    assert str(wrong.first_difference) == "gradient of weight of 0 (Linear)"
    assert "constant factor of 2" in wrong.likely_cause.text
    with pytest.raises(ValueError, match="expected an integer most ≥ 1, got 0"):
        interop.record(theirs, X, tmp_path / "none.pt", most=0)


def test_a_failed_recording_leaves_the_old_file(recorded):
    theirs, path = recorded
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="shapes"):
        interop.record(theirs, X[:, :2], path)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["net.pt"]


def test_damaged_and_foreign_files(recorded, tmp_path):
    data = recorded[1].read_bytes()
    path = tmp_path / "bad.pt"
    for content in (b"", b"text", data[:100], data[: len(data) // 2], data[:-1]):
        path.write_bytes(content)
        with pytest.raises(interop.CheckpointError, match=r"cannot load .*bad.pt"):
            interop.replay(network(scratchnet), path)
    values = scratchnet.load(recorded[1])
    for foreign in (network(scratchnet).state_dict(), [1, 2], {"format": "scratchnet reference 0"}):
        interop.save(foreign, path)
        with pytest.raises(interop.CheckpointError, match=r"cannot replay .*interop.record did not write it"):
            interop.replay(network(scratchnet), path)
    for part in ("state", "observation", "seed"):
        interop.save({name: value for name, value in values.items() if name != part}, path)
        with pytest.raises(interop.CheckpointError, match=r"cannot replay .* it is no complete reference"):
            interop.replay(network(scratchnet), path)
    interop.save({**values, "observation": 5}, path)
    with pytest.raises(interop.CheckpointError, match="no complete reference"):
        interop.replay(network(scratchnet), path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("seed",), None), (("dtype",), "int8"), (("dtype",), "x"), (("modes",), {}), (("modes", ""), 3),
        (("frozen",), [3]), (("state", "0.weight"), [1, 2]), (("args",), {}), (("kwargs",), ()),
        (("observation", "calls"), []), (("observation", "calls", 0), {}), (("observation", "calls", 0, "kind"), None),
        (("observation", "calls", 1, "outputs", ""), "x"), (("observation", "calls", 1, "options"), {3: 4}),
        (("observation", "events", 0), (7, True)), (("observation", "events", 0), (0,)),
        (("observation", "parameter_gradients", "0.weight"), {"thinned": 3, "step": 1, "shape": [2]}),
        (("observation", "parameter_gradients", "0.bias", "step"), 7), (("observation", "loss"), 2.5),
    ],
)  # fmt: skip
def test_references_that_are_damaged_inside(place, value, recorded, tmp_path):
    theirs, path = recorded
    interop.record(theirs, X, path, most=3)
    values = holder = scratchnet.load(path)
    for key in place[:-1]:
        holder = holder[key]
    assert place[-1] in holder or type(holder) is list
    holder[place[-1]] = value
    interop.save(values, path)
    with pytest.raises(interop.CheckpointError, match=r"cannot replay .*net.pt: it is no complete reference \("):
        interop.replay(network(scratchnet), path)


def test_a_folder_does_not_hide_a_reference(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lstm").mkdir()
    assert interop.replay(nn.LSTM(3, 4, num_layers=2), "lstm").ok


def test_unknown_names_are_told_what_there_is():
    with pytest.raises(FileNotFoundError, match=r"no file lstn, .* come attention, .*lenet5, lenet5-1998, lstm"):
        interop.replay(nn.LSTM(3, 4), "lstn")


# ---- packing -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "array",
    [
        np.arange(-60, 60) / 64,
        np.r_[np.zeros(99), -0.0],
        np.r_[np.zeros(99), np.nan, np.inf],
        np.random.default_rng(0).standard_normal(100).astype(np.float32),
        np.zeros((10, 10), np.float32),
        np.arange(100.0) * 1000,
        np.arange(100),
        np.array(2.5),
        np.zeros((0, 3)),
    ],
)
def test_packing_loses_nothing(array):
    there = unpack(Packer()({"a": [array, (array, None)]}))
    for a in (there["a"][0], there["a"][1][0]):
        assert a.dtype == array.dtype and a.shape == array.shape
        assert a.tobytes() == array.tobytes()


def test_equal_arrays_are_packed_once():
    packed = Packer()([X, X.copy(), X[:2]])
    assert packed[0] is packed[1] and packed[2] is not packed[0]


def test_thinned_numbers_come_from_all_columns():
    thinned = Thinned.to(np.arange(400).reshape(40, 10), 40)
    assert thinned.shape == (40, 10) and thinned.values.size <= 40
    assert {v % 10 for v in thinned.values} == set(range(10))
    assert Thinned.to(X, 100) is X


# ---- what comes along ----------------------------------------------------------------------------------------
OURS = {
    "softmax": lambda: nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)),
    "conv2d": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
    "batchnorm_train": lambda: nn.BatchNorm2d(3),
    "batchnorm_eval": lambda: nn.BatchNorm2d(3).eval(),
    "layernorm": lambda: nn.LayerNorm(6),
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2),
    "gru": lambda: nn.GRU(3, 4),
    "attention": lambda: nn.MultiheadAttention(8, 2, batch_first=True),
    "lenet5": LeNet5,
    "lenet5-1998": lambda: LeNet5(activation=nn.Tanh, pooling=nn.AvgPool2d),
    "perceptron": Perceptron,
    "transformer": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
}


@pytest.mark.parametrize("name", OURS)
def test_our_layers_agree_with_the_shipped_references(name):
    comparison = interop.replay(OURS[name](), name)
    assert comparison.ok, str(comparison)
    assert {"output", "gradient", "gradient of input"} <= {row.kind for row in comparison.rows}


def test_references_are_listed_and_small():
    listed = interop.references()
    assert set(listed) == set(OURS) == set(make_references.MODELS)
    assert listed["lstm"] == "LSTM(3, 4, num_layers=2)\ncalled with float32 [5, 2, 3], in training mode"
    assert listed["transformer"].splitlines()[-3:] == [
        "TransformerEncoderLayer: norm_first=False",
        "self_attn: num_heads=2, batch_first=True",
        "called with float32 [2, 4, 8], in evaluation mode",
    ]
    assert listed["attention"].splitlines()[-2:] == [
        "MultiheadAttention: num_heads=2, batch_first=True",
        "called with query float32 [2, 3, 8], key float32 [2, 3, 8], value float32 [2, 3, 8], "
        "key_padding_mask bool [2, 3], in training mode",
    ]
    assert sum(path.stat().st_size for path in make_references.FOLDER.glob("*")) < 600_000


def numbers(value, place=""):
    """All arrays and other values of a reference, by place."""
    if isinstance(value, Thinned):
        value = value.values
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in numbers(item, f"{place}.{key}").items()}
    if isinstance(value, tuple | list):
        return {k: v for i, item in enumerate(value) for k, v in numbers(item, f"{place}[{i}]").items()}
    if hasattr(value, "__dataclass_fields__"):
        return numbers(vars(value), place)
    return {place: value}


def test_shipped_references_are_what_torch_gives_today(tmp_path):
    make_references.main(tmp_path)
    for name in make_references.MODELS:
        shipped, today = (numbers(Reference.load(path)) for path in (find(name), tmp_path / f"{name}.pt"))
        assert shipped.keys() == today.keys()
        for place, value in today.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(shipped[place], value, 1e-4, 1e-6, err_msg=f"{name}{place}")
            else:
                assert shipped[place] == value, f"{name}{place}"
