"""Photos that are decoded at the size they are needed at, and those that are kept."""

import os
import pickle
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_bbox import geometry
from keras_bbox.images import (
    FolderCache,
    KnownSizes,
    MemoryCache,
    mean_color,
    open_photo,
    read_image,
    warp_image,
    write_image,
)


def scene(height, width, box=None):
    """A smooth picture, and a box painted white in it."""
    x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 2, height))
    image = np.stack([40 + 20 * np.sin(x + y), 50 + 20 * np.cos(x), 60 + 10 * y], axis=-1)
    if box is not None:
        x1, y1, x2, y2 = box
        image[y1:y2, x1:x2] = 255
    return image.astype(np.uint8)


def save(path, image, orientation=1, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(image).save(path, exif=exif, quality=95, **options)
    return str(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(48, 72), (50, 70)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"icc_profile": b"x" * 70_000}])
def test_a_photo_has_the_upright_size_and_waits_if_it_can(tmp_path, size, orientation, options):
    photo = open_photo(save(tmp_path / "a.jpg", scene(*size), orientation, **options))
    assert photo.shape == photo.decode()[0].shape
    assert (photo.data is None) == (orientation != 1 and size == (50, 70))


def test_a_header_too_far_into_the_file_is_no_hurdle(tmp_path):
    path = save(tmp_path / "a.jpg", scene(50, 70), icc_profile=b"x" * 400_000)
    assert open_photo(path).shape == (50, 70, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(96, 128), (97, 131), (90, 126)])
