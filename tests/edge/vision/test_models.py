"""Whatever becomes of a model of the site's own, something goes on looking."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.vision import card
from edge.vision.card import SHIPPED
from edge.vision.detectors import DetectorFailedError
from edge.vision.examining import Findings, examine
from edge.vision.letterbox import whole
from edge.vision.model import Frame
from edge.vision.models import NEW_LOOKS, Models, shipped
from edge.vision.settings import VisionSettings
from tests.edge.vision.own import answer, standing, written
from tests.support import onnx

FRAME = Frame(0.0, 1, np.full((120, 160, 3), 90, np.uint8))
SQUARE = [whole((120, 160))]


def here(file: Path, **wishes: object) -> Findings:
    """The examination, in this process for the sake of time."""
    return examine(file, **{**wishes, "budget_ms": 1e6})


def settings(detector: str = "helmet-320", smaller: str = "helmet-320", **more: object) -> VisionSettings:
    return VisionSettings(detector=detector, smaller=smaller, threads=1, **more)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(settings(), examine=here)


def test_shipped_models_look_at_once_and_the_smaller_one_on_demand(tmp_path: Path) -> None:
    models = Models(VisionSettings(threads=1), examine=here)
    assert (models.name, models.size) == ("helmet-416", 416)
    models.shed(True)
    assert (models.name, models.size) == ("helmet-320", 320)
    assert len(models.find(FRAME, SQUARE).boxes) == 0
    models.shed(False)
    assert models.size == 416
    ((level, text),) = models.told()
    assert level == "info"
    assert re.fullmatch(r"helmet-416 \(\w{12}\) and helmet-320 \(\w{12}\) look", text)


def test_a_model_of_the_sites_own_takes_over_once_it_has_passed(tmp_path: Path) -> None:
    file = standing(tmp_path, answer())
    models = Models(settings(detector=str(file)), examine=here)
    assert models.name in {"helmet-416", "own"}
    models.settled()
    assert models.name == "own"
    assert [said.level for said in models.told()] == ["info", "info"]


def test_a_model_may_change_while_others_look(models: Models, tmp_path: Path) -> None:
    models.switch(settings(detector=str(standing(tmp_path, answer()))))
    models.settled()
    assert models.name == "own"
    models.switch(settings())
    models.settled()
    assert models.name == "helmet-320"


def broken_files(folder: Path) -> dict[str, Path]:
    (folder / "text.json").write_text("no card")
    shipped_bytes = card.load_model(SHIPPED / "helmet-320.json").onnx
    return {
        "not there": folder / "nowhere.json",
        "no card": folder / "text.json",
        "truncated": written(folder, shipped_bytes[:1000], name="half"),
        "shape": standing(folder, answer(points=5), name="shape"),
    }


@pytest.mark.parametrize("what", ["not there", "no card", "truncated", "shape"])
def test_a_refused_model_leaves_the_old_one_and_the_reason_is_told(
    models: Models, tmp_path: Path, what: str
) -> None:
    file = broken_files(tmp_path)[what]
    models.switch(settings(detector=str(file)))
    models.settled()
    assert models.name == "helmet-320"
    (told,) = warned(models)
    assert told.startswith("helmet-320 stays in use: ")
    assert file.name in told
    assert models.told() == []


def test_a_slow_model_is_refused(models: Models, tmp_path: Path) -> None:
    slow = Models(settings(), examine=lambda file, **_: examine(file, budget_ms=0.0001))
    slow.switch(settings(detector=str(written(tmp_path))))
    slow.settled()
    assert slow.name == "helmet-320"
    assert "vision.budget_ms" in warned(slow)[0]


def warned(models: Models) -> list[str]:
    return [said.text for said in models.told() if said.level == "warning"]


class _Failing(Models):
    """Its large model gives numbers at first, and none later, as memory that goes bad would."""

    def fail(self) -> None:
        class Broken:
            name, size = "own", 320

            def find(self, *_):
                raise DetectorFailedError("no numbers")

        self._pair = msgspec.structs.replace(self._pair, large=Broken())


def test_a_model_that_fails_while_it_looks_is_dropped_and_that_very_look_is_done(tmp_path: Path) -> None:
    models = _Failing(settings(detector=str(standing(tmp_path, answer()))), examine=here)
    models.settled()
    models.fail()
    assert len(models.find(FRAME, SQUARE).boxes) == 0
    assert models.name == "helmet-416"
    assert warned(models) == ["a model of the site's own failed and was dropped for helmet-416: no numbers"]


def test_a_model_that_brings_the_process_down_is_not_tried_again_at_once(tmp_path: Path) -> None:
    marker, wanted = tmp_path / "new-model", settings(detector=str(standing(tmp_path, answer())))
    Models(wanted, marker=marker, examine=here).settled()
    # Here the process ends.
    again = Models(wanted, marker=marker, examine=here)
    again.settled()
    assert again.name == "helmet-416"
    assert "ended while a model of the site's own was new" in warned(again)[0]
    once_more = Models(wanted, marker=marker, examine=here)
    once_more.settled()
    assert once_more.name == "own"


def looks(models: Models) -> None:
    for _ in range(NEW_LOOKS):
        models.find(FRAME, SQUARE)


@pytest.mark.parametrize("ends", [Models.close, looks], ids=["closed", "proven"])
def test_a_model_in_good_standing_is_there_after_a_restart(tmp_path: Path, ends) -> None:
    marker, wanted = tmp_path / "new-model", settings(detector=str(standing(tmp_path, answer())))
    models = Models(wanted, marker=marker, examine=here)
    models.settled()
    assert marker.exists()
    ends(models)
    assert not marker.exists()


def test_where_shipped_models_fail_that_is_no_empty_site(tmp_path: Path) -> None:
    models = _Failing(settings(), examine=here)
    models.fail()
    with pytest.raises(DetectorFailedError):
        models.find(FRAME, SQUARE)


def test_a_model_that_is_changed_after_it_passed_is_refused(models: Models, tmp_path: Path) -> None:
    file = standing(tmp_path, answer())

    def passes_and_is_changed(card_of: Path, **wishes: object) -> Findings:
        found = here(card_of, **wishes)
        other = answer()
        other[0, 0, 2] = 20
        standing(tmp_path, other)
        return found

    swapped = Models(settings(), examine=passes_and_is_changed)
    swapped.switch(settings(detector=str(file)))
    swapped.settled()
    assert swapped.name == "helmet-320"
    assert "another one than was examined" in warned(swapped)[0]


def test_the_last_wish_counts(models: Models, tmp_path: Path) -> None:
    first, second = (standing(tmp_path, answer(), name=name) for name in ("first", "second"))
    models.switch(settings(detector=str(first)))
    models.switch(settings(detector=str(second)))
    models.settled()
    assert models.name == "second"


def test_the_smaller_input_belongs_to_the_smaller_model(models: Models, tmp_path: Path) -> None:
    models.switch(settings(detector="helmet-320", smaller="helmet-416"))
    models.settled()
    assert "the other way round" in warned(models)[0]


def test_a_shipped_model_of_no_name_leaves_those_that_there_are(tmp_path: Path) -> None:
    models = Models(settings(detector="helmet-9000"), examine=here)
    assert models.name == "helmet-416"
    assert "helmet-9000" in warned(models)[0]


def test_a_script_may_look_in_place_of_a_network(tmp_path: Path) -> None:
    assert Models(settings(provider="scripted")).name == "scripted"


def test_a_benchmark_takes_a_shipped_model_by_its_name() -> None:
    assert shipped("helmet-320", provider="opencv").size == 320


def test_a_written_network_is_one_that_the_library_reads(tmp_path: Path) -> None:
    file = written(tmp_path, onnx.model(answer(), size=320))
    assert here(file).witness_off == 0
