"""`zoo race`: the surfaces, the search, what is drawn, and the race on real data."""

import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image

from apps.racing import entrants, surfaces
from zoo import recipes
from zoo.errors import UserError

STEPS = 40


def height(surface, point):
    return float(surface.value(*np.asarray(point, np.float64)))


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A race of two optimizers over two surfaces: the folder, and the lines that were printed."""
    import io
    from contextlib import redirect_stdout

    from apps import cli

    out = tmp_path_factory.mktemp("runs") / "race"
    argv = ["race", "--surfaces", "saddle,ravine", "--optimizers", "sgd,adam", "--steps", STEPS, "--seed", 5]
    with redirect_stdout(io.StringIO()) as printed:
        status = cli.main([*map(str, argv), "--out", str(out)])
    assert status == 0
    return out, [json.loads(line) for line in printed.getvalue().splitlines()]


@pytest.mark.parametrize("surface", surfaces.SURFACES, ids=lambda surface: surface.name)
def test_minima_are_minima_and_slopes_are_slopes(surface):
    from apps.racing import search

    lowest = {round(height(surface, minimum), 9) for minimum in surface.minima}
    assert len(lowest) == 1
    for minimum in surface.minima:
        np.testing.assert_allclose(search.slope(surface, minimum), 0, atol=1e-9)
    left, right, bottom, top = surface.frame
    grid = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    assert np.asarray(surface.value(*grid)).min() >= lowest.pop() - 1e-9
    assert not surface.outside([surface.start, *surface.minima]).any()
    assert surface.distance(surface.start) > 5 * surfaces.ARRIVED
    for point in (surface.start, np.add(surface.start, (0.37, -0.21))):
        step = 1e-6
        expected = [
            (height(surface, np.add(point, way)) - height(surface, np.subtract(point, way))) / (2 * step)
            for way in ((step, 0), (0, step))
        ]
        np.testing.assert_allclose(search.slope(surface, point), expected, rtol=1e-6, atol=1e-7)


def test_gradient_descent_cannot_leap_over_the_pass():
    """The surface with a local minimum is honest: settling in the global one needs more than a lucky first step."""
    from apps.racing import search

    surface = surfaces.get("local-minimum")
    run = search.race([surface], entrants.get("batch_gradient_descent", True), 60, 1)[0]
    assert run.steps is None and run.value == pytest.approx(height(surface, (0.9, 0)), abs=1e-3)


@pytest.mark.parametrize("name", ["adam", "lamb", "prodigy", "rprop"])
def test_trajectories_are_those_of_the_optimizer_alone(name):
    """Elementwise rules, rules with a norm of the variable, and rules that look at all variables."""
    import keras

    from apps.racing import search

    chosen, rates = [surfaces.get("ravine"), surfaces.get("monkey-saddle")], [0.01, 0.1]
    entrant = entrants.get(name, True)
    found = search.trajectories(chosen, entrant, rates, 12, seed=1)
    assert found.shape == (2, 2, len(search.STARTS), 13, 2)
    for place, start in ((0, 0), (1, 2)):
        surface, rate = chosen[place], rates[1 - place]
        point = keras.Variable(np.add(surface.start, search.STARTS[start]), dtype="float32")
        optimizer = entrant.make(rate)
        alone = [keras.ops.convert_to_numpy(point)]
        for _ in range(12):
            optimizer.apply([search.slope(surface, keras.ops.convert_to_numpy(point)).astype(np.float32)], [point])
            alone.append(keras.ops.convert_to_numpy(point))
        assert (alone[-1] != alone[0]).all()
        moved = np.abs(np.diff(alone, axis=0)).sum()
        np.testing.assert_allclose(found[place, 1 - place, start], alone, atol=1e-4 * moved + 1e-6)


def test_noise_is_seeded_and_only_for_stochastic_gradient_descent():
    from apps.racing import search

    ravine, saddle = surfaces.get("ravine"), surfaces.get("saddle")

    def path(name, seed, chosen=(ravine,)):
        return search.trajectories(chosen, entrants.get(name, True), [0.01], 5, seed)[-1, 0, 0]

    np.testing.assert_array_equal(path("sgd", 1), path("sgd", 1, (saddle, ravine)))
    assert np.abs(path("sgd", 1) - path("sgd", 2)).max() > 1e-3
    assert np.abs(path("sgd", 1) - path("batchgradientdescent", 1)).max() > 1e-3
    np.testing.assert_array_equal(path("momentum", 1), path("momentum", 2))
    assert "noisy" in entrants.get("sgd", True).name and not entrants.get("sgd", False).noisy


def test_the_best_rate_is_the_rule_s_and_every_optimizer_gets_the_same_budget(raced):
    from apps.racing import search

    _, lines = raced
    assert {line["runs_tried"] for line in lines} == {len(search.RATES) * len(search.STARTS)}
    line = next(line for line in lines if (line["surface"], line["optimizer"]) == ("saddle", "Adam"))
    surface = surfaces.get("saddle")
    paths = search.trajectories([surface], entrants.get("adam", True), search.RATES, STEPS, 5)[0]
    slowest = []
    for of_starts in paths:
        distances = surface.distance(of_starts)  # K T
        steps = [max(np.flatnonzero(row > surfaces.ARRIVED), default=-1) + 1 for row in distances]
        slowest.append(max(steps))  # STEPS + 1: not there at the end
    assert min(slowest) <= STEPS
    assert line["learning_rate"] == search.RATES[int(np.argmin(slowest))]


@pytest.mark.parametrize(
    ("arrivals", "ends", "best"),
    [
        ([[1, 1, 9], [3, 3, 3], [4, 2, 2]], 1.0, 1),  # 9: not at all. The slowest start counts
        ([[4, 1, 1], [2, 2, 2], [2, 2, 2]], 1.0, 1),  # a tie goes to the smaller rate
        ([[9, 9, 9], [9, 9, 9], [9, 9, 9]], [[1, 1, 3], [2, 2, 2], [1, 1, 4]], 1),  # the lowest of the highest ends
        ([[9, 1, 1], [9, 9, 9], [9, 9, 9]], [[4, 4, 4], [2, 2, 2], [1, 1, 3]], 1),
    ],
)
def test_what_best_is(arrivals, ends, best, monkeypatch):
    from apps.racing import search

    steps, far = 5, np.broadcast_to(ends, (3, 3))
    paths = np.zeros((1, 3, 3, steps + 1, 2))  # S R K T 2
    for rate, start in np.ndindex(3, 3):
        until = min(arrivals[rate][start], steps + 1)
        paths[0, rate, start, :until, 0] = -far[rate, start]
    monkeypatch.setattr(search, "trajectories", lambda *_: paths)
    run = search.race([surfaces.get("ravine")], entrants.get("adam", True), steps, 1, (0.1, 0.2, 0.3))[0]
    assert run.learning_rate == (0.1, 0.2, 0.3)[best]
    np.testing.assert_array_equal(run.positions, paths[0, best, 0])


def test_arrival_and_leaving():
    from apps.racing import search

    surface = surfaces.get("ravine")

    def run(*positions):
        return search.Run(surface, entrants.get("adam", True), 1.0, np.array(positions, float), 1)

    through = run((-2, 0), (0, 0), (1, 0), (0.05, 0), (0, 0.01))
    assert (through.steps, through.left) == (3, None)
    assert run((-2, 0), (0, 0), (1, 0)).steps is None
    gone = run((-2, 0), (9, 0), (1, 0), (99, 0), (np.nan, np.inf))
    assert (gone.steps, gone.left, gone.value) == (None, 3, float("inf"))
    assert gone.to_dict()["value"] is None and json.dumps(gone.to_dict(path=True), allow_nan=False)


def test_the_lines_agree_with_the_trajectories(raced):
    out, lines = raced
    stored = json.loads((out / "race.json").read_text())
    assert {path.name for path in out.iterdir()} == {"race.png", "race.gif", "race.json"}
    assert [{k: v for k, v in run.items() if k != "path"} for run in stored["runs"]] == lines
    assert [line["surface"] for line in lines] == ["saddle"] * 2 + ["ravine"] * 2
    for run in stored["runs"]:
        surface, path = surfaces.get(run["surface"]), np.array(run["path"])
        assert len(path) == STEPS + 1 and path[0] == pytest.approx(surface.start)
        near = surface.distance(path) <= surfaces.ARRIVED
        if run["steps"] is None:
            assert not near[-1]
        else:
            assert near[run["steps"] :].all() and not near[run["steps"] - 1]
        assert run["value"] == pytest.approx(height(surface, path[-1]), abs=1e-4)


def test_the_pictures_can_be_read(raced):
    from apps.racing import pictures

    out, _ = raced
    with Image.open(out / "race.png") as picture:
        picture.load()
        assert picture.format == "PNG" and picture.width >= 700
    with Image.open(out / "race.gif") as animation:
        assert animation.n_frames == len(pictures.moments(STEPS))
        animation.seek(0)
        first = np.asarray(animation.convert("L"), int)
        animation.seek(animation.n_frames - 1)
        assert np.abs(np.asarray(animation.convert("L"), int) - first).max() > 100
    assert (out / "race.gif").stat().st_size < 3e6
    assert pictures.moments(300)[-1] == 300 and pictures.moments(2) == [0, 1, 2]


def test_the_picture_has_one_legend_thin_beginnings_and_the_numbers_in_a_table(monkeypatch):
    import io

    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.table import Table

    from apps.racing import pictures, search

    chosen = [surfaces.get(name) for name in ("ravine", "saddle")]
    names = [entrants.get(name, True).name for name in ("adam", "lion")]
    paths = {  # arrives at step 3; ends away from the minimum; leaves
        ("ravine", "Adam"): ((-2, 0), (-1, 0), (1, 0), (0, 0), (0, 0.01)),
        ("ravine", "Lion"): ((-2, 0), (0, 0), (0, 0), (0, 0), (1, 0)),
        ("saddle", "Adam"): ((-1, 0), (0, 1), (0, 1), (0, 1), (0, 1)),
        ("saddle", "Lion"): ((-1, 0), (0, 0), (9, 0), (9, 0), (99, 0)),
    }
    runs = [
        search.Run(surface, entrants.get(name, True), 4.64, np.array(paths[surface.name, name], float), 1)
        for surface in chosen
        for name in names
    ]
    kept, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: kept.append(self) or save(self, *a, **k))
    pictures.still(runs, io.BytesIO())
    (figure,) = kept
    (legend,) = figure.findobj(Legend)
    assert [text.get_text() for text in legend.get_texts()] == names
    (table,) = figure.findobj(Table)
    cells = {place: cell.get_text() for place, cell in table.get_celld().items()}
    told = [[cells[row, column].get_text() for column in range(3)] for row in range(3)]
    assert told == [
        ["", "ravine", "saddle"],
        ["Adam", "3 at 4.64*", "1 at 4.64*"],
        ["Lion", "(3.4) at 4.64*", "left at 2 at 4.64*"],
    ]
    assert [place for place, text in cells.items() if text.get_fontweight() == "bold" and place[0]] == [(1, 1), (1, 2)]
    axes = next(axes for axes in figure.axes if axes.get_title() == chosen[0].title)
    widths = [
        line.get_linewidth() for line in axes.lines if line.get_color() == "#000000" and line.get_linestyle() == "-"
    ]
    assert len(widths) == 3 and widths == sorted(set(widths))  # steps 0 to 1, 1 to 2, 2 to 3
    for text in (figure._suptitle, figure._supxlabel, legend):
        box = text.get_window_extent()
        assert 0 <= box.x0 and box.x1 <= figure.bbox.x1 and 0 <= box.y0 and box.y1 <= figure.bbox.y1


def test_the_same_seed_gives_the_same_files(raced, tmp_path, zoo_main):
    out, lines = raced
    argv = ["--surfaces", "saddle,ravine", "--optimizers", "SGD,Adam", "--steps", STEPS, "--seed", 5]
    status, again, err = zoo_main("race", *argv, "--json", "--out", tmp_path / "again")
    assert (status, err, [json.loads(line) for line in again]) == (0, "", lines)
    for name in ("race.json", "race.png", "race.gif"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_curves_can_be_told_apart_without_colour():
    from apps.racing.line_styles import LINE_STYLES

    assert len({(str(look["linestyle"]), look["marker"]) for look in LINE_STYLES}) == len(LINE_STYLES)
    assert len({look["marker"] for look in LINE_STYLES}) == len(LINE_STYLES)


def test_a_person_sees_a_table(raced, capsys):
    import argparse

    from apps import race
    from apps.racing import search

    surface = surfaces.get("ravine")
    ends = [np.array([surface.start, end], float) for end in ((0, 0), (1, 0), (99, 0))]
    runs = [
        search.Run(surface, entrants.get(name, True), 1.0, positions, 1)
        for name, positions in zip(("adam", "lion", "sgd"), ends, strict=True)
    ]
    say = race._Say(argparse.Namespace(json=True, quiet=False))
    say.json = False
    say.table(race._steps_table(runs))
    printed = capsys.readouterr().out
    assert re.search(r"ravine +1 +\(3\.4\) +left at 1", printed) and "SGD, noisy gradients" in " ".join(printed.split())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--surfaces", "ravin"], "no surface named 'ravin'; did you mean 'ravine' or 'rastrigin'?"),
        (["--surfaces", "ravine,"], "--surfaces: expected names separated by commas, got 'ravine,'"),
        (["--optimizers", "adm"], "no optimizer named 'adm'; did you mean 'adam'"),
        (["--optimizers", "adam,ADAM"], "--optimizers: Adam is named twice"),
        (["--recipe", "classify-fasion"], "no recipe named 'classify-fasion'; did you mean 'classify-fashion'"),
        (["--recipe", "classify-photos"], "it has no data of its own to race on"),
        (["--recipe", "sentiment-imdb"], "its first weights are fitted to its data"),
        (["--recipe", "quickstart", "--budget", "-1"], "--budget: expected minutes above 0, got -1"),
        (["--budget", "5"], "--budget: only for a race on a recipe: name it by --recipe"),
        (["--recipe", "quickstart", "--surfaces", "ravine"], "--surfaces: only for a race on surfaces"),
        (["--steps", "0"], "--steps: expected a whole number from 1"),
        (["--seed", "-1"], "--seed: expected a whole number of at least 0"),
        (["--out", "file"], "file: expected a folder to write into, it is a file"),
        (["--out", "full"], "full: not empty; choose another --out"),
        (["--out", "file/below"], "cannot write file/below: Not a directory"),
    ],
)
def test_wrong_usage_is_one_line_and_2(argv, message, zoo_main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("")
    status, lines, err = zoo_main("race", *argv)
    assert (status, lines) == (2, [])
    assert err.startswith("zoo: ") and err.count("\n") == 1 and message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_control_c_leaves_nothing(zoo_main, tmp_path, monkeypatch):
    from apps.racing import pictures

    def interrupted(runs, stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "still", interrupted)
    argv = ["--surfaces", "saddle", "--optimizers", "sgd", "--steps", 2, "--out", tmp_path / "out"]
    status, lines, err = zoo_main("race", *argv)
    assert (status, lines, err) == (130, [], "zoo: interrupted\n")
    assert not list(tmp_path.iterdir())


def test_a_budget_cuts_examples_then_epochs_then_rates():
    from apps.racing import comparison

    cost = comparison.Cost(start=1.0, example=0.01, evaluation=0.002)

    def plan(seconds, count=2):
        found = comparison.fitting(comparison.WHOLE, cost, count, 1000, 1000, 100, seconds)
        if found is not None:
            assert count * cost.seconds(found, 1000, 1000) <= seconds + 1e-6
        return found

    assert plan(1e6) == comparison.WHOLE
    assert plan(1500).epochs == 3 and 1500 < plan(1500).examples < 6000
    assert plan(300).epochs == 1 and plan(300).rates == 3
    assert (plan(30).rates, plan(30).seeds, plan(30).epochs) == (1, 1, 1) and plan(30).examples >= 100
    assert plan(5) is None
    plans = [plan(seconds) for seconds in range(20, 2000, 40)]
    for what in ("epochs", "rates", "seeds"):  # more time never buys less of these
        bought = [getattr(each, what) for each in plans if each]
        assert bought == sorted(bought) and {1, 3} <= set(bought)


@pytest.fixture(scope="module")
def on_digits():
    from apps.racing import comparison

    recipe = dataclasses.replace(recipes.get("quickstart"), augment=None)
    said, emitted = [], []
    measured = comparison.race(
        recipe,
        [entrants.get("adam", False)],
        1,
        None,
        said.append,
        emitted.extend,
        whole=comparison.Plan(200, 1, 2, 2),
    )
    return measured, said, emitted


def test_a_race_on_real_data(on_digits):
    measured, said, emitted = on_digits
    assert re.match(r"About \d+\.\d minutes: 1 optimizers, 3 trainings each \(2 rates, 2 seeds\) of 1 epochs", said[0])
    assert emitted[0]["examples"] == pytest.approx(200, abs=5) and emitted[1:] == measured["optimizers"]
    for entry, default in zip(measured["optimizers"], (0.001,), strict=True):
        assert [each["learning_rate"] for each in entry["search"]] == pytest.approx([default, 5 * default])
        best = max(entry["search"], key=lambda each: each["validation"])
        assert entry["validation"]["values"][0] == best["validation"]
        for split in ("validation", "test"):
            values = entry[split]["values"]
            assert len(values) == 2 and all(0 <= value <= 1 for value in values)
            assert entry[split]["mean"] == pytest.approx(np.mean(values))
            assert entry[split]["deviation"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    json.dumps(measured, allow_nan=False)


def test_its_curves_can_be_read(on_digits, tmp_path):
    from apps.racing import curves

    measured = on_digits[0]
    other = {**measured["optimizers"][0], "optimizer": "another"}
    with open(tmp_path / "race.png", "wb") as stream:
        curves.draw({**measured, "optimizers": [*measured["optimizers"], other]}, stream)
    with Image.open(tmp_path / "race.png") as picture:
        assert picture.format == "PNG" and picture.width > picture.height


def test_every_optimizer_starts_from_the_same_weights():
    from apps.racing import comparison
    from zoo import data
    from zoo.training.new_task import new_task

    recipe = recipes.get("quickstart")
    train = data.load("digits", "train", kind="image").take(np.arange(64))
    batches = new_task(recipe, "digits", train).batches(train, 32)

    def first(name, rate, seed):
        return comparison._trainer(recipe, entrants.get(name, False), rate, seed, 1, train, batches)

    ours, other, later = first("adam", 0.1, 3), first("lion", 0.01, 3), first("adam", 0.1, 4)
    for one, two in zip(ours.layers[-1].get_weights(), other.layers[-1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(
        (one != two).any()
        for one, two in zip(ours.layers[-1].get_weights(), later.layers[-1].get_weights(), strict=True)
    )
    assert (type(ours.optimizer).__name__, type(other.optimizer).__name__) == ("Adam", "Lion")
    whole = comparison._trainer(recipe, entrants.get("batch-gradient-descent", False), 0.1, 3, 1, train, batches)
    assert (whole.optimizer.steps_per_epoch, whole.optimizer.last_batch) == (2, 1.0)


def test_a_budget_too_small_for_one_run_is_refused(zoo_main, tmp_path):
    argv = ["--recipe", "quickstart", "--optimizers", "adam", "--budget", "0.001", "--out", tmp_path / "out"]
    status, lines, err = zoo_main("race", *argv)
    assert (status, lines) == (2, []) and not list(tmp_path.iterdir())
    assert re.search(
        r"--budget 0.001: too small for one run of each of 1 optimizers, which takes about \d+\.\d min", err
    )


def test_an_unknown_name_is_refused_by_the_functions_too():
    with pytest.raises(UserError, match="no surface named 'himmelblau'; there are: beale"):
        surfaces.get("himmelblau")
