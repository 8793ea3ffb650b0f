"""The door to all checks of a table of boxes and its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keras_bbox.annotations.quality.classes import check_class_set
from keras_bbox.annotations.quality.copies import check_contents, same_files
from keras_bbox.annotations.quality.files import check_sizes, check_unannotated, measure
from keras_bbox.annotations.quality.pairs import check_negatives, check_pairs
from keras_bbox.annotations.quality.report import Report, make_report
from keras_bbox.annotations.quality.rows import (
    check_aspects,
    check_classes,
    check_corners,
    check_extent,
    check_names,
    check_numbers,
)
from keras_bbox.annotations.quality.statistics import measure_statistics
from keras_bbox.annotations.quality.survey import (
    Finding,
    Folders,
    Survey,
    Tables,
    make_surveys,
)


def check(
    annotations: Tables,
    image_dir: Folders = None,
    *,
    class_names: Sequence[str] | None = None,
    duplicates: bool = True,
) -> Report:
    """Looks for everything that is likely to be wrong with tables of boxes and their images.

    The table may be raw: what ``validate_annotations`` would refuse is a finding here. Nothing is
    changed. Image files are read in threads: their headers only, and their pixels as well, at a
    reduced size, when duplicates are looked for.

    Args:
        annotations: A table of boxes, or one for each split by its name.
        image_dir: The folder of the images; for several splits a folder for each by name, or one
            folder that holds a folder for each split, or the images of all. ``None`` checks the
            tables alone.
        class_names: The classes that may occur; ``None`` for any.
        duplicates: Whether to read the images and look for cut off files and for pictures that
            are there twice, inside a split and across splits: the same bytes, or nearly the same
            look.

    Returns:
        A ``Report``: ``report.findings`` is a table, ``print(report)`` a summary,
        ``report.write_html(path)`` a page with pictures.

    Raises:
        ValueError: If a table lacks a column, or a split a folder.
        FileNotFoundError: If there is no such folder.
        TypeError: If a table is no DataFrame.

    Example:
        >>> import tempfile
        >>> import keras_bbox as kb
        >>> folder = kb.datasets.make_snacks(20, 64, directory=tempfile.mkdtemp())
        >>> table = kb.annotations.read_csv(folder / "annotations-train.csv")
        >>> (folder / "train" / "hot dog" / "snacks_0_00008.jpg").unlink()
        >>> report = kb.annotations.check(table, folder / "train")
        >>> report.findings["kind"].unique().tolist()
        ['missing-image']
    """
    surveys = make_surveys(annotations, image_dir)
    surveys, findings = measure(surveys)
    for survey in surveys:
        findings += check_table(survey, class_names)
    findings += check_class_set(surveys)
    findings += check_unannotated(surveys)
    found, copies = check_contents(surveys) if duplicates else same_files(surveys)
    statistics = measure_statistics(surveys)
    return make_report([*findings, *found], statistics, surveys, copies)


def check_table(survey: Survey, class_names: Sequence[str] | None) -> Iterator[Finding]:
    """What can be told from one table and the sizes of its images."""
    yield from check_names(survey)
    yield from check_classes(survey, class_names)
    yield from check_numbers(survey)
    yield from check_corners(survey)
    yield from check_negatives(survey)
    yield from check_extent(survey)
    yield from check_aspects(survey)
    yield from check_pairs(survey)
    yield from check_sizes(survey)
