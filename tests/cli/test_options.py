"""What the command line accepts, and how it says no."""

import subprocess
import sys

import pytest

from scratchnet.cli.options import DEFAULTS, explicit, parse


def test_only_what_was_given_is_there():
    args = parse(["train", "--epochs", "3", "--no-augment", "--name", "a"])
    assert explicit(args) == {"epochs": 3, "augment": False}
    assert args.name == "a" and not args.debug and not hasattr(args, "lr")


def test_every_setting_has_an_option():
    values = {
        "model": "perceptron",
        "data": "mnist:x",
        "optimizer": "sgd",
        "schedule": "step",
        "label_smoothing": "0.1",
    }
    argv = ["train"]
    for name in DEFAULTS:
        option = "--" + name.replace("_", "-")
        argv += [option] if name == "augment" else [option, values.get(name, "2")]
    assert explicit(parse(argv)).keys() == DEFAULTS.keys()


@pytest.mark.parametrize(
    "argv, message",
    [
        (["train", "--epoch", "3"], "unrecognized arguments: --epoch 3; did you mean --epochs?"),
        (["train", "--epochs", "0"], "argument --epochs: expected a whole number from 1 on, got '0'"),
        (["train", "--epochs", "1.5"], "expected a whole number from 1 on, got '1.5'"),
        (["train", "--lr", "-1"], "argument --lr: expected a number above 0, got '-1'"),
        (["train", "--lr", "nan"], "argument --lr: expected a number above 0, got 'nan'"),
        (["train", "--label-smoothing", "1"], "expected a number from 0 to 1, got '1'"),
        (["train", "--data", "cifar"], "expected mnist5k (comes along), mnist:FOLDER"),
        (["train", "--data", "mnist:"], "expected mnist5k (comes along), mnist:FOLDER"),
        (["train", "--model", "resnet"], "argument --model: invalid choice: 'resnet'"),
        (["train", "--name", "a/b"], "expected the name of a folder in the output folder, got 'a/b'"),
        (["train", "--seed", "-3"], "expected a whole number from 0 to 2**64 - 1, got '-3'"),
        (["predict", "runs/a"], "the following arguments are required: IMAGE"),
        (["trian"], "invalid choice: 'trian'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, argv, message):
    with pytest.raises(SystemExit) as stop:
        parse(argv)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and err.startswith("scratchnet") and not out


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        parse([])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(f"\n    {command} " in out for command in ("train", "evaluate", "predict"))


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom scratchnet.cli import main\n"
        "try:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numba', 'scipy', 'matplotlib', 'rich', 'PIL', 'torch') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--epochs N" in result.stdout and result.stdout.endswith("[]\n")
