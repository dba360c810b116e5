"""The web pages: from the wheel or from a checkout, or a page that says how to build them."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.convertors import Convertor, register_url_convertor

from cloud.accounts.permissions import Public
from cloud.problems import not_found

_HERE = Path(__file__).resolve().parent
FOLDERS = (_HERE / "web", _HERE.parent / "dashboards" / "web" / "dist")
"""In an installed wheel; in a checkout."""

_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>SiteWarden 工地卫士</title>
<h1>工地卫士</h1><p>网页尚未构建。请在源码目录中运行 <code>make pages</code>，然后刷新本页。
接口已在 <code>/api/v1</code> 提供服务。</p>
<h1 lang="en">SiteWarden</h1><p lang="en">The web pages are not built. Run <code>make pages</code> in the
checkout and reload this page. The interface is being served under <code>/api/v1</code>.</p></html>
"""


class PagePath(Convertor[str]):
    """Any path but the interface's: an address there that does not exist is no page."""

    regex = r"(?!api(?:/|$)).*"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("page", PagePath())


def find_pages() -> Path | None:
    """The folder with the built pages."""
    return next((folder for folder in FOLDERS if (folder / "index.html").is_file()), None)


def make_router(folder: Path | None = None) -> APIRouter:
    """Whatever is not the interface: a file of the pages, or the page itself, which knows its own paths."""
    router = APIRouter(dependencies=[Public], include_in_schema=False)

    @router.api_route("/{path:page}", methods=["GET", "HEAD"])
    async def page(path: str) -> Response:
        root = folder or find_pages()
        if root is None:
            return HTMLResponse(_NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        file = _file_of(root, path)
        if file is not None:
            return FileResponse(file, headers={"Cache-Control": _caching(root, file)})
        if "." in path.rsplit("/", 1)[-1]:
            # A file that is gone must not be answered with the page: the browser would take it for a script.
            raise not_found("file")
        return FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

    return router


def _file_of(root: Path, path: str) -> Path | None:
    """A file below the folder, never one outside of it."""
    if not path or "\x00" in path:
        return None
    file = (root / path).resolve()
    return file if file.is_relative_to(root.resolve()) and file.is_file() else None


def _caching(root: Path, file: Path) -> str:
    """The build puts a hash of the content into the names under assets/; everything else may change."""
    hashed = file.is_relative_to(root.resolve() / "assets")
    return "public, max-age=31536000, immutable" if hashed else "no-cache"
