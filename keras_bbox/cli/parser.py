"""What can be asked of the command, and the words that teach it."""

from __future__ import annotations

import argparse

from keras_bbox.annotations import quality
from keras_bbox.cli import commands

ABOUT = "Bounding boxes: look for what is wrong with annotations, mend it, convert and split them."
CODES = (
    "Exit codes: 0 all is fine; 1 findings of severity error; 2 wrong usage or unusable input. "
    "No file is overwritten without --force."
)
TABLE = "annotations in any format that can be read, such as the CSV of a table of boxes"
SAFE = " ".join(quality.SAFE_FIXES)
TABLES = f"{TABLE}; several splits as NAME=PATH"
IMAGES = "the folder of the images"


def make_parser() -> argparse.ArgumentParser:
    """Makes the parser of the command and of all its subcommands."""
    parser = argparse.ArgumentParser(
        prog="keras-bbox",
        description=ABOUT,
        epilog=f"{CODES} 'keras-bbox check --help' tells more.",
    )
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _check(actions)
    _clean(actions)
    _convert(actions)
    _plot(actions)
    _split(actions)
    _suggest(actions)
    return parser


def _command(actions, name: str, about: str, examples: str, run) -> argparse.ArgumentParser:
    command = actions.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"Examples:\n{examples}\n\n{CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _force(command: argparse.ArgumentParser) -> None:
    command.add_argument("--force", action="store_true", help="overwrite files that are there")


def _check(actions) -> None:
    examples = """\
  keras-bbox check annotations.csv --images photos
  keras-bbox check train=train.csv val=val.csv --images photos --html report.html
        photos holds a folder for each split, or the images of all
  keras-bbox check labels.json --images photos --headers-only
        quick: does not read the pixels, so it finds no copies of pictures"""
    about = "look for what is wrong with annotations and their images"
    command = _command(actions, "check", about, examples, commands.check)
    command.add_argument("tables", nargs="+", metavar="ANNOTATIONS", help=TABLES)
    command.add_argument(
        "--images",
        nargs="+",
        default=[],
        metavar="DIR",
        help=f"{IMAGES}, or NAME=DIR for each split",
    )
    command.add_argument("--classes", nargs="+", metavar="NAME", help="the classes that may occur")
    command.add_argument("--html", metavar="FILE", help="write a page with pictures")
    command.add_argument("--json", metavar="FILE", help="write findings and statistics as JSON")
    command.add_argument(
        "--headers-only", action="store_true", help="look for no copies of pictures"
    )
    _force(command)


def _clean(actions) -> None:
    examples = """\
  keras-bbox clean annotations.csv clean.csv --images photos
        makes the safe fixes: swaps reversed corners, clips what overshoots the image by up to
        2%, drops the later of equal rows
  keras-bbox clean annotations.csv clean.csv --fix lookalike-class duplicate-box --log log.csv
        makes only these; a fix is named by the kind of finding it mends"""
    about = "mend findings of 'check' in a copy of the table, and log every change"
    command = _command(actions, "clean", about, examples, commands.clean)
    command.add_argument("table", metavar="ANNOTATIONS", help=TABLE)
    command.add_argument("output", metavar="CSV", help="the table to write")
    command.add_argument("--images", metavar="DIR", help=IMAGES)
    command.add_argument(
        "--fix",
        nargs="+",
        metavar="KIND",
        choices=quality.FIXES,
        help=f"what to mend, of {', '.join(quality.FIXES)} (default: {SAFE})",
    )
    command.add_argument("--log", metavar="CSV", help="write a row for every change")
    _force(command)


