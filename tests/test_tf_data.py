"""The pipeline inside tf.data, against the pipeline called by hand."""

import keras
import numpy as np
import pytest

import keras_bbox as kb
from keras_bbox.augment import Pipeline, Sample

tf = pytest.importorskip("tensorflow")

STEPS = [kb.augment.RandomFlip(), kb.augment.RandomRotation(), kb.augment.RandomBrightness()]
COUNT = 9


def parts(boxes=1):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, 40, 60, 3), dtype=np.uint8)
    low = rng.uniform(0.1, 0.4, (COUNT, boxes, 2))
    corners = np.concatenate([low, low + 0.4], axis=-1).astype(np.float32)
    return images, corners, np.arange(COUNT * boxes, dtype=np.int64).reshape(COUNT, boxes)


def dataset(boxes=1):
    return tf.data.Dataset.from_tensor_slices(parts(boxes))


def by_hand(pipeline, turn, size=(32, 48), seed=0, boxes=1):
    for position, (image, corners, labels) in enumerate(zip(*parts(boxes), strict=True)):
        rng = np.random.default_rng([seed, turn, position])
        yield pipeline(Sample(image, corners, labels), rng, image_size=size)


def assert_same(found, expected):
    found, expected = list(found), list(expected)
    assert len(found) == len(expected)
    for (image, boxes, labels), sample in zip(found, expected, strict=True):
        assert np.array_equal(image, sample.image)
        assert np.array_equal(boxes, sample.boxes)
        assert np.array_equal(labels, sample.labels)


def test_each_pass_is_what_the_pipeline_gives_by_hand():
    pipeline = Pipeline(STEPS)
    augmented = kb.augment_dataset(dataset(), pipeline, (32, 48), seed=4)
    for turn in range(3):
        assert_same(augmented.as_numpy_iterator(), by_hand(pipeline, turn, seed=4))


def test_repeating_gives_new_draws_too():
    pipeline = Pipeline(STEPS)
    augmented = kb.augment_dataset(dataset(), pipeline, (32, 48)).repeat(2)
    expected = [*by_hand(pipeline, 0), *by_hand(pipeline, 1)]
    assert_same(augmented.as_numpy_iterator(), expected)


def test_shapes_dtypes_and_length_are_kept():
    augmented = kb.augment_dataset(dataset(3), Pipeline(STEPS), (32, 48))
    assert [spec.shape.as_list() for spec in augmented.element_spec] == [[32, 48, 3], [3, 4], [3]]
    assert [spec.dtype for spec in augmented.element_spec] == [tf.uint8, tf.float32, tf.int64]
    assert augmented.cardinality() == COUNT
    assert augmented.batch(4).element_spec[0].shape.as_list() == [None, 32, 48, 3]


def test_boxes_that_may_be_dropped_have_no_static_number():
    pipeline = Pipeline([kb.augment.RandomCrop(0.5, 0.5)], hidden_boxes="drop")
    augmented = kb.augment_dataset(dataset(3), pipeline, (32, 48))
    assert augmented.element_spec[1].shape.as_list() == [None, 4]
    assert_same(augmented.as_numpy_iterator(), by_hand(pipeline, 0, boxes=3))


def test_any_callable_can_augment():
    def darken(sample, rng):
        return sample._replace(image=sample.image // 2)

    augmented = kb.augment_dataset(dataset(), darken)
    for (image, *_), original in zip(augmented.as_numpy_iterator(), parts()[0], strict=True):
        assert np.array_equal(image, original // 2)


def test_a_model_fits():
    inputs = keras.Input((32, 48, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(pooled))
    model.compile("sgd", "mse")
    batches = kb.augment_dataset(dataset(), Pipeline(STEPS), (32, 48)).map(
        lambda image, boxes, labels: (tf.cast(image, tf.float32) / 255, boxes[0])
    )
    history = model.fit(batches.batch(4), epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_other_elements_are_told():
    with pytest.raises(ValueError, match=r"must hold \(image, boxes, labels\)"):
        kb.augment_dataset(dataset().batch(2), Pipeline(STEPS))
