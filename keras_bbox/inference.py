"""predict_boxes: classes and boxes for photos of any size."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_bbox import geometry, images
from keras_bbox._outputs import Predictions, named_predictions
from keras_bbox.augment import Draw
from keras_bbox.boxes import convert_boxes, parse_format
from keras_bbox.images import Photo
from keras_bbox.overlap import iou

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
ERRORS = ("raise", "warn", "skip")
# Views of test-time augmentation: mirrored or not, and how far away.
VIEWS = ((False, 1.0), (True, 1.0), (False, 0.85), (True, 0.85))
AGREE = 0.5


def predict_boxes(
    model: keras.Model,
    images: Any,
    *,
    class_names: Sequence[str] | None = None,
    preprocess: Callable | None = None,
    bounding_box_format: str = "rel_xyxy",
    relative: bool = False,
    batch_size: int = 32,
    test_time_augmentation: bool = False,
    errors: str = "raise",
    verbose: bool = False,
) -> pd.DataFrame:
    """Predicts the class and box of each image, in the image's own pixels.

    Images of any size are resized to the model's input as ``BoundingBoxSequence`` does it, and
    EXIF rotations are applied before. Boxes refer to the upright image. ``plot_boxes`` draws them.

    Args:
        model: A localizer, such as ``add_localization_head`` makes.
        images: Image files: a path, a folder (searched whole, in the order of names), or a list of
            paths; or pixels, ``uint8`` RGB: ``(H, W, 3)``, ``(B, H, W, 3)``, or a list of arrays of
            any sizes.
        class_names: The names of the classes by id; without them ``class_name`` holds the ids as
            text.
        preprocess: What the network wants of its input, as for ``BoundingBoxSequence``.
        bounding_box_format: The format of the model's boxes, such as that of the sequence it was
            trained on; pixels are those of the model's input.
        relative: Whether the boxes of the table are fractions of width and height instead of
            pixels.
        batch_size: Images at a time.
        test_time_augmentation: Whether to look at each image four times, as it is, mirrored, and
            both from further away, which takes four times as long. Class probabilities are
            averaged; of the boxes, brought back to the image, those that agree (IoU of at least 0.5
            with the median box) are.
        errors: What to do about files that cannot be read: ``"raise"`` at the first, ``"warn"``, or
            ``"skip"`` them silently. ``frame.attrs["unreadable"]`` holds their paths and messages.
        verbose: Whether to show a progress bar.

    Returns:
        A table with one row for each image: ``image`` (the path, or the position), ``class_name``,
        ``class_id``, ``score`` (the class's probability), ``box_score`` if the model has that
        output, ``x_min, x_max, y_min, y_max``, and ``width`` and ``height`` of the image.

    Raises:
        FileNotFoundError: If a path does not exist, or a folder holds no images.
        ValueError: If a file cannot be read (with ``errors="raise"``), an array is no image, the
            model is no localizer, or the format is unknown.

    Example:
        >>> import keras, keras_bbox as kb, numpy as np
        >>> backbone = keras.applications.MobileNet(
        ...     include_top=False, weights=None, alpha=0.25, input_shape=(64, 64, 3))
        >>> model = kb.add_localization_head(backbone, num_classes=2)
        >>> photo = np.zeros((300, 400, 3), "uint8")
        >>> frame = kb.predict_boxes(model, [photo], class_names=["apple", "cake"])
        >>> frame.loc[0, "width"], frame.loc[0, "class_name"] in ("apple", "cake")
        (np.int64(400), True)
    """
    if errors not in ERRORS:
        raise ValueError(f"errors must be one of {ERRORS}. Received: errors={errors!r}")
    parse_format(bounding_box_format)
    names, sources = _sources(images)
    unreadable: list[tuple[Any, str]] = []
    rows: list[dict[str, Any]] = []
    bar = keras.utils.Progbar(len(names), unit_name="image") if verbose and names else None
    views = VIEWS if test_time_augmentation else VIEWS[:1]
    for start in range(0, len(names), batch_size):
        batch = slice(start, start + batch_size)
        kept, photos = _open(names[batch], sources[batch], model, errors, unreadable)
        if photos:
            predictions = _predict(
                model, photos, preprocess, views, min(batch_size, len(names)), bounding_box_format
            )
            rows += _rows(kept, photos, predictions, class_names, relative)
        if bar is not None:
            bar.add(len(names[batch]))
    frame = pd.DataFrame(rows, columns=None if rows else _COLUMNS)
    frame.attrs["unreadable"] = unreadable
    return frame


_COLUMNS = [
    "image",
    "class_name",
    "class_id",
    "score",
    "x_min",
    "x_max",
    "y_min",
    "y_max",
    "width",
    "height",
]


def _sources(images: Any) -> tuple[list, list]:
    """What each row is called, and where its pixels come from."""
    if isinstance(images, (str, os.PathLike)):
        path = Path(images)
        images = find_images(path) if path.is_dir() else [path]
    elif isinstance(images, np.ndarray) and images.ndim == 3:
        images = [images]
    sources = list(images)
    names = [
        os.fspath(source) if isinstance(source, (str, os.PathLike)) else position
        for position, source in enumerate(sources)
    ]
    return names, sources


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Finds the image files below a folder.

    Args:
        folder: The folder; those in it are searched too.

    Returns:
        Paths, sorted.

    Raises:
        FileNotFoundError: If there are none.
    """
    found = sorted(
        p for p in Path(folder).rglob("*") if p.suffix.lower() in ENDINGS and p.is_file()
    )
    if not found:
        raise FileNotFoundError(
            f"The folder must hold images, with names that end in {', '.join(ENDINGS)}. "
            f"Received: '{folder}'"
        )
    return found


def _open(
    names: Sequence, sources: Sequence, model: keras.Model, errors: str, unreadable: list
) -> tuple[list, list[Photo]]:
    """The images that can be read, decoded no larger than the model needs them."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        opened = list(pool.map(lambda source: _open_one(source, model), sources))
    kept, photos = [], []
    for name, photo in zip(names, opened, strict=True):
        if not isinstance(photo, Exception):
            kept.append(name)
            photos.append(photo)
        elif errors == "raise":
            raise photo
        else:
            unreadable.append((name, str(photo)))
            if errors == "warn":
                warnings.warn(f"Left out: {photo}", stacklevel=3)
    return kept, photos


def _open_one(source: Any, model: keras.Model) -> Photo | Exception:
    if isinstance(source, (str, os.PathLike)):
        try:
            photo = images.open_photo(source)
            size = _input_size(model, photo)
            return photo if photo.pixels is not None else images.keep_pixels(photo, *size)
        except (OSError, ValueError) as error:
            return error  # raised, told or kept by the caller, who knows the others
    image = np.asarray(source)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        return ValueError(
            "Images must be uint8 RGB of shape (height, width, 3); preprocess is applied to them. "
            f"Received: shape={image.shape}, dtype={image.dtype}"
        )
    height, width, _ = image.shape
    return Photo("", height, width, pixels=image)


def _input_size(model: keras.Model, photo: Photo) -> tuple[int, int]:
    """Rows and columns of the model's input; those of the photo where it takes any."""
    height, width = model.input_shape[1:3]
    return height or photo.height, width or photo.width


def _predict(
    model: keras.Model,
    photos: Sequence[Photo],
    preprocess: Callable | None,
    views: Sequence[tuple[bool, float]],
    rows: int,
    bounding_box_format: str,
) -> Predictions:
    """Predicts every view of every photo, and merges the views."""
    height, width = _input_size(model, photos[0])
    looks = []
    for mirrored, distance in views:
        draws = [_view(photo.shape[:2], (height, width), mirrored, distance) for photo in photos]
        X = np.stack([draw.move_pixels(photo) for draw, photo in zip(draws, photos, strict=True)])
        found = _run(model, X.astype(np.float32), preprocess, rows)
        relative = convert_boxes(
            found.boxes, bounding_box_format, "rel_xyxy", height=height, width=width
        )
        boxes = [draw.invert_boxes(box) for draw, box in zip(draws, relative, strict=True)]
        looks.append(found._replace(boxes=np.clip(boxes, 0.0, 1.0)))
    return merge_looks(looks)


def _run(model, X: np.ndarray, preprocess, rows: int) -> Predictions:
    # A last, smaller batch would have the network compiled once more: it is filled up instead.
    padded = np.concatenate([X, np.repeat(X[-1:], max(0, rows - len(X)), axis=0)])
    outputs = model.predict_on_batch(padded if preprocess is None else preprocess(padded))
    found = named_predictions(model, outputs)
    scores = None if found.box_scores is None else found.box_scores[: len(X)]
    return Predictions(found.probabilities[: len(X)], found.boxes[: len(X)], scores)


def _view(
    source: tuple[int, int], target: tuple[int, int], mirrored: bool, distance: float
) -> Draw:
    height, width = target
    steps = [geometry.scaling(width / source[1], height / source[0])]
    if mirrored:
        steps.append(geometry.flip(width=width))
    if distance != 1:
        zoom = geometry.scaling(distance, distance)
        steps.append(geometry.about(zoom, width / 2, height / 2))
    return Draw(geometry.compose(*steps), source, target)


def merge_looks(looks: Sequence[Predictions]) -> Predictions:
    """Makes one prediction of several of the same images.

    Args:
        looks: Predictions of shape ``(N, ...)``, boxes in the coordinates of the images.

    Returns:
        Mean probabilities and scores, and for each image the mean of the boxes that have an IoU of
        at least 0.5 with the median box.
    """
    if len(looks) == 1:
        return looks[0]
    boxes = np.stack([look.boxes for look in looks])
    middle = np.median(boxes, axis=0)
    agrees = (iou(boxes, middle[None], "rel_xyxy") >= AGREE)[..., None]
    count = agrees.sum(axis=0)
    merged = np.where(count > 0, (boxes * agrees).sum(axis=0) / np.maximum(count, 1), middle)
    known = [look.box_scores for look in looks if look.box_scores is not None]
    scores = np.mean(known, axis=0) if known else None
    return Predictions(np.mean([look.probabilities for look in looks], axis=0), merged, scores)


def _rows(names, photos, predictions, class_names, relative) -> Iterator[dict[str, Any]]:
    ids = predictions.probabilities.argmax(axis=1)
    for k, (name, photo) in enumerate(zip(names, photos, strict=True)):
        height, width = photo.shape[:2]
        size = (1.0, 1.0, 1.0, 1.0) if relative else (width, height, width, height)
        x1, y1, x2, y2 = (predictions.boxes[k] * size).tolist()
        row = {
            "image": name,
            "class_name": str(class_names[ids[k]] if class_names is not None else ids[k]),
            "class_id": int(ids[k]),
            "score": float(predictions.probabilities[k, ids[k]]),
        }
        if predictions.box_scores is not None:
            row["box_score"] = float(predictions.box_scores[k])
        row |= {
            "x_min": x1,
            "x_max": x2,
            "y_min": y1,
            "y_max": y2,
            "width": width,
            "height": height,
        }
        yield row
