import numpy as np
import pytest

from keras_bbox import geometry


def test_the_first_matrix_is_applied_first():
    moved_then_grown = geometry.compose(geometry.translation(x=1), geometry.scaling(x=3, y=3))
    assert geometry.transform_points([[0, 0]], moved_then_grown).tolist() == [[3, 0]]


def test_quarter_turns_are_exact():
    for quarter, expected in enumerate([[2, 1], [-1, 2], [-2, -1], [1, -2]]):
        matrix = geometry.rotation(90 * quarter)
        assert geometry.transform_points([2, 1], matrix).tolist() == expected
        assert np.array_equal(geometry.rotation(90 * quarter - 360), matrix)


def test_rotation_agrees_with_complex_numbers():
    for degrees in (-170.0, -45.0, 10.0, 123.4):
        turned = complex(3, 4) * np.exp(1j * np.radians(degrees))
        point = geometry.transform_points([3, 4], geometry.rotation(degrees))
        assert np.allclose(point, [turned.real, turned.imag])


def test_about_keeps_its_point():
    matrix = geometry.about(geometry.rotation(33), x=5, y=7)
    assert np.allclose(geometry.transform_points([5, 7], matrix), [5, 7])


def test_invert_leads_back():
    matrix = geometry.compose(
        geometry.rotation(12), geometry.scaling(2, 3), geometry.translation(4, 5)
    )
    points = np.random.default_rng(0).uniform(-9, 9, (20, 2))
    back = geometry.transform_points(
        geometry.transform_points(points, matrix), geometry.invert(matrix)
    )
    assert np.allclose(back, points)


def test_a_flat_matrix_has_no_inverse():
    with pytest.raises(ValueError, match="keeps areas above 0"):
        geometry.invert(geometry.scaling(0, 1))


def test_boxes_become_the_hull_of_their_corners():
    box = np.array([1.0, 2.0, 4.0, 3.0])
    matrix = geometry.about(geometry.rotation(30), 2, 2)
    corners = np.array([[1, 2], [4, 2], [4, 3], [1, 3]])
    moved = geometry.transform_points(corners, matrix)
    hull = [*moved.min(axis=0), *moved.max(axis=0)]
    assert np.allclose(geometry.transform_boxes(box, matrix), hull)
    many = geometry.transform_boxes(np.tile(box, (2, 3, 1)), matrix)
    assert many.shape == (2, 3, 4) and np.allclose(many, hull)


def test_no_boxes_stay_no_boxes():
    assert geometry.transform_boxes(np.zeros((0, 4)), np.eye(3)).shape == (0, 4)
    assert geometry.visible_share(np.zeros((0, 4)), np.eye(3), height=2, width=2).shape == (0,)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ([0, 0, 10, 10], 1.0),
        ([-5, -5, 5, 5], 0.25),
        ([-10, 0, 0, 10], 0.0),
        ([30, 0, 40, 10], 0.0),
        ([-10, -10, 30, 20], 20 * 10 / (40 * 30)),
        ([3, 3, 3, 9], 0.0),
    ],
)
def test_visible_share(box, share):
    shares = geometry.visible_share(np.array([box]), np.eye(3), height=10, width=20)
    assert shares.tolist() == [pytest.approx(share)]
    # A turn by nothing takes the way of turned boxes, and must find the same.
    turned = geometry.rotation(1e-9)
    shares = geometry.visible_share(np.array([box]), turned, height=10, width=20)
    assert shares.tolist() == [pytest.approx(share, abs=1e-6)]


def test_perspective_maps_its_corners_to_those_of_the_image():
    corners = np.array([[1.0, 2.0], [9.0, 0.5], [8.0, 7.0], [0.0, 6.0]])
    matrix = geometry.perspective(corners, height=8, width=10)
    expected = [[0, 0], [10, 0], [10, 8], [0, 8]]
    assert np.allclose(geometry.transform_points(corners, matrix), expected)


def test_no_perspective_without_area():
    with pytest.raises(ValueError, match="No three corners may lie on one line"):
        geometry.perspective(np.zeros((4, 2)), height=8, width=10)


def test_shearing_moves_by_the_distance_to_the_corner():
    assert geometry.transform_points([[2, 4]], geometry.shearing(x=0.5)).tolist() == [[4, 4]]
    assert geometry.transform_points([[2, 4]], geometry.shearing(y=0.5)).tolist() == [[2, 5]]


def test_an_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="shape must be 'hull' or 'ellipse'"):
        geometry.transform_boxes([0, 0, 1, 1], np.eye(3), shape="circle")


def test_matrices_of_whole_numbers_work_about_any_point():
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    expected = geometry.about(turn, 2.5, 1.25)
    assert np.allclose(geometry.about(np.tile(turn, (2, 1, 1)), 2.5, 1.25), expected)
    each = geometry.about(turn[None], np.array([2.5, 0.0]), np.array([1.25, 0.0]))
    assert np.allclose(each, [expected, turn])
