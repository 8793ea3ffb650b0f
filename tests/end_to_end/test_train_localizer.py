import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "train_localizer.py"


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("localizer")
    result = run("--quick", "--weights", "none", "--output", output)
    assert result.returncode == 0, result.stderr
    return output, result.stdout


def test_all_results_are_there(finished):
    output, _ = finished
    names = {path.name for path in output.iterdir() if path.is_file()}
    assert names == {
        "best.png", "history.csv", "history.png", "metrics.json", "model.keras", "samples.png",
        "worst.png", "report-val.html", "report-test.html",
    }  # fmt: skip


def test_metrics_are_shares_for_each_split(finished):
    metrics = json.loads((finished[0] / "metrics.json").read_text())
    assert set(metrics) == {"val", "test"}
    for values in metrics.values():
        assert set(values) == {"mean_iou", "iou_50", "accuracy"}
        assert all(0 <= value <= 1 for value in values.values())


def test_the_history_has_a_row_an_epoch_with_its_learning_rate(finished):
    history = pd.read_csv(finished[0] / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["learning_rate"].tolist() == [1e-3, 1e-4, 1e-5]
    assert {"val_bbox_prediction_mean_iou", "val_class_prediction_accuracy"} <= set(history)


def test_the_script_checks_itself(finished):
    assert "class probabilities differ from the classifier's by" in finished[1]
    assert "Loaded in a fresh process, the model's predictions differ by" in finished[1]
    assert "mean_iou of the mean box" in finished[1]


def test_a_trained_classifier_can_be_given_and_splits_may_be_missing(finished, tmp_path):
    output, _ = finished
    data = output / "snacks"
    partial = tmp_path / "data"
    partial.mkdir()
    for name in ("train", "val"):
        (partial / name).symlink_to(data / name)
        (partial / f"annotations-{name}.csv").symlink_to(data / f"annotations-{name}.csv")
    classifier = tmp_path / "classifier.keras"
    build = (
        "import sys, keras; from keras import layers as l; "
        "keras.Sequential([keras.Input((64, 64, 3)), l.Conv2D(8, 3, 4), "
        "l.GlobalAveragePooling2D(), l.Dense(20, activation='softmax')]).save(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", build, str(classifier)], check=True, capture_output=True)
    result = run(
        "--quick", "--data", partial, "--classifier", classifier, "--image-size", 64,
        "--output", tmp_path / "out",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert set(json.loads((tmp_path / "out" / "metrics.json").read_text())) == {"val"}


def test_missing_weights_are_told_in_a_line(tmp_path):
    result = run("--quick", "--weights", tmp_path / "none.h5", "--output", tmp_path)
    assert result.returncode == 1
    assert "There is no file" in result.stderr and "Traceback" not in result.stderr


def test_the_best_recipe_ends_with_the_same_files(finished, tmp_path):
    result = run("--quick", "--weights", "none", "--recipe", "best", "--output", tmp_path)
    assert result.returncode == 0, result.stderr
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {path.name for path in finished[0].iterdir() if path.is_file()}
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6] and set(history["stage"]) == {"train"}
    assert "Loaded in a fresh process" in result.stdout
