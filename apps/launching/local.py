"""Workers as processes of this machine; of several machines each sees to its own."""

from __future__ import annotations

from apps.launching.plan import Plan


def run(plan: Plan) -> int:
    """Runs the workers to their end, starting all of them again where one dies; answers the exit status."""
    raise NotImplementedError