@pytest.mark.parametrize("factor", [2, 4])
def test_a_box_is_found_where_it_is_after_a_reduced_decode(tmp_path, orientation, size, factor):
    box = (32, 16, 96, 64)
    path = save(tmp_path / "a.jpg", scene(*size, box), orientation)
    whole = read_image(path)
    height, width = whole.shape[:2]
    # Once at the size that can do with fewer pixels, then enlarged back, to look closely.
    small = geometry.scaling(1 / factor, 1 / factor)
    photo = open_photo(path)
    shape = {"height": -(-height // factor), "width": -(-width // factor)}
    seen = warp_image(photo, small, **shape)
    expected = warp_image(whole, small, **shape)
    white = np.argwhere(seen.min(axis=-1) > 128), np.argwhere(expected.min(axis=-1) > 128)
    for edge in (np.min, np.max):
        assert np.abs(edge(white[0], axis=0) - edge(white[1], axis=0)).max() <= 1
    assert np.abs(np.mean(white[0], axis=0) - np.mean(white[1], axis=0)).max() < 0.3


def test_a_photo_gives_about_the_pixels_of_the_whole_image(tmp_path):
    path = save(tmp_path / "a.jpg", scene(300, 401))
    turn = geometry.compose(
        geometry.about(geometry.rotation(10), 200, 150), geometry.scaling(0.2, 0.3)
    )
    shape = {"height": 90, "width": 80}
    ours = warp_image(open_photo(path), turn, **shape).astype(int)
    inside = np.s_[15:-15, 15:-15]
    assert np.abs(ours - warp_image(read_image(path), turn, **shape))[inside].max() <= 3


def test_only_as_few_pixels_are_decoded_as_will_do(tmp_path, monkeypatch):
    path = save(tmp_path / "a.jpg", scene(640, 640))
    asked = []
    decode = type(open_photo(path)).decode
    monkeypatch.setattr(
        "keras_bbox.images.photo.Photo.decode",
        lambda photo, factor=1: asked.append(factor) or decode(photo, factor),
    )
    for scale in (1.0, 0.51, 0.5, 0.26, 0.25, 0.1):
        warp_image(open_photo(path), geometry.scaling(scale, scale), height=8, width=8)
    assert asked == [1, 1, 2, 2, 4, 8]
    asked.clear()
    for scales in ((0.2, 0.6), (0.6, 0.2), (0.2, 0.4)):  # neither way fewer pixels than are shown
        warp_image(open_photo(path), geometry.scaling(*scales), height=8, width=8)
    assert asked == [1, 1, 2]


@pytest.mark.parametrize("size", [(361, 641), (1001, 4001), (640, 360), (449, 449), (900, 449)])
def test_a_resize_shows_nothing_from_outside(tmp_path, size):
    path = save(tmp_path / "a.jpg", np.full((*size, 3), 255, np.uint8))
    matrix = geometry.scaling(224 / size[1], 224 / size[0])
    for image in (open_photo(path), read_image(path)):
        assert (warp_image(image, matrix, height=224, width=224, fill=(0, 0, 0)) == 255).all()


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (361, 641)])
def test_stripes_survive_a_resize_as_well_as_they_do_in_an_array(tmp_path, size):
    stripes = np.zeros((*size, 3), np.uint8)
    stripes[np.arange(size[0]) // 2 % 2 == 0] = 255
    path = save(tmp_path / "a.jpg", stripes)
    matrix = geometry.scaling(224 / size[1], 224 / size[0])
    ours, whole = (
        warp_image(image, matrix, height=224, width=224).astype(int)
        for image in (open_photo(path), read_image(path))
    )
    assert ours.std() > 0.95 * whole.std()


def test_other_files_are_photos_too(tmp_path):
    path = write_image(tmp_path / "a.png", scene(50, 70))
    photo = open_photo(path)
    assert photo.shape == (50, 70, 3)
    assert np.array_equal(photo.decode()[0], read_image(path))


def test_a_broken_file_is_named_when_it_is_decoded(tmp_path):
    path = save(tmp_path / "broken.jpg", scene(50, 70))
    data = Path(path).read_bytes()
    Path(path).write_bytes(data[: data.index(b"\xff\xda")])
    with pytest.raises(ValueError, match=r"Image files must be.*broken\.jpg"):
        open_photo(path).decode()


def test_a_header_without_a_size_is_named(tmp_path):
    path = save(tmp_path / "flat.jpg", scene(50, 70))
    data = bytearray(Path(path).read_bytes())
    size = data.index(b"\xff\xc0") + 5
    data[size : size + 2] = b"\0\0"
    Path(path).write_bytes(data)
    with pytest.raises(ValueError, match=r"Image files must be.*flat\.jpg"):
        open_photo(path)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_known_size_is_not_looked_for_again(tmp_path, orientation, monkeypatch):
    path = save(tmp_path / "a.jpg", scene(96, 128, (32, 16, 96, 64)), orientation)
    sizes = KnownSizes()
    first = sizes.open(path)
    monkeypatch.setattr("keras_bbox.images.photo.open_photo", None)
    again = sizes.open(path)
    assert again.shape == first.shape
    for factor in (1, 2):
        for ours, expected in zip(again.decode(factor), first.decode(factor), strict=True):
            assert np.array_equal(ours, expected)


def test_a_file_replaced_by_one_of_another_size_keeps_its_boxes(tmp_path):
    path = save(tmp_path / "a.jpg", scene(96, 128, (32, 16, 96, 64)))
    sizes = KnownSizes()
    sizes.open(path)
    save(path, scene(192, 384, (96, 32, 288, 128)))  # the same picture, finer
    for size in ((96, 128), (24, 32)):
        matrix = geometry.scaling(size[1] / 128, size[0] / 96)
        seen = warp_image(sizes.open(path), matrix, height=size[0], width=size[1])
        white = np.argwhere(seen.min(axis=-1) > 128)
        assert white.min(axis=0).tolist() == [size[0] / 6, size[1] / 4]
        assert (white.max(axis=0) + 1).tolist() == [size[0] * 2 / 3, size[1] * 3 / 4]


def test_the_mean_color_of_a_photo_is_that_of_its_image(tmp_path):
    path = save(tmp_path / "a.jpg", scene(160, 240))
    means = read_image(path).mean(axis=(0, 1))
    assert np.abs(np.array(mean_color(open_photo(path))) - means).max() <= 1
    assert mean_color(read_image(path)) == tuple(means.round())


def caches(tmp_path, **options):
    memory = MemoryCache(40, 60, **options, limit=10**9)
    return memory, FolderCache(tmp_path / "cache", 40, 60, **options)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_kept_photo_has_the_true_size_and_fewer_pixels(tmp_path, ending):
    path = str(write_image(tmp_path / f"a.{ending}", scene(203, 301)))
    for exact, kept in ((True, (40, 60)), (False, (51, 76))):
        for cache in caches(tmp_path, exact=exact):
            first, again = cache.open(path), cache.open(path)
            for photo in (first, again):
                assert photo.shape == (203, 301, 3)
                pixels, (y, x) = photo.decode()
                assert pixels.shape == (*kept, 3)
                assert (y, x) == ((203 / 40, 301 / 60) if exact else (4, 4))
            assert np.array_equal(first.pixels, again.pixels)


def test_a_kept_photo_warps_as_the_photo_does(tmp_path):
    path = str(write_image(tmp_path / "a.jpg", scene(200, 300, (60, 40, 180, 120)), quality=98))
    fit = geometry.compose(geometry.flip(width=300), geometry.scaling(60 / 300, 40 / 200))
    whole = warp_image(read_image(path), fit, height=40, width=60).astype(int)
    for exact in (True, False):
        for cache in caches(tmp_path, exact=exact):
            kept = warp_image(cache.open(path), fit, height=40, width=60)
            assert np.abs(kept - whole).mean() < 2


def test_a_changed_source_is_read_again(tmp_path):
    path = str(write_image(tmp_path / "a.png", np.full((40, 60, 3), 10, np.uint8)))
    for cache in caches(tmp_path, exact=True):
        write_image(path, np.full((40, 60, 3), 10, np.uint8))
        os.utime(path, ns=(1, 1))
        assert cache.open(path).pixels.max() == 10
        write_image(path, np.full((40, 60, 3), 20, np.uint8))
        os.utime(path, ns=(2, 2))
        assert cache.open(path).pixels.max() == 20


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:7], lambda data: b""]
)
def test_a_damaged_file_of_the_cache_is_made_anew(tmp_path, damage):
    path = str(write_image(tmp_path / "a.png", scene(40, 60)))
    cache = FolderCache(tmp_path / "cache", 40, 60, exact=True)
    truth = cache.open(path).pixels
    (file,) = cache.folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert np.array_equal(cache.open(path).pixels, truth)
    assert file.read_bytes() == whole


