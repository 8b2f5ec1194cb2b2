"""`scratchnet compare`"""

import json
import sys

import pytest

from scratchnet.cli import main
from scratchnet.cli.options import MODELS, parse

OURS = """
from scratchnet import nn

def right():
    return nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4), nn.Dropout(0.5), nn.Linear(4, 2))

def wrong():
    net = right()
    net[1].eps = 1e-3
    return net

class Net(nn.Linear):
    def __init__(self):
        super().__init__(6, 4)

def raising():
    raise OSError("no data\\nat all")

def needing(size):
    return nn.Linear(size, size)

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(6, 4))

    def forward(self, x):
        return self.inner(x[:, :5])

instance = nn.LSTM(3, 4, num_layers=2)
number = 3
"""
THEIRS = """
from torch import nn

def net():
    return nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4), nn.Dropout(0.5), nn.Linear(4, 2))

class Net(nn.Linear):
    def __init__(self):
        super().__init__(6, 4)

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(6, 4))

    def forward(self, x):
        return self.inner(x)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "compared_ours.py").write_text(OURS)
    (tmp_path / "compared_theirs.py").write_text(THEIRS)
    (tmp_path / "compared_broken.py").write_text("x = (")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("compared_ours", "compared_theirs"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_the_zoo(model, capsys):
    assert main(["compare", model]) == 0
    assert "no difference" in capsys.readouterr().out


def test_the_table(capsys):
    assert main(["compare", "lenet5"]) == 0
    out = capsys.readouterr().out
    assert "activation #4  ReLU" in out and "no difference: 58 arrays agree" in out


def test_models_of_ones_own(capsys):
    argv = ["--with", "compared_theirs:net", "--input", "2x5:9", "--dtype", "float64", "--train"]
    assert main(["compare", "compared_ours:right", *argv]) == 0
    assert "training mode" in capsys.readouterr().out
    assert main(["compare", "compared_ours:wrong", *argv, "--quiet"]) == 1
    assert capsys.readouterr().out == (
        "first difference: output of 1 (LayerNorm)\n"
        "likely cause: eps is 0.001, torch's is 1e-05: output equals that of LayerNorm with eps=0.001\n"
    )
    assert main(["compare", "compared_ours:Net", "--with", "compared_theirs:Net", "--input", "2x6"]) == 0
    assert "float32, seed 0, evaluation mode" in capsys.readouterr().out


def test_the_same_each_time(capsys):
    """Models of torch's draw their weights from the seed."""
    argv = ["compare", "compared_ours:wrong", "--with", "compared_theirs:net", "--input", "2x5:9"]
    tables = [(main(argv), capsys.readouterr().out)[1] for _ in range(2)]
    assert tables[0] == tables[1]
    main([*argv, "--seed", "5"])
    assert capsys.readouterr().out not in tables


def test_without_torch(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["compare", "compared_ours:right", "--with", "compared_theirs:net", "--input", "2x5:9"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("scratchnet: error: comparing with a module of torch's needs torch") and err.count("\n") == 1
    assert main(["compare", "compared_ours:instance", "--reference", "lstm"]) == 0


def test_json(capsys):
    argv = ["--with", "compared_theirs:net", "--input", "2x5:9", "--json", "--seed", "4"]
    assert main(["compare", "compared_ours:wrong", *argv]) == 1
    found = json.loads(capsys.readouterr().out)
    row = found["rows"][found["first_difference"]]
    assert (row["layer"], row["what"], row["problem"]) == ("1", "output", "differs")
    assert not found["ok"] and found["causes"][0]["cause"] == "eps is 0.001, torch's is 1e-05"


def test_record_and_reference(tmp_path, capsys):
    argv = ["--with", "compared_theirs:net", "--input", "2x5:9", "--record", "net.pt"]
    assert main(["compare", "compared_ours:right", *argv]) == 0
    assert main(["compare", "compared_ours:right", "--reference", "net.pt"]) == 0
    assert main(["compare", "compared_ours:wrong", "--reference", "net.pt"]) == 1
    assert main(["compare", "compared_ours:instance", "--reference", "lstm", "--quiet"]) == 0
    assert capsys.readouterr().out.endswith("no difference: 16 arrays agree\n")


def test_on_a_terminal_it_has_colours(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    argv = ["--with", "compared_theirs:net", "--input", "2x5:9"]
    assert main(["compare", "compared_ours:wrong", *argv]) == 1
    out = capsys.readouterr().out
    assert "\x1b[1;31m" in out and "likely cause: eps is 0.001" in out


def test_weights_that_do_not_fit(capsys):
    assert main(["compare", "compared_ours:Net", "--reference", "lstm"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(
        "scratchnet: error: the weights do not fit compared_ours:Net, which needs the names and shapes of torch's model\n"
        "\nkey "
    )
    assert "weight_ih_l0" in err and "unexpected" in err and "missing" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["lenet6"], "expected lenet5, lenet5-1998, perceptron or package.module:factory, got 'lenet6'"),
        (["compared_ours:Net"], "what is compared_ours:Net to be compared with? --with FACTORY names torch's model"),
        (["compared_ours:none", "--reference", "lstm"], "compared_ours has no none"),
        (["nowhere_to_be:found", "--reference", "lstm"], "cannot import nowhere_to_be: No module named"),
        (["compared_ours:number", "--reference", "lstm"], "compared_ours:number gives int, expected a scratchnet.nn"),
        (["compared_theirs:net", "--reference", "lstm"], "gives torch.nn.modules.container.Sequential, expected a scr"),
        (["compared_ours:raising", "--reference", "lstm"], "compared_ours:raising() raises OSError: no data at all"),
        (["compared_ours:needing", "--reference", "lstm"], "compared_ours:needing() raises TypeError: needing() missing 1"),
        (["compared_broken:net", "--reference", "lstm"], "cannot import compared_broken: SyntaxError: "),
        (["compared_ours:Net", "--with", "compared_ours:Net", "--input", "2x6"], "theirs must be a torch.nn.Module, got"),
        (["compared_ours:Deep", "--with", "compared_theirs:Deep", "--input", "2x5"],
         "(in inner.0 (Linear) of the model of torch)"),
        (["compared_ours:Deep", "--with", "compared_theirs:Deep", "--input", "2x6"], "(in inner.0 (Linear) of our model)"),
        (["compared_ours:Net", "--with", "compared_theirs:Net"], "--with needs --input: the shape"),
        (["compared_ours:Net", "--reference", "lstm", "--input", "2x3"], "--input goes together with --with"),
        (["compared_ours:Net", "--reference", "lstn"], "there is no file lstn, and no reference of that name"),
        (["compared_ours:Net", "--reference", "compared_ours.py"], "cannot load compared_ours.py"),
    ],
)
def test_errors_are_one_line(argv, message, capsys):
    assert main(["compare", *argv]) == 1
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and err.startswith("scratchnet: error: ") and not out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a:b", "--input", "2y3"], "argument --input: expected a shape as 2x3x8, or 2x7:100"),
        (["a:b", "--input", "2x3:0"], "argument --input: expected a shape as 2x3x8, or 2x7:100"),
        (["a:b", "--with", "c:d", "--reference", "e"], "not allowed with argument --with"),
        (["a:b", "--dtype", "int8"], "argument --dtype: invalid choice: 'int8'"),
        ([], "the following arguments are required: MODEL"),
    ],
)
def test_wrong_usage(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["compare", *argv])
    assert stop.value.code == 2 and message in capsys.readouterr().err
