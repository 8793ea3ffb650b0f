"""Images that are there twice: inside a split, and across splits, where scores lie."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_bbox.annotations.quality.survey import Finding, Survey
from keras_bbox.images.digests import Digest, digest_images
from keras_bbox.images.similar import similar_pairs
from keras_bbox.overlap import iou


class Image(NamedTuple):
    """An image of a split."""

    split: str
    name: str


class Copies(NamedTuple):
    """Sets of images that are the same, and of those that are the same or nearly so."""

    exact: list[list[Image]]
    near: list[list[Image]]


def check_contents(surveys: Sequence[Survey]) -> tuple[list[Finding], Copies]:
    """Reads all images: findings of broken files and copies, and the sets of copies."""
    images = [
        (survey, place)
        for survey in surveys
        if survey.image_dir is not None
        for place in np.flatnonzero((survey.sizes > 0).all(axis=1))
    ]
    paths = [survey.image_dir / survey.images[k] for survey, k in images]
    sizes = [(int(survey.sizes[k, 0]), int(survey.sizes[k, 1])) for survey, k in images]
    findings, digests = [], {}
    for (survey, k), digest in zip(images, digest_images(paths, sizes), strict=True):
        name = survey.images[k]
        if isinstance(digest, Exception):
            message = str(digest).replace(str(survey.image_dir) + "/", "")
            findings.append(survey.image_finding("unreadable-image", name, message))
            continue
        if not digest.complete:
            message = "The file ends too early: the lower part of the picture is missing."
            findings.append(survey.image_finding("truncated-image", name, message))
        digests[Image(survey.split, name)] = digest
    copies = find_copies(digests)
    return findings + list(_findings(surveys, copies)), copies


def same_files(surveys: Sequence[Survey]) -> tuple[list[Finding], Copies]:
    """Finds the files that rows of several splits name, without reading any."""
    by_path = defaultdict(list)
    for survey in surveys:
        for name in survey.images:
            by_path[survey.image_dir, name].append(Image(survey.split, name))
    shared = [
        images for (folder, _), images in by_path.items() if folder is not None and len(images) > 1
    ]
    copies = Copies(shared, shared)
    return list(_findings(surveys, copies)), copies


def find_copies(digests: Mapping[Image, Digest]) -> Copies:
    """Groups images by content, and by look."""
    by_content: dict[bytes, list[Image]] = defaultdict(list)
    for image, digest in digests.items():
        by_content[digest.content].append(image)
    # Only one of each content is compared further, so that a thousand blanks stay cheap.
    groups = list(by_content.values())
    pairs = similar_pairs([digests[group[0]] for group in groups])
    near = [
        [image for place in places for image in groups[place]]
        for places in connected(len(groups), pairs.tolist())
    ]
    return Copies(_several(groups), _several(near))


def _several(groups: list[list[Image]]) -> list[list[Image]]:
    return [group for group in groups if len(group) > 1]


def connected(count: int, pairs: Sequence[Sequence[int]]) -> list[list[int]]:
    """The groups of places from 0 to ``count`` that chains of pairs connect, in order."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(count):
        groups[root(place)].append(place)
    return list(groups.values())


def _findings(surveys: Sequence[Survey], copies: Copies) -> Iterator[Finding]:
    survey_of = {survey.split: survey for survey in surveys}
    exact = {image: place for place, group in enumerate(copies.exact) for image in group}
    for group in copies.near:
        for image, other in _flagged(group, exact, survey_of):
            same = _same(image, other, exact)
            kind = _kind(same, image.split == other.split)
            where = other.name if image.split == other.split else f"{other.split}: {other.name}"
            message = f"{'The same' if same else 'Nearly the same'} picture as {where}"
            message += agreement(survey_of[image.split], image, survey_of[other.split], other)
            yield survey_of[image.split].image_finding(kind, image.name, message, related=where)


def agreement(survey1: Survey, image1: Image, survey2: Survey, image2: Image) -> str:
    """Says how well the boxes of two images agree: by the IoU of the box that fits worst."""
    rows1, rows2 = (
        np.flatnonzero((survey.names == image.name) & survey.usable)
        for survey, image in ((survey1, image1), (survey2, image2))
    )
    if not len(rows1) or not len(rows2):
        return "." if len(rows1) == len(rows2) else ", which has other boxes."
    overlap = iou(survey1.boxes[rows1][:, None], survey2.boxes[rows2][None])
    same_class = survey1.class_names[rows1][:, None] == survey2.class_names[rows2][None]
    overlap = np.where(same_class, overlap, 0.0)
    worst = min(overlap.max(axis=0).min(), overlap.max(axis=1).min())
    return f"; their boxes agree to IoU {worst:.2f}."


def _kind(same: bool, one_split: bool) -> str:
    if one_split:
        return "duplicate-image" if same else "near-duplicate-image"
    return "leaked-image" if same else "near-leaked-image"


def _same(image: Image, other: Image, exact: Mapping[Image, int]) -> bool:
    return image in exact and exact[image] == exact.get(other)


def _flagged(
    group: Sequence[Image],
    exact: Mapping[Image, int],
    surveys: Mapping[str, Survey],
) -> Iterator[tuple[Image, Image]]:
    """The images to act on, each with the one that stays, which is of the smallest split.

    So an image that is in the training and the test set is flagged in the training set, where
    the loss of it costs least. A copy points at an exact one rather than at one that is near.
    """
    splits = Counter(image.split for image in group)
    smallest = min(splits, key=lambda split: (len(surveys[split].images), split))
    kept = [image for image in group if image.split == smallest]
    stays: list[Image] = []
    for image in kept + [image for image in group if image.split != smallest]:
        twins = [other for other in stays if _same(image, other, exact)]
        if stays:
            across = [other for other in stays if other.split == smallest != image.split]
            yield image, (twins or across or stays)[0]
        stays.append(image)
