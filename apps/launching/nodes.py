"""The machines that take part, and the place of this one among them."""

from __future__ import annotations

import os
import re
import socket
import subprocess

from zoo.errors import UserError

PORT = 8476  # of a node's first worker, where none is named; the others take the next ones


def chosen(named: str | None, node: int | None) -> tuple[tuple[tuple[str, int], ...], int]:
    """The machines as (host, port of the first worker), and the number of this one; none where there is only this one.

    Args:
        named: "HOST[:PORT],..." as the person says; None takes those of a SLURM step, where there is one.
        node: This machine's number as the person says; None finds it by SLURM_NODEID, or by its name or address.

    Raises:
        UserError: A host or a number that cannot be, or this machine is none of them.

    Example:
        >>> chosen("a.lan,b.lan:9000", 1)
        ((('a.lan', 8476), ('b.lan', 9000)), 1)
    """
    if named is None:
        hosts = _of_slurm()
        if node is None and hosts:
            node = int(os.environ["SLURM_NODEID"])
    else:
        hosts = [host.strip() for host in named.split(",")]
    if not hosts:
        if node:
            raise UserError("--node: of which machines? name them all: --nodes HOST,HOST")
        return (), 0
    places = tuple(_place(host) for host in hosts)
    if len(set(places)) < len(places):
        raise UserError(f"--nodes {named}: names a machine twice; several workers of one machine are --workers N")
    if node is None:
        mine = [number for number, (host, _) in enumerate(places) if _is_here(host)]
        if len(mine) != 1:
            found = "none of them" if not mine else "several of them"
            raise UserError(f"--nodes {named}: this machine, {socket.gethostname()}, is {found}; say which by --node K")
        node = mine[0]
    if not 0 <= node < len(places):
        raise UserError(f"--node: expected a number from 0 to {len(places) - 1}, got {node}")
    return places, node


def _of_slurm() -> list[str]:
    """The hosts of a SLURM step that runs on several nodes."""
    if int(os.environ.get("SLURM_STEP_NUM_NODES", "1")) < 2:
        return []
    try:
        listed = subprocess.run(
            ["scontrol", "show", "hostnames", os.environ["SLURM_STEP_NODELIST"]],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        raise UserError(f"the nodes of the SLURM step cannot be listed ({error}); name them by --nodes") from error
    return listed.stdout.split()


def _place(host: str) -> tuple[str, int]:
    found = re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?", host)
    if not found or not 0 < int(found[2] or PORT) < 2**16:
        raise UserError(f"--nodes: expected HOST or HOST:PORT, separated by commas, got {host!r}")
    return found[1], int(found[2] or PORT)


def _is_here(host: str) -> bool:
    """True if an address of the host is one of this machine's: whether one could listen on it."""
    if host == socket.gethostname():
        return True
    try:
        found = socket.getaddrinfo(host.strip("[]"), 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
                return True
        except OSError:
            continue
    return False
