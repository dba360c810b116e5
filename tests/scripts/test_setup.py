"""The set-up does each step once, again when its sources changed, and says what is wrong otherwise."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

NPM = """#!/bin/sh
echo "$1" >> "{calls}"
[ "$1" = ci ] && mkdir -p node_modules
[ "$1" = run ] && grep -q broken src/main.ts && {{ echo "main.ts does not compile"; exit 1; }}
[ "$1" = run ] && mkdir -p dist && touch dist/index.html
exit 0
"""


class Checkout:
    """A small checkout with stand-ins for Node.js and npm on PATH and an environment that works."""

    def __init__(self, root: Path, node_version: str = "v22.20.0") -> None:
        self.root = root
        self.web = root / "dashboards" / "web"
        self.calls = root / "calls"
        self.tools = root / "tools"
        shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (self.web / "src").mkdir(parents=True)
        (self.web / "src" / "main.ts").write_text("export {}")
        (self.web / "package.json").write_text("{}")
        (self.web / "package-lock.json").write_text("{}")
        self._program(root / ".venv" / "bin" / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self._program(self.tools / "node", f"#!/bin/sh\necho {node_version}\n")
        self._program(self.tools / "npm", NPM.format(calls=self.calls))

    def make_pages(self) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.tools), os.environ["PATH"]])
        return subprocess.run(
            [sys.executable, "-P", self.root / "scripts" / "setup.py", "pages"],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def npm_calls(self) -> list[str]:
        return self.calls.read_text().split() if self.calls.exists() else []

    @staticmethod
    def _program(path: Path, content: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_pages_are_built_once_and_not_again(checkout: Checkout) -> None:
    first, second = checkout.make_pages(), checkout.make_pages()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert checkout.npm_calls() == ["ci", "run"]
    assert "web pages" in first.stdout
    assert second.stdout == ""


def test_a_changed_source_is_built_again_without_installing_again(checkout: Checkout) -> None:
    checkout.make_pages()
    (checkout.web / "src" / "main.ts").write_text("export const changed = true")
    checkout.make_pages()
    assert checkout.npm_calls() == ["ci", "run", "run"]


def test_changed_packages_are_installed_again(checkout: Checkout) -> None:
    checkout.make_pages()
    (checkout.web / "package-lock.json").write_text('{"changed": true}')
    checkout.make_pages()
    assert checkout.npm_calls() == ["ci", "run", "ci", "run"]


def test_pages_that_were_deleted_are_built_again(checkout: Checkout) -> None:
    checkout.make_pages()
    shutil.rmtree(checkout.web / "dist")
    checkout.make_pages()
    assert checkout.npm_calls() == ["ci", "run", "run"]


def test_a_build_that_fails_shows_what_it_said_and_is_tried_again(checkout: Checkout) -> None:
    (checkout.web / "src" / "main.ts").write_text("broken")
    failed = checkout.make_pages()
    assert failed.returncode == 1
    assert "main.ts does not compile" in failed.stderr
    (checkout.web / "src" / "main.ts").write_text("mended")
    assert checkout.make_pages().returncode == 0


@pytest.mark.parametrize(
    ("version", "new_enough"),
    [
        ("v18.20.4", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("unknown", False),
    ],
)
def test_nodejs_is_taken_only_where_the_build_tool_can_run_on_it(
    tmp_path: Path, version: str, *, new_enough: bool
) -> None:
    checkout = Checkout(tmp_path, node_version=version)
    # An environment that already holds a Node.js of its own: no download in a test.
    own = tmp_path / ".venv" / "bin"
    shutil.copy(checkout.tools / "npm", own / "npm")
    (own / "node").write_text("#!/bin/sh\necho v22.20.0\n")
    (own / "node").chmod(0o755)
    (own / "npm").write_text((own / "npm").read_text().replace('echo "$1"', 'echo "own-$1"'))
    assert checkout.make_pages().returncode == 0
    assert checkout.npm_calls() == (["ci", "run"] if new_enough else ["own-ci", "own-run"])


def test_a_wrong_purpose_is_refused_with_the_ones_that_exist() -> None:
    asked = subprocess.run(
        [sys.executable, SCRIPTS / "setup.py", "everything"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "demo | test | check | pages" in asked.stderr
