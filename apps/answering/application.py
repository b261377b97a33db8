"""The road that all answering applications share: items in, a preset's answers out, as they come.

An application is a file that says which preset, which items and which kind of answers it takes; `run` does the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

from apps.reading import command_line
from apps.writing import writers
from zoo.errors import UserError


class Answers:
    """Base class of the kinds of answers: labels (`apps.answering.labels`), texts (`apps.answering.texts`).

    Args:
        arguments: What the person asked for; a wrong number raises UserError here, before anything heavy is loaded.
        config: The preset's `config.json`.

    Attributes:
        whole: False where something beside the answers could not be done; the person has been told.
    """

    whole = True

    def __init__(self, arguments: argparse.Namespace, config: dict):
        self.config = config

    def ask(self, task, items: Iterable, batch_size: int, first: int) -> Iterator:
        """One result per item, in order.

        Args:
            task: The loaded preset.
            items: What the task takes, at most `batch_size`; an exception among them becomes a failed result.
            batch_size: Items that go through the model at a time.
            first: The first item's place among all that are asked.
        """
        raise NotImplementedError

    def introduction(self) -> str:
        """For a person: which preset answers, what it is for, and its first limit."""
        from zoo import preset

        return preset.introduction(self.config)

    def columns(self) -> list[str]:
        """The columns of a CSV file beside those that every kind has."""
        raise NotImplementedError

    def table(self):
        """The writer for a terminal."""
        raise NotImplementedError

    def lines(self):
        """The writer for a pipe."""
        raise NotImplementedError

    def beside(self, task) -> list:
        """Further writers, which need the loaded task."""
        return []


def add_arguments(parser: argparse.ArgumentParser, preset: str | None, pictures: bool) -> None:
    """Adds what every answering application takes: the preset, and where answers go.

    Args:
        parser: The application's.
        preset: The one that answers unless told otherwise; None where that depends.
        pictures: Whether the items are pictures, which can be saved with their answers.
    """
    default = "" if preset is None else " (default: %(default)s)"
    parser.add_argument("--model", metavar="PRESET|FOLDER", default=preset, help=f"the preset that answers{default}")
    writers.add_arguments(parser, pictures)


def config(model: str, task: str) -> dict:
    """The preset's configuration, read before anything heavy is loaded.

    Raises:
        UserError: No such preset, or one for another task.
    """
    from zoo import hub_presets, preset

    found = hub_presets.config(model, task) if hub_presets.is_hub(model) else preset.read_config(preset.find(model))
    if found["task"] != task:
        raise UserError(f"{model} is a preset for {found['task']}; this application needs one for {task}")
    return found


def run(
    arguments: argparse.Namespace,
    items: Callable[[argparse.Namespace], Iterator[command_line.Item]],
    task: str,
    batch_size: int,
    kind: Callable[[argparse.Namespace, dict], Answers],
) -> int:
    """Answers all items.

    Args:
        arguments: What the person asked for.
        items: Gives what to answer, once nothing else is wrong: it may wait for standard input. Read ahead in a thread.
        task: The kind of preset that the application needs.
        batch_size: Items that go through the model at a time.
        kind: The class of the answers.

    Returns:
        The exit status: 0, or 1 where some item failed.
    """
    answers = kind(arguments, config(arguments.model, task))
    if sys.stdout is None and not arguments.csv_out:
        raise UserError("stdout is closed; answers can also go to a file: --csv-out F")
    given = items(arguments)
    if writers.is_terminal(sys.stderr) and not arguments.quiet:
        print(answers.introduction(), file=sys.stderr)
    with contextlib.ExitStack() as stack:
        outputs = _writers(arguments, answers, stack)
        progress = stack.enter_context(_progress(answers.config["name"], arguments.quiet))
        import zoo

        answerer = zoo.load(arguments.model, task=task)
        outputs += answers.beside(answerer)
        count = failed = 0
        for batch in command_line.batches(given, batch_size):
            try:
                found = answers.ask(answerer, map(command_line.read_payload, batch), batch_size, count)
                for item, result in zip(batch, found, strict=True):
                    result = result.strict() if arguments.strict else result
                    failed += result.error is not None
                    for writer in outputs:
                        writer.write(count, item, result)
                    count += 1
                progress.advance(len(batch))
            finally:  # what is answered is said, whatever stopped the rest
                with progress.aside():
                    for writer in outputs:
                        writer.flush()
    if failed:
        print(f"zoo: {failed:,} of {count:,} items failed", file=sys.stderr)
    return 1 if failed or not answers.whole else 0


def _writers(arguments: argparse.Namespace, answers: Answers, stack: contextlib.ExitStack) -> list:
    outputs = []
    if arguments.csv_out:
        stream = stack.enter_context(writers.replacing(arguments.csv_out))
        outputs.append(writers.CsvFile(stream, answers.columns()))
    elif arguments.json:
        outputs.append(writers.JsonLines())
    else:
        outputs.append(answers.table() if writers.is_terminal(sys.stdout) else answers.lines())
    if getattr(arguments, "save", None):
        outputs.append(writers.Pictures(arguments.save))
    return outputs


class _Silent:
    """The progress of a command whose stderr is no terminal, or that is to be quiet."""

    def advance(self, count: int) -> None:
        """Counts items."""

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Makes room for what is printed within the block."""
        yield


class _Bar(_Silent):
    """On stderr what is being loaded, then how many items are answered.

    Where answers go to the same terminal, it is gone while they are printed.
    """

    def __init__(self, progress, name: str):
        self.progress, self.answered = progress, 0
        self.bar = progress.add_task(f"loading {name}", total=None)

    def advance(self, count: int) -> None:
        self.answered += count
        self.progress.update(self.bar, description=f"answered {self.answered:,}")

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        if not writers.is_terminal(sys.stdout):
            yield
            return
        self.progress.stop()
        yield
        self.progress.start()


@contextlib.contextmanager
def _progress(name: str, quiet: bool) -> Iterator[_Silent]:
    if quiet or not writers.is_terminal(sys.stderr):
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    # rich would send what is printed on stdout to its own console: answers belong into the file they are sent to.
    with Progress(*shown, console=Console(file=sys.stderr), transient=True, redirect_stdout=False) as progress:
        yield _Bar(progress, name)