def test_a_kept_file_is_mapped_once_until_its_source_changes(tmp_path):
    path = str(write_image(tmp_path / "a.png", scene(40, 60)))
    cache = FolderCache(tmp_path / "cache", 40, 60, exact=True)
    made, mapped = cache.open(path), cache.open(path)
    assert made is not mapped and cache.open(path) is mapped
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.open(path) is not mapped
    assert np.array_equal(copy.open(path).pixels, mapped.pixels)
    write_image(path, scene(44, 60, (3, 3, 9, 9)))
    assert cache.open(path).height == cache.open(path).height == 44


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    path = str(write_image(tmp_path / "a.png", scene(40, 60)))
    cache = FolderCache(tmp_path / "cache", 40, 60, exact=True)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        cache.open(path)
    assert not list(cache.folder.iterdir())


def test_memory_is_bounded_and_the_rest_is_still_served(tmp_path):
    paths = [str(write_image(tmp_path / f"{k}.png", scene(40, 60))) for k in range(4)]
    cache = MemoryCache(40, 60, exact=True, limit=2 * 40 * 60 * 3)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        photos = [cache.open(path) for path in paths]
    assert [str(warning.message)[:24] for warning in told] == ["The cache is full: 2 pho"]
    assert all(photo.pixels.shape == (40, 60, 3) for photo in photos)
    assert [cache.open(path) is photo for path, photo in zip(paths, photos, strict=True)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_copy_in_another_process_starts_empty(tmp_path):
    path = str(write_image(tmp_path / "a.png", scene(40, 60)))
    cache = MemoryCache(40, 60, exact=True, limit=10**9)
    photo = cache.open(path)
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.open(path) is not photo
    assert np.array_equal(copy.open(path).pixels, photo.pixels)


def test_four_channels_warp_to_the_values_of_three():
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    turn = geometry.compose(geometry.rotation(20), geometry.scaling(0.7, 0.8))
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centers = np.linalg.inv(half) @ turn @ half
    expected = cv2.warpAffine(image, centers[:2], (60, 40), borderValue=(1, 2, 3))
    assert np.array_equal(warp_image(image, turn, height=40, width=60, fill=(1, 2, 3)), expected)
