"""The canvas a snack is painted on: colors under light, and the exact mask that comes with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from .palette import Color, planes_of
from .textures import Light, noise, relief

Shapes = np.ndarray | Sequence[np.ndarray]
Window = tuple[slice, slice]

REACH = 1.5  # the canvas spans [-REACH, REACH] units, so a turned snack stays on it
SHIFT = 4  # binary digits of a pixel that OpenCV keeps of a coordinate
MARGIN = 4  # empty pixels round a shape, which give its relief an edge


class Canvas:
    """A transparent square to paint on in units, whatever the turn and the size in pixels.

    Args:
        unit: pixels per unit. A snack spans about two units.
        rng: generator for the grain of the paint.
        light: where the light comes from; it does not turn with the snack.
        turn: degrees by which all that is painted is turned, clockwise.
        stretch: factors for the x and y axes, applied before the turn; negative ones mirror.
    """

    def __init__(
        self,
        unit: float,
        rng: np.random.Generator,
        light: Light,
        *,
        turn: float = 0.0,
        stretch: tuple[float, float] = (1.0, 1.0),
    ):
        side = int(np.ceil(2.0 * REACH * unit))
        angle = np.radians(turn)
        rotation = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        self.light = light
        self._unit = unit
        self._rng = rng
        self._matrix = unit * rotation @ np.diag(stretch)
        # Premultiplied by alpha: then painting over, and shrinking, are plain averages.
        # Planes first: numpy is several times faster there than with four values a pixel.
        self._planes = np.zeros((4, side, side), np.float32)
        self._clip: np.ndarray | None = None

    @property
    def lamp(self) -> np.ndarray:
        """Where the light comes from, as an offset on the canvas: its length is that of (x, y)."""
        axes = self._matrix / np.linalg.norm(self._matrix, axis=0)
        return np.array([self.light.x, self.light.y]) @ axes

    def fill(
        self,
        shapes: Shapes,
        color: Color,
        *,
        to: Color | None = None,
        toward: tuple[float, float] = (0.0, 1.0),
        **finish: float,
    ) -> None:
        """Paint closed outlines, all with one color.

        Args:
            shapes: one outline `(points, 2)` in units, or several: a list, or `(n, points, 2)`.
            color: red, green and blue, 0 to 255.
            to: a second color, reached at the far end in the direction `toward`.
            toward: direction of the color's change, in units.
            **finish: see `_lay`: `opacity`, `puff`, `gloss`, `grain`, `cells`.
        """
        outlines = _as_list(shapes)
        pixels = self._pixels(np.concatenate(outlines))
        window = self._window(pixels, 0.0)
        if window is None:
            return
        mask = _blank(window)
        # One call each: within a call, outlines that overlap would cancel out.
        fixed, start = _fixed(pixels - _corner(window)), 0
        for outline in outlines:
            cv2.fillPoly(mask, [fixed[start : start + len(outline)]], 255, cv2.LINE_AA, SHIFT)
            start += len(outline)
        field = planes_of(color)
        if to is not None:
            share = self._share(window, pixels, toward)
            field = field + share * (planes_of(to) - field)
        self._lay(window, mask, field, **finish)

    def stroke(
        self, paths: Shapes, width: float, color: Color, *, closed: bool = False, **finish: float
    ) -> None:
        """Paint lines with round ends, `width` units wide; the rest is as for `fill`."""
        lines = [self._pixels(path) for path in _as_list(paths)]
        thickness = max(1, round(width * self._unit))
        window = self._window(np.concatenate(lines), thickness / 2)
        if window is None:
            return
        mask = _blank(window)
        moved = [_fixed(line - _corner(window)) for line in lines]
        cv2.polylines(mask, moved, closed, 255, thickness, cv2.LINE_AA, SHIFT)
        self._lay(window, mask, planes_of(color), **finish)

    def erase(self, shape: np.ndarray) -> None:
        """Cut an outline out of all that is painted."""
        outline = self._pixels(shape)
        window = self._window(outline, 0.0)
        if window is not None:
            mask = _blank(window)
            _pour(mask, outline - _corner(window))
            self._planes[:, *window] *= 1.0 - mask * np.float32(1 / 255)

    @contextmanager
    def inside(self, shapes: Shapes) -> Iterator[None]:
        """Within this context, paint stays inside the outlines."""
        before = self._clip
        clip = np.zeros(self._planes.shape[1:], np.uint8)
        for shape in _as_list(shapes):
            _pour(clip, self._pixels(shape))
        self._clip = clip if before is None else np.minimum(clip, before)
        try:
            yield
        finally:
            self._clip = before

    def cut_out(self, long_side: int) -> np.ndarray:
        """The painting, cropped and shrunk to `long_side` pixels.

        Returns:
            Float32 planes `(4, H, W)`: red, green and blue, 0 to 255 and multiplied by alpha,
            then alpha itself, 0 to 1.
        """
        solid = self._planes[3] >= 127.5
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        height, width = self._planes[0][window].shape
        scale = long_side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        crop = [
            cv2.resize(plane[window], size, interpolation=cv2.INTER_AREA) for plane in self._planes
        ]
        return np.stack([*crop[:3], crop[3] / np.float32(255.0)])

    def _pixels(self, path: np.ndarray) -> np.ndarray:
        return np.asarray(path, dtype=float) @ self._matrix.T + self._planes.shape[1] / 2

    def _window(self, pixels: np.ndarray, reach: float) -> Window | None:
        side = self._planes.shape[1]
        x1, y1 = (max(0, int(value - reach - MARGIN)) for value in pixels.min(axis=0))
        x2, y2 = (min(side, int(value + reach + MARGIN) + 2) for value in pixels.max(axis=0))
        if x2 - x1 < 2 or y2 - y1 < 2:
            return None
        return slice(y1, y2), slice(x1, x2)

    def _share(self, window: Window, pixels: np.ndarray, toward: tuple[float, float]) -> np.ndarray:
        axis = self._matrix @ np.asarray(toward, dtype=float)
        reach = pixels @ axis
        start, length = reach.min(), max(float(np.ptp(reach)), 1e-9)
        rows = (np.arange(window[0].start, window[0].stop) * axis[1] - start) / length
        columns = np.arange(window[1].start, window[1].stop) * axis[0] / length
        return (rows[:, None] + columns).astype(np.float32)

    def _lay(
        self,
        window: Window,
        mask: np.ndarray,
        field: np.ndarray,
        *,
        opacity: float = 1.0,
        puff: float = 0.0,
        gloss: float = 0.0,
        grain: float = 0.0,
        cells: float = 9.0,
    ) -> None:
        """Lay a color field `(3, H, W)` on the window, as far as the mask reaches.

        Args:
            window: rows and columns of the canvas.
            mask: uint8 `(H, W)`, 255 inside the shape, less on its soft edge.
            field: the color, `(3, H, W)` or `(3, 1, 1)`.
            opacity: 1 covers what lies below.
            puff: how round the body is, 0 (flat) to 1; see `textures.relief`.
            gloss: strength of the highlight, 0 to 1.
            grain: strength of a mottled texture, 0 to 1.
            cells: waves of that texture along the shape.
        """
        if grain > 0.0:
            field = field * (1.0 + grain * noise(self._rng, mask.shape[0], mask.shape[1], cells))
        if puff > 0.0:
            factor, shine = relief(mask, self.light, puff, gloss)
            field = field * factor
            if gloss > 0.0:
                field += 255.0 * shine
        if self._clip is not None:
            mask = np.minimum(mask, self._clip[window])
        share = mask * np.float32(opacity / 255.0)
        target = self._planes[:, *window]
        target *= 1.0 - share
        target[:3] += np.minimum(field, 255.0) * share
        target[3] += 255.0 * share


def _as_list(shapes: Shapes) -> list[np.ndarray]:
    return [shapes] if isinstance(shapes, np.ndarray) and shapes.ndim == 2 else list(shapes)


def _blank(window: Window) -> np.ndarray:
    rows, columns = window
    return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)


def _corner(window: Window) -> tuple[int, int]:
    return window[1].start, window[0].start


def _pour(mask: np.ndarray, outline: np.ndarray) -> None:
    cv2.fillPoly(mask, [_fixed(outline)], 255, cv2.LINE_AA, SHIFT)


def _fixed(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * 2**SHIFT).astype(np.int32)
