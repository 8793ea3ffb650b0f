import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_bbox import geometry
from keras_bbox.images import apply_filter, read_image, warp_image, write_image

QUADRANTS = np.zeros((40, 60, 3), np.uint8)
QUADRANTS[:20, :30] = (200, 30, 40)
QUADRANTS[20:, 30:] = (10, 220, 90)
QUADRANTS[:20, 30:] = (20, 40, 240)


def pillow_says(path):
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpegs_of_every_mode_and_rotation_become_upright_rgb(tmp_path, mode, orientation):
    path = tmp_path / "image.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUADRANTS).convert(mode).save(path, exif=exif, quality=95)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    assert np.abs(image - pillow_says(path)).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
@pytest.mark.parametrize("ending", ["png", "webp", "bmp", "tif"])
def test_other_formats_and_modes_become_rgb(tmp_path, mode, ending):
    if ending == "bmp" and mode == "LA":
        pytest.skip("BMP has no grey with alpha")
    path = tmp_path / f"image.{ending}"
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(QUADRANTS).convert(mode).save(path, **options)
    assert np.abs(read_image(path) - pillow_says(path)).max() <= 1


def test_sixteen_bits_are_reduced_to_eight(tmp_path):
    path = str(tmp_path / "deep.png")
    cv2.imwrite(path, QUADRANTS[..., ::-1].astype(np.uint16) * 257)
    assert np.array_equal(read_image(path), QUADRANTS)
    cv2.imwrite(path, QUADRANTS[..., 0].astype(np.uint16) * 257)
    assert np.array_equal(read_image(path), np.repeat(QUADRANTS[..., :1], 3, axis=2))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut off"])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"Image files must be.*broken\.jpg.* bytes\)"):
        read_image(path)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.jpg"):
        read_image(tmp_path / "nowhere.jpg")


def test_what_is_written_is_read(tmp_path):
    assert np.array_equal(read_image(write_image(tmp_path / "a/b.png", QUADRANTS)), QUADRANTS)
    jpeg = read_image(write_image(tmp_path / "a/b.jpg", QUADRANTS, quality=100))
    assert np.abs(jpeg.astype(int) - QUADRANTS).mean() < 3


def test_only_images_are_written(tmp_path):
    with pytest.raises(ValueError, match="Images must be uint8"):
        write_image(tmp_path / "a.png", QUADRANTS.astype(float))
    with pytest.raises(ValueError, match="must name an image format.*a.xyz"):
        write_image(tmp_path / "a.xyz", QUADRANTS)


@pytest.mark.parametrize("size", [(7, 10), (8, 5), (1, 1), (33, 64)])
def test_flips_and_turns_move_every_pixel_exactly(size):
    height, width = size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    turned = geometry.compose(geometry.rotation(90), geometry.translation(x=height))
    for matrix, out_size, expected in (
        (geometry.flip(width=width), (height, width), image[:, ::-1]),
        (geometry.flip(height=height), (height, width), image[::-1]),
        (turned, (width, height), np.rot90(image, -1)),
    ):
        out = warp_image(image, matrix, height=out_size[0], width=out_size[1])
        assert np.array_equal(out, expected)


def test_a_whole_shrink_averages_areas():
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    out = warp_image(image, geometry.scaling(x=0.5, y=0.5), height=4, width=6)
    means = image.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(out - means).max() <= 0.51


def test_a_strong_shrink_does_not_alias():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = geometry.compose(geometry.scaling(x=0.2, y=0.2), geometry.translation(x=5.3, y=3.1))
    out = warp_image(stripes, matrix, height=64, width=64)
    # Averaged over 2.5 columns, of which 1 or 1.5 are white; a bilinear warp alone gives 0 or 255.
    inside = out[10:50, 10:50]
    assert inside.min() >= 0.4 * 255 - 1 and inside.max() <= 0.6 * 255 + 1


def test_a_strong_shrink_keeps_its_place():
    image = np.zeros((200, 300, 3), np.uint8)
    image[40:120, 90:210] = 255
    matrix = geometry.compose(geometry.scaling(x=0.1, y=0.1), geometry.translation(x=2, y=3))
    out = warp_image(image, matrix, height=30, width=40, fill=(0, 0, 0))
    assert np.array_equal(np.argwhere(out[..., 0] > 127).min(axis=0), [7, 11])
    assert np.array_equal(np.argwhere(out[..., 0] > 127).max(axis=0), [14, 22])


def test_borders():
    image = np.full((4, 4, 3), 10, np.uint8)
    away = geometry.translation(x=2)
    grey = warp_image(image, away, height=4, width=4)
    assert np.array_equal(np.unique(grey[:, :2]), [128])
    assert np.array_equal(
        np.unique(warp_image(image, away, height=4, width=4, border="reflect")), [10]
    )
    with pytest.raises(ValueError, match="border must be one of"):
        warp_image(image, away, height=4, width=4, border="wrap")


def test_the_input_is_not_changed():
    image = QUADRANTS.copy()
    warp_image(image, geometry.translation(x=3), height=40, width=60)
    apply_filter(image, "color", matrix=np.eye(3, 4) * 0.5)
    assert np.array_equal(image, QUADRANTS)


