"""The trainer's commands. PyTorch is loaded only by those that need it."""

import argparse
import sys
from pathlib import Path

import msgspec

from sitewarden.errors import ConfigurationError
from tools.train_helmet import collection, corrections, recipes

CORRECTIONS = Path(__file__).with_name("corrections.yaml")


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked for; 0 when done, 2 when something given is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_helmet", description=__doc__)
    commands = parser.add_subparsers(required=True)
    _add_train(commands.add_parser("train", help="train a detector from photos"))
    _add_export(commands.add_parser("export", help="write a trained detector as ONNX"))
    _add_evaluate(commands.add_parser("evaluate", help="measure an ONNX file over photos; JSON"))
    _add_speed(commands.add_parser("speed", help="time an ONNX file beside another; JSON"))
    _add_card(commands.add_parser("card", help="measure an ONNX file and write its model card"))
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _add_train(parser: argparse.ArgumentParser) -> None:
    known, plans = recipes.load()
    titles = "; ".join(f"{name}: {recipe.title}" for name, recipe in known.items())
    parser.add_argument("recipe", choices=sorted(known), help=titles)
    _add_photos(parser)
    parser.add_argument("--start", type=Path, required=True, help="ONNX file of NanoDet-m, start weights")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, curve and lesson")
    parser.add_argument("--plan", choices=sorted(plans), default="cpu")
    parser.add_argument("--minutes", type=float, help="for the detector, in place of the plan's")
    parser.add_argument("--teacher-minutes", type=float, help="for the teacher, in place of the plan's")
    parser.add_argument("--size", type=_side, help="side of the images, in place of the plan's")
    parser.set_defaults(run=_train)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", type=Path, help="detector.pt of a training")
    parser.add_argument("--size", type=_side, required=True, help="side of the input, a multiple of 32")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.set_defaults(run=_export)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="ONNX file")
    _add_photos(parser)
    parser.add_argument("--split", default="test")
    parser.add_argument("--against", type=Path, help="another ONNX file for a paired comparison")
    parser.set_defaults(run=_evaluate)


def _add_speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="ONNX file")
    parser.add_argument("--yardstick", type=Path, required=True, help="ONNX file of NanoDet-m")
    parser.set_defaults(run=_speed)


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="ONNX file; the card is written beside it")
    _add_photos(parser)
    parser.add_argument(
        "--recipe", default="shipped", help="whose validation photos the thresholds come from"
    )
    parser.add_argument("--start", type=Path, required=True, help="ONNX file that the training began with")
    parser.add_argument("--yardstick", type=Path, required=True, help="ONNX file to compare the speed with")
    parser.add_argument("--lesson", type=Path, required=True, help="lesson.json of the training")
    parser.set_defaults(run=_card)


def _add_photos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, action="append", required=True, help="a collection's folder")


def _side(text: str) -> int:
    """A side that the coarsest of the network's levels divides."""
    side = int(text)
    if side <= 0 or side % 32:
        raise argparse.ArgumentTypeError(f"{side} is no multiple of 32")
    return side


def _train(chosen: argparse.Namespace) -> None:
    from tools.train_helmet.training import train

    known, plans = recipes.load()
    changes = {"minutes": chosen.minutes, "teacher_minutes": chosen.teacher_minutes, "size": chosen.size}
    plan = msgspec.structs.replace(
        plans[chosen.plan], **{key: value for key, value in changes.items() if value is not None}
    )
    train(known[chosen.recipe], plan, chosen.photos, chosen.start, chosen.out)


def _export(chosen: argparse.Namespace) -> None:
    from tools.train_helmet import export

    export.write(export.load(chosen.weights), chosen.size, chosen.out)


def _evaluate(chosen: argparse.Namespace) -> None:
    from tools.train_helmet import evaluation

    photos = collection.load(chosen.photos, chosen.split)
    fixes = corrections.load(CORRECTIONS)
    _print(evaluation.evaluate(chosen.model, photos, fixes, against=chosen.against))


def _speed(chosen: argparse.Namespace) -> None:
    from tools.train_helmet.speed import compare

    _print(compare(chosen.model, chosen.yardstick))


def _card(chosen: argparse.Namespace) -> None:
    from tools.train_helmet import cards, evaluation
    from tools.train_helmet.speed import compare

    known, _ = recipes.load()
    lesson = cards.read_lesson(chosen.lesson)
    choosing = collection.load_licensed(chosen.photos, "val", known[chosen.recipe].licences)
    validation = evaluation.evaluate(chosen.model, choosing).figures[evaluation.COLLECTED]
    thresholds = {name: point.threshold for name, point in validation.best_f1.items()}
    photos = collection.load(chosen.photos, "test")
    evaluation.check_runtimes(chosen.model, photos)
    sets = {"test": photos, "foreign": [photo for photo in photos if photo.origin not in lesson.photos]}
    fixes = corrections.load(CORRECTIONS)
    card = cards.write(
        chosen.model,
        start=chosen.start,
        lesson=lesson,
        evaluations={
            name: evaluation.evaluate(chosen.model, some, fixes, thresholds=thresholds)
            for name, some in sets.items()
            if any(photo.labels for photo in some)
        },
        thresholds=thresholds,
        speed=compare(chosen.model, chosen.yardstick),
    )
    _print(card)


def _print(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
