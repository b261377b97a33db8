"""The `zoo` command: finds the application and tells the person what went wrong.

Nothing heavy is imported here: `zoo --help` answers before TensorFlow would have begun to load.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from zoo.errors import UserError, nearest

# Command -> its module and one line of help. An application is a file and a line here.
COMMANDS = {
    "classify": ("apps.classify", "name what a picture shows"),
    "sentiment": ("apps.sentiment", "tell whether a text is favourable"),
    "translate": ("apps.translate", "translate texts, line by line"),
    "summarize": ("apps.summarize", "say in short what a document or a dialogue says"),
    "train": ("apps.train", "train a recipe, or an application on your own data"),
    "launch": ("apps.launch", "train on several workers, started again when one dies"),
    "evaluate": ("apps.evaluate", "measure a preset on its test data or on yours"),
    "export": ("apps.export", "write a preset as a SavedModel, checked, for serving"),
    "serve": ("apps.serve", "answer requests by TensorFlow Serving's REST API and gRPC"),
    "web": ("apps.web", "open a page with a tab for each application"),
    "race": ("apps.race", "draw optimizers beside one another, tuned alike"),
    "show": ("apps.show", "tell all about a preset, model, recipe or optimizer"),
    "list": ("apps.list", "list presets, models, recipes, optimizers"),
    "quickstart": ("apps.quickstart", "do the whole road on real data in a minute"),
    "completion": ("apps.completion", "print what a shell needs to complete commands and names"),
}

EXAMPLES = """\
examples:
  zoo quickstart
  zoo classify photos/ --save annotated
  zoo sentiment "A great film." "I left after ten minutes."
  tail -f comments.log | zoo sentiment -
  zoo translate --from de --to en "Ein Hund läuft durch den Schnee."
  zoo summarize meeting.txt --sentences 2
  zoo train sentiment --data reviews.csv --out runs/mine
  zoo evaluate runs/mine --data test.csv --report report

`zoo help COMMAND` tells more, and so does `zoo COMMAND --help`.
Exit status: 0 all answered, 1 some item failed, 2 wrong usage, 130 interrupted.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the nearest right option."""

    def error(self, message: str):
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message and unknown.startswith("-"):
            options = [option for option in self._option_string_actions if option.startswith("--")]
            message = f"unknown option {unknown.split()[0]!r}{nearest(unknown.split()[0], options)}"
            if any(action.dest == "text" for action in self._actions):
                message += " A text that begins with '-' goes by --text=TEXT"
        raise UserError(f"{message.rstrip('.')} ({self.prog} --help)")

    def _print_message(self, message: str, file=None):
        (file or sys.stderr).write(message)  # argparse's own would let a full disk pass for success


def main(argv: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments after `zoo`; None takes the process's own.

    Returns:
        The exit status: 0 all answered, 1 some item failed, 2 wrong usage or an error, 130 Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    debug = "--debug" in argv
    try:
        status = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # `zoo ... | head` has seen enough
        return 0
    except KeyboardInterrupt:
        _say("interrupted", debug)
        return 130
    except UserError as error:
        _say(str(error), debug)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, the person gets a line
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            _say(f"cannot write {error.filename or 'the output'}: {error.strerror}", debug)
        else:
            told = " ".join(str(error).split())[:300]
            _say(f"{type(error).__name__}: {told}" + ("" if debug else " (--debug shows the traceback)"), debug)
    finally:
        _settle_stdout()
    return 2


def _run(argv: list[str]) -> int:
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could stand at the cursor
        from apps import completion

        completion.offer(COMMANDS)
    leading = 0
    while leading < len(argv) and argv[leading].startswith("-"):
        leading += 1
    top = _parser()
    try:
        top.parse_args(argv[:leading])
        if leading == len(argv):
            top.print_help(sys.stderr)
            return 2
        name, rest = argv[leading], argv[:leading] + argv[leading + 1 :]
        if name == "help":
            name, rest = next((word for word in rest if not word.startswith("-")), None), ["--help"]
            if name in (None, "help"):
                top.parse_args(rest)
        if name not in COMMANDS:
            raise UserError(f"no command {name!r}{nearest(name, [*COMMANDS, 'help'])}")
        arguments = parsed(name, rest)
    except SystemExit as done:  # --help and --version have answered
        return int(done.code or 0)
    module = importlib.import_module(COMMANDS[name][0])
    if arguments.debug:
        return module.run(arguments)
    from apps.writing import stderr_filter

    with stderr_filter.held():
        return module.run(arguments)


def parsed(name: str, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command.

    Args:
        name: The command, one of `COMMANDS`.
        words: What stands after it. A command that runs another one gets as `words` what stands after "--".
    """
    module, words = importlib.import_module(COMMANDS[name][0]), list(words)
    parser = Parser(
        prog=f"zoo {name}", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, add_help=False
    )
    module.add_arguments(parser)
    add_common_arguments(parser)
    if not getattr(module, "RUNS_ANOTHER", False):
        return parser.parse_intermixed_args(words)
    cut = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:cut], argparse.Namespace(words=tuple(words[cut + 1 :])))


def _parser() -> Parser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {about}" for name, (_, about) in COMMANDS.items())
    parser = Parser(
        prog="zoo",
        usage="zoo COMMAND [ARGUMENTS]",
        description=f"Models that are trained, evaluated, applied and served by one road.\n\ncommands:\n{commands}",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    add_common_arguments(parser)
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    return parser


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of every command."""
    parser.add_argument("-q", "--quiet", action="store_true", help="answers and errors alone: no progress, no hints")
    parser.add_argument("--debug", action="store_true", help="show tracebacks, and what TensorFlow logs")
    parser.add_argument("-h", "--help", action="help", help="show this help and exit")


class _Version(argparse.Action):
    """Prints the installed version; looked up only when asked for."""

    def __init__(self, option_strings, dest, help):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser, namespace, values, option_string=None):
        from importlib import metadata

        try:
            print(f"zoo {metadata.version('keras-menagerie')}")
        except metadata.PackageNotFoundError:
            print("zoo (not installed: run from its source)")
        parser.exit()


def _say(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"zoo: {message}", file=sys.stderr)


def _settle_stdout() -> None:
    """Sends stdout nowhere where it cannot take what is still buffered: the interpreter's own last flush would
    complain and change the exit status."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
