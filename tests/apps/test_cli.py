"""The command itself: help, wrong usage, exit statuses, and what importing it costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import apps
from apps import cli

SNAPSHOTS = Path(__file__).with_name("snapshots")
HEAVY = "tensorflow keras numpy cv2 rich sklearn matplotlib h5py jax torch".split()


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_help_is_as_frozen(command, monkeypatch, zoo_main):
    """`ZOO_SNAPSHOTS=write pytest tests/apps/test_cli.py` writes them anew; the CHANGELOG then says why."""
    monkeypatch.setenv("COLUMNS", "80")
    status, lines, err = zoo_main(*command.split(), "--help")
    shown, path = "\n".join(lines) + "\n", SNAPSHOTS / f"{command or 'zoo'}.txt"
    if os.environ.get("ZOO_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown)
    assert (status, err) == (0, "")
    assert shown == path.read_text()


def test_help_and_usage_errors_import_nothing_heavy():
    code = f"""
import io, sys
from contextlib import redirect_stderr, redirect_stdout
import apps
from apps import cli
for command in [None, *cli.COMMANDS]:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert cli.main([*([command] if command else []), "--help"]) == 0
        assert cli.main([*([command] if command else []), "--nonsense"]) == 2
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_is_fast():
    """Processor time, not the clock: the machine may be busy. A bare interpreter's own is taken off."""

    def seconds(*argv):
        before = os.times()
        subprocess.run([sys.executable, *argv], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds("-m", "apps.cli", "--help") - seconds("-c", "") for _ in range(3)) < 0.25


def test_version(zoo_main):
    status, lines, err = zoo_main("--version")
    assert (status, err, len(lines)) == (0, "", 1) and lines[0].startswith("zoo ")


@pytest.mark.parametrize("argv", [["help", "train"], ["help", "--quiet", "train"]])
def test_help_of_a_command(argv, zoo_main):
    assert zoo_main(*argv) == zoo_main("train", "--help")
    assert zoo_main("help") == zoo_main("help", "help") == zoo_main("--help")


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("zoo ", {"classify", "help", "completion"}, {"photos/", "--debug"}),
        ("zoo cl", {"classify"}, {"sentiment"}),
        ("zoo sentiment --mo", {"--model"}, {"--text"}),
        ("zoo classify --model ", {"classify-fashion", "mine/"}, {"classify", "lion"}),
        ("zoo train ", {"classify", "classify-photos"}, {"lion"}),
        ("zoo train classify-fashion --optimizer la", {"laprop", "lamb"}, {"adam"}),
        ("zoo show Li", {"Lion"}, {"lion"}),
        ("zoo list ", {"models", "optimizers"}, {"mine/"}),
        ("zoo help tr", {"train", "translate"}, {"race"}),
        ("zoo translate --from ", {"de", "en"}, {"translate-de-en"}),
    ],
)
def test_a_shell_is_told_what_could_stand_there(line, offered, not_offered, tmp_path, monkeypatch):
    argcomplete = pytest.importorskip("argcomplete", reason="not installed: argcomplete")
    from apps import completion

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name, value in (("_ARGCOMPLETE", "1"), ("COMP_LINE", line), ("COMP_POINT", str(len(line)))):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("_ARGCOMPLETE_STDOUT_FILENAME", str(tmp_path / "out"))
    monkeypatch.setattr(argcomplete.finders.CompletionFinder, "_init_debug_stream", lambda self: None)
    parser = completion.parser(cli.COMMANDS, line.split()[1:])
    argcomplete.autocomplete(parser, always_complete_options=False, exit_method=lambda status: None)
    found = {word.strip() for word in (tmp_path / "out").read_text().split("\013")}
    assert offered <= found and not found & not_offered


def test_completion_prints_code_for_the_shell(zoo_main):
    pytest.importorskip("argcomplete", reason="not installed: argcomplete")
    status, lines, err = zoo_main("completion", "bash")
    assert (status, err) == (0, "") and any("zoo" in line and "complete " in line for line in lines)
    assert zoo_main("completion", "cmd")[0] == 2


