"""`zoo rated`: is a rating good? Each item has a text and three numbers."""

from __future__ import annotations

import argparse
import json

from apps.answering import application, labels
from apps.reading import command_line, fields

FIELDS = (fields.Field("text", "the review"), fields.Field("stars", "three numbers, as JSON"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    fields.add_arguments(parser, FIELDS)
    application.add_arguments(parser, None, pictures=False)
    labels.add_arguments(parser)


def items(arguments: argparse.Namespace):
    for item in fields.items(arguments, FIELDS):
        payload = item.payload
        if not isinstance(payload, Exception):
            payload = {"text": payload["text"], "stars": json.loads(payload["stars"])}
        yield command_line.Item(item.name, payload)


def run(arguments: argparse.Namespace) -> int:
    return application.run(arguments, items, "rated", batch_size=8, kind=labels.Labels)
