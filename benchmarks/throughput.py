"""Prints how many images a second come from JPEG files to training batches, ours and others'.

    python benchmarks/throughput.py [--rounds 5] [--threads 2] [--photos 192 96] [--skip WORD ...]

Photos are generated (341x256 and 1024x768, JPEG quality 92, 4:2:0), so nothing has to be
downloaded. A batch holds 32 float32 images of 224x224, each flipped, scaled, moved, turned, cropped
and made brighter or darker, with one box moving along. The contenders take turns over several
rounds; shown is the median rate, and the median of the ratios within a round, because a busy
machine slows a whole round down. Before the first round each contender runs once unmeasured, so
the files lie in the page cache.

Contenders that are not installed are left out with a line that says how to get them. OpenCV's
own threads are off for all contenders, as keras_bbox and Albumentations leave them. The caches
are full from the unmeasured round on. On two cores the script takes three
minutes. A machine that does other work at the same time gives other ratios: look at the spread.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
if __name__ == "__main__" and importlib.util.find_spec("torchvision"):
    importlib.import_module("torchvision")  # loaded after TensorFlow, some builds crash

import cv2
import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from contenders import (
    BATCH,
    LARGER,
    SIDE,
    STEPS,
    Loop,
    albumentations_steps,
    decode_all,
    decode_with_simplejpeg,
    keras_dataset,
    keras_layers,
    load_as_the_chapter,
    load_with_albumentations,
    load_with_torchvision,
)
from photos import Photos, make_photos

from keras_bbox import BoundingBoxSequence, augment, images

SIZES = ((256, 341), (768, 1024))  # height, width
OURS, PLAIN, CEILING = "keras_bbox", "keras_bbox, not augmented", "ceiling: decoding alone"
CHAPTER, LAYERS = "chapter's loop, not augmented", "Keras layers in tf.data"
ALBUMENTATIONS = "Albumentations in a PyDataset"
IN_MEMORY, IN_FOLDER = "keras_bbox, cache='memory'", "keras_bbox, cache=DIR"
# Ratio, and what the project asks of it on small and on large photos.
TARGETS = (
    (OURS, ALBUMENTATIONS, "at least 3", "at least 3"),
    (OURS, LAYERS, "at least 10", "at least 10"),
    (OURS, CHAPTER, "above 1", "above 1"),
    (OURS, CEILING, "at least 0.5", "at least 0.75"),
    (PLAIN, CEILING, "at least 0.8", "at least 0.8"),
    (IN_MEMORY, OURS, "at least 1.5", "at least 1.5"),
    (IN_FOLDER, OURS, "at least 1.5", "at least 1.5"),
)

Run = Callable[[int], int]  # the number of the round -> images made


def contenders(photos: Photos, pool: ThreadPoolExecutor, threads: int) -> Iterator[tuple[str, Run]]:
    def draw(sequence) -> Run:
        def run(turn: int) -> int:
            sequence.epoch = turn
            return sum(len(X) for X, _ in pool.map(sequence.__getitem__, range(len(sequence))))

        return run

    chapter = Loop(photos, load_as_the_chapter)
    image_dir = Path(photos.paths[0]).parent

    def ours(steps, cache=None) -> Run:
        return draw(BoundingBoxSequence(photos.table, image_dir, augment=steps, cache=cache))

    data = [np.fromfile(path, np.uint8) for path in photos.paths]
    chunks = [data[k : k + BATCH] for k in range(0, len(data), BATCH)]
    yield OURS, ours(STEPS)
    yield PLAIN, ours(None)
    yield IN_MEMORY, ours(STEPS, "memory")
    yield IN_FOLDER, ours(STEPS, image_dir / "cache")
    yield CEILING, lambda turn: sum(pool.map(decode_all, chunks))
    if installed("simplejpeg", "pip install simplejpeg"):
        contents = [[one.tobytes() for one in chunk] for chunk in chunks]
        yield "the same by simplejpeg", lambda turn: sum(pool.map(decode_with_simplejpeg, contents))
    yield CHAPTER, draw(chapter)
    yield (
        "the same, 1 thread (Keras's default)",
        lambda turn: sum(len(chapter[k][0]) for k in range(len(chapter))),
    )
    dataset = keras_dataset(photos, threads)
    yield LAYERS, lambda turn: sum(len(X) for X, _ in dataset)
    if installed("albumentations", "pip install albumentations==2.0.8"):
        for first, name in ((True, ALBUMENTATIONS), (False, "the same, cropped after the affine")):
            load = load_with_albumentations(albumentations_steps(crop_first=first))
            yield name, draw(Loop(photos, load))
    if installed("torchvision", "pip install torchvision"):
        yield "torchvision v2", draw(Loop(photos, load_with_torchvision()))


def installed(name: str, how: str) -> bool:
    found = importlib.util.find_spec(name) is not None
    if not found:
        print(f"{name} is left out: not installed ({how})")
    return found


# --- the augmentation alone, and our stages


def augmenters(photos: Photos, count: int) -> Iterator[tuple[str, Run]]:
    """From decoded photos to augmented ones of 224x224, one thread, without files and batches."""
    rows = range(min(count, len(photos.paths)))
    decoded = [images.read_image(photos.paths[row]) for row in rows]
    pipeline = augment.Pipeline(STEPS)
    samples = [
        augment.Sample(image, photos.boxes[row : row + 1], photos.labels[row : row + 1])
        for row, image in zip(rows, decoded, strict=True)
    ]

    def ours(turn: int) -> int:
        rngs = [np.random.default_rng([0, turn, row]) for row in rows]
        for k in range(0, len(rows), BATCH):
            batch = slice(k, k + BATCH)
            for _ in pipeline.batch(samples[batch], rngs[batch], (SIDE, SIDE)):
                pass
        return len(rows)

    def ours_one_by_one(turn: int) -> int:
        for row, sample in zip(rows, samples, strict=True):
            pipeline(sample, np.random.default_rng([0, turn, row]), (SIDE, SIDE))
        return len(rows)

    yield OURS, ours
    yield f"{OURS}, image by image", ours_one_by_one
    if importlib.util.find_spec("albumentations"):
        for first, name in ((True, ALBUMENTATIONS), (False, "the same, cropped after the affine")):
            compose = albumentations_steps(crop_first=first)

            def theirs(turn: int, compose=compose) -> int:
                for row, image in zip(rows, decoded, strict=True):
                    compose(image=image, bboxes=photos.boxes[row : row + 1], labels=[0])
                return len(rows)

            yield name.replace(" in a PyDataset", ""), theirs
    layers, fit = keras_layers(), keras.layers.Resizing(LARGER, LARGER)
    tensor = keras.ops.convert_to_tensor
    batch = tensor(np.stack(decoded[:BATCH]))
    boxes = tensor((photos.boxes[:BATCH, None] * LARGER).astype(np.float32))
    labels = tensor(photos.labels[:BATCH, None])

    def eager(turn: int) -> int:
        return len(layers(fit(batch), boxes, labels)[0])

    yield "Keras layers, eager, all cores", eager


def stages(photos: Photos, rounds: int) -> dict[str, float]:
    """Microseconds an image, one thread; the median of the rounds."""
    rows = range(BATCH)
    paths, boxes = photos.paths[:BATCH], photos.boxes * 1.0
    data = [np.fromfile(path, np.uint8) for path in paths]
    decoded = [images.read_image(path) for path in paths]
    rngs = [np.random.default_rng(row) for row in rows]
    pipeline = augment.Pipeline(STEPS)
    samples = [augment.Sample(decoded[k], boxes[k : k + 1], photos.labels[k:][:1]) for k in rows]
    draws = [pipeline.draw(samples[k], rngs[k], image_size=(SIDE, SIDE)) for k in rows]
    matrices = [draw.matrix for draw in draws]
    colors = [draw.filters[0]["matrix"] for draw in draws]
    moved = [images.warp_image(decoded[k], matrices[k], height=SIDE, width=SIDE) for k in rows]
    size = (SIDE, SIDE)
    sequence = BoundingBoxSequence(photos.table, Path(paths[0]).parent, augment=list(STEPS))
    work = {
        "read": lambda: [np.fromfile(path, np.uint8) for path in paths],
        "decode": lambda: [cv2.imdecode(one, cv2.IMREAD_COLOR_RGB) for one in data],
        "draw": lambda: [np.random.default_rng([0, 0, row]) for row in rows],
        "augment": lambda: [None for _ in pipeline.batch(samples, rngs, size)],
        "warp": lambda: [
            images.warp_image(decoded[k], matrices[k], height=SIDE, width=SIDE) for k in rows
        ],
        "color": lambda: [images.apply_filter(moved[k], "color", matrix=colors[k]) for k in rows],
        "batch": lambda: np.stack(moved).astype("float32"),
        "whole": lambda: sequence[0],
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, do in work.items():
            started = time.perf_counter()
            do()
            times[name].append((time.perf_counter() - started) / BATCH * 1e6)
    median = {name: statistics.median(values[1:]) for name, values in times.items()}
    # The pipeline's own part: drawing, multiplying and checking matrices, moving boxes.
    median["draw"] += median.pop("augment") - median["warp"] - median["color"]
    return median


# --- taking turns, and printing


def take_turns(candidates: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            started = time.perf_counter()
            made = run(turn)
            rates[name].append(made / (time.perf_counter() - started))
    return {name: values[1:] for name, values in rates.items()}


def ratio(rates: dict[str, list[float]], above: str, below: str) -> float:
    pairs = zip(rates[above], rates[below], strict=True)
    return statistics.median(one / other for one, other in pairs)


def print_rates(title: str, rates: dict[str, list[float]], ceiling: str | None) -> None:
    print(f"\n{title:<44} {'images/s':>9} {'lowest':>8} {'highest':>8} {'of ours':>8}", end="")
    print(f" {'of ceiling':>10}" if ceiling else "")
    for name, values in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        row = f"{name:<44} {statistics.median(values):9.0f} {min(values):8.0f} {max(values):8.0f}"
        row += f" {ratio(rates, name, OURS):8.2f}"
        print(row + (f" {ratio(rates, name, ceiling):10.2f}" if ceiling else ""))


def measure(folder: Path, size: tuple[int, int], count: int, options: argparse.Namespace) -> None:
    height, width = size
    label = f"{width}x{height}"
    photos = make_photos(folder / label, height, width, count)
    kilobytes = statistics.mean(Path(path).stat().st_size for path in photos.paths) / 1024

    def chosen(found: Iterator[tuple[str, Run]]) -> dict[str, Run]:
        return {name: run for name, run in found if not any(word in name for word in options.skip)}

    with ThreadPoolExecutor(options.threads) as pool:
        rates = take_turns(chosen(contenders(photos, pool, options.threads)), options.rounds)
    title = f"{label} ({kilobytes:.0f} kB), file to batch, {options.threads} threads"
    print_rates(title, rates, CEILING)
    for above, below, *target in TARGETS:
        if above in rates and below in rates:
            wanted = target[SIZES.index(size)]
            print(f"  {above} / {below}: {ratio(rates, above, below):.2f} (target: {wanted})")
    alone = take_turns(chosen(augmenters(photos, 2 * BATCH)), options.rounds)
    print_rates(f"{label}, the augmentation alone, 1 thread", alone, None)
    theirs = ALBUMENTATIONS.replace(" in a PyDataset", "")
    if theirs in alone:
        print(f"  {OURS} / {theirs}: {ratio(alone, OURS, theirs):.2f} (target: at least 3.5)")
    spent = stages(photos, options.rounds)
    print(f"\n{label}, our microseconds an image, 1 thread")
    print("  " + "   ".join(f"{name} {value:.0f}" for name, value in spent.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--photos", type=int, nargs=2, default=(192, 96), metavar=("SMALL", "LARGE")
    )
    parser.add_argument("--skip", nargs="+", default=(), metavar="WORD", help="words in names")
    options = parser.parse_args()
    print(
        f"keras {keras.__version__} on {keras.config.backend()}, OpenCV {cv2.__version__} with "
        f"{cv2.getNumThreads()} threads of its own, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory() as folder:
        for size, count in zip(SIZES, options.photos, strict=True):
            measure(Path(folder), size, count, options)


if __name__ == "__main__":
    main()
