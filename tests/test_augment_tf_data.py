import keras
import numpy as np
import pytest

from keras_bbox.augment import (
    Chain,
    MixUp,
    Mosaic,
    Pipeline,
    RandomBrightness,
    RandomRotation,
    Sample,
    detection_policy,
    map_dataset,
)

tf = pytest.importorskip("tensorflow")

COUNT = 6
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (COUNT, 20, 30, 3), dtype=np.uint8)
BOXES = np.tile(np.array([[0.2, 0.2, 0.6, 0.7], [0.3, 0.1, 0.9, 0.5]], np.float32), (COUNT, 1, 1))
LABELS = np.arange(2 * COUNT).reshape(COUNT, 2)
PIPELINE = Pipeline([RandomRotation(20), RandomBrightness()], min_visibility=0)
SIZE = (16, 24)


@pytest.fixture
def photos():
    return tf.data.Dataset.from_tensor_slices((IMAGES, BOXES, LABELS))


def shapes(dataset):
    return [spec.shape.as_list() for spec in dataset.element_spec]


def expected(number, seed=0, augmentation=PIPELINE):
    """What a pass gives, by calling the pipeline directly."""
    for index in range(COUNT):
        sample = Sample(IMAGES[index], BOXES[index], LABELS[index])
        rng = np.random.default_rng([seed, number, index])
        yield augmentation(sample, rng, image_size=SIZE)[:3]


def assert_passes(dataset, numbers, **options):
    elements = list(dataset.as_numpy_iterator())
    wanted = [sample for number in numbers for sample in expected(number, **options)]
    assert len(elements) == len(wanted)
    for element, sample in zip(elements, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(element, sample, strict=True))


def test_elements_are_what_the_pipeline_makes_of_them(photos):
    assert_passes(map_dataset(photos, PIPELINE, SIZE, seed=5), [0], seed=5)


def test_each_pass_has_draws_of_its_own(photos):
    dataset = map_dataset(photos, PIPELINE, SIZE)
    assert_passes(dataset, [0])
    assert_passes(dataset.repeat(2), [1, 2])
    next(iter(dataset))
    assert_passes(dataset.prefetch(2), [4])
    assert_passes(map_dataset(photos, PIPELINE, SIZE), [0])


def test_upstream_shuffling_goes_on(photos):
    dataset = map_dataset(photos.shuffle(COUNT, seed=1), PIPELINE)
    orders = [[int(labels[0]) for _, _, labels in dataset] for _ in range(3)]
    assert all(sorted(order) == LABELS[:, 0].tolist() for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_static_shapes_are_known(photos):
    assert shapes(map_dataset(photos, PIPELINE, SIZE)) == [[16, 24, 3], [2, 4], [2]]
    assert shapes(map_dataset(photos, PIPELINE)) == [[None, None, 3], [2, 4], [2]]
    for other in (detection_policy(), Mosaic(), Chain([PIPELINE]), lambda sample, rng: sample):
        assert shapes(map_dataset(photos, other, SIZE)) == [[16, 24, 3], [None, 4], [None]]


def test_kinds_and_length_are_kept(photos):
    dataset = map_dataset(photos, PIPELINE, SIZE)
    kinds = [spec.dtype for spec in dataset.element_spec]
    assert kinds == [spec.dtype for spec in photos.element_spec]
    assert len(dataset) == COUNT
    many = map_dataset(photos.repeat(), PIPELINE, SIZE)
    assert many.cardinality() == tf.data.INFINITE_CARDINALITY


def test_numbers_of_boxes_may_differ():
    def elements():
        for count in (0, 1, 3):
            boxes = np.tile(np.array([0.1, 0.2, 0.5, 0.6], np.float32), (count, 1))
            yield IMAGES[count], boxes, np.full(count, count, np.int32)

    signature = tuple(
        tf.TensorSpec(shape, kind)
        for shape, kind in (
            ((None, None, 3), tf.uint8),
            ((None, 4), tf.float32),
            ((None,), tf.int32),
        )
    )
    photos = tf.data.Dataset.from_generator(elements, output_signature=signature)
    for augmentation in (PIPELINE, detection_policy(0.0)):
        dataset = map_dataset(photos, augmentation, SIZE)
        assert [labels.tolist() for _, _, labels in dataset.as_numpy_iterator()] == [
            [],
            [1],
            [3, 3, 3],
        ]


def test_mixers_work_and_leave_their_weights_out(photos):
    mix = Chain([MixUp([Sample(IMAGES[0], BOXES[0], LABELS[0])], 1.0), detection_policy(0.0)])
    assert_passes(map_dataset(photos, mix, SIZE), [0], augmentation=mix)
    assert len(next(iter(map_dataset(photos, mix, SIZE)))[1]) == 4


def test_a_model_trains_on_it(photos):
    seen = []

    def spy(sample, rng):
        seen.append(tuple(int(k) for k in rng.bit_generator.seed_seq.entropy))
        return PIPELINE(sample, rng)

    dataset = map_dataset(photos, spy, SIZE, seed=3)
    dataset = dataset.map(lambda image, boxes, _: (tf.cast(image, tf.float32) / 255, boxes[0]))
    model = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)]
    )
    model.compile("sgd", "mse")
    history = model.fit(dataset.batch(3), epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert sorted(seen) == [(3, epoch, index) for epoch in (0, 1) for index in range(COUNT)]


def test_what_cannot_be_mapped_is_told(photos):
    with pytest.raises(TypeError, match=r"must be \(image, boxes, labels\).*before batching"):
        map_dataset(photos.batch(2), PIPELINE)
    floats = photos.map(lambda image, boxes, labels: (tf.cast(image, tf.float32), boxes, labels))
    with pytest.raises(TypeError, match="uint8.*Received: element_spec=.*float32"):
        map_dataset(floats, PIPELINE)
    with pytest.raises(TypeError, match="Received: element_spec=.*"):
        map_dataset(photos.map(lambda image, boxes, labels: image), PIPELINE)
    with pytest.raises(ValueError, match="no place for the weights.*hidden_boxes='weight'"):
        map_dataset(photos, Pipeline(hidden_boxes="weight"))
    with pytest.raises(ValueError, match="seed must lie from 0.*seed=-1"):
        map_dataset(photos, PIPELINE, seed=-1)
    with pytest.raises(TypeError, match="A chain is made of callables"):
        map_dataset(photos, [RandomRotation()])
