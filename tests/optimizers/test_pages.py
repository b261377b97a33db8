"""The pages on optimizers: whole, of today, and true to the code."""

import re
from pathlib import Path

import pytest

import optimizers
from optimizers import catalog
from tests.optimizers.table import TABLE

FOLDER = Path(optimizers.__file__).parent
ADDONS = (FOLDER / "FROM_ADDONS.md").read_text()
EACH = pytest.mark.parametrize("cls", catalog.classes(), ids=lambda cls: cls.__name__)
NUMBERS = {"none": 0, "nothing": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def test_the_page_is_of_today():
    assert (FOLDER / "README.md").read_text() == catalog.page(), "python -m optimizers.catalog > optimizers/README.md"


@EACH
def test_the_docstring_has_the_rule_and_all_heads(cls):
    assert 1 <= len(catalog.rule(cls)) <= catalog.LONGEST_RULE
    told = catalog.heads(cls)
    assert list(told) == list(catalog.HEADS) and all(told.values())


@EACH
def test_every_paper_can_be_found(cls):
    paper = catalog.heads(cls)["Paper"]
    assert re.search(r"arXiv:\d{4}\.\d{4,5}\b|\b(1[89]|20)\d\d\b", paper) or paper.startswith("none; ")


# A row with a fraction of a number per parameter counts rows and columns of the problem's own shapes.
@pytest.mark.parametrize("row", [row for row in TABLE if row.slots == int(row.slots)], ids=lambda row: row.name)
def test_the_memory_is_what_the_table_counts(row):
    one = row.make(0.01)
    possible = {0}
    while one is not None:  # from the outermost wrapper to the rule
        memory = catalog.heads(type(one))["Memory"]
        if "for each" in memory and "matrix" not in memory:
            pytest.skip("the memory depends on an argument")
        stated = {NUMBERS[word] for word in re.findall(r"\w+", memory.lower()) if word in NUMBERS}
        possible = {total + number for total in possible for number in stated}
        one = getattr(one, "inner", None)
    assert row.slots in possible


NAMED = [
    *("AdaBelief", "AdamW", "COCOB", "ConditionalGradient", "CyclicalLearningRate", "ExponentialCyclicalLearningRate"),
    *("LAMB", "LazyAdam", "Lookahead", "MovingAverage", "MultiOptimizer", "NovoGrad", "ProximalAdagrad"),
    *("RectifiedAdam", "SGDW", "SWA", "Triangular2CyclicalLearningRate", "TriangularCyclicalLearningRate", "Yogi"),
    "extend_with_decoupled_weight_decay",
]


def test_every_class_of_addons_is_named():
    told = {name for line in re.findall(r"^\| (`.+?) \|", ADDONS, re.M) for name in re.findall(r"`(\w+)`", line)}
    assert told == set(NAMED)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`optimizers\.([\w.]+)", ADDONS))))
def test_every_successor_is_there(name):
    found = optimizers
    for part in name.split("."):
        found = getattr(found, part)


BLOCKS = re.findall(r"```python\n(.*?)```", ADDONS, re.S)


@pytest.mark.parametrize("block", [block for block in BLOCKS if "tfa." not in block], ids=lambda block: block[-40:])
def test_what_stands_after_runs(block):
    exec(compile(block, "FROM_ADDONS.md", "exec"), {})
