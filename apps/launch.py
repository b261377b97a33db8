"""`zoo launch`: several workers that train together, started again from what was kept when one dies."""

from __future__ import annotations

import argparse
import importlib
import math
import shutil
from pathlib import Path

from apps.launching.plan import Plan
from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo launch --workers 4 -- train classify-fashion --out runs/mine
  zoo launch --workers 2 -- python my_fit.py
  zoo launch --nodes a.lan,b.lan --workers 2 -- train classify-fashion \\
      --out /shared/run             the same on a.lan and on b.lan
  srun --ntasks-per-node=1 zoo launch -- train classify-fashion \\
      --out /shared/run             the nodes are those of the SLURM step
  zoo launch --on ray --workers 4 -- train classify-fashion

When a worker dies, all are started again: `train` goes on from the last state
it kept (every minute, and after each epoch), a program of your own from the
last epoch, with zoo.scaling.Backup among the callbacks of its `fit`. Wrong
usage is not tried again; nor is what dies twice without having kept anything.
Of several nodes each starts its own workers again, and they meet once more.
GPUs are dealt out evenly to the workers of a machine. Ray Train places all
--workers where RAY_ADDRESS says, else on a Ray of its own on this machine.
Exit status: 0 all ended well, 2 wrong usage or given up, 130 interrupted.
"""
RUNS_ANOTHER = True  # its arguments end at "--", another command's begin there
# Where the workers run -> the module whose `run(plan)` sees to it and answers the exit status.
LAUNCHERS = {
    "local": "apps.launching.local",
    "ray": "apps.launching.on_ray",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo launch` takes."""
    parser.usage = "zoo launch [--workers N] [--nodes A,B] [...] -- train RECIPE [...]"
    parser.description = (
        "Run several workers that share each batch, on this machine or on several, and start all of them again from\n"
        "what was kept when one dies. The first worker speaks; what the others say last is shown when one fails."
    )
    parser.epilog = EXAMPLES
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes on each machine (default: 1)")
    parser.add_argument("--on", choices=LAUNCHERS, default="local", help="what starts the workers (default: local)")
    parser.add_argument(
        "--nodes", metavar="HOST[:PORT],...", help="machines on which the same command runs (default: SLURM's, or this)"
    )
    parser.add_argument(
        "--node", metavar="K", type=int, help="which of them this one is, from 0 (default: by its name)"
    )
    parser.add_argument(
        "--restarts", metavar="N", type=int, default=5, help="how often all may be started again (default: 5)"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=600,
        help="longest wait for a sign of progress (default: 600)",
    )
    parser.add_argument("--logs", metavar="DIR", help="keep what the other workers say, a file each")


def run(arguments: argparse.Namespace) -> int:
    """Launches; answers the exit status."""
    return importlib.import_module(LAUNCHERS[arguments.on]).run(_plan(arguments))


def _plan(arguments: argparse.Namespace) -> Plan:
    words = arguments.words
    if not words:
        raise UserError("name what the workers run after --, as in: zoo launch --workers 2 -- train RECIPE")
    for option, least in (("workers", 1), ("restarts", 0)):
        if getattr(arguments, option) < least:
            raise UserError(
                f"--{option}: expected a whole number of at least {least}, got {getattr(arguments, option)}"
            )
    if not 0 < arguments.timeout < math.inf:
        raise UserError(f"--timeout: expected seconds above 0, got {arguments.timeout:g}")
    from apps.launching import nodes

    places, node = nodes.chosen(arguments.nodes, arguments.node)
    return Plan(
        words=words,
        out=_out(words),
        workers=arguments.workers,
        nodes=places,
        node=node,
        restarts=arguments.restarts,
        timeout=arguments.timeout,
        logs=Path(arguments.logs) if arguments.logs else None,
        debug=arguments.debug,
    )


def _out(words: tuple[str, ...]) -> Path | None:
    """The folder that `train` writes; of another program nothing is known, but that there is one."""
    from apps import cli, train

    if words[0] == "train":
        return train.out(cli.parsed("train", words[1:]))
    if words[0] in cli.COMMANDS:
        raise UserError(f"workers run `train ...` or a program of your own, not zoo {words[0]}")
    if not shutil.which(words[0]):
        raise UserError(f"no program {words[0]!r} to run; `train ...` is the zoo's own")
    return None
