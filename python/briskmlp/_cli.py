"""The console command `briskmlp`: what it can be told, and whom it asks to do it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__, _runtime, demos
from ._names import unknown_name


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="briskmlp", description="Multi-layer perceptrons from NumPy on a CPU."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

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
    demo.add_argument("--seed", type=_seed, default=0, help="of everything random: %(default)s")
    demo.add_argument("--quick", action="store_true", help="do less, for a first look")
    demo.add_argument(
        "--data", type=Path, metavar="DIR", help="where Fashion-MNIST's four files are (classify)"
    )

    commands.add_parser("info", help="show what the library was built with and runs on")
    commands.add_parser(
        "bench", help="time this machine; `briskmlp bench --help` says more", add_help=False
    )
    return parser


def _demo(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if args.name not in demos.DEMOS:
        parser.error(unknown_name("demo", args.name, demos.DEMOS))
    if args.plot and not args.plot.parent.is_dir():  # say so before the work, not after it
        parser.error(f"--plot: there is no folder {args.plot.parent}")
    options = demos.Options(plot=args.plot, seed=args.seed, quick=args.quick, data=args.data)
    try:
        demos.run(args.name, options)
    except OSError as error:  # no such data, say
        parser.exit(1, f"{parser.prog}: {error}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with arguments `argv`, by default the process's, and return its status."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "bench":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if args.command == "demo":
            _demo(parser, args)
        elif args.command == "info":
            _runtime.show_config()
        else:
            from .bench import command

            return command.main(rest)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
