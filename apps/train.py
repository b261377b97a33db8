"""`zoo train`: a shipped preset again, or a model of one's own from one's own data."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from pathlib import Path

from apps.answering.application import config as checked
from apps.reading import columns
from zoo.errors import UserError
from zoo.scaling import heartbeat
from zoo.training import run_state

EXAMPLES = """\
examples:
  zoo train classify-fashion                                     make the shipped preset again
  zoo train sentiment --data reviews.csv --out runs/mine         columns: text, label
  zoo train classify --data photos/ --out runs/mine              a folder for each class
  zoo train classify --data photos.csv --out runs/mine           columns: path, label
  zoo train translate --data pairs.tsv --source en --target de --out runs/mine
  zoo train classify --data photos/ --out runs/mine --resume     go on where it was saved last
  zoo train classify-fashion --devices gpu:0,1                   two GPUs share each batch
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo train` takes."""
    parser.description = "Train a recipe, or an application on your own data, and write a preset folder."
    parser.epilog = EXAMPLES
    parser.add_argument("recipe", metavar="RECIPE|APP", help="a recipe's name (zoo list recipes), or an application's")
    parser.add_argument("--data", metavar="F", help="own data: a .csv, .tsv, .jsonl file, or a folder of class folders")
    columns.add_arguments(parser)
    parser.add_argument("--source", metavar="LANGUAGE", help="of own translation pairs: the language that is read")
    parser.add_argument("--target", metavar="LANGUAGE", help="of own translation pairs: the language that is written")
    parser.add_argument("--validation", metavar="F|0.1", help="validation data, or the share of the data to hold back")
    parser.add_argument("--out", metavar="DIR", help="preset folder to write (default: runs/RECIPE)")
    parser.add_argument("--recipe", metavar="R", dest="follow", help="for an APP: another recipe than its default")
    parser.add_argument("--init", metavar="PRESET", help="start from a preset's weights (fine-tune)")
    parser.add_argument("--resume", action="store_true", help="go on where --out was saved last")
    parser.add_argument(
        "--save-every", metavar="SECONDS", type=float, default=60, help="save within an epoch so often (default: 60)"
    )
    parser.add_argument("--optimizer", metavar="N", help="one of ours (zoo list optimizers)")
    parser.add_argument("--learning-rate", metavar="X", type=float, help="peak learning rate")
    parser.add_argument("--epochs", metavar="N", type=int, help="passes over the training data")
    parser.add_argument("--batch-size", metavar="N", type=int, help="examples per step")
    parser.add_argument("--seed", metavar="N", type=int, help="seeds everything that is random")
    parser.add_argument(
        "--devices",
        metavar="all|N|cpu:2|gpu:0,1",
        default="all",
        help="what shares each batch (default: all GPUs, or the CPU); workers are named by TF_CONFIG or SLURM",
    )


def run(arguments: argparse.Namespace) -> int:
    """Trains; answers the exit status."""
    try:
        return _trained(arguments)
    except UserError:
        heartbeat.beat(heartbeat.REFUSED)  # to start again would be of no use
        raise


def _trained(arguments: argparse.Namespace) -> int:
    from zoo import recipes, scaling

    pending = []  # what is said of the devices once nothing else is wrong
    # Before TensorFlow is imported, and its devices are fixed.
    strategy = scaling.strategy(arguments.devices, say=pending.append)
    if not 0 <= arguments.save_every < float("inf"):
        raise UserError(f"--save-every: expected seconds, 0 or more, got {arguments.save_every:g}")
    recipe = _recipe(arguments)
    pair = (arguments.source, arguments.target)
    languages = recipes.languages(
        recipe, pair, arguments.data is not None, arguments.init, "--source and --target", "--source de --target en"
    )
    if arguments.init:
        checked(arguments.init, recipe.task)  # refused here rather than after the data have been read
    named = columns.chosen(arguments, recipe.task, languages or ())

    from zoo import training
    from zoo.scaling import workers

    say = _nothing if arguments.quiet else print

    def begin() -> None:
        while pending:
            say(pending.pop(0))

    try:
        training.fit(
            recipe,
            out(arguments),
            source=arguments.data,
            columns=named,
            languages=languages,
            validation=arguments.validation if _share(arguments.validation) is None else None,
            init=arguments.init,
            resume=arguments.resume,
            save_every=arguments.save_every,
            strategy=strategy,
            command=shlex.join(["zoo", *sys.argv[1:]]),
            say=say,
            begin=begin,
            verbose=_verbosity(arguments.quiet),
        )
    except KeyboardInterrupt:
        folder = run_state.kept(out(arguments))
        told = f"the training up to its last save is kept in {folder}, --resume goes on from it"
        if folder is None:
            told = "nothing had been saved, nothing is kept"
        print(f"\nzoo: interrupted; {told}", file=sys.stderr)
        return 130
    if workers.is_chief(strategy) and not arguments.quiet:
        _say_what_is_next(recipe, out(arguments), own=arguments.data is not None)
    return 0


def _nothing(sentence: str) -> None:
    """Says nothing: for a training that is to be quiet."""


def _verbosity(quiet: bool) -> int:
    """Of `model.fit`: 1 draws a bar, in colours, and needs a terminal; 2 writes a line for each epoch."""
    if quiet:
        return 0
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return 2 if plain else 1


def _say_what_is_next(recipe, folder: Path, own: bool) -> None:
    from apps import cli
    from apps.pages.takes import TAKES

    place = shlex.quote(str(folder))
    tab = getattr(importlib.import_module(cli.COMMANDS[recipe.app][0]), "TAB", None)
    item = TAKES[tab.takes].words if tab is not None else "ITEM"
    print(f"Written: {folder} (card.md, curve.png, scores.json)")
    print("Checked: what was written has been loaded again, and gave the score above.")
    print("Next, for example:")
    for command in (
        f"zoo {recipe.app} --model {place} {item}",
        f"zoo evaluate {place} {'--data test-data ' if own else ''}--report report",
        f"zoo export {place} served",
        f"zoo show {place}",
    ):
        print(f"  {command}")


def out(arguments: argparse.Namespace) -> Path:
    """The folder that is written."""
    return Path(arguments.out or f"runs/{_unchanged(arguments).name}")


def _unchanged(arguments: argparse.Namespace):
    """The recipe that is meant, as it stands."""
    from zoo import recipes

    return recipes.get(arguments.follow or recipes.DEFAULTS.get(arguments.recipe, arguments.recipe))


def _recipe(arguments: argparse.Namespace):
    """The recipe with the person's own numbers in place of its own."""
    from zoo import recipes

    followed = recipes.followed(arguments.recipe, arguments.follow, arguments.data is not None, _option)
    return recipes.changed(
        followed,
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        validation=_share(arguments.validation),
        spelled=_option,
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _share(validation: str | None) -> float | None:
    """The number in `--validation 0.1`; None where it names data."""
    try:
        return float(validation)
    except (TypeError, ValueError):
        return None
