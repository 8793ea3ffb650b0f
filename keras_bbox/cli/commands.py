"""What each command does; each returns whether it found an error."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd

from keras_bbox import annotations as api
from keras_bbox.cli.inputs import (
    check_free,
    folders,
    named,
    read_raw,
    read_valid,
    shares,
    write_table,
)


def check(options: Namespace) -> bool:
    """Prints a report, and writes it as a page or as JSON where asked."""
    check_free(options.html, options.force)
    check_free(options.json, options.force)
    image_dir = folders(options.images)
    tables = {
        name: read_raw(path, _folder_of(image_dir, name))
        for name, path in named(options.tables).items()
    }
    report = api.check(
        tables.get("", tables),
        image_dir,
        class_names=options.classes,
        duplicates=not options.headers_only,
    )
    print(report)
    # Of formats other than the table's own, what cannot be used never becomes a row.
    unread = sum(len(table.attrs.get("skipped", ())) for table in tables.values())
    if unread:
        print(f"error    objects that could not be read: {unread}, see the warnings.")
    if options.html:
        print(f"wrote {report.write_html(options.html)}")
    if options.json:
        report.to_json(options.json)
        print(f"wrote {options.json}")
    return unread > 0 or report.counts()["error"] > 0


def _folder_of(image_dir: str | dict[str, str] | None, split: str) -> str | None:
    return image_dir.get(split) if isinstance(image_dir, dict) else image_dir


def clean(options: Namespace) -> bool:
    """Writes a mended table, and says what it still has."""
    check_free(options.output, options.force)
    check_free(options.log, options.force)
    table = read_raw(options.table, options.images)
    report = api.check(table, options.images)
    mended, log = api.clean(table, report, options.fix)
    write_table(mended, options.output)
    counts = log["kind"].value_counts()
    made = ", ".join(f"{number} x {kind}" for kind, number in counts.items()) or "nothing to mend"
    print(f"{made}. wrote {options.output}: {len(mended):,} of {len(table):,} rows")
    if options.log:
        print(f"wrote {write_table(log, options.log)}")
    left = api.check(mended, options.images, duplicates=False)
    print(f"left: {left.headline()}")
    return left.counts()["error"] > 0


def convert(options: Namespace) -> bool:
    """Reads one format and writes another."""
    check_free(options.output, options.force)
    table = read_valid(options.table, options.images, options.errors)
    sizes = {} if options.images is None or options.to == "csv" else {"image_dir": options.images}
    path = api.write(table, options.output, options.to, lossy=options.lossy, **sizes)
    images = len(set(api.image_paths(table, "")))
    boxes = int((~api.is_negative(table)).sum())
    print(f"wrote {path}: {images:,} images, {boxes:,} boxes")
    return False


def plot(options: Namespace) -> bool:
    """Draws some images with their boxes."""
    from keras_bbox.images import read_image
    from keras_bbox.plotting._gallery import plot_gallery

    check_free(options.output, options.force)
    if options.count < 1:
        raise ValueError(f"There must be an image to draw. Received: --count {options.count}")
    table = read_valid(options.table, options.images)
    paths = pd.Series(api.image_paths(table, options.images), index=table.index)
    wanted = table["class_name"].isin(options.classes or table["class_name"])
    choices = sorted(set(paths[wanted]))
    if not choices:
        raise ValueError(f"No image has these classes. Received: --classes {options.classes}")
    order = np.random.default_rng(options.seed).permutation(len(choices))[: options.count]
    chosen = [choices[k] for k in sorted(order)]
    rows = [table[(paths == path) & ~api.is_negative(table)] for path in chosen]
    figure = plot_gallery(
        [read_image(path) for path in chosen],
        [own[["x_min", "y_min", "x_max", "y_max"]].to_numpy(float) for own in rows],
        [own["class_name"].tolist() for own in rows],
        [path.relative_to(options.images).as_posix() for path in chosen],
    )
    Path(options.output).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.output)
    print(f"wrote {options.output}: {len(chosen):,} of {len(choices):,} images")
    return False


def split(options: Namespace) -> bool:
    """Writes a table for each part."""
    parts = shares(options.parts)
    paths = {name: Path(options.output) / f"annotations-{name}.csv" for name in parts}
    for path in paths.values():
        check_free(str(path), options.force)
    table = read_valid(options.table, options.images)
    report = api.check(table, options.images) if options.images else None
    tables = api.split(table, parts, group=options.group, report=report, seed=options.seed)
    for name, own in tables.items():
        write_table(own, paths[name])
        images = len(set(api.image_paths(own, "")))
        print(f"wrote {paths[name]}: {images:,} images, {len(own):,} rows")
    return False


def suggest(options: Namespace) -> bool:
    """Writes boxes that a model proposes."""
    import keras

    from keras_bbox.review import suggest_boxes

    check_free(options.output, options.force)
    annotated = read_valid(options.annotations) if options.annotations else None
    preprocess = None
    if options.preprocess:
        network = getattr(keras.applications, options.preprocess, None)
        preprocess = getattr(network, "preprocess_input", None)
        if preprocess is None:
            raise ValueError(f"There is no such network. Received: {options.preprocess}")
    table = suggest_boxes(
        keras.saving.load_model(options.model, compile=False),
        options.images,
        options.classes,
        annotations=annotated,
        min_score=options.score,
        preprocess=preprocess,
        verbose=True,
    )
    if options.to == "csv":
        path = write_table(table, options.output)
    else:
        path = api.write(table, options.output, options.to, image_dir=options.images)
    print(f"wrote {path}: boxes for {len(table):,} images")
    return False
