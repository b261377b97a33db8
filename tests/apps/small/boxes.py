"""`zoo boxes`: a rectangle in each picture, one row a corner."""

from __future__ import annotations

import argparse

from apps.answering import application
from apps.pages.tab import Tab
from apps.reading import command_line
from tests.apps.small.plain import Plain


class Boxes(Plain):
    names = ("corner", "share")


TAB = Tab(task="box", preset="small-box", takes="picture", kind=Boxes, views=("text",), hint="A rectangle")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command_line.add_image_arguments(parser)
    application.add_arguments(parser, None, pictures=True)


def run(arguments: argparse.Namespace) -> int:
    return application.run(arguments, command_line.images, TAB.task, batch_size=8, kind=TAB.kind)
