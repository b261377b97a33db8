"""classify-fashion: ten kinds of clothing, 28 x 28 grey pixels (Fashion-MNIST).

    zoo train classify-fashion --out runs/fashion

A ResNet-9 of half the usual width, whose few wide convolutions suit a CPU. Shifts, mirror images and erased patches
(Zhong et al. 2017, arXiv:1708.04896) keep it from learning the pictures by heart. The answer is the mean over a picture
and its mirror image.
"""

from zoo.recipe import Comparison, Recipe

_README = "table in the data set's README, zalandoresearch/fashion-mnist"


def augment() -> list:
    """Mirror images, shifts by up to two pixels, a patch erased in half of the images."""
    import keras

    return [
        keras.layers.RandomFlip("horizontal", seed=11),
        keras.layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant", interpolation="nearest", seed=12),
        keras.layers.RandomErasing(factor=0.5, scale=(0.02, 0.15), fill_value=None, value_range=(0, 255), seed=13),
    ]


RECIPE = Recipe(
    name="classify-fashion",
    app="classify",
    task="image-classification",
    data="fashion_mnist",
    data_terms="Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747), MIT licence, Zalando SE",
    model="resnet9",
    arguments={"width": 32, "image_size": 28, "channels": 1, "mean": 72.94, "std": 90.02},
    preprocess={"kind": "image", "size": [28, 28], "channels": 1, "fit": "pad", "background": "dark", "mirror": True},
    augment=augment,
    optimizer="sgd",
    optimizer_arguments={"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
    learning_rate=0.1,
    warmup=0.1,
    batch_size=128,
    epochs=36,
    options={"label_smoothing": 0.1},
    validation=0.05,
    expected=0.954,
    minutes=56.9,
    about="Tells ten kinds of clothing apart in small grey pictures of a single piece before a dark background; the "
    "answer is the mean over the picture and its mirror image.",
    comparisons=(
        Comparison("linear: logistic regression on the pixels", 0.8439, "benchmarks/baselines.py"),
        Comparison("people without expertise, 1,000 images", 0.835, _README),
        Comparison("2 convolutions, below 100,000 parameters", 0.925, _README),
        Comparison("ResNet-18", 0.949, _README),
        Comparison("DenseNet-BC, 768,000 parameters", 0.954, _README),
        Comparison("WRN-40-4, 8.9 million parameters", 0.967, _README),
    ),
    limits=(
        "It knows ten kinds of clothing and nothing else: whatever it is shown, it answers with one of them.",
        "It sees 28 x 28 grey pixels of one piece, upright, filling the picture. A photograph of a person wearing "
        "something, or of several pieces, is not what it has learned.",
        "Shirts, T-shirts, pullovers and coats are taken for one another: there it is wrong most.",
        "A picture with bright corners is inverted first, since the training pictures are bright on black.",
    ),
    strangers=("waste", "photos"),
)
