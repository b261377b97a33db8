"""Tasks of other kinds than the presets': trained, resumed to the bit, saved, answered, exported by the same frame."""

import csv
import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.zoo import small_tasks
from zoo import export, training
from zoo.errors import UserError
from zoo.training import resuming

ITEMS = {
    "small-box": lambda: list(small_tasks.pictures(5, 9).raw),
    "small-rated": lambda: list(small_tasks.rated(5).raw),
    "small-spots": lambda: [0, 7, 7, 12],
}
BAD = {"small-box": b"no image", "small-rated": {"text": "a"}, "small-spots": -1}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    small_tasks.register(monkeypatch)


def fit(name, out, **options):
    return training.fit(small_tasks.RECIPES[name], out, say=lambda sentence: None, verbose=0, **options)


def weights(folder):
    return {weight.path: np.asarray(weight) for weight in zoo.load(folder).model.weights}


@pytest.mark.parametrize("name", small_tasks.RECIPES)
def test_a_task_is_trained_saved_answered_and_exported(name, tmp_path):
    task = fit(name, tmp_path / "one")
    files = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"config.json", "weights", "scores.json", "history.csv", "curve.png", "card.md"} <= files
    items = ITEMS[name]()
    there = zoo.load(tmp_path / "one")
    assert [a.to_dict() for a in there.predict(items)] == [a.to_dict() for a in task.predict(items)]
    answers = list(there.predict([items[0], BAD[name], items[1]], batch_size=3))
    assert [answer.error is None for answer in answers] == [True, False, True]
    assert there(items[0]).to_dict() == answers[0].to_dict()
    with pytest.raises(UserError):
        there(BAD[name])
    folder = export.saved_model(task, tmp_path / "served")  # compared in a fresh process
    kinds = {given.name: given.kind for given in task.inputs}
    assert json.loads((folder / "assets.extra" / "prepare.json").read_text()) == kinds


@pytest.mark.parametrize("name", small_tasks.RECIPES)
def test_an_interrupted_training_of_it_goes_on_to_the_same_weights(name, tmp_path, monkeypatch):
    fit(name, tmp_path / "whole")

    class Stop(Exception):
        pass

    saved = resuming.Resumable._save

    def stop(self, step):
        saved(self, step)
        if len(self.history) == 1 and step == 1:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(resuming.Resumable, "_save", stop)
        with pytest.raises(Stop):
            fit(name, tmp_path / "again", save_every=0)
    fit(name, tmp_path / "again", resume=True)
    ours, theirs = weights(tmp_path / "again"), weights(tmp_path / "whole")
    for path, value in theirs.items():
        np.testing.assert_array_equal(ours[path], value, err_msg=path)
    rows = [list(csv.DictReader(open(tmp_path / folder / "history.csv"))) for folder in ("again", "whole")]
    for row in rows[0] + rows[1]:
        row.pop("seconds")
    assert rows[0] == rows[1]


def test_two_optimizers_have_their_rates_in_the_history(tmp_path):
    fit("small-spots", tmp_path / "out")
    (row, _) = csv.DictReader(open(tmp_path / "out" / "history.csv"))
    assert {"learning_rate", "learning_rate_discriminator_optimizer", "generator_loss"} <= row.keys()
    assert not any(key.startswith("val_") for key in row)
    assert "Optimizer: sgd (momentum=0.5)" in (tmp_path / "out" / "card.md").read_text()


def test_a_training_that_diverges_raises_or_is_recorded(tmp_path):
    import dataclasses

    wild = dataclasses.replace(small_tasks.RATED, optimizer="sgd", learning_rate=1e38, epochs=3)
    with pytest.raises(UserError, match="diverged in epoch 1"):
        training.fit(wild, tmp_path / "raised", say=lambda sentence: None, verbose=0)
    training.fit(wild, tmp_path / "recorded", say=lambda sentence: None, verbose=0, record_divergence=True)
    assert {path.name for path in (tmp_path / "recorded").iterdir()} == {"history.csv", "curve.png", "scores.json"}
    assert json.loads((tmp_path / "recorded" / "scores.json").read_text())["diverged"] == 1
    (row,) = csv.DictReader(open(tmp_path / "recorded" / "history.csv"))
    assert row["loss"] in ("nan", "inf")


def test_callbacks_and_schedules_of_ones_own(tmp_path):
    import dataclasses

    import keras

    rates = []
    recipe = dataclasses.replace(small_tasks.RATED, schedule=lambda rate, steps: rate / steps, learning_rate=0.08)
    noted = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(float(noted.model.optimizer.learning_rate))
    )
    training.fit(recipe, tmp_path / "out", say=lambda sentence: None, verbose=0, callbacks=[noted])
    assert rates == pytest.approx([0.08 / 6] * 2)  # 38 examples in batches of 16, two epochs


