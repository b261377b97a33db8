"""`zoo completion`: what a shell needs to complete commands, options and names, by argcomplete.

argcomplete starts `zoo` itself at each press of the key, so that it offers the presets, recipes and optimizers that
there are at that moment; nothing heavy is imported for it. Scripts that are written once (shtab) would not know them.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
from collections.abc import Iterable

from zoo.errors import UserError

EXAMPLES = """\
examples:
  eval "$(zoo completion bash)"                          in ~/.bashrc
  eval "$(zoo completion zsh)"                           in ~/.zshrc, after compinit
  zoo completion fish > ~/.config/fish/completions/zoo.fish
"""
SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo completion` takes."""
    parser.description = "Print what a shell needs to complete commands, options and names of `zoo`."
    parser.epilog = EXAMPLES
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    """Prints the shell's code."""
    if importlib.util.find_spec("argcomplete") is None:
        raise UserError("not installed: argcomplete; install with: pip install argcomplete")
    import argcomplete

    print(argcomplete.shellcode(["zoo"], shell=arguments.shell))
    return 0


def offer(commands: dict[str, tuple[str, str]]) -> None:
    """Writes what could stand at the cursor, and ends the process; a shell has asked for it by its environment.

    Args:
        commands: `apps.cli.COMMANDS`.
    """
    import argcomplete

    argcomplete.autocomplete(parser(commands, os.environ["COMP_LINE"].split()[1:]), always_complete_options=False)


def parser(commands: dict[str, tuple[str, str]], words: Iterable[str]) -> argparse.ArgumentParser:
    """All commands, and the arguments of the one that stands among the words: the others need not be imported."""
    from apps import cli

    found = argparse.ArgumentParser(prog="zoo", allow_abbrev=False)
    found.add_argument("--version", action="store_true")
    each = found.add_subparsers()
    each.add_parser("help").add_argument("command", choices=list(commands))
    chosen = next((word for word in words if word in commands), None)
    for name, (module, about) in commands.items():
        command = each.add_parser(name, help=about, allow_abbrev=False, add_help=False)
        if name != chosen:
            continue
        importlib.import_module(module).add_arguments(command)
        cli.add_common_arguments(command)
        for action in command._actions:
            if action.dest in _NAMES and not action.choices:
                action.completer = _completer(*_NAMES[action.dest])
    return found


def _completer(*kinds: str):
    """Names of these kinds; "files" are those that begin with what is typed."""

    def complete(prefix: str, **_) -> list[str]:
        from argcomplete.completers import FilesCompleter

        listed = (FilesCompleter()(prefix) if kind == "files" else _names(kind, prefix) for kind in kinds)
        return [name for names in listed for name in names]

    return complete


def _names(kind: str, prefix: str) -> list[str]:
    from apps import show
    from zoo import preset, recipes

    if kind == "languages":
        presets = (preset.read_config(preset.find(name)) for name in preset.names())
        return sorted({language for config in presets for language in config.get("languages", ())})
    if kind == "kinds":
        return [f"{each}s" for each in show.KINDS]
    if kind == "applications":
        return list(recipes.DEFAULTS)
    names = list(show.KINDS[kind.removesuffix("s")][0]())
    return [name.lower() for name in names] if kind == "optimizers" and not prefix[:1].isupper() else names


# Destination of an argument -> what it takes.
_NAMES = {
    "kind": ("kinds",),
    "model": ("presets", "files"),
    "models": ("presets", "files"),
    "preset": ("presets", "files"),
    "presets": ("presets", "files"),
    "init": ("presets", "files"),
    "name": ("presets", "models", "recipes", "optimizers", "files"),
    "recipe": ("applications", "recipes"),
    "follow": ("recipes",),
    "optimizer": ("optimizers",),
    "source": ("languages",),
    "target": ("languages",),
}


if __name__ == "__main__":
    import sys

    from apps import cli

    sys.exit(cli.main(["completion", *sys.argv[1:]]))
