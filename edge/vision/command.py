"""`sitewarden edge camera`: what an installer asks about cameras and about what looks at their pictures.

Nothing that looks at pictures is loaded before one of its actions runs: a gateway without cameras has none.
"""

import argparse
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.vision.card import Card, load
from edge.vision.settings import VisionSettings
from sitewarden.documents import text_of

if TYPE_CHECKING:
    from edge.vision.examining import Findings

_DEFAULTS = VisionSettings()


def register(actions: Any) -> None:
    """Add the action `camera`."""
    camera = actions.add_parser("camera", help="try a camera, or a model that is to look at its pictures")
    kinds = camera.add_subparsers(dest="what", required=True)
    test = kinds.add_parser("test", help="look at a camera for a while and say what comes")
    test.add_argument("url", help="as `url:` in gateway.yaml, without name and password")
    test.add_argument("--username", help="as whom to log in; the password is asked for")
    test.add_argument("--password-file", type=Path, help="one line, instead of asking")
    test.add_argument("--seconds", type=float, default=10.0, help="default: %(default)g")
    test.set_defaults(run=_test)
    model = kinds.add_parser("model", help="say whether this gateway would take a model")
    model.add_argument("card", type=Path, help="the model's card (.json), beside its ONNX file")
    model.add_argument("--provider", choices=("onnxruntime", "opencv"), default=_DEFAULTS.provider)
    model.add_argument("--threads", type=int, default=_DEFAULTS.threads, help="default: %(default)s")
    model.add_argument(
        "--budget-ms", type=float, default=_DEFAULTS.budget_ms, help="vision.budget_ms (default: %(default)g)"
    )
    model.add_argument(
        "--golden",
        action="store_true",
        help="write into the card what this machine computes, for others to be held against: "
        "only where the card's figures were measured",
    )
    model.set_defaults(run=_model)


def _test(args: argparse.Namespace) -> int:
    from edge.vision import trying  # noqa: PLC0415  loads what looks at pictures

    password = None
    if args.password_file is not None:
        password = text_of(args.password_file).strip()
    elif args.username is not None:
        # Not an argument: everybody at the machine can read those.
        password = getpass.getpass("password: ")
    found = trying.tried(args.url, args.username, password, args.seconds)
    for line in trying.described(found):
        print(line)
    return 0 if found.is_usable else 1


def _model(args: argparse.Namespace) -> int:
    from edge.vision import examining  # noqa: PLC0415  loads what looks at pictures

    if args.golden:
        examining.write_golden(args.card)
        print(f"golden answers written into {args.card}")
    found = examining.examined_apart(
        args.card, provider=args.provider, threads=args.threads, budget_ms=args.budget_ms
    )
    for line in described(load(args.card), found):
        print(line)
    return 0


def described(card: Card, found: "Findings") -> list[str]:
    """What a card says and what was found, for people."""
    kinds = ", ".join(f"{kind.name} from {kind.threshold:g}" for kind in card.kinds)
    lines = [
        f"{card.name}: {card.purpose.zh}",
        f"  {card.purpose.en}",
        f"  takes {card.input.size} px; tells {kinds}; licence {card.licence}",
        f"  model sha256 {card.sha256}",
        f"  learned from {sum(card.lesson.photos.values())} photos, sha256 {card.lesson.sha256}",
    ]
    for measured in card.measured:
        aps = ", ".join(f"{name} {ap.value:.3f}" for name, ap in measured.ap50.items())
        of = f"{measured.count} photos, labels {measured.labels}"
        lines.append(f"  mAP50 {measured.map50.value:.3f} ({aps}) of {of}: {measured.photos}")
    lines += [f"  limit: {limit.zh} {limit.en}" for limit in card.limits]
    lines.append(f"  {found.infer_ms:g} ms for one input on this machine")
    lines.append(f"  {_off(found.golden_off, 'the golden answers of its card', 'has no golden answers')}")
    lines.append(f"  {_off(found.witness_off, 'the other library', 'the other library cannot compute it')}")
    lines += [f"  note: {note}" for note in found.notes]
    return [*lines, "would be taken into use"]


def _off(by: float | None, what: str, otherwise: str) -> str:
    return otherwise if by is None else f"{by:.1e} off {what}"
