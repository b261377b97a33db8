"""`zoo race`: optimizers beside one another, on surfaces that can be looked at, or on a recipe's real data."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo race                                                       seven optimizers on eight surfaces
  zoo race --surfaces ravine,rosenbrock --optimizers sgd,momentum,adam,adan
  zoo race --recipe classify-fashion --optimizers adam,lion      on real data, in tens of minutes
  zoo race --recipe classify-fashion --optimizers adam,lion --budget 5

Surfaces: ravine, local-minimum, saddle, plateau, rosenbrock, rastrigin, beale,
monkey-saddle. Optimizers: see zoo list optimizers; also momentum, nesterov.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo race` takes."""
    parser.description = (
        "Draw where optimizers go on surfaces of two numbers, as a picture, an animation and a table of steps to the "
        "minimum; or, with --recipe, compare them on real data. Learning rates are found for each by the same search."
    )
    parser.epilog = EXAMPLES
    parser.add_argument("--surfaces", metavar="S,...", help="names, separated by commas (default: all eight)")
    parser.add_argument("--optimizers", metavar="N,...", help="names, separated by commas (default: seven classics)")
    parser.add_argument("--out", metavar="DIR", help="folder to write (default: runs/race, or runs/race-RECIPE)")
    parser.add_argument("--steps", metavar="N", type=int, help="steps on a surface (default: 300)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="seeds everything that is random (default: 1)")
    parser.add_argument("--recipe", metavar="R", help="race on this recipe's data and model (zoo list recipes)")
    parser.add_argument("--budget", metavar="MINUTES", type=float, help="with --recipe: cut it down to this time")
    parser.add_argument("--json", action="store_true", help="JSON lines, also on a terminal")


def run(arguments: argparse.Namespace) -> int:
    """Races; answers the exit status."""
    _check(arguments)
    out = Path(arguments.out or (f"runs/race-{arguments.recipe}" if arguments.recipe else "runs/race"))
    _check_out(out)
    return (_on_recipe if arguments.recipe else _on_surfaces)(arguments, out)


def _on_surfaces(arguments: argparse.Namespace, out: Path) -> int:
    from apps.racing import surfaces

    started = time.monotonic()
    chosen = [surfaces.get(name) for name in _listed("--surfaces", arguments.surfaces, surfaces.names())]
    entrants = _entrants(arguments, surfaces=True)

    from apps.racing import pictures, search
    from zoo import preset

    if len(entrants) > pictures.MOST:
        raise UserError(f"--optimizers: at most {pictures.MOST} curves can be told apart, got {len(entrants)}")
    steps = 300 if arguments.steps is None else arguments.steps
    say = _Say(arguments)
    for entrant in entrants:
        if entrant.note:
            say.line(f"Note: {entrant.note}.")
    with preset.replacing(out) as folder:
        runs = []
        for entrant in entrants:
            say.progress(f"{entrant.name}: {len(search.RATES) * len(search.STARTS) * len(chosen)} runs")
            runs += search.race(chosen, entrant, steps, arguments.seed)
        runs = [run for surface in chosen for run in runs if run.surface is surface]
        say.progress("drawing")
        with open(folder / "race.png", "wb") as stream:
            pictures.still(runs, stream)
        pictures.moving(runs, str(folder / "race.gif"))
        told = {"rule": search.RULE, "rates": search.RATES, "steps": steps, "seed": arguments.seed}
        (folder / "race.json").write_text(
            json.dumps({**told, "runs": [run.to_dict(path=True) for run in runs]}) + "\n", encoding="utf-8"
        )
    say.objects([run.to_dict() for run in runs])
    say.table(_steps_table(runs))
    say.line(search.RULE)
    say.line(f"Written: {out} (race.png, race.gif, race.json) in {time.monotonic() - started:.0f} s")
    return 0


def _on_recipe(arguments: argparse.Namespace, out: Path) -> int:
    from zoo import recipes

    recipe = recipes.get(arguments.recipe)
    if not recipe.data:
        raise UserError(f"--recipe {recipe.name}: it has no data of its own to race on; choose classify-fashion")
    if recipe.initialize:
        raise UserError(
            f"--recipe {recipe.name}: its first weights are fitted to its data before any optimizer moves, which "
            "leaves little to race for; choose classify-fashion"
        )
    entrants = _entrants(arguments, surfaces=False)

    from apps.racing import comparison, curves
    from zoo import preset

    say = _Say(arguments)
    with preset.replacing(out) as folder:
        measured = comparison.race(recipe, entrants, arguments.seed, arguments.budget, say.line, say.objects)
        with open(folder / "race.png", "wb") as stream:
            curves.draw(measured, stream)
        preset.write_json(folder / "race.json", measured)
    say.table(curves.scores_table(measured))
    say.line(f"Written: {out} (race.png, race.json) in {measured['minutes']:.1f} minutes")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuses wrong arguments before anything is loaded."""
    if arguments.steps is not None and not 1 <= arguments.steps <= 100_000:
        raise UserError(f"--steps: expected a whole number from 1 to 100000, got {arguments.steps}")
    if arguments.seed < 0:
        raise UserError(f"--seed: expected a whole number of at least 0, got {arguments.seed}")
    if arguments.budget is not None and not 0 < arguments.budget < float("inf"):
        raise UserError(f"--budget: expected minutes above 0, got {arguments.budget:g}")
    for option, given, needs, wanted in (
        ("--surfaces", arguments.surfaces, "surfaces", not arguments.recipe),
        ("--steps", arguments.steps, "surfaces", not arguments.recipe),
        ("--budget", arguments.budget, "a recipe: name it by --recipe", arguments.recipe),
    ):
        if given is not None and not wanted:
            raise UserError(f"{option}: only for a race on {needs}")


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder to write into, it is a file")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: not empty; choose another --out")


def _listed(option: str, given: str | None, default: Sequence[str]) -> list[str]:
    names = [name.strip() for name in given.split(",")] if given is not None else list(default)
    if not all(names):
        raise UserError(f"{option}: expected names separated by commas, got {given!r}")
    return names


def _entrants(arguments: argparse.Namespace, surfaces: bool):
    from apps.racing import entrants

    default = entrants.DEFAULT if surfaces else ("momentum", "adam", "lion")
    found = [entrants.get(name, surfaces) for name in _listed("--optimizers", arguments.optimizers, default)]
    for place, entrant in enumerate(found):
        if entrant in found[:place]:
            raise UserError(f"--optimizers: {entrant.name} is named twice")
    return found


def _steps_table(runs) -> tuple[list[str], list[list[str]], str]:
    """Head, rows and title: steps to the minimum, or f where a run ends."""
    surfaces = list(dict.fromkeys(run.surface for run in runs))
    by_entrant = {}
    for run in runs:
        by_entrant.setdefault(run.entrant.name, []).append(run)
    rows = []
    for surface in surfaces:
        here = [run for run in runs if run.surface is surface]
        rows.append([surface.name, *(run.ending + ("*" if run.at_edge else "") for run in here)])
    edge = " * best at the edge of the grid of rates: a better one may lie beyond." if "*" in str(rows) else ""
    return (
        ["steps to the minimum", *by_entrant],
        rows,
        f"In brackets: f at the end of a run that does not arrive.{edge}",
    )


class _Say:
    """Sentences and tables for a person, or JSON lines for a program."""

    def __init__(self, arguments: argparse.Namespace):
        from apps.writing import writers

        self.json = arguments.json or not writers.is_terminal(sys.stdout)
        self.quiet = arguments.quiet
        self.moving = not (self.json or self.quiet) and writers.is_terminal(sys.stderr)
        if self.json:
            with contextlib.suppress(AttributeError):  # a stream in memory
                sys.stdout.reconfigure(encoding="utf-8")

    def line(self, text: str) -> None:
        """A sentence for a person."""
        if not (self.json or self.quiet):
            self._clear()
            print(text, flush=True)

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""
        if self.moving:
            self._clear()
            print(f"{text} ...", end="", file=sys.stderr, flush=True)

    def objects(self, found: Sequence[dict]) -> None:
        """Lines for a program."""
        if self.json:
            for each in found:
                print(json.dumps(each, ensure_ascii=False), flush=True)

    def table(self, content: tuple[list[str], list[list[str]], str]) -> None:
        """A table for a person, with a sentence under it."""
        if self.json:
            return
        from rich.console import Console
        from rich.table import Table

        self._clear()
        head, rows, note = content
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for place, name in enumerate(head):
            table.add_column(name, justify="right" if place else "left")
        for row in rows:
            table.add_row(*row)
        console = Console(highlight=False)
        console.print(table)
        console.print(note, style="dim")

    def _clear(self) -> None:
        if self.moving:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["race", *sys.argv[1:]]))
