"""What may travel as a configuration: nothing that leaves its folder, nothing that grows without end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitewarden import bundle


def test_texts_beside_the_main_one_may_lie_in_folders():
    bundle.check(
        {"gateway.yaml": "buses: []", "charts/crane-1.yaml": "", "profiles/own/a.yml": "", "h.csv": ""}
    )


@pytest.mark.parametrize(
    "name",
    [
        "../x.yaml",
        "a/../../x.yaml",
        "/etc/x.yaml",
        "a//x.yaml",
        ".hidden.yaml",
        "a\\x.yaml",
        "x.sh",
        "x.yaml/",
        "x.yaml\n",
        "a/b/c/d/x.yaml",
        "",
        "y" * 200 + ".yaml",
        "gateway.yaml/x.yaml",
    ],
)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(bundle.BundleError):
        bundle.check({"gateway.yaml": "", name: ""})


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"other.yaml": ""},
        {"gateway.yaml": "x" * (bundle.MOST_BYTES + 1)},
        {"gateway.yaml": "", **{f"{i}.yaml": "" for i in range(bundle.MOST_FILES)}},
        {"gateway.yaml": "a\x00"},
        {"gateway.yaml": "\ud800"},
    ],
    ids=["empty", "no main file", "large", "many", "nul", "half a character"],
)
def test_texts_that_are_no_bundle_are_refused(files):
    with pytest.raises(bundle.BundleError):
        bundle.check(files)


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_the_hash_knows_texts_and_not_their_order(files):
    turned = dict(reversed(list(files.items())))
    assert bundle.digest(files) == bundle.digest(turned)
    assert bundle.digest(files) != bundle.digest({**files, "one more": ""})
