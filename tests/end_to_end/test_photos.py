"""The library on real photos and real weights, where they are at hand."""

import keras
import numpy as np
import pytest

import keras_bbox as kb


@pytest.fixture(scope="module")
def val(data_dir):
    photos = data_dir / "data" / "photos"
    table = kb.annotations.read_csv(photos / "annotations-val.csv")
    return kb.BoundingBoxSequence(
        table,
        photos / "val",
        image_size=(96, 96),
        shuffle=False,
        preprocess=keras.applications.mobilenet.preprocess_input,
    )


def test_every_row_of_a_real_table_becomes_a_sample(val):
    labels = np.concatenate([y_class for _, (y_class, _) in val])
    boxes = np.concatenate([y_bbox for _, (_, y_bbox) in val])
    assert len(labels) == len(val.annotations)
    assert [val.class_names[k] for k in labels] == val.annotations["class_name"].tolist()
    columns = val.annotations[["x_min", "y_min", "x_max", "y_max"]]
    assert np.allclose(boxes, columns, atol=1e-6)


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_pretrained_backbone_keeps_its_features_and_the_metric_its_mean(val, data_dir):
    (weights,) = (data_dir / "weights").glob("mobilenet*.h5")
    backbone = keras.applications.MobileNet(
        weights=str(weights), include_top=False, input_shape=(96, 96, 3)
    )
    model = kb.add_localization_head(backbone, num_classes=len(val.class_names))
    model.compile(loss=["sparse_categorical_crossentropy", "mse"], metrics=[[], [kb.MeanIOU()]])
    logs = model.evaluate(val, return_dict=True, verbose=0)
    probabilities, boxes = model.predict(val, verbose=0)
    truth = np.concatenate([y_bbox for _, (_, y_bbox) in val])
    assert probabilities.shape == (len(truth), 7) and boxes.shape == (len(truth), 4)
    assert len(truth) % val.batch_size  # the last batch is uneven
    expected = kb.iou(truth, boxes, "rel_xyxy").mean()
    assert logs["bbox_prediction_mean_iou"] == pytest.approx(expected, abs=1e-6)
    X, _ = val[0]
    copied = keras.Model(model.input, model.get_layer("conv_pw_13_relu").output)
    assert np.array_equal(copied.predict(X, verbose=0), backbone.predict(X, verbose=0))