def test_color_matrices_mix_channels_in_rgb_order():
    red_to_blue = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 5]])
    out = apply_filter(QUADRANTS, "color", matrix=red_to_blue)
    assert np.array_equal(out[..., 2], QUADRANTS[..., 0] + 5)


def noisy(seed=0):
    return np.random.default_rng(seed).integers(40, 200, (32, 48, 3), dtype=np.uint8)


def test_gamma_is_a_power():
    out = apply_filter(noisy(), "gamma", exponent=2.0)
    assert np.abs(out - 255 * (noisy() / 255) ** 2).max() <= 0.5


def test_noise_has_its_spread_and_its_seed():
    grey = np.full((200, 200, 3), 128, np.uint8)
    out = apply_filter(grey, "noise", sigma=10.0, seed=3)
    assert np.array_equal(out, apply_filter(grey, "noise", sigma=10.0, seed=3))
    assert not np.array_equal(out, apply_filter(grey, "noise", sigma=10.0, seed=4))
    assert abs(out.mean() - 128) < 0.2 and abs(out.std() - 10) < 0.2


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("blur", {"sigma": 1.5}), ("motion_blur", {"length": 7.0, "degrees": 30.0})],
)
def test_blurs_keep_the_mean_and_take_the_detail(name, parameters):
    out = apply_filter(noisy(), name, **parameters)
    assert out.std() < 0.7 * noisy().std() and abs(out.mean() - noisy().mean()) < 2
    spot = np.zeros((31, 31, 3), np.uint8)
    spot[15, 15] = 255
    rows, columns = np.nonzero(apply_filter(spot, name, **parameters)[..., 0])
    assert abs(rows.mean() - 15) < 0.51 and abs(columns.mean() - 15) < 0.51


def test_motion_blur_follows_its_direction():
    spot = np.zeros((31, 31, 3), np.uint8)
    spot[15, 15] = 255
    for degrees, still in ((0.0, 0), (90.0, 1)):
        moved = apply_filter(spot, "motion_blur", length=9.0, degrees=degrees)
        assert np.ptp(np.nonzero(moved[..., 0])[still]) == 0


def test_jpeg_traces_grow_as_quality_falls():
    errors = [
        np.abs(apply_filter(noisy(), "jpeg", quality=q) - noisy().astype(int)).mean()
        for q in (95, 60, 20)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_sharpening_undoes_a_slight_blur():
    image = apply_filter(noisy(), "blur", sigma=2.0)
    assert apply_filter(image, "sharpen", amount=1.0).std() > image.std()
    assert np.array_equal(apply_filter(image, "sharpen", amount=0.0), image)


def test_auto_contrast_reaches_from_0_to_255():
    out = apply_filter(noisy(), "auto_contrast")
    assert out.min(axis=(0, 1)).tolist() == [0] * 3 and out.max(axis=(0, 1)).tolist() == [255] * 3
    flat = np.full((4, 4, 3), 77, np.uint8)
    assert np.array_equal(apply_filter(flat, "auto_contrast"), flat)


def test_equalize_makes_values_about_equally_frequent():
    skewed = (255 * np.random.default_rng(0).random((64, 64, 3)) ** 1.5).astype(np.uint8)
    out = apply_filter(skewed, "equalize")
    assert np.abs(np.percentile(out, [25, 50, 75]) - [64, 128, 191]).max() < 25


def test_erase_paints_over_its_boxes_only():
    out = apply_filter(QUADRANTS, "erase", boxes=[[0.5, 0.25, 1.0, 0.5]], fill=[1, 2, 3])
    assert (out[10:20, 30:] == [1, 2, 3]).all()
    changed = (out != QUADRANTS).any(axis=2)
    assert changed[10:20, 30:].all() and changed.sum() == 300


def test_an_unknown_filter_is_refused():
    with pytest.raises(ValueError, match="A filter is one of.*'sepia'"):
        apply_filter(QUADRANTS, "sepia")


@pytest.mark.parametrize("border", ["constant", "reflect", "replicate"])
@pytest.mark.parametrize("seed", range(12))
def test_a_strong_shrink_of_a_part_needs_no_more_than_the_part(border, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (300, 410, 3), dtype=np.uint8)
    zoom = geometry.about(geometry.rotation(rng.uniform(-40, 40)), 200, 150)
    x, y = rng.uniform((-200, -150), (200, 150))
    scale = rng.uniform(0.1, 0.5)
    matrix = geometry.compose(geometry.translation(-x, -y), zoom, geometry.scaling(scale, scale))
    if seed % 3 == 0:
        matrix[2, :2] = rng.uniform(-5e-4, 5e-4, 2)
    options = {"height": 50, "width": 64, "border": border}
    part = warp_image(image, matrix, **options).astype(int)
    monkeypatch.setattr("keras_bbox.images.warp._crop", lambda image, matrix, *_: (image, matrix))
    assert np.abs(warp_image(image, matrix, **options) - part).max() <= 1
