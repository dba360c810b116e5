"""Write the reference pages that follow from data: docs/reference/points.md and docs/reference/devices.md."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sitewarden.points import vocabulary
from sitewarden.profiles import load_profiles

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "<!-- made by scripts/reference.py; change the source, then run it -->"


def pages() -> dict[str, str]:
    """The pages' names and contents."""
    return {"points.md": _page(_points()), "devices.md": _page(_devices())}


def _page(lines: Iterable[str]) -> str:
    return "\n".join([MADE, *lines, ""])


def _points() -> Iterator[str]:
    yield "# Point vocabulary 测点词汇表\n"
    yield "Screens, rules and reports know only these kinds. Values travel rounded to the resolution. Source:"
    yield "`sitewarden/vocabulary.yaml`.\n"
    yield from ("| kind | 中文 | English | unit | resolution | 要素 |", "|---|---|---|---|---|---|")
    for name, kind in vocabulary().items():
        unit = "" if kind.unit == "1" else kind.unit
        yield f"| `{name}` | {kind.zh} | {kind.en} | {unit} | {kind.resolution:g} | {kind.element} |"


def _devices() -> Iterator[str]:
    yield "# Devices 设备\n"
    yield "The profiles that SiteWarden ships; *verified* says how far each has been tried. Keys:"
    yield "[profile keys](profile-keys.md).\n"
    yield from ("| profile | products | kind | points | verified | source |", "|---|---|---|---|---|---|")
    for name, profile in load_profiles().items():
        products = ", ".join(f"{product.brand} {product.model}" for product in profile.products)
        points = ", ".join(f"`{key}`" for key in profile.points)
        cells = (f"`{name}`", products, profile.device_kind, points, profile.verified, profile.source)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for page, content in pages().items():
        (REFERENCE / page).write_text(content, encoding="utf-8")
