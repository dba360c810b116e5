"""What needs PyTorch: run by hand, `pytest tools/train_helmet`, with the extra `train` installed."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import torch

from edge.vision import card
from tools.train_helmet import collection, export, recipes
from tools.train_helmet.augment import Album
from tools.train_helmet.collection import HEAD, HELMET
from tools.train_helmet.command import main
from tools.train_helmet.evaluation import FARTHEST, disagreement, input_size
from tools.train_helmet.loss import assign, imitation, loss
from tools.train_helmet.net import Answer, Detector, Grid, Shape, grid
from tools.train_helmet.photos import GREY, IGNORED, NOTHING, Canvases, crops
from tools.train_helmet.speed import session

SIZE = 160
KNOWN, _ = recipes.load()
AUGMENTATION = KNOWN["shipped"].augmentation


@pytest.fixture
def canvases() -> Canvases:
    """Grey scenes with one bright square head each, helmets red and bare heads blue."""
    pixels = np.full((6, 256, 256, 3), 60, np.uint8)
    boxes = np.zeros((6, 1, 4), np.float32)
    kinds = np.array([[HELMET], [HEAD]] * 3, np.int64)
    for at in range(6):
        x, y = 40 + 25 * at, 60 + 10 * at
        boxes[at, 0] = x, y, x + 50, y + 50
        pixels[at, y : y + 50, x : x + 50] = (30, 30, 230) if kinds[at, 0] == HELMET else (230, 60, 30)
    return Canvases(pixels, np.full((6, 2), 256, np.float32), kinds, boxes)


def album(canvases: Canvases, seed: int = 0) -> Album:
    return Album(canvases, crops(canvases), AUGMENTATION, size=SIZE, device="cpu", seed=seed)


def everywhere(boxes: torch.Tensor, score: float = 0.5) -> Answer:
    """An answer in which every point frames the given box and thinks the same of both kinds."""
    points = len(grid(SIZE).points)
    logit = torch.logit(torch.tensor(score))
    return Answer(logit.expand(1, points, 2).clone(), boxes.expand(1, points, 4).clone())


def test_one_seed_gives_the_same_batches(canvases: Canvases) -> None:
    first, again, other = (album(canvases, seed).batch(4) for seed in (0, 0, 1))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.boxes, again.boxes)
    assert not torch.equal(first.images, other.images)


def test_a_head_is_where_its_box_says_however_the_photo_was_placed(canvases: Canvases) -> None:
    plain = album(canvases)
    for pixels, kinds, boxes in (plain._single(8), plain._mosaic(4)):
        for image, row, corners in zip(pixels, kinds, boxes, strict=True):
            for kind, (x1, y1, x2, y2) in zip(row.tolist(), corners.tolist(), strict=True):
                if kind in {HELMET, HEAD}:
                    middle = image[:, int((y1 + y2) / 2), int((x1 + x2) / 2)]
                    assert (middle[2] > middle[0]) == (kind == HELMET)


def test_boxes_stay_in_the_image_and_a_head_cut_off_is_ignored_not_background(canvases: Canvases) -> None:
    plain = album(canvases)
    kinds = torch.cat([plain._single(16)[1] for _ in range(8)])
    assert (kinds == IGNORED).any()
    batch = plain.batch(16)
    shown = batch.boxes[batch.kinds >= 0]
    assert shown.min() >= -SIZE
    assert batch.images.min() >= 0
    assert batch.images.max() <= 255


def test_a_pasted_head_takes_the_place_and_brings_its_kind(canvases: Canvases) -> None:
    always = msgspec.structs.replace(AUGMENTATION, paste=1.0, paste_bare=1.0)
    pasting = Album(canvases, crops(canvases), always, size=SIZE, device="cpu", seed=0)
    pixels = torch.full((1, 3, SIZE, SIZE), float(GREY))
    kinds, boxes = torch.tensor([[HELMET, NOTHING]]), torch.tensor([[[40.0, 40, 90, 90], [0, 0, 0, 0]]])
    pasting._paste(pixels, kinds, boxes)
    assert kinds.tolist() == [[HEAD, NOTHING]]
    assert pixels[0, 0, 65, 65] > 150
    assert pixels[0, 0, 5, 5] == GREY


def test_points_answer_for_the_head_that_they_frame_and_for_no_other() -> None:
    head = torch.tensor([[[40.0, 40, 80, 80]]])
    targets = assign(everywhere(head[0, 0]), grid(SIZE), torch.tensor([[HEAD]]), head)
    taken = targets.strength[0] > 0
    assert 0 < int(taken.sum()) <= 9
    assert targets.scores[0, :, HELMET].max() == 0
    assert targets.scores[0, :, HEAD].max() == pytest.approx(1, abs=1e-3)
    points = grid(SIZE).points[taken]
    assert ((points > 40) & (points < 80)).all()


def test_an_ignored_area_is_no_mistake_and_elsewhere_a_false_head_is() -> None:
    area = torch.tensor([[[0.0, 0, 160, 160]]])
    answer = everywhere(torch.tensor([10.0, 10, 20, 20]), score=0.9)
    ignored = loss(answer, grid(SIZE), torch.tensor([[IGNORED]]), area)
    background = loss(answer, grid(SIZE), torch.tensor([[NOTHING]]), area)
    assert ignored == 0
    assert background > 1


def test_who_says_what_the_teacher_says_is_nearer_to_it() -> None:
    box = torch.tensor([40.0, 40, 80, 80])
    teacher = everywhere(box, 0.8)
    assert imitation(everywhere(box, 0.8), teacher) < imitation(everywhere(box, 0.3), teacher)
    assert imitation(everywhere(box, 0.8), teacher) < imitation(everywhere(box + 20, 0.8), teacher)


def test_a_small_network_learns_to_tell_red_from_blue(canvases: Canvases) -> None:
    torch.manual_seed(0)
    detector = Detector(Shape(width=24))
    optimizer = torch.optim.AdamW(detector.parameters(), 2e-3)
    source, points = album(canvases), grid(SIZE)
    losses = []
    for _ in range(60):
        batch = source.batch(4, calm=True)
        value = loss(detector(batch.images, points), points, batch.kinds, batch.boxes)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:10])


def test_the_exported_network_answers_as_the_trained_one_in_both_runtimes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    detector = Detector(Shape(width=24)).train()
    points: Grid = grid(SIZE)
    with torch.no_grad():
        detector(
            torch.rand(4, 3, SIZE, SIZE) * 255, points
        )  # normalisation is no longer that of a new network
    detector.eval()
    file = tmp_path / "small.onnx"
    export.write(detector, SIZE, file)
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, SIZE, SIZE)).astype(np.float32)
    assert input_size(file) == SIZE
    assert disagreement(file, [image]) < FARTHEST
    with torch.no_grad():
        answer = detector(torch.from_numpy(image), points)
    ours = torch.cat((answer.boxes, answer.logits.sigmoid()), -1).numpy()
    theirs = session(file).run(None, {"image": image})[0]
    assert np.abs(ours - theirs).max() < FARTHEST


@pytest.fixture
def folder(tmp_path: Path, canvases: Canvases) -> Path:
    """The scenes as a collection of two splits for training, choosing and measuring."""
    entries = []
    for at, (pixels, kinds, boxes) in enumerate(
        zip(canvases.pixels, canvases.kinds, canvases.boxes, strict=True)
    ):
        split, origin = ("train", "val", "test")[at // 2], ("hhw", "css_neg")[at % 2]
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / split / f"{at}.jpg"), pixels)
        x1, y1, x2, y2 = boxes[0] / 256
        label = f"{kinds[0]} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n"
        (tmp_path / "labels" / split / f"{at}.txt").write_text(label)
        entries.append({"file": f"images/{split}/{at}.jpg", "source": origin})
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(entries))
    return tmp_path


def test_the_card_of_an_exported_network_is_one_that_a_gateway_reads(folder: Path) -> None:
    torch.manual_seed(0)
    model, lesson = folder / "small.onnx", folder / "lesson.json"
    export.write(Detector(Shape(width=24)).eval(), SIZE, model)
    learned = {"sha256": "0" * 64, "photos": {"hhw": 1}, "heads": {"helmet": 1, "head": 0}}
    lesson.write_bytes(msgspec.json.encode(learned))
    files = ["--start", str(model), "--yardstick", str(model), "--lesson", str(lesson)]
    assert main(["card", str(model), "--photos", str(folder), *files]) == 0
    read = card.load(folder / "small.json")
    assert (read.input.size, read.output.points) == (SIZE, len(grid(SIZE).points))
    assert [measured.count for measured in read.measured] == [2, 2, 1, 1]
    assert read.lesson.attribution == (collection.load_origins()["hhw"].attribution,)


def test_a_model_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder / "none.onnx"), "--photos", str(folder)]) == 2
    assert "none.onnx" in capsys.readouterr().err
