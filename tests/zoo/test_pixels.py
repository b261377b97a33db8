"""Encoded images become the pixels that the declaration says, whatever they were encoded as."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from zoo.inputs.image_graph import Pixels

RED_BLUE = np.zeros((4, 8, 3), np.uint8)  # red on the left, blue on the right, in red, green, blue
RED_BLUE[:, :4, 0] = RED_BLUE[:, 4:, 2] = 255


def encoded(pixels, suffix=".png"):
    order = cv2.COLOR_RGB2BGR if pixels.ndim == 3 else None
    return cv2.imencode(suffix, pixels if order is None else cv2.cvtColor(pixels, order))[1].tobytes()


def run(declaration, *images):
    return Pixels({"kind": "image", **declaration})(tf.constant(images)).numpy()


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_an_image_of_the_models_size_stays_what_it_is(suffix):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3)).astype(np.uint8)
    for fit in ("stretch", "pad", "crop"):
        out = run({"size": [9, 7], "channels": 3, "fit": fit}, encoded(pixels, suffix))
        np.testing.assert_array_equal(out[0], pixels)


def test_grey_stays_what_it_is_and_colours_are_weighed():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(run({"size": [16, 16], "channels": 1}, encoded(grey))[0, ..., 0], grey)
    luma = run({"size": [4, 8], "channels": 1}, encoded(RED_BLUE))[0, ..., 0]
    assert luma[0].tolist() == [76] * 4 + [29] * 4  # 0.299 and 0.114 of 255


def test_fits():
    pad = run({"size": [8, 8], "channels": 3, "fit": "pad"}, encoded(RED_BLUE))[0]
    assert (pad[:2] == 0).all() and (pad[-2:] == 0).all() and (pad[2:6] == RED_BLUE).all()
    crop = run({"size": [4, 4], "channels": 3, "fit": "crop"}, encoded(RED_BLUE))[0]
    np.testing.assert_array_equal(crop, RED_BLUE[:, 2:6])
    stretch = run({"size": [8, 8], "channels": 3, "fit": "stretch"}, encoded(RED_BLUE))[0]
    assert stretch[0, 0].tolist() == [255, 0, 0] and stretch[7, 7].tolist() == [0, 0, 255]
    with pytest.raises(ValueError, match="stretch, pad, crop"):
        run({"size": [8, 8], "channels": 3, "fit": "squeeze"}, encoded(RED_BLUE))


def test_a_bright_background_is_turned_dark_and_a_dark_one_is_left():
    dark = np.zeros((6, 6), np.uint8)
    dark[2:4, 2:4] = 200
    declaration = {"size": [6, 6], "channels": 1, "background": "dark"}
    same = run(declaration, encoded(dark), encoded(255 - dark))
    np.testing.assert_array_equal(same[0, ..., 0], dark)
    np.testing.assert_array_equal(same[1, ..., 0], dark)


def test_jpeg_is_decoded_by_the_accurate_transform():
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    jpeg = encoded(pixels, ".jpg")
    accurate = tf.io.decode_jpeg(jpeg, 3, dct_method="INTEGER_ACCURATE").numpy()
    assert (accurate != tf.io.decode_jpeg(jpeg, 3, dct_method="INTEGER_FAST").numpy()).any()
    np.testing.assert_array_equal(run({"size": [16, 16], "channels": 3}, jpeg)[0], accurate)


def test_first_frame_of_a_gif():
    frames = [np.full((5, 5, 3), value, np.uint8) for value in (255, 0)]
    gif = _gif(frames)
    np.testing.assert_array_equal(run({"size": [5, 5], "channels": 3}, gif)[0], frames[0])


def _gif(frames):
    import io

    from PIL import Image

    file = io.BytesIO()
    first, *rest = [Image.fromarray(frame) for frame in frames]
    first.save(file, "GIF", save_all=True, append_images=rest)
    return file.getvalue()