def _convert(actions) -> None:
    examples = """\
  keras-bbox convert labels/ annotations.csv --to csv --images photos
  keras-bbox convert annotations.csv labels --to voc --images photos
  keras-bbox convert export.json boxes.json --to coco --lossy raise
        stops if COCO cannot hold all that the table has"""
    about = "read annotations in one format and write them in another"
    command = _command(actions, "convert", about, examples, commands.convert)
    command.add_argument("table", metavar="ANNOTATIONS", help=TABLE)
    command.add_argument(
        "output", metavar="OUTPUT", help="the file to write, or folder (voc, yolo)"
    )
    command.add_argument(
        "--to", required=True, metavar="FORMAT", help="such as csv, coco, voc, yolo"
    )
    command.add_argument("--images", metavar="DIR", help=f"{IMAGES}, for sizes and names")
    command.add_argument(
        "--lossy",
        choices=("warn", "raise", "allow"),
        default="warn",
        help="what to do about fields that the format has no place for (default: warn)",
    )
    command.add_argument(
        "--errors",
        choices=("raise", "warn", "skip"),
        default="raise",
        help="what to do about objects that cannot be used (default: raise)",
    )
    _force(command)


def _plot(actions) -> None:
    examples = """\
  keras-bbox plot annotations.csv boxes.png --images photos
  keras-bbox plot annotations.csv cakes.png --images photos --classes cake --count 25 --seed 1"""
    about = "draw images with their boxes"
    command = _command(actions, "plot", about, examples, commands.plot)
    command.add_argument("table", metavar="ANNOTATIONS", help=TABLE)
    command.add_argument("output", metavar="PNG", help="the picture to write")
    command.add_argument("--images", required=True, metavar="DIR", help=IMAGES)
    command.add_argument("--count", type=int, default=16, help="how many images (default: 16)")
    command.add_argument("--classes", nargs="+", metavar="NAME", help="only images with these")
    command.add_argument(
        "--seed", type=int, default=0, help="another seed draws others (default: 0)"
    )
    _force(command)


def _split(actions) -> None:
    examples = """\
  keras-bbox split annotations.csv splits --parts train=0.8 val=0.1 test=0.1
        writes splits/annotations-train.csv and so on; each class has its share of each part
  keras-bbox split annotations.csv splits --parts train=0.8 val=0.2 --group scene --images photos
        keeps images of a scene together, and copies of a picture too"""
    about = "split annotations by image and group, without leaks, each class with its share"
    command = _command(actions, "split", about, examples, commands.split)
    command.add_argument("table", metavar="ANNOTATIONS", help=TABLE)
    command.add_argument("output", metavar="DIR", help="the folder to write the parts to")
    command.add_argument(
        "--parts",
        nargs="+",
        default=["train=0.8", "val=0.1", "test=0.1"],
        metavar="NAME=SHARE",
        help="the parts (default: train=0.8 val=0.1 test=0.1)",
    )
    command.add_argument("--group", metavar="COLUMN", help="keep rows with the same value together")
    command.add_argument("--images", metavar="DIR", help=f"{IMAGES}, to keep copies together")
    command.add_argument(
        "--seed", type=int, default=0, help="another seed, other parts (default: 0)"
    )
    _force(command)


def _suggest(actions) -> None:
    examples = """\
  keras-bbox suggest model.keras new.csv --images photos --classes cake pie --annotations old.csv
        boxes for the images that old.csv tells nothing about
  keras-bbox suggest model.keras labels --images photos --classes cake pie --score 0.8 --to voc
        in a format that the labeling tool opens for correction"""
    about = "propose boxes for images without annotation, by a trained model"
    command = _command(actions, "suggest", about, examples, commands.suggest)
    command.add_argument("model", metavar="MODEL", help="a .keras file")
    command.add_argument(
        "output", metavar="OUTPUT", help="the file to write, or folder (voc, yolo)"
    )
    command.add_argument("--images", required=True, metavar="DIR", help=IMAGES)
    command.add_argument("--annotations", metavar="ANNOTATIONS", help="what is annotated already")
    command.add_argument(
        "--classes",
        nargs="+",
        required=True,
        metavar="NAME",
        help="the model's classes by their ids; a table has them sorted",
    )
    command.add_argument(
        "--preprocess",
        metavar="NETWORK",
        help="the module of keras.applications whose preprocess_input the model needs",
    )
    command.add_argument("--score", type=float, default=0.5, help="least score (default: 0.5)")
    command.add_argument("--to", default="csv", metavar="FORMAT", help="format (default: csv)")
    _force(command)
