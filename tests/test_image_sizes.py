import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_bbox.images import headers, image_size, image_sizes, read_image, sizes

SIZES = [(1, 1), (2, 300), (300, 2), (37, 41), (255, 257)]


def save(tmp_path, ending, size, orientation=None, mode="RGB", **options):
    path = tmp_path / f"{size[0]}x{size[1]}_{orientation}_{mode}.{ending}"
    image = Image.fromarray(np.zeros((*size, 3), np.uint8)).convert(mode)
    if orientation is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    image.save(path, **options)
    return path


def pillow_says(path):
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).size[::-1]


@pytest.fixture
def no_decoding(monkeypatch):
    def refuse(path):
        raise AssertionError(f"{path} was decoded")

    monkeypatch.setattr(headers, "read_image", refuse)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "bmp", "webp", "tif"])
def test_the_header_tells_the_size(tmp_path, ending, size, no_decoding):
    path = save(tmp_path, ending, size)
    assert image_size(path) == size == pillow_says(path) == read_image(path).shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_sizes_are_those_of_the_upright_image(tmp_path, ending, orientation, no_decoding):
    path = save(tmp_path, ending, (20, 33), orientation)
    assert image_size(path) == pillow_says(path) == read_image(path).shape[:2]


@pytest.mark.parametrize(
    ("ending", "mode", "options"),
    [
        ("jpg", "L", {}),
        ("jpg", "CMYK", {}),
        ("jpg", "RGB", {"progressive": True, "icc_profile": bytes(200_000)}),
        ("jpg", "RGB", {"comment": b"\xff\xc0" * 900}),
        ("png", "P", {}),
        ("png", "1", {}),
        ("webp", "RGB", {"lossless": True}),
        ("webp", "RGBA", {}),
        ("webp", "RGBA", {"lossless": True}),
        ("tif", "L", {"compression": "tiff_lzw"}),
        ("tif", "RGB", {"big_tiff": True}),
        ("bmp", "1", {}),
    ],
)
def test_other_ways_to_write_a_format(tmp_path, ending, mode, options):
    path = save(tmp_path, ending, (37, 41), None, mode, **options)
    assert image_size(path) == (37, 41)


def test_a_bitmap_may_be_upside_down_or_of_the_first_kind(tmp_path):
    path = tmp_path / "image.bmp"
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 26)
    path.write_bytes(head + struct.pack("<Iii", 40, 7, -5))
    assert image_size(path) == (5, 7)
    path.write_bytes(head + struct.pack("<IHHHH", 12, 7, 5, 1, 24))
    assert image_size(path) == (5, 7)


def test_a_thumbnail_is_not_the_image(tmp_path, no_decoding):
    small, path = io.BytesIO(), tmp_path / "image.jpg"
    Image.new("RGB", (8, 6)).save(small, "jpeg")
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + small.getvalue()
    Image.new("RGB", (80, 60)).save(path, exif=exif)
    assert image_size(path) == (60, 80)


def test_fill_bytes_and_markers_alone_are_passed_over(tmp_path, no_decoding):
    path = save(tmp_path, "jpg", (20, 30))
    whole = path.read_bytes()
    for passed in (b"\xff", b"\xff\xff\xff", b"\xff\x01", b"\xff\x01\xff\xff\xd0"):
        path.write_bytes(whole[:2] + passed + whole[2:])
        assert image_size(path) == (20, 30)


def test_what_the_header_does_not_tell_is_decoded(tmp_path):
    path = tmp_path / "image.ppm"
    cv2.imwrite(str(path), np.zeros((3, 4, 3), np.uint8))
    assert image_size(path) == (3, 4)


def test_files_that_are_no_image_are_refused(tmp_path):
    whole = save(tmp_path, "jpg", (20, 30)).read_bytes()
    path = tmp_path / "broken.jpg"
    for content in (b"", b"\xff\xd8\xff", b"BM", b"II*\0\xff\xff\xff\xff", whole[:40], b"GIF8"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="broken.jpg"):
            image_size(path)
    with pytest.raises(FileNotFoundError):
        image_size(tmp_path / "none.jpg")


def test_any_beginning_and_any_wrong_byte_ends_well(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "fuzzed"
    for ending in ("jpg", "png", "gif", "bmp", "webp", "tif"):
        whole = save(tmp_path, ending, (20, 30), 6).read_bytes()
        for _ in range(60):
            data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
            data[rng.integers(len(data))] = rng.integers(256)
            path.write_bytes(data)
            (answer,) = image_sizes([path])
            assert isinstance(answer, ValueError) or min(answer) > 0


def test_many_sizes_are_read_once_each(tmp_path, monkeypatch):
    paths = [save(tmp_path, "png", size) for size in SIZES]
    read = []
    monkeypatch.setattr(sizes, "image_size", lambda path: read.append(path) or image_size(path))
    assert image_sizes([*paths, *paths]) == SIZES * 2
    assert sorted(read) == sorted(paths)
    (missing,) = image_sizes([tmp_path / "none.png"])
    assert isinstance(missing, FileNotFoundError)


def test_only_many_files_on_a_terminal_have_a_bar(tmp_path, capsys, monkeypatch):
    paths = [save(tmp_path, "png", size) for size in SIZES]
    monkeypatch.setattr(sizes, "BAR_FROM", 4)
    image_sizes(paths)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sizes.sys.stderr, "isatty", lambda: True, raising=False)
    image_sizes(paths)
    assert capsys.readouterr().err.endswith("5/5\n")
    image_sizes(paths[:3])
    assert capsys.readouterr().err == ""
