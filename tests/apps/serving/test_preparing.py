"""Pictures and texts as clients send them: a served export of ours prepares them as the applications do."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from apps.pages import drawings
from apps.serving.errors import Refusal
from zoo.inputs import image_files


def odd_files():
    """A dress on a shaded ground, in files that TensorFlow alone reads otherwise than a person sees them, or not."""
    grey = cv2.imdecode(np.frombuffer(drawings.png("dress"), np.uint8), cv2.IMREAD_GRAYSCALE)
    grey[:90] //= 2  # so that up and down differ
    colour = Image.fromarray(np.stack([grey, grey // 2, 255 - grey], -1))
    turned = Image.Exif()
    turned[0x0112] = 6
    alpha = colour.copy()
    alpha.putalpha(Image.fromarray(255 - grey))

    def file(image, form, **options):
        image.save(stream := io.BytesIO(), form, **options)
        return stream.getvalue()

    return {
        "plain PNG": file(colour, "PNG"),
        "JPEG, EXIF orientation 6": file(colour, "JPEG", exif=turned),
        "PNG with alpha": file(alpha, "PNG"),
        "PNG of 16 bits": cv2.imencode(".png", grey.astype(np.uint16) * 257)[1].tobytes(),
        "JPEG, CMYK": file(colour.convert("CMYK"), "JPEG"),
        "TIFF": file(colour, "TIFF"),
        "AVIF": file(colour, "AVIF"),
        "WebP": file(colour, "WEBP"),
    }


FILES = odd_files()


@pytest.fixture(scope="module")
def eye(tmp_path_factory):
    """An export that answers with the mean red, green and blue of each quarter of a picture, and measures texts."""
    import tensorflow as tf

    from zoo.inputs import image_graph

    module = tf.Module()

    def quarters(file):
        picture = tf.cast(image_graph.decode(file), tf.float32)
        height, width = tf.shape(picture)[0] // 2, tf.shape(picture)[1] // 2
        rows = (picture[:height], picture[height:])
        parts = [part for row in rows for part in (row[:, :width], row[:, width:])]
        return tf.stack([tf.reduce_mean(part, (0, 1)) for part in parts])

    def look(image_bytes):
        return {"quarters": tf.map_fn(quarters, image_bytes, fn_output_signature=tf.TensorSpec((4, 3)))}

    signatures = {
        "serving_default": tf.function(look).get_concrete_function(tf.TensorSpec([None], tf.string, "image_bytes")),
        "text": tf.function(lambda text: {"length": tf.strings.length(text)}).get_concrete_function(
            tf.TensorSpec([None], tf.string, "text")
        ),
    }
    folder = tmp_path_factory.mktemp("eye") / "1"
    tf.saved_model.save(module, str(folder), signatures=signatures)
    extra = folder / "assets.extra"
    extra.mkdir()
    (extra / "prepare.json").write_text('{"image_bytes": "image", "text": "text"}')
    return folder


@pytest.fixture(scope="module", params=[1, 8])
def version(eye, request):
    """The export, with each request alone and in batches."""
    from apps.serving.signatures import Version

    return Version(eye, 1, batch=request.param)


def array(*items):
    found = np.empty(len(items), object)
    found[:] = items
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_picture_reaches_the_graph_as_the_application_sees_it(version, name):
    seen = image_files.pixels(FILES[name])[..., ::-1].astype(np.float32)
    height, width = seen.shape[0] // 2, seen.shape[1] // 2
    expected = [
        part.mean((0, 1)) for row in (seen[:height], seen[height:]) for part in (row[:, :width], row[:, width:])
    ]
    found = version.run("serving_default", {"image_bytes": array(FILES[name], FILES["plain PNG"])})["quarters"]
    np.testing.assert_allclose(found[0], expected, atol=0.6)  # a plain JPEG's transform rounds


@pytest.mark.parametrize(
    ("signature", "items", "told"),
    [
        (
            "serving_default",
            (FILES["TIFF"], b"no picture"),
            "Input image_bytes, item 1: expected an image (JPEG, PNG, ",
        ),
        ("serving_default", (FILES["plain PNG"][:90],), "Input image_bytes, item 0: the PNG image is truncated"),
        ("text", (b"good", b"\xff\xfe"), "Input text, item 1: not valid UTF-8 at position 0"),
    ],
)
def test_a_bad_item_is_refused_by_the_command_s_own_words(version, signature, items, told):
    name = "text" if signature == "text" else "image_bytes"
    with pytest.raises(Refusal) as refused:
        version.run(signature, {name: array(*items)})
    assert (refused.value.code, refused.value.message[: len(told)]) == ("INVALID_ARGUMENT", told)


@pytest.mark.parametrize("content", ['{"x": "sound"}', "[]", '{"x": ["image"]}', "{"])
def test_an_export_whose_preparation_is_not_known_is_not_loaded(eye, tmp_path, content):
    from apps.serving.signatures import Version
    from zoo.errors import UserError

    shutil.copytree(eye, tmp_path / "1")
    (tmp_path / "1" / "assets.extra" / "prepare.json").write_text(content)
    with pytest.raises(UserError, match="cannot be loaded: "):
        Version(tmp_path / "1", 1)


@pytest.mark.matrix
@pytest.mark.parametrize("batch", [1, 8])
def test_a_served_preset_gives_the_command_s_probabilities(serve, tmp_path, batch):
    """Through REST and gRPC."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    for place, content in enumerate(FILES.values()):
        (tmp_path / f"{place}.bin").write_bytes(content)
    names = [str(tmp_path / f"{place}.bin") for place in range(len(FILES))]
    done = subprocess.run(
        [sys.executable, "-m", "apps.cli", "classify", "--top", "10", *names],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    expected = [
        {score["label"]: score["probability"] for score in json.loads(line)["scores"]}
        for line in done.stdout.splitlines()
    ]
    server = serve("classify-fashion", "--batch", batch, patience=400)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "classify-fashion"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(FILES.values())))
    with grpc.insecure_channel(server.grpc) as channel:
        outputs = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60).outputs
    told = [tf.make_ndarray(outputs[name]).tolist() for name in ("labels", "scores")]
    for place, content in enumerate(FILES.values()):
        status, answer = server.predict(
            {"instances": [{"b64": base64.b64encode(content).decode()}]}, "classify-fashion"
        )
        assert status == 200
        row = answer["predictions"][0]
        for labels, scores in (
            (row["labels"], row["scores"]),
            ([label.decode() for label in told[0][place]], told[1][place]),
        ):
            found = dict(zip(labels, scores, strict=True))
            assert found == pytest.approx(expected[place], abs=1e-5), list(FILES)[place]
