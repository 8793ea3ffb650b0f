"""Prints how much of its time a training on the CPU spends waiting for data.

    python benchmarks/waiting.py [--batches 12] [--photos 341 256]

Trains a frozen MobileNet with the chapter's two heads on generated JPEG photos, augmented, with as
many workers as a sequence takes by default. Keras's own data adapter feeds it, and what is timed
is the fetching of a batch, which is short as long as the workers are ahead. For comparison the
same training runs with one worker, and with none, where TensorFlow's own thread makes them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras.applications.mobilenet import MobileNet, preprocess_input
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from contenders import SIDE, STEPS
from photos import Photos, make_photos

import keras_bbox as kb

CLASSES = 20


def chapter_model() -> keras.Model:
    backbone = MobileNet(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    model = kb.add_localization_head(backbone, CLASSES, head="chapter")
    model.compile("adam", ["sparse_categorical_crossentropy", "mse"], loss_weights=[1, 10])
    return model


def shares(model: keras.Model, photos: Photos, workers: int | None) -> tuple[int, float, float]:
    """The workers, the seconds a batch takes, and the share of them spent on fetching it."""
    options = {} if workers is None else {"workers": workers}
    sequence = kb.BoundingBoxSequence(
        photos.table,
        Path(photos.paths[0]).parent,
        augment=list(STEPS),
        preprocess=preprocess_input,
        **options,
    )
    adapter = PyDatasetAdapter(sequence, shuffle=False)
    batches = iter(adapter.get_tf_dataset())
    adapter.on_epoch_begin()
    model.train_on_batch(*next(batches))
    started = fetching = time.perf_counter()
    waited = 0.0
    for batch in batches:
        waited += time.perf_counter() - fetching
        model.train_on_batch(*batch)
        fetching = time.perf_counter()
    spent = time.perf_counter() - started
    adapter.on_epoch_end()
    return sequence.workers, spent / (len(sequence) - 1), waited / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--photos", type=int, nargs=2, default=(341, 256), metavar=("W", "H"))
    options = parser.parse_args()
    width, height = options.photos
    model = chapter_model()
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder) / "photos", height, width, 32 * (options.batches + 1))
        shares(model, photos, 0)  # compiles
        print(f"{os.cpu_count()} cores, photos of {width}x{height}, batches of 32")
        for label, workers in (("default", None), ("one", 1), ("none", 0)):
            count, seconds, share = shares(model, photos, workers)
            print(f"workers {count} ({label}): {seconds * 1e3:.0f} ms a batch, {share:.1%} waiting")


if __name__ == "__main__":
    main()
