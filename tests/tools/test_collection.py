from pathlib import Path

import msgspec
import pytest

from sitewarden.errors import ConfigurationError
from tools.train_helmet import collection, corrections, recipes
from tools.train_helmet.collection import HEAD, HELMET, Label, Photo
from tools.train_helmet.corrections import Correction

CORNERS = (0.4, 0.4, 0.6, 0.6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = [
        {"file": "images/train/b.jpg", "source": "andrewmvd", "group": 1},
        {"file": "images/train/a.jpg", "source": "eia", "origin": "web5", "ignore": [[0, 0, 0.1, 0.1]]},
        {"file": "images/val/c.jpg", "source": "andrewmvd"},
        {"file": "images/train/kept_back.jpg", "source": "andrewmvd"},
    ]
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(entries))
    for split, name in (("train", "a"), ("train", "b"), ("val", "c")):
        for kind, text in (("images", "a picture"), ("labels", "0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.1 0.1\n")):
            file = tmp_path / kind / split / f"{name}.{'jpg' if kind == 'images' else 'txt'}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return tmp_path


def test_the_photos_of_a_split_are_those_whose_pictures_are_there(folder: Path) -> None:
    photos = collection.load([folder], "train")
    assert [photo.name for photo in photos] == ["a", "b"]
    assert photos[0].ignore == ((0, 0, 0.1, 0.1),)
    assert photos[1].labels[0].kind == HELMET
    assert photos[1].labels[0].corners == pytest.approx(CORNERS)


def test_a_shipped_model_learns_only_from_photos_whose_licence_allows_it(folder: Path) -> None:
    photos = collection.load([folder], "train")
    assert [photo.name for photo in collection.licensed(photos, ["CC0-1.0", "CC-BY-4.0"])] == ["b"]


def test_a_collection_without_a_photo_that_may_be_used_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no photo of the split val under the licences CC-BY-4\.0"):
        collection.load_licensed([folder], "val", ["CC-BY-4.0"])


def test_the_fingerprint_changes_with_a_label_and_not_with_the_order(folder: Path) -> None:
    photos = collection.load([folder], "train")
    assert collection.fingerprint(photos) == collection.fingerprint(reversed(photos))
    (folder / "labels/train/a.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    assert collection.fingerprint(photos) != collection.fingerprint(collection.load([folder], "train"))


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2", "2 0.5 0.5 0.2 0.2", "0 0.5 x 0.2 0.2", "0 0.5 0.5 0 0.2"])
def test_a_broken_label_is_named_with_its_line(folder: Path, line: str) -> None:
    file = folder / "labels/train/a.txt"
    file.write_text(f"0 0.5 0.5 0.2 0.2\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        collection.load([folder], "train")
    assert str(file) in str(caught.value)
    assert caught.value.line == 2


def test_a_photo_of_unknown_origin_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text('[{"file": "images/train/a.jpg", "source": "somewhere"}]')
    with pytest.raises(ConfigurationError, match=r"origins\.yaml"):
        collection.load([folder], "train")


def test_a_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"manifest\.json"):
        collection.load([tmp_path], "train")


def photo(*labels: Label) -> Photo:
    return Photo(folder=Path(), file="images/test/a.jpg", split="test", origin="andrewmvd", labels=labels)


def test_corrections_add_change_and_remove_heads() -> None:
    fixes = [
        Correction(photo="a", box=CORNERS, was="helmet", now="head"),
        Correction(photo="a", box=(0, 0, 0.1, 0.1), now="helmet"),
        Correction(photo="a", box=(0.8, 0.8, 0.9, 0.9), was="head"),
        Correction(photo="another", box=CORNERS, was="head"),
    ]
    collected = photo(Label(HELMET, CORNERS), Label(HEAD, (0.8, 0.8, 0.9, 0.9)))
    assert corrections.corrected([collected], fixes)[0].labels == (
        Label(HEAD, CORNERS),
        Label(HELMET, (0, 0, 0.1, 0.1)),
    )


def test_a_correction_of_a_label_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no helmet"):
        corrections.corrected([photo()], [Correction(photo="a", box=CORNERS, was="helmet")])


def test_a_correction_of_an_unknown_kind_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "corrections.yaml"
    file.write_text("corrections:\n- {photo: a, box: [0, 0, 0.1, 0.1], now: hat}\n")
    with pytest.raises(ConfigurationError, match="helmet, head") as caught:
        corrections.load(file)
    assert caught.value.line == 2


def test_our_own_corrections_can_be_read() -> None:
    file = Path(collection.__file__).with_name("corrections.yaml")
    assert all(fix.was != fix.now for fix in corrections.load(file))


def test_recipes_learn_from_declared_licences_and_the_shipped_one_from_free_ones_only() -> None:
    known, plans = recipes.load()
    declared = {origin.licence for origin in collection.load_origins().values()}
    assert all(set(recipe.licences) <= declared for recipe in known.values())
    assert "internal" not in known["shipped"].licences
    assert all(plan.size % 32 == 0 for plan in plans.values())


def test_whatever_may_be_shipped_has_a_line_that_names_it() -> None:
    free = [origin for origin in collection.load_origins().values() if origin.licence != "internal"]
    assert free
    assert all(origin.attribution for origin in free)
