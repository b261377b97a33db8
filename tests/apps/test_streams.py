"""`zoo` as a process among others: slow input, endless input, closed and full output, Ctrl-C."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest


def line_within(stream, seconds):
    ready, _, _ = select.select([stream], [], [], seconds)
    assert ready, f"nothing came within {seconds} s"
    return json.loads(stream.readline())


def test_a_line_is_answered_while_the_input_stays_open(start, folders):
    """As in `tail -f log | zoo sentiment -`."""
    zoo = start("sentiment", "-", "--model", folders["text"], bufsize=0)
    zoo.stdin.write(b"gggx\n")
    assert line_within(zoo.stdout, 20)["item"] == "gggx"
    for number in range(3):
        sent = time.monotonic()
        zoo.stdin.write(b"gx %d\n" % number)
        assert line_within(zoo.stdout, 10)["index"] == number + 1
        assert time.monotonic() - sent < 5
    out, err = zoo.communicate(timeout=20)
    assert (zoo.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize("given", [b"gggx\nxx\n", b"gggx\nxx"])
def test_standard_input_that_is_no_terminal_is_read_where_nothing_is_named(start, folders, tmp_path, given):
    for stdin in (subprocess.PIPE, tmp_path / "lines"):
        if stdin != subprocess.PIPE:
            stdin.write_bytes(given)
            stdin = open(stdin, "rb")
        zoo = start("sentiment", "--model", folders["text"], stdin=stdin)
        out, err = zoo.communicate(given if stdin == subprocess.PIPE else None, timeout=20)
        assert (zoo.returncode, err) == (0, b"")
        assert [json.loads(line)["item"] for line in out.splitlines()] == ["gggx", "xx"]


def test_paths_of_images_and_a_document_are_read_from_standard_input_too(start, folders, writers):
    zoo = start("classify", "--model", folders["image"])
    out, _ = zoo.communicate(b"nowhere.png\n", timeout=20)
    assert zoo.returncode == 1 and json.loads(out)["error"].startswith("no such file or folder")
    zoo = start("summarize", "--model", writers["summary"])
    assert zoo.communicate(b"one\ntwo\n", timeout=20) == (b"ONE TWO\n", b"") and zoo.returncode == 0


@pytest.mark.parametrize("app", ["sentiment", "classify"])
def test_an_empty_standard_input_is_wrong_usage(start, folders, app):
    model = ["--model", folders["text" if app == "sentiment" else "image"]]
    zoo = start(app, *model, stdin=subprocess.DEVNULL)
    out, err = zoo.communicate(timeout=20)
    assert (zoo.returncode, out, err.count(b"\n")) == (2, b"", 1)
    assert err.startswith(b"zoo: nothing to do: standard input is empty; ")
    zoo = start(app, *model, stdin=None, closed=[0])
    out, err = zoo.communicate(timeout=20)
    assert (zoo.returncode, out, err.count(b"\n")) == (2, b"", 1) and err.startswith(b"zoo: nothing to do: ")
    assert start(app, "-", *model, stdin=subprocess.DEVNULL).wait(timeout=20) == 0  # a stream that happened to be empty


def test_who_inherited_an_input_that_stays_open_is_told_what_is_waited_for(start, folders):
    zoo = start("sentiment", "--model", folders["text"], bufsize=0)
    assert select.select([zoo.stderr], [], [], 20)[0]
    assert zoo.stderr.readline() == b"zoo: nothing is named: waiting for lines of text on standard input\n"
    zoo.stdin.write(b"gggx\n")
    assert line_within(zoo.stdout, 20)["item"] == "gggx"
    for argv, status in ((["gggx"], 0), (["--text", "gggx"], 0), (["--top", "0"], 2), (["--csv", "nowhere.csv"], 2)):
        assert start("sentiment", "--model", folders["text"], *argv).wait(timeout=20) == status  # none waits


def test_two_hundred_thousand_lines_take_no_more_memory_than_a_few(start, folders, tmp_path):
    def peak(count):
        (tmp_path / "lines.txt").write_text("".join(f"a line with some good words {i}\n" for i in range(count)))
        with open(tmp_path / "lines.txt", "rb") as lines, open(tmp_path / "out", "wb") as out:
            zoo = start("sentiment", "-", "--model", folders["text"], stdin=lines, stdout=out)
            _, status, usage = os.wait4(zoo.pid, 0)
        assert status == 0
        with open(tmp_path / "out", "rb") as out:
            assert sum(1 for _ in out) == count
        return usage.ru_maxrss / 1024  # MiB

    assert peak(200_000) - peak(100) < 8


def test_ctrl_c_ends_quietly_with_130(start, folders):
    zoo = start("sentiment", "-", "--model", folders["text"], bufsize=0)
    zoo.stdin.write(b"gggx\n")
    line_within(zoo.stdout, 20)
    zoo.send_signal(signal.SIGINT)
    # stdin stays open: the thread that waits on it must not hold the end up.
    assert zoo.wait(timeout=10) == 130
    assert zoo.stderr.read() == b"zoo: interrupted\n"


def test_ctrl_c_leaves_no_half_written_file(start, folders, tmp_path):
    (tmp_path / "o.csv").write_text("old")
    zoo = start("sentiment", "-", "--model", folders["text"], "--csv-out", tmp_path / "o.csv", bufsize=0)
    zoo.stdin.write(b"gggx\n")
    deadline = time.monotonic() + 20
    while not any("partial" in path.name and path.stat().st_size > 80 for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    zoo.send_signal(signal.SIGINT)
    assert zoo.wait(timeout=10) == 130
    assert (tmp_path / "o.csv").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_reader_that_has_seen_enough_is_no_error(start, folders, tmp_path):
    """As in `zoo ... | head -1`."""
    (tmp_path / "many.txt").write_text("gggx\n" * 50_000)
    zoo = start("sentiment", tmp_path / "many.txt", "--model", folders["text"])
    zoo.stdout.readline()
    zoo.stdout.close()
    assert zoo.wait(timeout=30) == 0
    assert zoo.stderr.read() == b""


@pytest.mark.parametrize("argv", [["sentiment", "gggx"], ["sentiment", "--help"], ["list", "models"]])
def test_a_full_disk_behind_stdout_is_one_line_and_2(start, folders, argv):
    model = ["--model", folders["text"]] if argv[0] == "sentiment" else []
    with open("/dev/full", "wb") as full:
        zoo = start(*argv, *model, stdout=full)
        assert zoo.wait(timeout=20) == 2, zoo.stderr.read()
    assert zoo.stderr.read() == b"zoo: cannot write the output: No space left on device\n"


def test_a_closed_stdout_is_told(folders, start, tmp_path):
    zoo = start("sentiment", "gggx", "--model", folders["text"], stdout=None, closed=[1])
    assert zoo.wait(timeout=20) == 2, zoo.stderr.read()
    assert b"stdout is closed" in zoo.stderr.read()


def test_closed_stdin_and_stderr_do_not_matter(start, folders):
    zoo = start("sentiment", "gggx", "--model", folders["text"], stderr=None, closed=[0, 2])
    out, _ = zoo.communicate(timeout=20)
    assert zoo.returncode == 0 and json.loads(out)["label"] == "good"


def test_an_odd_locale_does_not_matter(start, folders):
    zoo = start("sentiment", "猫gg", "--model", folders["text"], env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    out, err = zoo.communicate(timeout=20)
    assert (zoo.returncode, err) == (0, b"") and json.loads(out)["item"] == "猫gg"


def test_what_c_code_writes_to_stderr_is_held_back_until_debug(tmp_path):
    code = "import os, sys; sys.path.insert(0, {root!r})\nfrom apps import cli, list as module\n"
    code += "module.run = lambda arguments: (os.write(2, b'chatter\\n'), print('said', file=sys.stderr), 0)[-1]\n"
    code += "sys.exit(cli.main(sys.argv[1:]))"
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))

    def err(*argv):
        return subprocess.run([sys.executable, "-c", code.format(root=root), *argv], capture_output=True).stderr

    assert err("list") == b"said\n"
    assert err("list", "--debug") == b"chatter\nsaid\n"


def test_a_crash_in_c_code_still_leaves_a_word(tmp_path):
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    code = f"import os, sys; sys.path.insert(0, {root!r})\nfrom apps import cli, list as module\n"
    code += "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
    code += "module.run = lambda arguments: os.abort()\nsys.exit(cli.main(['list']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGABRT and b"Fatal Python error: Aborted" in done.stderr


def shown_on(terminal):
    """All that was written to the other side of a pseudo-terminal."""
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the end, as Linux says it
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return shown.decode()


def test_on_a_terminal_there_is_a_table(start, folders):
    ours, theirs = pty.openpty()
    zoo = start("sentiment", "gggx", "", "xx.txt", "--model", folders["text"], stdout=theirs)
    assert zoo.wait(timeout=20) == 1
    os.close(theirs)
    lines = shown_on(ours).splitlines()
    assert re.sub(r"\x1b\[[0-9;]*m", "", lines[0]).split() == ["item", "label", "probability"]
    assert "gggx" in lines[1] and "75.0 %" in lines[1] and "(empty)" in lines[2]
    assert "failed: no such file" in lines[3]
    assert zoo.stderr.read() == b"zoo: 1 of 3 items failed\n"


def test_answers_go_into_their_file_while_progress_is_shown_on_a_terminal(start, folders):
    """As in `zoo ... > answers.jsonl`, typed by a person."""
    ours, theirs = pty.openpty()
    zoo = start("sentiment", "gggx", "xx", "--model", folders["text"], stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    answers = zoo.stdout.read().splitlines()
    assert zoo.wait(timeout=20) == 0
    assert [json.loads(line)["item"] for line in answers] == ["gggx", "xx"]
    shown = shown_on(ours)
    assert "loading text-preset" in shown and "answered 2" in shown and "0/?" not in shown and "gggx" not in shown
    assert shown.count("text-preset: trained on data of its own. It knows 2 labels: bad, good.") == 1


def test_progress_is_out_of_the_way_of_answers_on_the_same_terminal(start, folders):
    ours, theirs = pty.openpty()
    zoo = start(
        "sentiment", "gggx", "xx", "--model", folders["text"], stdout=theirs, stderr=theirs, env={"TERM": "xterm"}
    )
    os.close(theirs)
    shown = shown_on(ours)
    assert zoo.wait(timeout=20) == 0
    erased = shown.split("\x1b[2K")  # what follows the last erasing of the line stays on the screen
    assert "loading text-preset" in shown and any("gggx" in part and "ing text" not in part for part in erased)


@pytest.mark.parametrize("app", ["sentiment", "translate"])
def test_quiet_gives_answers_alone_on_a_terminal_too(start, folders, writers, app):
    ours, theirs = pty.openpty()
    model = folders["text"] if app == "sentiment" else writers["mine"]
    zoo = start(app, "gggx", "--model", model, "--quiet", stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    shown = shown_on(ours)
    assert zoo.wait(timeout=20) == 0
    assert "gggx" in shown and "loading" not in shown and str(model.name) not in shown


@pytest.mark.parametrize(("value", "coloured"), [("1", False), ("", True)])
def test_no_color_is_heeded(start, folders, value, coloured):
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "NO_COLOR": value}
    zoo = start(
        "sentiment", "gggx", "nowhere.txt", "--model", folders["text"], stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    codes = re.findall(r"\x1b\[([0-9;]+)m", shown_on(ours))
    assert zoo.wait(timeout=20) == 1
    assert any(code[0] in "349" for several in codes for code in several.split(";") if len(code) == 2) == coloured
