"""Runs a SavedModel where nothing but TensorFlow is at hand. `zoo.export` starts this file as a process of its own.

stdin: JSON {"folder": F, "signature": S, "argument": A, "raw": [base64, ...]}; stdout: JSON of the answer's tensors.
"""

import base64
import json
import sys

import tensorflow as tf


def main() -> None:
    """Answers the request on stdin."""
    request = json.load(sys.stdin)
    signature = tf.saved_model.load(request["folder"]).signatures[request["signature"]]
    raw = tf.constant([base64.b64decode(item) for item in request["raw"]], tf.string)
    answer = signature(**{request["argument"]: raw})
    # One item alone goes the same way: the batch must be variable.
    alone = signature(**{request["argument"]: raw[:1]})
    for name, tensor in answer.items():
        if tensor.dtype.is_floating:
            tf.debugging.assert_near(tensor[:1], alone[name], atol=1e-5, rtol=1e-5)
    plain = {name: tensor.numpy().tolist() for name, tensor in answer.items()}
    json.dump(plain, sys.stdout, default=bytes.decode)


if __name__ == "__main__":
    main()
