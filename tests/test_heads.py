"""Heads on models of every shape: what they give, keep, freeze, and refuse."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from keras_bbox.heads import add_localization_head

ROOT = Path(__file__).parents[1]
OUTPUTS = ["class_prediction", "bbox_prediction"]

# Keras reads TensorFlow variables in a way that NumPy 2 deprecates, in saving and conversion.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def _fresh_names_and_float32():
    yield
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session()


# ---- models to put heads on ----------------------------------------------------------------------


def shake(model):
    """Gives every weight, statistics included, a value that no initializer gives."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        low, high = (
            (0.5, 1.5) if {"variance", "moving_variance", "gamma"} & {weight.name} else (-1, 1)
        )
        scale = 1 if len(weight.shape) < 2 else np.sqrt(3 / np.prod(weight.shape[:-1]))
        if np.issubdtype(np.dtype(weight.dtype), np.floating):
            weight.assign((rng.uniform(low, high, weight.shape) * scale).astype(weight.dtype))
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    return model


def photos(*shape):
    return np.random.default_rng(3).uniform(0, 1, shape).astype("float32")


def small_backbone(shape=(24, 24, 3), name="backbone"):
    """Convolution, batch normalization and a residual: features of a fourth of the size."""
    image = keras.Input(shape)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.ReLU(name="relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Add(name="add")([x, y])
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu", name="last")(x)
    return keras.Model(image, x, name=name)


def chapter_tail(num_classes=5):
    return [
        layers.GlobalAveragePooling2D(name="pool"),
        layers.Dropout(0.7, name="drop"),
        layers.Dense(num_classes, kernel_regularizer=keras.regularizers.L2(0.01), name="dense"),
        layers.Activation("softmax", name="softmax"),
    ]


def sequential_classifier(shape=(24, 24, 3)):
    return keras.Sequential([small_backbone(shape), *chapter_tail()])


def functional_classifier():
    image = keras.Input((24, 24, 3), name="photo")
    x = layers.Rescaling(2.0, offset=-1, name="rescale")(image)
    x = small_backbone()(x, training=False)
    for layer in chapter_tail():
        x = layer(x)
    return keras.Model(image, x)


def sequential_with_input_and_rescaling():
    return keras.Sequential(
        [keras.Input((24, 24, 3)), layers.Rescaling(2.0), small_backbone(), *chapter_tail()]
    )


def classifier_as_the_last_layer():
    image = keras.Input((24, 24, 3))
    return keras.Model(image, sequential_classifier()(layers.Rescaling(0.5)(image)))


def classifier_three_deep():
    return keras.Sequential([keras.Input((24, 24, 3)), classifier_as_the_last_layer()])


def convolution_as_the_classifier():
    x = small_backbone()
    image, features = x.inputs[0], x.outputs[0]
    x = layers.GlobalAveragePooling2D(keepdims=True)(features)
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(5, 1)(x)
    x = layers.Reshape((5,))(x)
    return keras.Model(image, layers.Softmax()(x))


def flattened_and_dense():
    tail = [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(9, activation="relu")]
    return keras.Sequential([small_backbone(), *tail, layers.Dense(5, activation="softmax")])


def normalized_after_the_pooling():
    tail = [layers.GlobalAveragePooling2D(), layers.LayerNormalization()]
    return keras.Sequential([small_backbone(), *tail, layers.Dense(5, activation="softmax")])


def two_poolings_side_by_side():
    backbone = small_backbone()
    features = backbone.outputs[0]
    both = [layers.GlobalAveragePooling2D()(features), layers.GlobalMaxPooling2D()(features)]
    x = layers.Dense(5, activation="softmax")(layers.Concatenate()(both))
    return keras.Model(backbone.inputs, x)


def pooled_by_an_operation():
    backbone = small_backbone()
    x = keras.ops.mean(backbone.outputs[0] * 2.0, axis=(1, 2))[:, :8]
    return keras.Model(backbone.inputs, keras.ops.softmax(layers.Dense(5)(x)))


def pooled_by_a_lambda():
    pool = layers.Lambda(lambda x: keras.ops.mean(x, axis=(1, 2)))
    return keras.Sequential([small_backbone(), pool, layers.Dense(5, activation="softmax")])


def layers_used_twice():
    """One nested model and one layer, each called at two places."""
    image = keras.Input((24, 24, 3))
    backbone, squash = small_backbone(), layers.Conv2D(12, 1, name="squash")
    straight, flipped = backbone(image), backbone(keras.ops.flip(image, axis=2))
    x = layers.Concatenate()([squash(straight), squash(flipped)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(5, activation="softmax")(x))


def same_names_in_two_nested_models():
    image = keras.Input((24, 24, 3))
    first, second = small_backbone(name="first"), small_backbone((6, 6, 12), name="second")
    x = layers.GlobalAveragePooling2D()(second(first(image)))
    return keras.Model(image, layers.Dense(5, activation="softmax", name="bbox_prediction")(x))


def normalized_inputs():
    image = keras.Input((24, 24, 3))
    x = layers.Normalization()(image)
    x = small_backbone()(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(image, layers.Dense(5, activation="softmax")(x))


CLASSIFIERS = {
    builder.__name__: (builder, (6, 6))
    for builder in (
        sequential_classifier,
        functional_classifier,
        sequential_with_input_and_rescaling,
        classifier_as_the_last_layer,
        classifier_three_deep,
        convolution_as_the_classifier,
        normalized_after_the_pooling,
        two_poolings_side_by_side,
        pooled_by_an_operation,
        pooled_by_a_lambda,
        layers_used_twice,
        normalized_inputs,
    )
}
CLASSIFIERS["flattened_and_dense"] = (flattened_and_dense, (3, 3))
CLASSIFIERS["same_names_in_two_nested_models"] = (same_names_in_two_nested_models, (2, 2))


def feature_size(model):
    """Height and width of what the box head is put on."""
    return tuple(model.get_layer("box_head").inputs[0].shape[1:3])


def compiled(model, learning_rate=0.01):
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss=["sparse_categorical_crossentropy", "mse"],
        loss_weights=[1, 10],
        metrics=[["accuracy"], ["mae"]],
    )
    return model


def fit_a_little(model, x):
    rng = np.random.default_rng(0)
    targets = (rng.integers(0, 5, len(x)), rng.random((len(x), 4)).astype("float32"))
    return compiled(model).fit(x, targets, batch_size=4, epochs=2, verbose=0)


def values(items):
    return [keras.ops.convert_to_numpy(item).copy() for item in items]


def moved(before, after):
    return [not np.array_equal(old, new) for old, new in zip(before, values(after), strict=True)]


# ---- what comes out ------------------------------------------------------------------------------


def test_a_backbone_gets_a_class_and_a_box():
    model = add_localization_head(small_backbone(), num_classes=7)
    assert model.output_names == OUTPUTS
    assert [tuple(output.shape) for output in model.outputs] == [(None, 7), (None, 4)]
    classes, boxes = model.predict(photos(3, 24, 24, 3), verbose=0)
    np.testing.assert_allclose(classes.sum(axis=1), 1, atol=1e-6)
    assert classes.min() >= 0 and boxes.shape == (3, 4)
    assert len(np.unique(boxes)) == 12, "each photo has its own box"


def test_the_chapter_head_is_the_chapters():
    model = add_localization_head(small_backbone(), num_classes=7, head="chapter")
    of_class, of_box = model.get_layer("class_head"), model.get_layer("box_head")
    assert [type(layer).__name__ for layer in of_class.layers[1:]] == [
        "GlobalAveragePooling2D",
        "Dropout",
        "Dense",
    ]
    assert [type(layer).__name__ for layer in of_box.layers[1:]] == [
        "Conv2D",
        "BatchNormalization",
        "ReLU",
        "GlobalAveragePooling2D",
        "Dense",
    ]
    convolution, dense = of_box.get_layer("box_conv"), of_class.get_layer("class_logits")
    assert (convolution.filters, convolution.kernel_size) == (512, (3, 3))
    assert convolution.padding == "same"
    assert of_class.get_layer("class_dropout").rate == 0.7
    assert float(dense.kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.get_layer("class_prediction").activation is keras.activations.softmax
    assert model.get_layer("bbox_prediction").activation is keras.activations.linear


def test_dropout_and_l2_are_the_new_class_heads():
    head = add_localization_head(small_backbone(), 7, dropout=0.25, l2=0).get_layer("class_head")
    assert head.get_layer("class_dropout").rate == 0.25
    assert head.get_layer("class_logits").kernel_regularizer is None


def test_a_pooled_backbone_is_no_classifier():
    pooled = keras.Sequential(
        [small_backbone(), layers.GlobalAveragePooling2D(), layers.LayerNormalization()]
    )
    model = add_localization_head(pooled, num_classes=7)
    assert feature_size(model) == (6, 6) and model.output_shape == [(None, 7), (None, 4)]
    with pytest.raises(ValueError, match="`num_classes` must be given for a model that does not"):
        add_localization_head(pooled)


def test_the_logs_have_the_names_of_the_outputs():
    logs = fit_a_little(add_localization_head(small_backbone(), 5), photos(8, 24, 24, 3)).history
    assert {
        "loss",
        "class_prediction_loss",
        "class_prediction_accuracy",
        "bbox_prediction_loss",
        "bbox_prediction_mae",
    } <= set(logs)


@pytest.mark.parametrize("shape", [(24, 24, 1), (40, 56, 3), (None, None, 3)])
def test_images_of_any_size_and_grey_ones(shape):
    model = add_localization_head(small_backbone(shape), num_classes=2)
    size = (3, shape[0] or 33, shape[1] or 47, shape[2])
    classes, boxes = model(photos(*size))
    assert model.input_shape == (None, *shape)
    assert tuple(classes.shape) == (3, 2) and tuple(boxes.shape) == (3, 4)


def test_outputs_stay_float32_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    for given, head, path in (
        (small_backbone(), "chapter", ["box_head", "box_conv"]),
        (sequential_classifier(), "spatial", ["box_head", "branch_1", "branch_1_box_conv_0"]),
    ):
        model = add_localization_head(given, num_classes=5, head=head)
        assert [output.dtype for output in model.outputs] == ["float32", "float32"]
        convolution = functools.reduce(lambda part, name: part.get_layer(name), path, model)
        assert convolution.compute_dtype == "float16"
        assert [str(keras.ops.dtype(y)) for y in model(photos(1, 24, 24, 3))] == ["float32"] * 2


def test_the_name_is_the_models_or_given():
    assert add_localization_head(small_backbone(), 5).name == "backbone_localizer"
    assert add_localization_head(small_backbone(), 5, name="mine").name == "mine"


# ---- classifiers keep their classes --------------------------------------------------------------


@pytest.mark.parametrize("builder, size", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_probabilities_are_those_of_the_classifier(builder, size):
    classifier, x = shake(builder()), photos(4, 24, 24, 3)
    expected = classifier.predict(x, verbose=0)
    model = add_localization_head(classifier)
    assert feature_size(model) == size
    classes, boxes = model.predict(x, verbose=0)
    np.testing.assert_allclose(classes, expected, rtol=0, atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 1e-4, "the photos must differ for this to say much"
    assert boxes.shape == (4, 4) and model.output_names == OUTPUTS


def logits_of_a_dense_layer():
    return keras.Sequential(
        [small_backbone(), layers.GlobalAveragePooling2D(), layers.Dense(5), layers.Dropout(0.1)]
    )


def logits_of_a_convolution():
    tail = [layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(5, 1), layers.Flatten()]
    return keras.Sequential([small_backbone(), *tail, layers.Activation("linear")])


@pytest.mark.parametrize("builder", [logits_of_a_dense_layer, logits_of_a_convolution])
def test_logits_get_a_softmax(builder):
    classifier, x = shake(builder()), photos(4, 24, 24, 3)
    expected = keras.ops.softmax(classifier(x))
    classes, _ = add_localization_head(classifier, num_classes=5)(x)
    np.testing.assert_allclose(*values([classes, expected]), rtol=0, atol=1e-6)


def test_another_number_of_classes_means_a_new_class_head():
    model = add_localization_head(sequential_classifier(), num_classes=9)
    assert model.output_shape == [(None, 9), (None, 4)]
    names = {layer.name for layer in model.layers}
    assert "class_head" in names and not names & {"pool", "drop", "dense", "softmax"}


def test_a_kept_class_head_keeps_its_penalty_and_dropout():
    model = add_localization_head(sequential_classifier())
    assert float(model.get_layer("dense").kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.get_layer("drop").rate == 0.7 and len(model.losses) == 1


def test_a_feature_map_of_one_cell_is_the_input_of_the_pooling():
    """Images so small that strides alone, before the pooling, get down to 1 x 1."""
    strided = [layers.Conv2D(6, 3, strides=2, padding="same", name=f"c{i}") for i in range(3)]
    model = add_localization_head(
        keras.Sequential([keras.Input((8, 8, 3)), *strided, *chapter_tail()])
    )
    assert feature_size(model) == (1, 1)
    assert not any(model.get_layer(f"c{i}").trainable for i in range(3))
    residual = add_localization_head(
        keras.Sequential([small_backbone((3, 3, 3)), *chapter_tail()]), freeze_backbone=True
    )
    assert feature_size(residual) == (1, 1)


@pytest.mark.parametrize(
    "name, size, features",
    [("MobileNet", 64, (2, 2)), ("MobileNet", 32, (1, 1)), ("MobileNetV3Small", 64, (2, 2))],
)
def test_classifiers_of_keras_applications(name, size, features):
    narrow = {"alpha": 0.25, "dropout": 1e-3} if name == "MobileNet" else {}
    build = getattr(keras.applications, name)
    classifier = shake(build(weights=None, input_shape=(size, size, 3), classes=5, **narrow))
    model, x = add_localization_head(classifier), photos(2, size, size, 3)
    assert feature_size(model) == features
    np.testing.assert_allclose(*values([model(x)[0], classifier(x)]), rtol=0, atol=1e-6)


# ---- the given model stays as it is --------------------------------------------------------------


def test_the_given_model_is_never_changed():
    classifier, x = shake(functional_classifier()), photos(8, 24, 24, 3)
    classifier.compile("sgd", "sparse_categorical_crossentropy")
    weights, config, flags = values(classifier.weights), classifier.to_json(), flags_of(classifier)
    expected = classifier.predict(x, verbose=0)

    model = add_localization_head(classifier, freeze_backbone=False)
    fit_a_little(model, x)
    assert any(moved(weights, model.weights[: len(weights)])), "the copy did train"

    assert not any(moved(weights, classifier.weights))
    assert classifier.to_json() == config and flags_of(classifier) == flags and classifier.compiled
    np.testing.assert_array_equal(classifier.predict(x, verbose=0), expected)


def test_a_loss_that_keras_cannot_revive_is_no_obstacle():
    classifier = sequential_classifier()
    classifier.compile("sgd", loss=lambda y_true, y_pred: keras.ops.mean(y_pred - y_true))
    assert add_localization_head(classifier).output_names == OUTPUTS


def test_a_second_head_on_the_same_model_shares_nothing():
    backbone = small_backbone()
    first, second = (add_localization_head(backbone, 5) for _ in range(2))
    ids = [{id(weight) for weight in model.weights} for model in (first, second, backbone)]
    assert not ids[0] & ids[1] and not (ids[0] | ids[1]) & ids[2]


# ---- what trains ---------------------------------------------------------------------------------


def flags_of(model):
    return {weight.path: weight.trainable for weight in model.weights} | {
        layer.name: layer.trainable for layer in model.layers
    }


@pytest.mark.parametrize("builder", [functional_classifier, sequential_classifier])
def test_a_frozen_backbone_stands_still_statistics_included(builder):
    model, x = add_localization_head(shake(builder())), photos(8, 24, 24, 3)
    frozen = [model.get_layer(name) for name in ("conv", "bn", "depthwise", "last")]
    inside = [weight for layer in frozen for weight in layer.weights]
    assert len(inside) == 1 + 4 + 2 + 2
    before, class_before = values(inside), values(model.get_layer("dense").weights)
    box_before = values(model.get_layer("box_head").weights)

    fit_a_little(model, x)

    assert not any(moved(before, inside))
    assert all(moved(class_before, model.get_layer("dense").weights))
    # The box head has a batch normalization of its own, which does learn its statistics.
    assert all(moved(box_before, model.get_layer("box_head").weights))


def test_without_freezing_everything_trains():
    model, x = add_localization_head(shake(small_backbone()), 5, freeze_backbone=False), None
    x, before = photos(8, 24, 24, 3), values(model.weights)
    fit_a_little(model, x)
    assert all(moved(before, model.weights))


def test_flags_of_the_user_are_taken_over():
    classifier = sequential_classifier()
    classifier.get_layer("backbone").get_layer("bn").trainable = False
    classifier.get_layer("dense").trainable = False
    loose = add_localization_head(classifier, freeze_backbone=False)
    frozen = {layer.name for layer in loose.layers if not layer.trainable}
    assert frozen == {"bn", "dense"}
    assert loose.get_layer("dense").trainable_weights == []
    tight = add_localization_head(classifier, freeze_backbone=True)
    assert not tight.get_layer("conv").trainable and not tight.get_layer("dense").trainable
    assert tight.get_layer("box_head").trainable


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A layer with a batch normalization inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bn = layers.BatchNormalization()

    def build(self, shape):
        self.bn.build(shape)

    def call(self, x, training=None):
        return self.bn(x, training=training)


@pytest.mark.parametrize("frozen_by", ["user", "library"])
def test_layers_inside_layers_freeze_too(frozen_by):
    backbone = keras.Sequential([keras.Input((8, 8, 3)), Block(name="block")])
    backbone.get_layer("block").trainable = frozen_by == "library"
    model = add_localization_head(backbone, 5, freeze_backbone=frozen_by == "library")
    block, before = model.get_layer("block"), values(model.get_layer("block").weights)
    assert not block.bn.trainable and block.trainable_weights == []
    fit_a_little(model, photos(8, 8, 8, 3))
    assert not any(moved(before, block.weights))


def test_one_frozen_weight_stays_frozen():
    classifier = sequential_classifier()
    classifier.get_layer("dense").bias.trainable = False
    dense = add_localization_head(classifier).get_layer("dense")
    assert dense.kernel.trainable and not dense.bias.trainable


def test_a_frozen_backbone_thaws_layer_by_layer():
    model = add_localization_head(small_backbone(), 5, head="chapter")
    for layer in model.layers:
        layer.trainable = True
    assert len(model.trainable_weights) == 1 + 2 + 2 + 2 + 2 + (1 + 2 + 2)


# ---- heads of one's own --------------------------------------------------------------------------


def box_as_function(features):
    x = layers.Conv2D(6, 1)(features)
    return layers.Dense(4, activation="sigmoid", name="conv")(layers.GlobalMaxPooling2D()(x))


def box_as_sequential():
    return keras.Sequential([layers.Flatten(), layers.Dense(4)])


def box_as_functional():
    features = keras.Input((6, 6, 12))
    return keras.Model(features, box_as_function(features))


class Corner(layers.Layer):
    """A subclassed layer as a head."""

    def call(self, features):
        return keras.ops.mean(features, axis=(1, 2))[:, :4]

    def compute_output_shape(self, shape):
        return (shape[0], 4)


@pytest.mark.parametrize(
    "box_head", [box_as_function, box_as_sequential(), box_as_functional(), Corner()]
)
def test_box_heads_of_ones_own(box_head):
    model = add_localization_head(small_backbone(), 5, box_head=box_head)
    x = photos(2, 24, 24, 3)
    features = keras.Model(model.input, model.get_layer("last").output)(x)
    expected = box_head(features) if isinstance(box_head, layers.Layer) else None
    if expected is not None:
        np.testing.assert_allclose(*values([model(x)[1], expected]), atol=1e-6)
    assert model.output_names == OUTPUTS and tuple(model(x)[1].shape) == (2, 4)


def class_as_probabilities(features):
    return layers.Dense(6, activation="softmax")(layers.GlobalMaxPooling2D()(features))


def class_as_logits(features):
    return layers.Dense(6)(layers.GlobalMaxPooling2D()(features))


@pytest.mark.parametrize("class_head", [class_as_probabilities, class_as_logits])
@pytest.mark.parametrize("num_classes", [6, None])
def test_class_heads_of_ones_own(class_head, num_classes):
    model = add_localization_head(sequential_classifier(), num_classes, class_head=class_head)
    x = photos(2, 24, 24, 3)
    inner = model.get_layer("class_head")
    features = keras.Model(model.input, model.get_layer("last").output)(x)
    logits = class_head is class_as_logits
    expected = keras.ops.softmax(inner(features)) if logits else inner(features)
    np.testing.assert_allclose(*values([model(x)[0], expected]), atol=1e-6)
    assert model.output_names == OUTPUTS and "dense" not in {layer.name for layer in model.layers}


# ---- saving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("head, imported", [("chapter", "numpy"), ("spatial", "keras_bbox")])
def test_a_fresh_process_needs_no_code_but_the_package(tmp_path, head, imported):
    classifier = shake(functional_classifier())
    model, x = add_localization_head(classifier, head=head), photos(4, 24, 24, 3)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        f"import sys, keras, numpy as np, {imported}\n"
        "model = keras.models.load_model('model.keras')\n"
        "classes, boxes = model.predict(np.load('x.npy'), verbose=0)\n"
        "np.savez('out.npz', classes=classes, boxes=boxes, names=model.output_names)\n"
        "np.save('flags.npy', [layer.trainable for layer in model.layers])\n"
        f"assert ('keras_bbox' in sys.modules) == {imported == 'keras_bbox'}\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    loaded = np.load(tmp_path / "out.npz")
    classes, boxes = model.predict(x, verbose=0)
    np.testing.assert_allclose(loaded["classes"], classes, atol=1e-6)
    np.testing.assert_allclose(loaded["boxes"], boxes, atol=1e-6)
    assert loaded["names"].tolist() == OUTPUTS
    flags = np.load(tmp_path / "flags.npy").tolist()
    assert flags == [layer.trainable for layer in model.layers]


def test_names_of_a_loaded_model_meet_no_new_ones(tmp_path):
    """Automatic names start again in a new process, so a loaded model may have the same ones."""
    auto_named = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Dropout(0.1)]
    )
    auto_named.save(tmp_path / "model.keras")
    keras.utils.clear_session()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    keras.utils.clear_session()
    model = add_localization_head(loaded, class_head=class_as_logits, box_head=box_as_function)
    assert model.output_shape == [(None, 6), (None, 4)]


# ---- what is refused -----------------------------------------------------------------------------


def refused(error, text, model, *args, **kwargs):
    with pytest.raises(error) as caught:
        add_localization_head(model, *args, **kwargs)
    assert text in str(caught.value) and "Received: " in str(caught.value)


def test_number_of_classes_that_is_missing_or_nonsense():
    refused(ValueError, "`num_classes` must be given", small_backbone())
    for wrong in (0, -3, 2.5):
        refused(ValueError, f"num_classes={wrong}", small_backbone(), wrong)


def test_unknown_head():
    text = "`head` must be one of ['chapter', 'spatial']"
    refused(ValueError, text, small_backbone(), 5, head="yolo")


def test_what_is_no_model():
    refused(TypeError, "`model` must be a Functional or Sequential", "mobilenet", 5)
    refused(TypeError, "`model` must be a Functional or Sequential", layers.Dense(3), 5)


def test_a_subclassed_model():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    refused(TypeError, "class Subclassed", Subclassed(), 5)


def test_a_functional_model_whose_class_computes_something_else():
    class Doubled(keras.Model):
        def __init__(self, backbone):
            super().__init__(backbone.inputs, backbone.outputs)

        def call(self, x):
            return 2 * super().call(x)

    refused(TypeError, "class Doubled", Doubled(small_backbone()), 5)


def test_a_sequential_that_is_not_built():
    unbuilt = keras.Sequential([layers.Conv2D(4, 3)])
    refused(ValueError, "`model` must be built", unbuilt, 5)
    unbuilt(photos(1, 8, 8, 3))
    assert add_localization_head(unbuilt, 5).output_shape == [(None, 5), (None, 4)]


def test_several_inputs_or_outputs_and_what_is_no_image():
    one, other, vector = keras.Input((8, 8, 3)), keras.Input((8, 8, 3)), keras.Input((8,))
    two_in = keras.Model([one, other], layers.Add()([one, other]))
    two_out = keras.Model(one, [layers.Conv2D(4, 3)(one), layers.Conv2D(4, 3)(one)])
    for model in (two_in, two_out, keras.Model(vector, layers.Dense(3)(vector))):
        refused(ValueError, "`model` must have one input", model, 5)


def test_channels_first():
    model = keras.Sequential(
        [keras.Input((3, 8, 8)), layers.Conv2D(4, 3, data_format="channels_first")]
    )
    refused(ValueError, "`model` must be channels last", model, 5)


def test_a_model_without_a_feature_map():
    image = keras.Input((8, 8, 3))
    flat = keras.Model(image, layers.Dense(5)(layers.Flatten()(image)))
    assert feature_size(add_localization_head(flat)) == (8, 8)  # of the image itself
    tokens = layers.Reshape((-1, 4))(layers.Conv2D(4, 4, strides=4)(image))
    x = layers.Add()([tokens, layers.Dense(4)(tokens)])
    transformer = keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))
    refused(ValueError, "`model` must end in a feature map", transformer, 5)
    refused(ValueError, "`model` must end in a feature map", keras.Model(image, tokens), 5)


def test_a_classifier_that_ends_in_something_else():
    sigmoid = keras.Sequential(
        [small_backbone(), layers.GlobalMaxPooling2D(), layers.Dense(5, activation="sigmoid")]
    )
    refused(ValueError, "activation='sigmoid'", sigmoid)
    assert add_localization_head(sigmoid, 3).output_shape[0] == (None, 3)


class Secretive(layers.Layer):
    """A layer that does not tell how it was made."""

    def __init__(self, shift, **kwargs):
        super().__init__(**kwargs)
        self.shift = shift

    def call(self, x):
        return x + self.shift()

    def compute_output_shape(self, shape):
        return shape


def test_a_layer_that_cannot_be_copied():
    model = keras.Sequential([small_backbone(), Secretive(lambda: 1.0, name="shy")])
    refused(TypeError, "layer='shy' of class Secretive", model, 5)


@pytest.mark.parametrize("argument, size", [("class_head", 5), ("box_head", 4)])
def test_heads_of_the_wrong_shape(argument, size):
    for head in (
        lambda x: layers.Dense(3)(layers.Flatten()(x)),
        lambda x: layers.Conv2D(size, 1)(x),
        lambda x: [x, x],
        lambda x: None,
    ):
        text = f"`{argument}` must return one tensor of shape (batch, {size})"
        refused(ValueError, text, small_backbone(), 5, **{argument: head})
    refused(
        TypeError, f"`{argument}` must be a layer", small_backbone(), 5, **{argument: "spatial"}
    )
