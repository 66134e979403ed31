"""``/static/...``: the style sheet and the script of the pages, read once at start and answered from memory."""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from bot.web.answers import refusal

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Assets:
    """The files of the folder ``static``. A name that is none of them is not looked for on disk."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        """Read them."""
        files = [path for path in sorted(folder.iterdir()) if path.suffix in _TYPES]
        self._files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in files}
        self._tags = {name: f'"{hashlib.sha256(data).hexdigest()[:16]}"' for name, (data, _) in self._files.items()}

    async def get(self, request: Request) -> Response:
        """``GET /static/{name}``, with a tag so that browsers ask and are told that nothing changed."""
        name = request.path_params["name"]
        held = self._files.get(name)
        if held is None:
            return refusal(404, "There is no such file.")
        headers = {"etag": self._tags[name], "cache-control": "no-cache", "x-content-type-options": "nosniff"}
        if self._tags[name] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(held[0], 200, headers, held[1])
