"""Prints how many images a second come from JPEG files to training batches, ours and others'.

    python benchmarks/throughput.py [--rounds 5] [--threads 2] [--photos 768 256] [--skip WORD ...]

Photos are generated (341x256 and 1024x768, JPEG quality 92, 4:2:0), so nothing has to be
downloaded. A batch holds 32 float32 images of 224x224, each flipped, scaled, moved, turned, cropped
and made brighter or darker, with one box moving along. Each contender has a process of its own, as
its users would have it, in which a TensorFlow dataset has begun, as `fit` begins one for every
sequence. They take turns over several rounds; shown is the median rate, and the median of the
ratios within a round, because a busy machine slows a whole round down. In one round before the
first nothing is measured: it brings the files into the page cache, fills the caches, and tells
keras_bbox the sizes of the photos, so that all rates are those of a later epoch.

Contenders that are not installed are left out with a line that says so. OpenCV's own threads are
off for all contenders, as keras_bbox and Albumentations leave them. On two cores the script takes
seven minutes for three rounds. A machine that does other work at the same time gives other ratios:
look at the spread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from photos import make_photos
from turns import Contender, Process, is_installed, rates_of, ratio

SIZES = ((256, 341), (768, 1024))  # height, width
OURS, PLAIN, CEILING = "keras_bbox", "keras_bbox, not augmented", "ceiling: decoding alone"
CHAPTER, LAYERS = "chapter's loop, not augmented", "Keras layers in tf.data"
ALBUMENTATIONS, LATE = "Albumentations in a PyDataset", "the same, cropped after the affine"
IN_MEMORY, IN_FOLDER = "keras_bbox, cache='memory'", "keras_bbox, cache=DIR"
CROP_LATE = {"crop_first": False}
CONTENDERS = {
    OURS: Contender("contenders.ours"),
    PLAIN: Contender("contenders.ours", {"augmented": False}),
    IN_MEMORY: Contender("contenders.ours", {"cache": "memory"}),
    IN_FOLDER: Contender("contenders.ours", {"cache": "folder"}),
    CEILING: Contender("contenders.decoding"),
    "the same by simplejpeg": Contender("contenders.decoding_with_simplejpeg", needs="simplejpeg"),
    CHAPTER: Contender("contenders.chapter"),
    "the same, 1 thread (Keras's default)": Contender("contenders.chapter_with_one_thread"),
    LAYERS: Contender("contenders.layers_in_tf_data"),
    ALBUMENTATIONS: Contender("contenders.albumentations", needs="albumentations"),
    LATE: Contender("contenders.albumentations", CROP_LATE, needs="albumentations"),
    "torchvision v2": Contender("contenders.torchvision", needs="torchvision"),
}
# From decoded photos to augmented ones of 224x224, one thread, without files and batches.
ALONE = {
    OURS: Contender("alone.ours"),
    f"{OURS}, image by image": Contender("alone.ours_one_by_one"),
    ALBUMENTATIONS: Contender("alone.albumentations", needs="albumentations"),
    LATE: Contender("alone.albumentations", CROP_LATE, needs="albumentations"),
    "Keras layers, eager, all cores": Contender("alone.layers"),
}
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
ALONE_TARGETS = ((OURS, ALBUMENTATIONS, "at least 3.5", "at least 3.5"),)


def main() -> None:
    options = parse_arguments()
    names = ("keras", "tensorflow", "opencv-python-headless", "numpy")
    print(", ".join(f"{name} {version(name)}" for name in names), f"{os.cpu_count()} cores")
    for name, contender in CONTENDERS.items():
        if not is_installed(contender):
            print(f"{name} is left out: {contender.needs} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for size, count in zip(SIZES, options.photos, strict=True):
            measure(Path(folder), size, count, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--photos", type=int, nargs=2, default=(768, 256), metavar=("SMALL", "LARGE")
    )
    parser.add_argument("--skip", nargs="+", default=(), metavar="WORD", help="words in names")
    return parser.parse_args()


def measure(folder: Path, size: tuple[int, int], count: int, options: argparse.Namespace) -> None:
    height, width = size
    label = f"{width}x{height}"
    photos = make_photos(folder / label, height, width, count)
    kilobytes = statistics.mean(Path(path).stat().st_size for path in photos.paths) / 1024

    def left(contenders: dict[str, Contender]) -> dict[str, Contender]:
        return {
            name: contender
            for name, contender in contenders.items()
            if not any(word in name for word in options.skip)
        }

    rates = rates_of(left(CONTENDERS), options.rounds, photos, options.threads)
    title = f"{label} ({kilobytes:.0f} kB), file to batch, {options.threads} threads"
    print_rates(title, rates, CEILING)
    print_targets(rates, TARGETS, SIZES.index(size))
    alone = rates_of(left(ALONE), options.rounds, photos)
    print_rates(f"{label}, the augmentation alone, 1 thread", alone, None)
    print_targets(alone, ALONE_TARGETS, SIZES.index(size))
    stages = Process(Contender("alone.stages"), photos)
    turns = [stages(turn)[0] for turn in range(options.rounds + 1)][1:]
    stages.close()
    print(f"\n{label}, our microseconds an image, 1 thread")
    spent = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
    print("  " + "   ".join(f"{name} {value:.0f}" for name, value in spent.items()), flush=True)


def print_rates(title: str, rates: dict[str, list[float]], ceiling: str | None) -> None:
    has_ceiling = ceiling is not None and ceiling in rates
    print(f"\n{title:<44} {'images/s':>9} {'lowest':>8} {'highest':>8}", end="")
    print(f" {'of ours':>8}" + (f" {'of ceiling':>10}" if has_ceiling else ""))
    for name, values in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        row = f"{name:<44} {statistics.median(values):9.0f} {min(values):8.0f} {max(values):8.0f}"
        row += f" {ratio(rates, name, OURS):8.2f}" if OURS in rates else ""
        print(row + (f" {ratio(rates, name, CEILING):10.2f}" if has_ceiling else ""))


def print_targets(rates: dict[str, list[float]], targets: tuple, where: int) -> None:
    for above, below, *wanted in targets:
        if above in rates and below in rates:
            found = ratio(rates, above, below)
            print(f"  {above} / {below}: {found:.2f} (target: {wanted[where]})")


if __name__ == "__main__":
    main()
