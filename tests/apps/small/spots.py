"""`zoo spots`: numbers as those of the training, drawn from seeds and from no item."""

from __future__ import annotations

import argparse

from apps.answering import application
from apps.reading.command_line import Item
from tests.apps.small.plain import Plain


class Spots(Plain):
    names = ("numbers",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    application.add_arguments(parser, None, pictures=False)


def run(arguments: argparse.Namespace) -> int:
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    return application.run(
        arguments, lambda _: iter([Item(f"seed {n}", n) for n in seeds]), "spots", batch_size=8, kind=Spots
    )
