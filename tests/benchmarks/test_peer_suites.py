"""The pure parts of the peers' suites: kinds of failures, what is intended, tables, comparisons. No peer is needed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "peer_suites.py"


@pytest.fixture(scope="module")
def peer_suites():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        specification = importlib.util.spec_from_file_location("peer_suites", SCRIPT)
        module = importlib.util.module_from_spec(specification)
        sys.modules["peer_suites"] = module
        specification.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(SCRIPT.parent))
        del sys.modules["peer_suites"]


@pytest.mark.parametrize(
    ("test", "error", "expected"),
    [
        ("optimizer_test.py::T::test_pickleable_optimizers0", "Adam has no slots yet", "pickling and copying"),
        ("ftrl_test.py::T::test_config", "TypeError: FTRL has no argument `learning_rate_power`.", "arguments"),
        ("test_sparse_gradient_equals_dense[Adam]", "NotImplementedError: Subtraction", "sparse gradients"),
        ("test_rate_setter[LazySparse]", "Adam: `learning_rate` must be a float", "rate setter"),
        ("nadam_test.py::T::test_build_with_empty_var_list", "IndexError: list index", "build([]), .h5"),
        ("test_unfitted_model_loads[.h5-Adam]", "The checkpoint of Adam holds 2", "build([]), .h5"),
        ("test_unfitted_model_loads[.keras-Adam]", "The checkpoint of Adam holds 2", "checkpoints"),
        ("yogi_test.py::test_tensor_learning_rate", "Yogi: `learning_rate` must be a float >= 0", "rate setter"),
        ("test_unknown_static[rank-CAME]", "as_list() is not defined on an unknown", "unknown static shapes"),
        ("test_variables_of_size_0[SOAP]", "InvalidArgumentError", "size 0 and 0-D"),
        ("test_finite_and_dtype_kept[zero_gradient-float16-Adam]", "assert False", "half precision"),
        ("test_layer_config[trainable-Step]", "assert True == False", "layers"),
        ("adamw_test.py::T::test_x", "AssertionError: Not equal to tolerance rtol=0.0005", "values"),
        ("a_test.py::T::test_x", "AttributeError: no `_dtypes`", "other"),
    ],
)
def test_a_failure_is_of_the_first_kind_that_fits(peer_suites, test, error, expected):
    assert peer_suites.kind(test, error) == expected


def test_errors_are_cut_to_the_line_that_says_what_is_wrong(peer_suites):
    keras = (
        "ValueError: A total of 1 objects could not be loaded. Example error message for object <A at 0x7f>:\n\nhere"
    )
    tensorflow = 'ValueError: in user code:\n\n    File "a.py", line 1\n\n    TypeError: here at 0x7fab\n'
    assert peer_suites.short_error(keras) == "here"
    assert peer_suites.short_error(tensorflow) == "TypeError: here"
    assert len(peer_suites.short_error("x" * 999)) == 160


def _rows(*failed):
    rows = [{"test": "keras/src/optimizers/a_test.py::T::test_x", "outcome": "passed", "error": ""}]
    return rows + [
        {"test": f"keras/src/optimizers/{test}", "outcome": "failed", "error": error} for test, error in failed
    ]


def test_a_summary_leaves_out_what_fails_with_the_peers_own_classes(peer_suites):
    rows = _rows(("a_test.py::T::test_y[0]", "e"), ("a_test.py::T::test_y[1]", "e"), ("b_test.py::T::test_z", "e"))
    result = peer_suites.summary(rows, {"b_test.py::T::test_z"})
    assert (result["passed"], result["failed"]) == (1, 2)
    (group,) = result["failures"]
    assert group["tests"] == ["a_test.py::T::test_y[0]", "a_test.py::T::test_y[1]"]


def test_tables_count_faults_without_what_is_intended_and_compare_names_new_ones(peer_suites):
    wording = ("sgd_test.py::SGDTest::test_invalid_momentum", "does not match")
    sparse = ("a_test.py::T::test_sparse", "e")
    before = peer_suites.summary(_rows(wording, sparse), set())
    after = peer_suites.summary(_rows(wording, ("a_test.py::T::test_new", "e")), set())
    files = [{"runs": {"keras-optimizers": {"jax": result}}} for result in (before, after)]
    assert "| keras-optimizers | jax | 3 | 1 | 1 | 1 |" in peer_suites.show(files[0])
    lines = peer_suites.compare(*files)
    assert "| sparse gradients | 1 -> 0 |" in lines and "| all | 1 -> 1 |" in lines
    assert lines[-1] == "new in keras-optimizers, jax: a_test.py::T::test_new"


def test_the_kept_file_shows(tmp_path):
    kept = SCRIPT.parent / "results" / "peer_suites_before.json"
    shown = subprocess.run([sys.executable, SCRIPT, "show", kept], capture_output=True, text=True, check=True).stdout
    rows = [line for line in shown.splitlines() if line.startswith("| keras-optimizers | tensorflow |")]
    (row,) = rows
    ran, passed, intended, faults = (int(cell) for cell in row.split("|")[3:7])
    assert (ran, passed, intended + faults) == (257, 202, 55)
    assert json.loads(kept.read_text())["runs"]
