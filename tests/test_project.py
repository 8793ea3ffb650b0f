"""What the project promises outside its code: the README's commands, its example, the changelog."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import keras_bbox as kb

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_readme_has_one_line_to_run_and_one_to_test():
    run, test = fenced("sh")
    assert run.count("\n") == test.count("\n") == 1
    assert "examples/train_localizer.py" in run
    assert "pytest" in test


def test_ci_runs_the_command_of_the_readme():
    *_, test = fenced("sh")
    assert test.strip() in (REPOSITORY / ".ci" / "run").read_text()


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch):
    (example,) = fenced("python")
    monkeypatch.chdir(tmp_path)
    Path("example.py").write_text(example)
    names = runpy.run_path("example.py")
    classes, boxes = names["model"].predict(names["val"], verbose=0)
    assert classes.shape == (len(names["val"].annotations), len(kb.datasets.SNACK_CLASSES))
    assert boxes.shape == (len(classes), 4)


def test_the_version_stands_in_one_place():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "keras_bbox/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", kb.__version__)


def test_the_changelog_opens_with_what_is_not_released():
    headings = re.findall(r"^## (.*)", (REPOSITORY / "CHANGELOG.md").read_text(), flags=re.M)
    assert headings[0] == "Unreleased"


def test_the_package_says_that_it_is_typed():
    assert (Path(kb.__file__).parent / "py.typed").exists()
