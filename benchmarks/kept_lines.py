"""Lines that translators of other projects spoil: numbers, addresses, capitals, several sentences.

    python benchmarks/kept_lines.py [PRESET|FOLDER ...] [--wrong]

For every pair of languages there are 50 lines in benchmarks/kept_lines/. An answer is right that equals the line ("="),
or holds all that stands between "&"; of what "|" parts, one is enough. Case counts. Printed is the share that is right.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

LINES = Path(__file__).with_suffix("")


def right(source: str, answer: str, holds: str) -> bool:
    """True if an answer holds all it must."""
    if holds == "=":
        return answer == source
    return all(any(choice.strip() in answer for choice in part.split("|")) for part in holds.split("&"))


def lines(languages: tuple[str, str]) -> list[tuple[str, str]]:
    """The lines of a pair of languages, and what their translations must hold."""
    with open(LINES / f"{'-'.join(languages)}.tsv", newline="", encoding="utf-8") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(source, holds) for source, holds in list(rows)[1:]]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", default=[f"translate-{path.stem}" for path in sorted(LINES.iterdir())])
    parser.add_argument("--wrong", action="store_true", help="print the lines with wrong answers")
    arguments = parser.parse_args()

    import zoo

    for name in arguments.presets:
        task = zoo.load(name)
        rows = lines(task.languages)
        answers = [result.text for result in task.predict(source for source, _ in rows)]
        verdicts = [right(source, answer, holds) for (source, holds), answer in zip(rows, answers, strict=True)]
        print(f"{name}: {sum(verdicts)} of {len(rows)} right ({sum(verdicts) / len(rows):.2f})")
        if arguments.wrong:
            for (source, holds), answer, verdict in zip(rows, answers, verdicts, strict=True):
                if not verdict:
                    print(f"  {source!r} -> {answer!r}, expected {holds!r}")


if __name__ == "__main__":
    main()
