"""`zoo translate`: the text in another language."""

from __future__ import annotations

import argparse
import sys

from apps.answering import application, texts
from apps.pages.tab import Tab
from apps.reading import command_line
from apps.writing import attention_maps
from zoo import hub_presets
from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo translate --from de --to en "Ein Hund läuft durch den Schnee."
  zoo translate --from de --to en letter.txt > letter-en.txt
  zoo translate --from de --to en letter.txt --beam 4 --n-best 3 --json
  zoo translate --from de --to en --attention map.png "Zwei Kinder spielen im Sand."
  zoo translate --model runs/mine - < lines.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo translate` takes."""
    parser.description = "Translate each text, line by line: as many lines come out as go in."
    parser.epilog = EXAMPLES
    command_line.add_text_arguments(parser)
    parser.add_argument("--from", metavar="LANGUAGE", dest="source", help="language of the texts, such as de")
    parser.add_argument("--to", metavar="LANGUAGE", dest="target", help="language to write, such as en")
    application.add_arguments(parser, None, pictures=False)
    texts.add_arguments(parser)
    parser.add_argument(
        "--attention",
        metavar="FILE.png",
        help="draw where the translation of the first item looked; of the Nth: FILE-N.png",
    )


class Translations(texts.Texts):
    """Translations, and where they looked."""

    def __init__(self, arguments: argparse.Namespace, config: dict):
        super().__init__(arguments, config)
        self.file = arguments.attention
        self.maps: list[attention_maps.Maps] = []
        if self.file:
            attention_maps.check(self.file)

    def beside(self, task) -> list[attention_maps.Maps]:
        """The writer of heat maps, where they are wanted."""
        self.maps = [attention_maps.Maps(self.file, task)] if self.file else []
        return self.maps

    @property
    def whole(self) -> bool:
        """True if every map could be drawn."""
        return all(maps.whole for maps in self.maps)


TAB = Tab(
    task="translation",
    preset="translate-de-en",
    takes="lines",
    kind=Translations,
    views=("text", "attention"),
    hint="A line for each sentence, or whole paragraphs",
    examples=(
        ("translate-de-en", "Ein Hund läuft durch den Schnee."),
        ("translate-de-en", "Zwei Kinder spielen im Sand."),
        ("translate-en-de", "A woman in a red coat is waiting for the bus."),
        ("translate-en-es", "I would like to drink a cup of coffee."),
        ("translate-en-fr", "Three men are sitting on a bench in the park."),
    ),
)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    arguments.model = _model(arguments.model, arguments.source, arguments.target)
    return application.run(arguments, command_line.texts, TAB.task, batch_size=32, kind=TAB.kind)


def _model(model: str | None, source: str | None, target: str | None) -> str:
    """The preset that the arguments mean."""
    wanted = tuple(name and name.lower() for name in (source, target))
    if model is not None:
        if hub_presets.is_hub(model):  # it does not say what it translates
            return model
        languages = tuple(application.config(model, TAB.task)["languages"])
        for option, asked, there in zip(("--from", "--to"), wanted, languages, strict=True):
            if asked is not None and asked != there.lower():
                raise UserError(f"{option} {asked}: --model {model} translates {' to '.join(languages)}")
        return model
    there = pairs()
    known = f"there are: {', '.join(map(' to '.join, there)) or 'none'}"
    if None in wanted:
        raise UserError(f"name the languages by --from and --to ({known}), or a preset by --model")
    if wanted not in there:
        raise UserError(f"no preset translates {' to '.join(wanted)}; {known}")
    return f"translate-{'-'.join(wanted)}"


def pairs() -> list[tuple[str, str]]:
    """The (from, to) that a shipped preset of the name `translate-FROM-TO` has."""
    from zoo import preset

    configs = (preset.read_config(preset.ROOT / name) for name in preset.names() if name.startswith("translate-"))
    found = ((config["name"], tuple(config["languages"])) for config in configs if "languages" in config)
    return sorted(languages for name, languages in found if name == f"translate-{'-'.join(languages)}")


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["translate", *sys.argv[1:]]))
