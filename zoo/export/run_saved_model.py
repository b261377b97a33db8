"""Runs a SavedModel where nothing but TensorFlow is at hand, and what the export itself says that it needs.

`zoo.export.checking` starts this file as a process of its own.

stdin: JSON {"folder": F, "requests": [{"signature": S, "rows": [{argument: {"b64": bytes} or numbers}, ...]}, ...]};
stdout: a JSON list with the tensors of each answer.
"""

import base64
import importlib
import json
import sys
from pathlib import Path

import tensorflow as tf

# An export is data and may come from anywhere: nothing else is imported on its word.
ALLOWED = ("tensorflow_text",)


def main() -> None:
    """Answers the requests on stdin."""
    given = json.load(sys.stdin)
    for module in required(Path(given["folder"])):
        importlib.import_module(module)
    signatures = tf.saved_model.load(given["folder"]).signatures
    answers = []
    for request in given["requests"]:
        signature = signatures[request["signature"]]
        arguments = {
            name: tf.constant([_value(row[name]) for row in request["rows"]], specification.dtype)
            for name, specification in signature.structured_input_signature[1].items()
        }
        answer = signature(**arguments)
        answers.append({name: tensor.numpy().tolist() for name, tensor in answer.items()})
    json.dump(answers, sys.stdout, default=bytes.decode)


def _value(value):
    """Bytes of base64; numbers stay."""
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def required(folder: Path) -> list[str]:
    """The modules whose operations an export needs, as its `assets.extra/requires.json` names them.

    Args:
        folder: A version's folder.

    Raises:
        ValueError: The file names anything else than the modules that are allowed.
    """
    path = folder / "assets.extra" / "requires.json"
    if not path.is_file():
        return []
    names = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(names, list) or not all(name in ALLOWED for name in names):
        raise ValueError(f"{path}: expected a list of some of {', '.join(ALLOWED)}, got {names!r:.100}")
    return names


if __name__ == "__main__":
    main()
