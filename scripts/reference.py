"""Write the reference pages that follow from data: points, devices and thresholds in docs/reference."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sitewarden.derived import thresholds
from sitewarden.points import vocabulary
from sitewarden.profiles import load_profiles

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "<!-- made by scripts/reference.py; change the source, then run it -->"


def pages() -> dict[str, str]:
    """The pages' names and contents."""
    return {
        "points.md": _page(_points()),
        "devices.md": _page(_devices()),
        "thresholds.md": _page(_thresholds()),
    }


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


def _thresholds() -> Iterator[str]:
    yield "# Thresholds of derived points 派生测点参数\n"
    yield "Numbers that derived points are made with. A device's `parameters:` in `gateway.yaml` puts its own"
    yield "value over one. Source: `sitewarden/derived/thresholds.yaml`.\n"
    yield from (
        "| parameter | devices | default | unit | may be | 中文 | English | source | confidence |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    for name, one in thresholds().items():
        unit = "" if one.unit == "1" else one.unit
        least, most = one.range
        cells = (
            f"`{name}`",
            ", ".join(one.devices),
            f"{one.value:g}",
            unit,
            f"{least:g} to {most:g}",
            one.zh,
            one.en,
            one.source,
            one.confidence,
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for page, content in pages().items():
        (REFERENCE / page).write_text(content, encoding="utf-8")