def test_pictures_and_boxes_move_together():
    """The bright part of each augmented picture lies where its box says."""
    records = small_tasks.pictures(32, 3)
    config = {"preprocess": small_tasks.BOXES.preprocess, "name": "x", "task": "box", "model": "box_model"}
    task = small_tasks.BoxTask(small_tasks.box_model(), config)
    batches = task.batches(records, 8, small_tasks.augment())
    moved = 0
    for (x, y), (plain, _) in zip(batches.training(0, 0, 1), task.batches(records, 8).training(0, 0, 1), strict=True):
        for image, before, box in zip(x.numpy(), plain.numpy(), y["boxes"]["boxes"].numpy()[:, 0], strict=True):
            bright = np.argwhere(image[..., 0] > 127)  # rows are (y, x)
            corners = [*bright.min(0)[::-1], *(bright.max(0) + 1)[::-1]]
            np.testing.assert_allclose(np.array(corners) / small_tasks.SIZE, box, atol=1e-6)
            moved += not np.array_equal(image, before)
    assert 4 < moved < 28


def test_an_augmented_batch_is_the_same_in_parts_and_each_time():
    task = small_tasks.BoxTask(small_tasks.box_model(), {"preprocess": small_tasks.BOXES.preprocess})
    batches = task.batches(small_tasks.pictures(20, 3), 8, small_tasks.augment())

    def halves(counts):
        rows = tf.size(counts)
        return tf.data.Dataset.range(2).map(
            lambda half: (tf.range(rows)[tf.cast(half, tf.int32) :: 2], tf.ones([(rows + 1) // 2]))
        )

    whole = list(batches.training(5, 1, 2))
    parts = list(batches.training(5, 1, 2, halves))
    for number, (x, _) in enumerate(whole):
        for half in (0, 1):
            np.testing.assert_array_equal(parts[2 * number + half][0], x[half::2])
    again = list(batches.training(5, 1, 2, None, 1))
    np.testing.assert_array_equal(again[0][0], whole[1][0])
    other = list(batches.training(5, 0, 1))
    assert not all(np.array_equal(one, two) for (one, _), (two, _) in zip(whole, other, strict=True))


def test_batches_of_one_epoch_and_of_two_draw_otherwise():
    """Of one picture twenty times over, so that nothing but the draws differs."""
    records = small_tasks.pictures(1, 5).take(np.zeros(20, int))
    task = small_tasks.BoxTask(small_tasks.box_model(), {"preprocess": small_tasks.BOXES.preprocess})
    batches = task.batches(records, 10, small_tasks.augment())
    drawn = [x.numpy().tobytes() for x, _ in batches.training(5, 0, 2)]
    assert len(drawn) == len(set(drawn)) == 4


def test_replicas_are_refused_what_they_cannot_share():
    from zoo.training import compiling

    trainer = small_tasks.Adversaries(small_tasks.spot_model())
    with pytest.raises(UserError, match="Adversaries trains by a step of its own"):
        compiling.check_shared(trainer, {"optimizer": None})
    trainer.shares_batches = True
    compiling.check_shared(trainer, {"optimizer": None})
    with pytest.raises(UserError):
        compiling.check_shared(trainer, {"optimizer": None, "other": None})


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("a text", "expected an item with text, stars, as a dict; got str"),
        ({"text": "a"}, "expected an item with text, stars, as a dict; got text"),
        ({"text": "a", "stars": [1, 2]}, "stars: expected numbers of the shape 3, got 2"),
        ({"text": "a", "stars": [1, 2, 9]}, "stars: expected numbers from 1 to 5"),
        ({"text": 5, "stars": [1, 2, 3]}, "expected a text, str or UTF-8 bytes, got int"),
    ],
)
def test_an_item_of_several_inputs_is_checked(item, said):
    task = small_tasks.RatedTask(small_tasks.rated_model(), {"labels": ["bad", "good"]})
    with pytest.raises(UserError, match=said):
        task(item)


def test_an_option_that_a_task_has_not_is_refused():
    with pytest.raises(UserError, match="no option 'label_smothing'; did you mean 'label_smoothing'"):
        small_tasks.RatedTask.checked_options({"label_smothing": 0.1})
    with pytest.raises(UserError, match="from 0 to below 1, got 1.5"):
        small_tasks.RatedTask.checked_options({"label_smoothing": 1.5})
