"""One draw of a pipeline: what it does to a sample, as numbers that can be kept and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_bbox import geometry, images
from keras_bbox.augment.sample import Sample
from keras_bbox.geometry import batches


@dataclass(frozen=True)
class Draw:
    """What a pipeline drew: one matrix for pixels and boxes, and the filters after it.

    Attributes:
        matrix: ``(3, 3)``, from pixels of the original image to pixels of the result.
        source: ``(height, width)`` of the original image.
        target: ``(height, width)`` of the result.
        filters: Name and parameters of each filter, in order.
        border: What lies outside the photo, see ``Pipeline``.
        fill: The color of a constant border.
        rotated_boxes: ``"hull"`` or ``"ellipse"``.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7])
        ... )
        >>> pipeline = kb.augment.Pipeline([kb.augment.RandomFlip(1.0)])
        >>> draw = pipeline.draw(sample, np.random.default_rng(0))
        >>> draw(sample).boxes
        array([[0.6, 0.2, 0.8, 0.5]])
        >>> again = kb.augment.Draw.from_dict(draw.to_dict())
        >>> again.invert_boxes(draw(sample).boxes)
        array([[0.2, 0.2, 0.4, 0.5]])
    """

    matrix: np.ndarray
    source: tuple[int, int]
    target: tuple[int, int]
    filters: tuple[Mapping[str, Any], ...] = ()
    border: str = "constant"
    fill: tuple[int, int, int] = (128, 128, 128)
    rotated_boxes: str = "hull"

    def __call__(self, sample: Sample) -> Sample:
        """Applies the draw, to another image than the one it was drawn for too.

        Args:
            sample: Any sample; one of another size is moved by the same fractions of its sides.

        Returns:
            A new sample with every box, cut at the image's edge.
        """
        boxes = self.move_boxes(sample.boxes).clip(0.0, 1.0)
        dtype = np.asarray(sample.boxes).dtype
        return sample._replace(
            image=self.move_pixels(sample.image),
            boxes=boxes.astype(dtype if dtype.kind == "f" else np.float64),
        )

    def move_pixels(self, image: Any) -> np.ndarray:
        """Maps an image to the result, and applies the filters.

        Args:
            image: ``uint8`` RGB, shape ``(height, width, 3)``, or a photo.

        Returns:
            ``uint8`` RGB, shape ``(*target, 3)``.
        """
        moved = images.warp_image(
            image,
            self._matrix_for(*image.shape[:2]),
            height=self.target[0],
            width=self.target[1],
            border=self.border,
            fill=self.fill,
        )
        for parameters in self.filters:
            moved = images.apply_filter(moved, **parameters)
        return moved

    def move_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Maps boxes of the original image to the result.

        Args:
            boxes: ``rel_xyxy``, shape ``(..., 4)``.

        Returns:
            ``rel_xyxy``, float64, not cut at the edge.
        """
        return self._move(boxes, self.matrix, self.source, self.target)

    def invert_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Maps boxes of the result, such as predictions, back to the original image.

        Args:
            boxes: ``rel_xyxy``, shape ``(..., 4)``.

        Returns:
            ``rel_xyxy``, float64, not cut at the edge.
        """
        return self._move(boxes, geometry.invert(self.matrix), self.target, self.source)

    def to_dict(self) -> dict[str, Any]:
        """Returns the draw as plain numbers, lists and strings, ready for ``json.dump``."""
        return {
            "matrix": self.matrix.tolist(),
            "source": list(self.source),
            "target": list(self.target),
            "filters": [dict(parameters) for parameters in self.filters],
            "border": self.border,
            "fill": list(self.fill),
            "rotated_boxes": self.rotated_boxes,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Draw:
        """Makes a draw from what ``to_dict`` gave.

        Args:
            record: The record, as it was or after a round trip through JSON.

        Returns:
            The draw.
        """
        return cls(
            matrix=np.array(record["matrix"]),
            source=tuple(record["source"]),
            target=tuple(record["target"]),
            filters=tuple(record["filters"]),
            border=record["border"],
            fill=tuple(record["fill"]),
            rotated_boxes=record["rotated_boxes"],
        )

    def _matrix_for(self, height: int, width: int) -> np.ndarray:
        if (height, width) == self.source:
            return self.matrix
        return self.matrix @ geometry.scaling(self.source[1] / width, self.source[0] / height)

    def _move(self, boxes, matrix, source, target) -> np.ndarray:
        pixels = np.asarray(boxes) * (source[1], source[0], source[1], source[0])
        # In the way of batches, to the last bit.
        rows = pixels.reshape(1, -1, 4)
        moved = batches.move_boxes(rows, matrix[None], shape=self.rotated_boxes)
        return moved.reshape(pixels.shape) / (target[1], target[0], target[1], target[0])
