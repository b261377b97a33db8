"""From measured compute and bytes to more workers than there are here: a model of synchronous training, and its page.

Every worker computes the gradients of its rows; then all exchange them by a ring all-reduce (Patarasuk and Yuan 2009,
"Bandwidth optimal all-reduce algorithms for clusters of workstations", AccessLog of Parallel and Distributed Computing
69(2), 117-124), in which each of n workers sends 2 (n - 1) / n times the bytes of the gradients, in 2 (n - 1) rounds.
"""

from __future__ import annotations

import dataclasses

WORKERS = (8, 64, 1024)
ACCELERATOR = 100  # times as fast as the core that was measured: the other end of what may be asked


@dataclasses.dataclass(frozen=True)
class Link:
    """The network between a worker and the next one.

    Attributes:
        name: For the page.
        bandwidth: Bytes per second, each way.
        latency: Seconds from one worker to the next.
    """

    name: str
    bandwidth: float
    latency: float


LINKS = (
    Link("10 Gb/s", 10e9 / 8, 50e-6),
    Link("100 Gb/s", 100e9 / 8, 10e-6),
    Link("400 Gb/s", 400e9 / 8, 5e-6),
)


def ring_bytes(size: float, workers: int) -> float:
    """Bytes that each worker sends in a ring all-reduce of so many bytes.

    Example:
        >>> ring_bytes(100, 1), ring_bytes(100, 2), ring_bytes(100, 4)
        (0.0, 100.0, 150.0)
    """
    return 2 * (workers - 1) / workers * size


def all_reduce(size: float, workers: int, link: Link) -> float:
    """Seconds of a ring all-reduce: its rounds' latencies, and its bytes over the link."""
    return 2 * (workers - 1) * link.latency + ring_bytes(size, workers) / link.bandwidth


def step(compute: float, communication: float, overlap: bool) -> float:
    """Seconds of a step: one after the other, or the shorter of the two hidden wholly behind the longer."""
    return max(compute, communication) if overlap else compute + communication


def weak(compute: float, size: float, workers: int, link: Link, overlap: bool) -> float:
    """Efficiency where each worker keeps its batch: the share of a step in which it computes, in (0, 1]."""
    return compute / step(compute, all_reduce(size, workers, link), overlap)


def strong(compute: float, size: float, batch: int, workers: int, link: Link, overlap: bool) -> float | None:
    """Speedup of n workers over one where they share its batch; None: there are fewer rows than workers.

    The rows' compute is taken to be proportional to their number.
    """
    if batch < workers:
        return None
    return compute / step(compute / workers, all_reduce(size, workers, link), overlap)


def page(result: dict) -> str:
    """The projection as Markdown."""
    parts = [
        "# How training would scale: a projection",
        f"Computed on {result['date']} by `python benchmarks/scaling.py` from what it measured here (`scaling.md`): "
        f"{result['processor']}, one core a worker. No cluster was there to hold it against.",
        "## Model and assumptions",
        ASSUMPTIONS.strip(),
    ]
    for name, model in result["models"].items():
        compute, size, batch = model["compute_seconds"], model["gradient_bytes"], model["batch"]
        parts.append(
            f"## {name}: {1e3 * compute:,.0f} ms for {batch} rows, {size / 1e6:,.2f} MB of gradients\n\n"
            f"All-reduce over {', '.join(link.name for link in LINKS)}, milliseconds: "
            + "; ".join(
                f"{n:,} workers " + ", ".join(f"{1e3 * all_reduce(size, n, link):,.2f}" for link in LINKS)
                for n in WORKERS
            )
            + "."
        )
        parts.append(_table(f"measured core: {1e3 * compute:,.0f} ms", compute, size, batch))
        fast = compute / ACCELERATOR
        parts.append(_table(f"{ACCELERATOR} times as fast: {1e3 * fast:,.2f} ms", fast, size, batch))
    return "\n\n".join(parts) + "\n"


def _table(title: str, compute: float, size: float, batch: int) -> str:
    kinds = [("weak", "efficiency"), ("strong", "times as fast")]
    heads = [f"{kind}, {n:,} workers" for kind, _ in kinds for n in WORKERS]
    lines = [f"| {title} | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for link in LINKS:
        cells = []
        for n in WORKERS:
            found = [weak(compute, size, n, link, overlap) for overlap in (False, True)]
            cells.append(" to ".join(dict.fromkeys(f"{100 * each:.1f} %" for each in found)))
        for n in WORKERS:
            found = [strong(compute, size, batch, n, link, overlap) for overlap in (False, True)]
            cells.append("-" if None in found else " to ".join(dict.fromkeys(f"{each:.1f}" for each in found)))
        lines.append(f"| {link.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


ASSUMPTIONS = f"""
With c seconds of compute for a step of one worker, G bytes of gradients (the trainable variables', in their own
precision), n workers, links of b bytes per second and a latency of l seconds:

- a ring all-reduce: each worker sends 2 (n - 1) / n G bytes in 2 (n - 1) rounds, so
  t(n) = 2 (n - 1) l + 2 (n - 1) / n G / b (Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for
  clusters of workstations", J. Parallel Distrib. Comput. 69(2), 117-124, which proves the bytes to be the least;
  the latencies are added here). Reckoning the sums themselves is left out. An embedding counts whole, though only the
  rows that a batch names are sent (`scaling.md`);
- no overlap: c + t(n); full overlap: max(c, t(n)). TensorFlow's packed all-reduces lie between the two: a cell gives
  both ends;
- weak scaling: each worker keeps its batch, n workers read n times as many rows in a step. Efficiency: c over the
  step's time. What so large a batch does to the learning is another question;
- strong scaling: the global batch stays, a worker has 1 / n of its rows and c / n of its compute (small batches use
  a processor worse, so this flatters). "-": fewer rows than workers;
- links, assumed and not measured: {"; ".join(f"{link.name} and {1e6 * link.latency:g} us" for link in LINKS)}, the
  same between all neighbours, used by nothing else;
- every worker is as fast as the others in each step: stragglers, failures and saving are ignored. The input is sharded
  (each worker makes its own rows) and never waited for; `scaling.md` says what it took here;
- "{ACCELERATOR} times as fast" is no measurement of any accelerator: it shows where the network begins to count.
"""
