"""quickstart: LeNet-5 on scikit-learn's 1,797 handwritten digits, in seconds.

zoo quickstart
"""

from zoo.recipe import Recipe


def augment() -> list:
    """Shifts by up to a tenth and turns by up to 15 degrees: a thousand digits are few."""
    import keras

    return [
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant", seed=11),
        keras.layers.RandomRotation(15 / 360, fill_mode="constant", seed=12),
    ]


RECIPE = Recipe(
    name="quickstart",
    app="classify",
    task="image-classification",
    data="digits",
    data_terms="UCI handwritten digits (Alpaydin and Kaynak 1998), CC BY 4.0, as scikit-learn brings them",
    model="lenet5",
    arguments={"image_size": 32, "channels": 1},
    preprocess={"kind": "image", "size": [32, 32], "channels": 1, "fit": "pad", "background": "dark"},
    augment=augment,
    optimizer="adam",
    learning_rate=2e-3,
    batch_size=32,
    epochs=20,
    validation=0.1,
    expected=0.985,
    tolerance=0.005,
    about="Tells the ten handwritten digits apart.",
    limits=("It has seen 1,437 digits of 8 x 8 pixels, each alone, bright on dark.",),
)
