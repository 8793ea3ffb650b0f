"""The command: what it writes and prints, its exit codes, and that it overwrites nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.cli import main
from keras_bbox.images import read_image

REPOSITORY = Path(__file__).parents[1]
COMMANDS = ("check", "clean", "convert", "plot", "split", "suggest")
reads_all_formats = pytest.mark.skipif(
    not hasattr(kb.annotations, "read"), reason="only CSV can be read"
)


@pytest.fixture(scope="module")
def snacks(tmp_path_factory):
    return kb.datasets.make_snacks(60, 64, directory=tmp_path_factory.mktemp("snacks"))


@pytest.fixture
def train(snacks):
    return str(snacks / "annotations-train.csv")


@pytest.fixture
def broken(tmp_path, train):
    """A table with a reversed box and an overshoot."""
    table = pd.read_csv(train)
    table.loc[3, ["x_min", "x_max"]] = table.loc[3, ["x_max", "x_min"]].to_numpy()
    table.loc[5, "y_max"] = 1.01
    path = tmp_path / "broken.csv"
    table.to_csv(path, index=False)
    return str(path)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_the_entry_point_is_the_function():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["keras-bbox"].partition(":")
    assert getattr(import_module(module), name) is main


def test_a_clean_set_is_fine(snacks, capsys):
    tables = [f"{split}={snacks}/annotations-{split}.csv" for split in ("train", "val")]
    code = run("check", *tables, "--images", snacks, "--classes", *kb.datasets.SNACK_CLASSES)
    out, err = capsys.readouterr()
    assert "0 errors" in out and err == ""
    assert code == 0


def test_errors_are_told_by_the_exit_code(broken, snacks, tmp_path, capsys):
    page, stored = tmp_path / "report.html", tmp_path / "report.json"
    code = run("check", broken, "--images", snacks / "train", "--html", page, "--json", stored)
    assert code == 1
    assert "reversed-box" in capsys.readouterr().out
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(stored.read_text())["counts"]["error"] == 2


def test_cleaning_mends_and_logs(broken, snacks, tmp_path, capsys):
    output, log = tmp_path / "new" / "clean.csv", tmp_path / "log.csv"
    code = run("clean", broken, output, "--images", snacks / "train", "--log", log)
    assert code == 0
    assert "1 x reversed-box, 1 x overshoot" in capsys.readouterr().out
    table = kb.annotations.read_csv(output)
    assert table.loc[5, "y_max"] == 1.0
    assert pd.read_csv(log)["row"].tolist() == [3, 5]


def test_cleaning_only_what_is_named_leaves_an_error(broken, tmp_path):
    assert run("clean", broken, tmp_path / "clean.csv", "--fix", "reversed-box") == 1


def test_splitting_writes_a_table_for_each_part(train, tmp_path, snacks, capsys):
    code = run("split", train, tmp_path, "--parts", "a=0.5", "b=0.5", "--images", snacks / "train")
    assert code == 0
    parts = [kb.annotations.read_csv(tmp_path / f"annotations-{name}.csv") for name in "ab"]
    assert sum(map(len, parts)) == len(pd.read_csv(train))
    assert "wrote" in capsys.readouterr().out


def test_plotting_draws_the_number_asked_for(train, snacks, tmp_path, capsys):
    output = tmp_path / "boxes.png"
    assert run("plot", train, output, "--images", snacks / "train", "--count", 4) == 0
    assert np.ptp(read_image(output)) > 0
    assert "4 of" in capsys.readouterr().out


@reads_all_formats
def test_converting_there_and_back(train, tmp_path, snacks, capsys):
    images = snacks / "train"
    assert run("convert", train, tmp_path / "voc", "--to", "voc", "--images", images) == 0
    code = run("convert", tmp_path / "voc", tmp_path / "b.csv", "--to", "csv", "--images", images)
    assert code == 0
    assert len(kb.annotations.read_csv(tmp_path / "b.csv")) == len(pd.read_csv(train))
    out, err = capsys.readouterr()
    assert "boxes" in out
    assert err.startswith("keras-bbox: warning: Pascal VOC cannot hold")


def test_nothing_is_overwritten_without_force(train, tmp_path, capsys):
    output = tmp_path / "annotations-all.csv"
    output.write_text("precious")
    assert run("split", train, tmp_path, "--parts", "all=1") == 2
    assert output.read_text() == "precious"
    assert "--force" in capsys.readouterr().err
    assert run("split", train, tmp_path, "--parts", "all=1", "--force") == 0
    assert output.read_text() != "precious"


UNUSABLE = {
    "no file": ("check", "nowhere.csv"),
    "no folder": ("check", "TABLE", "--images", "nowhere"),
    "no table": ("check", "TEXT"),
    "two without a name": ("check", "TABLE", "TABLE"),
    "no share": ("split", "TABLE", "OUT", "--parts", "train"),
    "shares that do not add up": ("split", "TABLE", "OUT", "--parts", "a=0.5", "b=0.2"),
    "no such group": ("split", "TABLE", "OUT", "--group", "scene"),
    "no images with it": ("plot", "TABLE", "OUT", "--images", ".", "--classes", "soup"),
    "none to draw": ("plot", "TABLE", "OUT", "--images", ".", "--count", "0"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_input_ends_in_one_line(case, train, tmp_path, capsys):
    (tmp_path / "text.csv").write_text("not a table,x_min\n")
    if case == "no table" and not hasattr(kb.annotations, "read"):
        pytest.skip("only CSV can be read")
    places = {"TABLE": train, "OUT": tmp_path / "out", "TEXT": tmp_path / "text.csv"}
    assert run(*(places.get(word, word) for word in UNUSABLE[case])) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("keras-bbox: error: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [(), ("chekc",), ("check",), ("clean", "a.csv", "b.csv", "--fix", "polish")]
)
def test_wrong_usage_is_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2
    assert "usage: keras-bbox" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        run(command, "--help")
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert f"  keras-bbox {command} " in text and "Exit codes: 0" in text


def test_the_examples_of_the_help_can_be_parsed(capsys):
    from keras_bbox.cli.parser import make_parser

    for command in COMMANDS:
        with pytest.raises(SystemExit):
            run(command, "--help")
        lines = capsys.readouterr().out.splitlines()
        examples = [line.split()[1:] for line in lines if line.startswith("  keras-bbox ")]
        assert examples
        for words in examples:
            assert callable(make_parser().parse_args(words).run)


def test_it_runs_as_a_program(train):
    code = "import sys; from keras_bbox.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", train], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "0 errors" in done.stdout


# Keras 3.15 copies the weights of TensorFlow in a way that NumPy 2 warns about.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_suggesting_by_a_stored_model(tmp_path, snacks, capsys):
    import keras

    inputs = keras.Input((16, 16, 3))
    middle = keras.layers.GlobalAveragePooling2D()(inputs)
    classes = keras.layers.Dense(2, activation="softmax")(middle)
    boxes = keras.layers.Dense(4, kernel_initializer="zeros", activation="sigmoid")(middle)
    widths = keras.layers.Rescaling([1.0, 1.0, 1.5, 1.5])(boxes)
    keras.Model(inputs, [classes, widths]).save(tmp_path / "model.keras")
    words = ("suggest", tmp_path / "model.keras", tmp_path / "new.csv", "--images", snacks / "val",
             "--classes", "a", "b", "--preprocess", "mobilenet")  # fmt: skip
    assert run(*words) == 0
    table = kb.annotations.read_csv(tmp_path / "new.csv")
    assert len(table) == 9 and table.loc[0, ["x_min", "x_max"]].tolist() == [0.5, 0.75]
    assert "boxes for 9 images" in capsys.readouterr().out
    assert run(*words[:-1], "soup", "--force") == 2
