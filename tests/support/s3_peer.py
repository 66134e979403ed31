"""A small S3 on loopback that holds one bucket and checks every request's signature (AWS Signature Version 4).

Source of the rules: Amazon S3 API reference, "Signature Calculations for the Authorization Header", GetObject,
PutObject, HeadObject, DeleteObject and ListObjectsV2. Anything else is answered 501, so that a test finds it.
"""

import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

REGION = "eu-west-1"


@dataclass(slots=True)
class Held:
    """One object."""

    data: bytes
    modified: datetime


@dataclass
class S3Peer:
    """The bucket and how the peer behaves. ``refused`` lists the requests that were not acceptable, with why."""

    bucket: str = "evidence"
    key: str = "AKPEERKEY"
    secret: str = "peer secret that signs"
    objects: dict[str, Held] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    failing: int = 0
    silent: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Listen on a free port of loopback."""
        handler = type("Handler", (_Handler,), {"s3": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop listening; requests that were left hanging end."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def endpoint(self) -> str:
        """The address for ``recorder.evidence.endpoint``."""
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    s3: S3Peer
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.s3.asked.append(f"{self.command} {self.path}")
        if self.s3.silent:
            self.s3.released.wait(60)
            self.close_connection = True
            return
        if self.s3.failing > 0:
            self.s3.failing -= 1
            self._answer(503, _error("SlowDown", "Reduce your request rate."))
            return
        problem = self._unsigned(body)
        if problem is not None:
            self.s3.refused.append(f"{self.command} {self.path}: {problem}")
            self._answer(403, _error("SignatureDoesNotMatch", problem))
            return
        parts = urlsplit(self.path)
        bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
        if bucket != self.s3.bucket:
            self._answer(404, _error("NoSuchBucket", bucket))
        elif self.command == "GET" and not name:
            self._list(dict(parse_qsl(parts.query, keep_blank_values=True)))
        else:
            self._object(name, body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _serve  # noqa: N815 - http.server's names

    def _object(self, name: str, body: bytes) -> None:
        held = self.s3.objects.get(name)
        if self.command == "PUT":
            self.s3.objects[name] = Held(body, datetime.now(UTC))
            self._answer(200, b"", {"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'})
        elif self.command == "DELETE":
            self.s3.objects.pop(name, None)
            self._answer(204, b"")
        elif self.command not in {"GET", "HEAD"}:
            self._answer(501, _error("NotImplemented", self.command))
        elif held is None:
            self._answer(404, _error("NoSuchKey", name))
        else:
            etag = f'"{hashlib.md5(held.data, usedforsecurity=False).hexdigest()}"'
            self._answer(200, held.data, {"ETag": etag, "Last-Modified": format_datetime(held.modified, usegmt=True)})

    def _list(self, query: dict[str, str]) -> None:
        if query.get("list-type") != "2":
            self._answer(501, _error("NotImplemented", "only ListObjectsV2"))
            return
        found = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{held.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;x&quot;</ETag><Size>{len(held.data)}</Size></Contents>"
            for name, held in sorted(self.s3.objects.items())
            if name.startswith(query.get("prefix", ""))
        )
        self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _unsigned(self, body: bytes) -> str | None:
        """Why the request's signature is not right; None when it is."""
        given = self.headers.get("authorization", "")
        scheme, _, rest = given.partition(" ")
        fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        if scheme != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= set(fields):
            return "the Authorization header is not of AWS4-HMAC-SHA256"
        key, day, region, service, end = fields["Credential"].split("/")
        if (key, region, service, end) != (self.s3.key, REGION, "s3", "aws4_request"):
            return f"the credential is {fields['Credential']}"
        signed, moment = fields["SignedHeaders"].split(";"), self.headers.get("x-amz-date", "")
        if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(signed) or not moment.startswith(day):
            return "host, x-amz-date and x-amz-content-sha256 must be signed, and be of the credential's day"
        content = self.headers.get("x-amz-content-sha256", "")
        if content not in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}:
            return "the body is not what x-amz-content-sha256 says"
        parts = urlsplit(self.path)
        query = "&".join(
            sorted(
                f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
                for name, value in parse_qsl(parts.query, keep_blank_values=True)
            )
        )
        headers = "".join(f"{name}:{' '.join((self.headers.get(name) or '').split())}\n" for name in signed)
        canonical = "\n".join((self.command, parts.path, query, headers, fields["SignedHeaders"], content))
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signing = f"AWS4{self.s3.secret}".encode()
        for part in (day, region, "s3", "aws4_request"):
            signing = hmac.digest(signing, part.encode(), "sha256")
        made = hmac.digest(signing, text.encode(), "sha256").hex()
        return None if hmac.compare_digest(made, fields["Signature"]) else "the signature does not match"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def _error(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>".encode()
