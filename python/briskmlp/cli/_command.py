"""The console command `briskmlp`: what it can be told, and whom it asks to do it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__, _runtime, demos
from .. import _briskmlp_core as core
from .._names import unknown_name
from . import _training, _using
from ._model import TableModel
from ._tables import read_table
from ._target import TASKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What may be wrong with files, data and installation: an error of one line.
FAILURES = (OSError, ValueError, ImportError, ArithmeticError, MemoryError)
DEFAULTS = _training.Recipe("")


# --- Values ------------------------------------------------------------------------------------


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _widths(text: str) -> list[int]:
    return [_positive(part.strip()) for part in text.split(",")] if text.strip() else []


def _share(text: str) -> float:
    value = _rate(text)
    if value > 0.5:
        raise argparse.ArgumentTypeError(f"expected a share of at most 0.5, got {text!r}")
    return value


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


# --- Commands ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="briskmlp", description="Multi-layer perceptrons from NumPy on a CPU."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_train(commands)
    _add_predict(commands)

    inspect = commands.add_parser("inspect", help="show what a trained model is")
    inspect.add_argument("model", type=Path, help="a file that `briskmlp train` saved")

    _add_demo(commands)
    commands.add_parser("info", help="show what the library was built with and runs on")
    commands.add_parser(
        "bench", help="time this machine; `briskmlp bench --help` says more", add_help=False
    )
    return parser


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on a table",
        description="Train a network to predict a column of a table from the others, and save it.",
    )
    train.add_argument("data", type=Path, help="a file: CSV, Parquet or NPZ")
    train.add_argument("--target", required=True, metavar="COLUMN", help="what to predict")
    train.add_argument(
        "--task", choices=TASKS, help="default: by the target, and the output says why"
    )
    train.add_argument(
        "--output", "-o", type=Path, default=Path("model.npz"), metavar="PATH",
        help="where to save the model: %(default)s",
    )  # fmt: skip
    train.add_argument("--plot", type=Path, metavar="PATH", help="where to save a plot of training")
    train.add_argument(
        "--drop", default="", metavar="A,B", help="columns to leave out, separated by commas"
    )
    train.add_argument(
        "--hidden", type=_widths, default=list(DEFAULTS.hidden), metavar="N,N",
        help="widths of the hidden layers: 64,64",
    )  # fmt: skip
    train.add_argument(
        "--norm", choices=[*core.norm_names(), "batch"], help="of what hidden layers pass on: none"
    )
    train.add_argument(
        "--residual", action="store_true", help="hidden layers of equal width add their inputs"
    )
    for name, kind, text in (
        ("epochs", _positive, "at most so many times through the rows"),
        ("patience", _positive, "epochs without progress before the end"),
        ("batch-size", _positive, "rows in a step"),
        ("learning-rate", _rate, "of Adam"),
        ("holdout", _share, "share of the rows to judge by"),
        ("max-categories", _positive, "inputs for a column of text, at most"),
        ("seed", _whole, "of everything random"),
    ):
        default = getattr(DEFAULTS, name.replace("-", "_"))
        label = name.split("-")[-1].upper()
        train.add_argument(
            f"--{name}", type=kind, default=default, metavar=label, help=f"{text}: %(default)s"
        )


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    predict = commands.add_parser(
        "predict",
        help="ask a trained model about a table",
        description="Write a CSV with an answer for each row; for classes also probabilities.",
    )
    predict.add_argument("model", type=Path, help="a file that `briskmlp train` saved")
    predict.add_argument("data", type=Path, help="a file with the columns it was trained on")
    predict.add_argument(
        "--output", "-o", type=Path, metavar="PATH", help="default: standard output"
    )


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo",
        help="see what networks do",
        description="Run a demo, which explains what it shows and saves a plot.",
        epilog="\n".join(
            ["demos:", *(f"  {name:<13}{text}" for name, text in demos.DEMOS.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument("name", nargs="?", default=demos.DEFAULT, help="default: %(default)s")
    demo.add_argument(
        "--plot", type=Path, metavar="PATH", help="where to save the plot: briskmlp_NAME.png"
    )
    demo.add_argument("--seed", type=_whole, default=0, help="of everything random: %(default)s")
    demo.add_argument("--quick", action="store_true", help="do less, for a first look")
    demo.add_argument(
        "--data", type=Path, metavar="DIR", help="where Fashion-MNIST's four files are (classify)"
    )


def _say(text: str) -> None:
    print(text, flush=True)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _figure() -> Figure:
    """An empty figure; an error if there can be none comes before the work."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("--plot needs matplotlib: pip install 'briskmlp[cli]'") from error
    return Figure(figsize=(7, 4), layout="constrained")


def _train(args: argparse.Namespace) -> int:
    recipe = _training.Recipe(
        target=args.target,
        task=args.task,
        drop=[name.strip() for name in args.drop.split(",") if name.strip()],
        hidden=args.hidden,
        norm=args.norm,
        residual=args.residual,
        epochs=args.epochs,
        patience=args.patience,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        holdout=args.holdout,
        max_categories=args.max_categories,
        seed=args.seed,
    )
    figure = _figure() if args.plot else None
    table = read_table(args.data)
    rows = len(next(iter(table.values())))
    _say(f"{args.data.name}: {rows:,} rows, {len(table):,} columns")
    trained = _training.train(table, recipe, _say)
    trained.model.save(args.output)
    _say(f"saved      {args.output}")
    if figure is not None:
        trained.history.plot(figure.subplots())
        figure.savefig(args.plot, dpi=120)
        _say(f"           {args.plot}")
    return 130 if trained.interrupted else 0


def _predict(args: argparse.Namespace) -> int:
    model = TableModel.load(args.model)
    table = read_table(args.data, as_text=model.text_columns)
    predictions = model.predict(table)
    if args.output is None:
        _using.write_predictions(model.target, predictions, sys.stdout)
    else:
        with args.output.open("w", encoding="utf-8", newline="") as stream:
            _using.write_predictions(model.target, predictions, stream)
        _note(f"{len(predictions):,} predictions of {model.target.name} in {args.output}")
    _using.say_unknown(model, table, _note)
    _using.say_scores(model.target, table, predictions, _note)
    return 0


def _inspect(args: argparse.Namespace) -> int:
    _using.inspect(TableModel.load(args.model), _say)
    return 0


def _demo(args: argparse.Namespace) -> int:
    demos.run(
        args.name,
        demos.Options(plot=args.plot, seed=args.seed, quick=args.quick, data=args.data),
    )
    return 0


def _info(_: argparse.Namespace) -> int:
    _runtime.show_config()
    return 0


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "predict": _predict,
    "inspect": _inspect,
    "demo": _demo,
    "info": _info,
}


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot work, before the work."""
    if args.command == "demo" and args.name not in demos.DEMOS:
        parser.error(unknown_name("demo", args.name, demos.DEMOS))
    for name in ("output", "plot"):
        path = getattr(args, name, None)
        if path is None:
            continue
        if not path.parent.is_dir():
            parser.error(f"--{name}: there is no folder {path.parent}")
        for read in (getattr(args, other, None) for other in ("data", "model")):
            if read is not None and path.exists() and read.exists() and path.samefile(read):
                parser.error(f"--{name}: {path} is read too, and would be lost")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with arguments `argv`, by default the process's, and return its status."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "bench":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    _check(parser, args)
    try:
        if args.command == "bench":
            from ..bench import command

            return command.main(rest)
        return RUN[args.command](args)
    except KeyboardInterrupt:
        _note("interrupted")
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FAILURES as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
