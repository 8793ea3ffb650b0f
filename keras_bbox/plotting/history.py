"""Training curves over one or several fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_bbox.plotting._figures import fit_text, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Title of a panel, and the names of its curves as Keras logs them, without "val_".
PANELS = (
    ("loss", r"loss"),
    ("box loss", r"bbox_prediction_loss"),
    ("accuracy", r"(.+_)?accuracy"),
    ("IoU", r"(.+_)?mean_iou"),
)
SHARE = r"(.+_)?iou_(\d+)"  # IOUAccuracy's own name: the share of boxes over a threshold
TRAIN, VALIDATION = "#0072b2", "#d55e00"
PANEL_WIDTH, PANEL_HEIGHT = 4.4, 3.0
GRAY = "#707070"


class _Run(NamedTuple):
    """Several fits as one: curves by name, rate of each epoch, first epochs of the later fits."""

    curves: dict[str, np.ndarray]
    rates: np.ndarray
    seams: list[int]


def plot_history(*histories: Any, learning_rates: Sequence[float] | None = None) -> Figure:
    """Draws loss, box loss, accuracy and IoU over the epochs of one or several fits.

    The fits are joined on the epoch axis, which counts from 1. A vertical line marks where one
    ends and the next begins, and where the learning rate changed in steps within one; the rates
    stand above the curves where they are known. Panels without data are left out. Names are those
    of the two-output model (``bbox_prediction_mean_iou``) or of one output (``mean_iou``).

    Args:
        *histories: What ``fit`` returned, its ``.history``, or a table of the same columns, such
            as a history.csv read with pandas; in the order of training.
        learning_rates: The rate of each of the histories, where they do not hold a
            ``learning_rate`` of their own.

    Returns:
        The figure, with one axes for each panel.

    Raises:
        ValueError: If no history holds an epoch or a known name, or the learning rates are not
            as many as the histories.

    Example:
        >>> import keras_bbox as kb
        >>> first = {"loss": [2.0, 1.0], "val_loss": [2.2, 1.4]}
        >>> figure = kb.plot_history(first, {"loss": [0.8]}, learning_rates=[1e-3, 1e-4])
        >>> figure.axes[0].lines[0].get_xdata().tolist()
        [1.0, 2.0, 3.0]
    """
    run = _joined([_logs(history) for history in histories], learning_rates)
    panels = [(title, curves) for title, name in PANELS if (curves := _matching(run.curves, name))]
    if not panels:
        raise ValueError(
            "A history must hold at least one epoch of loss, accuracy or mean_iou. Pass what fit "
            f"returned, or its .history. Received: names={sorted(run.curves)}"
        )
    figure, axes = _panel_grid(len(panels))
    for ax, (title, curves) in zip(axes, panels, strict=True):
        _draw_panel(ax, title, curves, run.rates)
        if title == "IoU":
            _draw_share(ax, run.curves)
    _add_legend(figure, axes)
    _mark_fits(figure, axes, run)
    return figure


def _logs(history: Any) -> dict[str, np.ndarray]:
    """Returns the curves of one fit by name, all as long as the fit."""
    logs = getattr(history, "history", history)
    if not hasattr(logs, "items"):
        raise ValueError(
            "Histories must be what fit returned, its .history, or a table. Pass several as "
            f"arguments of their own: plot_history(*histories). Received: {type(history).__name__}"
        )
    named = {str(name): column for name, column in logs.items()}
    wanted = [*(name for _, name in PANELS), SHARE, "learning_rate"]
    kept = {
        name: np.asarray(column, dtype="float64")
        for name, column in named.items()
        if any(re.fullmatch(f"(val_)?{pattern}", name) for pattern in wanted)
    }
    length = max((len(column) for column in kept.values()), default=0)
    return {name: _spread(column, length) for name, column in kept.items()}


def _spread(column: np.ndarray, length: int) -> np.ndarray:
    """Puts the values of a fit with ``validation_freq`` at the epochs they belong to."""
    if len(column) in (0, length):
        return column if len(column) else np.full(length, np.nan)
    every = length // (len(column) + 1) + 1  # the smallest step that gives as many values
    spread = np.full(length, np.nan)
    spread[every - 1 :: every][: len(column)] = column[: len(spread[every - 1 :: every])]
    return spread


def _joined(fits: list[dict[str, np.ndarray]], rates: Sequence[float] | None) -> _Run:
    if rates is not None and len(rates) != len(fits):
        raise ValueError(
            "There must be one learning rate for each history. Pass as many, in the same order. "
            f"Received: learning_rates={list(rates)}, {len(fits)} histories"
        )
    lengths = [max(map(len, fit.values()), default=0) for fit in fits]
    names = {name: None for fit in fits for name in fit}
    curves = {name: _chain(name, fits, lengths) for name in names}
    own = curves.pop("learning_rate", np.full(sum(lengths), np.nan))
    known = own if rates is None else np.repeat(np.asarray(rates, "float64"), lengths)
    ends = np.cumsum(lengths)
    seams = sorted({int(end) for end in ends[:-1] if 0 < end < ends[-1]})
    return _Run(curves, known, seams)


def _chain(name: str, fits: list[dict[str, np.ndarray]], lengths: list[int]) -> np.ndarray:
    parts = [
        fit.get(name, np.full(length, np.nan)) for fit, length in zip(fits, lengths, strict=True)
    ]
    return np.concatenate(parts)


def _matching(curves: Mapping[str, np.ndarray], pattern: str) -> dict[str, np.ndarray]:
    """Returns the first training curve of a name and its validation curve, where they exist."""
    names = [name for name in curves if re.fullmatch(f"(val_)?{pattern}", name)]
    first = next((name.removeprefix("val_") for name in names), None)
    pair = {"training": curves.get(f"{first}"), "validation": curves.get(f"val_{first}")}
    return {split: curve for split, curve in pair.items() if curve is not None and curve.size}


def _panel_grid(count: int) -> tuple[Figure, list[Axes]]:
    """Returns panels in rows of up to three, four as two by two."""
    columns = 2 if count == 4 else count
    rows = -(-count // columns)
    figure = new_figure(columns * PANEL_WIDTH, rows * PANEL_HEIGHT + 0.3)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    return figure, [figure.add_subplot(rows, columns, index + 1) for index in range(count)]


def _draw_panel(ax: Axes, title: str, curves: Mapping[str, np.ndarray], rates: np.ndarray) -> None:
    pad = 18 if np.isfinite(rates).any() else 8  # the rates stand below the title
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=pad)
    for split, curve in curves.items():
        _draw_curve(ax, curve, split)
    ax.grid(axis="y", color=GRAY, alpha=0.2, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9)
    count = len(rates)
    margin = max(0.5, 0.015 * count)
    ax.set_xlim(1 - margin, count + margin)
    ax.set_xticks(_ticks(count))
    ax.set_xlabel("epoch", fontsize=9)


def _draw_curve(ax: Axes, curve: np.ndarray, split: str, note: str = "", **style) -> None:
    color, marker = (TRAIN, "o") if split == "training" else (VALIDATION, "s")
    epochs = np.flatnonzero(np.isfinite(curve))
    size = 4.0 if len(curve) <= 40 else 2.0
    look: dict[str, Any] = {"color": color, "marker": marker, "markersize": size, "linewidth": 1.6}
    ax.plot(epochs + 1.0, curve[epochs], label=split + note, **(look | style))


def _draw_share(ax: Axes, curves: Mapping[str, np.ndarray]) -> None:
    """Adds the share of boxes over a threshold, where it was measured, as pale curves."""
    found = (re.fullmatch(SHARE, name) for name in curves)
    threshold = next((int(match[2]) / 100 for match in found if match), 0.0)
    for split, curve in _matching(curves, SHARE).items():
        note = f", share of boxes with IoU over {threshold:g}"
        _draw_curve(ax, curve, split, note, alpha=0.5, linestyle=":", markersize=2.5)


def _ticks(count: int) -> list[int]:
    """Returns epochs to number: the first, and about ten round ones."""
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if count <= 10 * step)
    return list(range(1, count + 1, step)) if step < 5 else [1, *range(step, count + 1, step)]


def _add_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    lines = {line.get_label(): line for ax in axes for line in ax.lines}
    figure.legend(
        handles=list(lines.values()),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )


def _mark_fits(figure: Figure, axes: Sequence[Axes], run: _Run) -> None:
    """Draws a line where a fit or a learning rate ends, and the rates between the lines."""
    edges = [0, *sorted({*run.seams, *_steps(run.rates)}), len(run.rates)]
    stretches = list(zip(edges[:-1], edges[1:], strict=True))
    for ax in axes:
        for edge in edges[1:-1]:
            ax.axvline(edge + 0.5, color=GRAY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    figure.draw_without_rendering()  # lays the panels out: now widths can be measured
    for ax in axes:
        for start, stop in stretches:
            _write_rate(ax, start, stop, run.rates[start:stop])


def _steps(rates: np.ndarray) -> list[int]:
    """Returns where the rate changes, unless it does nearly all the time (a schedule)."""
    before, after = rates[:-1], rates[1:]
    changed = np.isfinite(before + after) & ~np.isclose(before, after, rtol=1e-4, atol=0)
    steps = (np.flatnonzero(changed) + 1).tolist()
    return steps if 2 * len(steps) <= max(2, len(rates)) else []


def _write_rate(ax: Axes, start: int, stop: int, rates: np.ndarray) -> None:
    if not np.isfinite(rates).all() or not np.allclose(rates, rates[0], rtol=1e-4, atol=0):
        return
    digits, power = f"{rates[0]:.2e}".split("e")
    words = f"lr {float(digits):g}e{int(power)}"
    place = ((start + stop + 1) / 2, 1.015)
    text = ax.text(*place, words, transform=ax.get_xaxis_transform(), ha="center", va="bottom")
    text.set(fontsize=8, color=GRAY)
    share = (stop - start) / (ax.get_xlim()[1] - ax.get_xlim()[0])
    fit_text(text, 0.94 * share * ax.get_window_extent().width)
