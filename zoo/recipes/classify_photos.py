"""classify-photos: the recipe for a person's own photographs, in folders named by what they show.

    zoo train classify --data photos/ --out runs/mine

No preset is made by it. A small ResNet from scratch: a few hundred photos a class give a useful model in minutes.
"""

from zoo.recipe import Recipe


def augment() -> list:
    """Mirror images, small shifts, turns and changes of scale and light: photos are few."""
    import keras

    return [
        keras.layers.RandomFlip("horizontal", seed=11),
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="reflect", seed=12),
        keras.layers.RandomZoom(0.1, fill_mode="reflect", seed=13),
        keras.layers.RandomBrightness(0.1, value_range=(0, 255), seed=14),
    ]


RECIPE = Recipe(
    name="classify-photos",
    app="classify",
    task="image-classification",
    data="",
    data_terms="the user's own data",
    model="resnet20",
    arguments={"depth": 14, "width": 24, "stem_strides": 2, "image_size": 96, "channels": 3, "zero_gamma": True},
    preprocess={"kind": "image", "size": [96, 96], "channels": 3, "fit": "crop"},
    augment=augment,
    optimizer="adam",
    learning_rate=2e-3,
    warmup=0.1,
    batch_size=32,
    epochs=30,
    options={"label_smoothing": 0.1},
    validation=0.15,
    about="Tells apart what the folders of the user's photographs are named after.",
)
