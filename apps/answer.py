"""The road that all answering applications share: items in, a preset's answers out, as they come.

An application is a file that says which preset and which items it takes, and hands both to `run`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator

from apps import inputs, results
from zoo.errors import UserError


def add_arguments(parser: argparse.ArgumentParser, preset: str, pictures: bool) -> None:
    """Adds what every answering application takes: the preset, and how answers are shown."""
    parser.add_argument(
        "--model", metavar="PRESET|FOLDER", default=preset, help="the preset that answers (default: %(default)s)"
    )
    results.add_arguments(parser, pictures)
    parser.add_argument("--top", metavar="K", type=int, default=5, help="best labels to give (default: %(default)s)")
    parser.add_argument(
        "--threshold", metavar="P", type=float, default=0.0, help="give no label below this probability, 0 to 1"
    )


def run(arguments: argparse.Namespace, items: Iterator[inputs.Item], task: str, batch_size: int) -> int:
    """Answers all items.

    Args:
        arguments: What the person asked for.
        items: Lazy; read ahead in a thread.
        task: The kind of preset that the application needs.
        batch_size: Items that go through the model at a time.

    Returns:
        The exit status: 0, or 1 where some item failed.
    """
    if arguments.top < 1:
        raise UserError(f"--top: expected a whole number of at least 1, got {arguments.top}")
    if not 0 <= arguments.threshold <= 1:
        raise UserError(f"--threshold: expected a probability from 0 to 1, got {arguments.threshold:g}")
    if sys.stdout is None and not arguments.csv_out:
        raise UserError("stdout is closed; answers can also go to a file: --csv-out F")
    config = _config(arguments.model, task)
    with contextlib.ExitStack() as stack:
        writers = _writers(arguments, config, stack)
        tick = stack.enter_context(_progress(arguments))
        import zoo

        answerer = zoo.load(arguments.model)
        count = failed = 0
        for batch in inputs.batches(items, batch_size):
            try:
                for item, result in zip(batch, answerer.predict(map(inputs.opened, batch), batch_size), strict=True):
                    if result.error is None:
                        result = result.limit(arguments.top, arguments.threshold)
                    failed += result.error is not None
                    for writer in writers:
                        writer.write(count, item, result)
                    count += 1
            finally:  # what is answered is said, whatever stopped the rest
                for writer in writers:
                    writer.flush()
            tick(len(batch))
    if failed:
        print(f"zoo: {failed:,} of {count:,} items failed", file=sys.stderr)
    return 1 if failed else 0


def _config(model: str, task: str) -> dict:
    """The preset's configuration, read before anything heavy is loaded."""
    from zoo import preset

    config = preset.read_config(preset.find(model))
    if config["task"] != task:
        raise UserError(f"{model} is a preset for {config['task']}; this application needs one for {task}")
    return config


def _writers(arguments: argparse.Namespace, config: dict, stack: contextlib.ExitStack) -> list:
    writers = []
    if arguments.csv_out:
        stream = stack.enter_context(results.replacing(arguments.csv_out))
        writers.append(results.CsvFile(stream, results.columns(min(arguments.top, len(config["labels"])))))
    elif arguments.json or not results.is_terminal(sys.stdout):
        writers.append(results.JsonLines())
    else:
        print(results.introduce(config["name"], config["labels"]), flush=True)
        writers.append(results.Table(config["labels"]))
    if getattr(arguments, "save", None):
        writers.append(results.Pictures(arguments.save))
    return writers


@contextlib.contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator:
    """Counts items on stderr, where it is a terminal and no table of answers moves on it already."""
    table = not arguments.csv_out and results.is_terminal(sys.stdout)
    if table or not results.is_terminal(sys.stderr):
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    shown = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*shown, console=Console(file=sys.stderr), transient=True) as progress:
        bar = progress.add_task("answering", total=None)
        yield lambda count: progress.advance(bar, count)
