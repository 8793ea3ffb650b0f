"""A localizer says the same wherever it is taken: to a new process, or to a format of export."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_bbox as kb

ROOT = Path(__file__).parents[1]
HEADS = ("spatial", "chapter")
BATCHES = (1, 3)

# Keras reads TensorFlow variables in a way that NumPy 2 deprecates, in saving and conversion.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def backbone(size=64):
    image = keras.Input((size, size, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    for filters in (6, 8):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(image, x, name="backbone")


def shake(model):
    """Gives every weight a value that no initializer gives, so that each one counts."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        spread = np.sqrt(6 / np.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.5
        values = rng.uniform(-spread, spread, weight.shape)
        weight.assign(values + 1 if weight.name in ("gamma", "moving_variance") else values)
    return model


def localizer(head, size=64):
    """A compiled model, with weights, losses and metrics to lose on the way."""
    model = kb.add_localization_head(backbone(size), 5, head=head, box_score=head == "spatial")
    unjudged = [None] * (len(model.outputs) - 2)
    model.compile(
        optimizer="adam",
        loss=["sparse_categorical_crossentropy", kb.losses.LocalizationLoss(), *unjudged],
        loss_weights=[1.0, 2.0, *unjudged],
        metrics=[["accuracy"], [kb.MeanIOU(), kb.IOUAccuracy(threshold=0.25)], *unjudged],
    )
    return shake(model)


@pytest.fixture(scope="module")
def photos():
    """Patches of color: the mean of noise would be the same in all of them."""
    patches = np.random.default_rng(3).uniform(-1, 1, (3, 4, 4, 3)).astype("float32")
    return np.kron(patches, np.ones((1, 16, 16, 1), "float32"))


@pytest.fixture(scope="module")
def models():
    return {head: localizer(head) for head in HEADS}


@pytest.fixture(scope="module")
def answers(models, photos):
    """What each model says of the photos: the oracle of all formats."""
    found = {head: model.predict(photos, verbose=0) for head, model in models.items()}
    for outputs in found.values():
        for output in outputs:
            assert np.ptp(output, axis=0).max() > 5e-3, "photos must differ for this to say much"
    return found


def assert_same(outputs, expected):
    assert len(outputs) == len(expected)
    for output, value in zip(outputs, expected, strict=True):
        assert np.shape(output) == value.shape
        np.testing.assert_allclose(output, value, rtol=0, atol=1e-5)


# ---- saved ---------------------------------------------------------------------------------------


FRESH = """
import keras, keras_bbox, numpy as np
given = np.load("given.npz")
for head in ("spatial", "chapter"):
    model = keras.saving.load_model(head + ".keras")
    found = dict(zip(model.output_names, model.predict(given["photos"], verbose=0)))
    targets = (given["labels"], given["boxes"], None)[:len(found)]
    logs = model.evaluate(given["photos"], targets, verbose=0, return_dict=True)
    np.savez(head + ".npz", **found, **{"log of " + name: value for name, value in logs.items()})
"""


def test_a_fresh_process_needs_the_package_alone(tmp_path, models, answers, photos):
    labels = np.array([0, 4, 2])
    boxes = np.array([[0.1, 0.2, 0.8, 0.9], [0, 0, 1, 0.5], [0.3, 0.3, 0.6, 0.6]], "float32")
    np.savez(tmp_path / "given.npz", photos=photos, labels=labels, boxes=boxes)
    for head, model in models.items():
        model.save(tmp_path / f"{head}.keras")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FRESH]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    for head, model in models.items():
        targets = (labels, boxes, None)[: len(model.outputs)]
        logs = model.evaluate(photos, targets, verbose=0, return_dict=True)
        assert {"bbox_prediction_mean_iou", "bbox_prediction_iou_25"} <= set(logs)
        expected = dict(zip(model.output_names, answers[head], strict=True))
        expected |= {f"log of {name}": value for name, value in logs.items()}
        with np.load(tmp_path / f"{head}.npz") as loaded:
            assert set(loaded) == set(expected)
            for name, value in expected.items():
                np.testing.assert_allclose(loaded[name], value, rtol=1e-6, atol=1e-6)


# ---- exported ------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", HEADS)
def test_a_saved_model_gives_the_same(tmp_path, models, answers, photos, head):
    models[head].export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    layer = keras.layers.TFSMLayer(tmp_path / "exported", call_endpoint="serve")
    for batch in BATCHES:
        expected = [output[:batch] for output in answers[head]]
        assert_same(loaded.serve(photos[:batch]), expected)
        assert_same(layer(photos[:batch]), expected)


@pytest.mark.parametrize("head", HEADS)
# The exporter asks NumPy for a name that it gave up.
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
def test_onnx_gives_the_same(tmp_path, models, answers, photos, head):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    models[head].export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (image,) = session.get_inputs()
    for batch in BATCHES:
        outputs = session.run(None, {image.name: photos[:batch]})
        assert_same(outputs, [output[:batch] for output in answers[head]])


@pytest.mark.parametrize("head", HEADS)
def test_litert_gives_the_same(tmp_path, models, answers, photos, head):
    run = litert_runner(models[head], tmp_path / "model.tflite")
    for batch in BATCHES:
        outputs = run(photos[:batch])
        assert_same(
            [outputs[f"output_{index}"] for index in range(len(outputs))],
            [output[:batch] for output in answers[head]],
        )


def litert_runner(model, path):
    model.export(path, format="litert", verbose=False)
    runner = litert_interpreter()(model_path=str(path)).get_signature_runner()
    (image,) = runner.get_input_details()
    return lambda photos: runner(**{image: photos})


def litert_interpreter():
    """That of the runtime, which is a package of its own, or TensorFlow's while it has one."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        if not hasattr(tf.lite, "Interpreter"):
            pytest.skip("no LiteRT interpreter")
        return quiet_interpreter
    return Interpreter


def quiet_interpreter(model_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
        return tf.lite.Interpreter(model_path=model_path)


def test_images_of_any_size_are_exported_too(tmp_path):
    """Sizes are tensors then, while the graph is traced."""
    model = localizer("spatial", size=None)
    rng = np.random.default_rng(5)
    sizes = [(64, 64), (50, 83)]
    images = [rng.uniform(-1, 1, (2, *size, 3)).astype("float32") for size in sizes]
    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    run = litert_runner(model, tmp_path / "model.tflite")
    for photos in images:
        expected = [keras.ops.convert_to_numpy(output) for output in model(photos)]
        assert_same(loaded.serve(photos), expected)
        assert_same([run(photos)[f"output_{index}"] for index in range(3)], expected)


def test_outputs_and_preprocessing_can_be_made_part_of_the_model(tmp_path, models, answers, photos):
    """What the guide recommends: bytes in, and outputs that say what they are."""
    model = models["spatial"]
    image = keras.Input(model.input_shape[1:], name="image")
    outputs = model(layers.Rescaling(1 / 127.5, offset=-1)(image))
    whole = keras.Model(image, dict(zip(model.output_names, outputs, strict=True)))
    whole.export(tmp_path / "exported", verbose=False)
    serve = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"]
    found = serve(image=tf.constant((photos + 1) * 127.5))
    assert set(found) == {"class_prediction", "bbox_prediction", "box_score"}
    assert_same([found[name] for name in model.output_names], answers["spatial"])