def test_no_command_shows_the_help_on_stderr(zoo_main):
    status, lines, err = zoo_main()
    assert (status, lines) == (2, []) and "commands:" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["clasify"], "no command 'clasify'; did you mean 'classify'?"),
        (
            ["xyzzy"],
            "no command 'xyzzy'; there are: classify, completion, evaluate, export, help, launch, list, quickstart, ",
        ),
        (["--nonsense"], "unknown option '--nonsense'"),
        (["classify", "--treshold", "0.5", "a.png"], "unknown option '--treshold'; did you mean '--threshold'"),
        (["classify", "--top", "two", "a.png"], "argument --top: invalid int value: 'two'"),
        (["classify", "--top", "0", "a.png"], "--top: expected a whole number of at least 1, got 0"),
        (["classify", "--threshold", "80", "a.png"], "--threshold: expected a probability from 0 to 1, got 80"),
        (["classify", "--json", "--csv-out", "x.csv", "a.png"], "--csv-out: not allowed with argument --json"),
        (["classify"], "nothing to do: name image files, folders or globs, or - for paths on stdin"),
        (["sentiment"], "nothing to do: give texts or files, --csv F, or - for lines on stdin"),
        (["sentiment", "-great"], "unknown option '-great'"),
        (["sentiment", "good", "--model", "sentiment-imbd"], "no preset or preset folder named 'sentiment-imbd'"),
        (["sentiment", "--csv", "nowhere.csv"], "--csv nowhere.csv: no such file"),
        (["sentiment", "--csv", "data.xlsx"], "--csv data.xlsx: expected a table (.csv, .tsv, .jsonl)"),
        (["list", "model"], "cannot list 'model'; did you mean 'models'?"),
        (["show", "nothing-like-it"], "no preset, model, recipe or optimizer is named 'nothing-like-it'"),
        (["help", "clasify"], "no command 'clasify'; did you mean 'classify'?"),
        (["evaluate"], "the following arguments are required: PRESET|FOLDER"),
        (["export", "nothing-like-it", "out"], "no preset or preset folder named 'nothing-like-it'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(argv, message, zoo_main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, lines, err = zoo_main(*argv)
    assert (status, lines) == (2, [])
    assert err.startswith("zoo: ") and err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_text_that_begins_with_a_dash_is_told_what_to_do(zoo_main):
    assert "a text that begins with '-' goes by --text=" in zoo_main("sentiment", "-great")[2].lower()


def test_options_may_stand_between_items(folders, fake, zoo_main):
    status, lines, err = zoo_main("sentiment", "--model", folders["text"], "gg", "--top", "1", "xx", "--json")
    assert (status, err, len(lines)) == (0, "", 2)


def test_a_bug_is_one_line_and_debug_shows_the_traceback(folders, fake, zoo_main):
    argv = ["sentiment", "--model", folders["text"], "crash"]
    status, lines, err = zoo_main(*argv)
    assert (status, lines) == (2, [])
    assert err == "zoo: ZeroDivisionError: on purpose (--debug shows the traceback)\n"
    for place in (0, 1, len(argv)):
        status, _, err = zoo_main(*argv[:place], "--debug", *argv[place:])
        assert status == 2 and "Traceback (most recent call last)" in err and "ZeroDivisionError" in err


def test_an_error_of_the_user_has_a_traceback_too_with_debug(zoo_main):
    assert "Traceback" not in zoo_main("list", "modles")[2]
    assert "Traceback" in zoo_main("list", "modles", "--debug")[2]


def test_a_preset_of_another_task_is_refused_before_anything_is_loaded(folders, zoo_main):
    status, _, err = zoo_main("classify", "--model", folders["text"], "x.png")
    assert status == 2 and "is a preset for text-classification; this application needs one for image-class" in err


def test_module_and_command_are_the_same(folders):
    def said(*argv):
        done = subprocess.run(
            [sys.executable, "-m", *argv], capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"}
        )
        return done.returncode, done.stdout, done.stderr

    assert said("apps.sentiment", "--help") == said("apps.cli", "sentiment", "--help")
    assert said("apps.list", "modles") == said("apps.cli", "list", "modles")


def test_folders_of_the_same_name_do_not_stand_for_ours(tmp_path):
    """Django's projects keep their applications in `apps/`."""
    for name in ("apps", "zoo", "optimizers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "json.py").write_text("raise SystemExit('no module of Python')")
    found = subprocess.run(apps.command("list", "models", "--json"), cwd=tmp_path, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "") and "resnet9" in found.stdout


def test_a_process_of_ours_runs_this_very_code(tmp_path):
    """Not the installed one, where this is another checkout."""
    program = apps.command()[:-1] + [apps.command()[-1].replace("sys.exit(main())", "print(main.__code__.co_filename)")]
    found = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert found.stdout.strip() == cli.main.__code__.co_filename


def test_our_own_processes_are_started_by_one_function():
    root = Path(apps.__file__).parent.parent
    paths = [path for top in ("apps", "zoo", "benchmarks") for path in (root / top).rglob("*.py")]
    assert not [path for path in paths if '"-m", "apps.cli"' in path.read_text(encoding="utf-8")]
