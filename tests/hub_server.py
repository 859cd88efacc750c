"""A small Hugging Face hub on loopback: what huggingface_hub's client asks for a model."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """One repository.

    files: its files by path. token: what must be sent, where it is private; gated: or where terms
        have to be accepted for the files.
    cut: paths whose first transfer breaks off in the middle. wrong: paths whose content is another
    than the one listed. asked: (method, path, range) of each request for a file.
    """

    def __init__(self, name, files):
        self.name, self.files = name, files
        self.token = None
        self.gated = False
        self.license = "mit"
        self.cut, self.wrong, self.asked = set(), set(), []
        self.url = ""

    def fetched(self):
        """The files that were asked for, in order."""
        return list(dict.fromkeys(path for method, path, _ in self.asked if method == "GET"))


@contextmanager
def running(hub):
    """The hub, answering at ``hub.url``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self._answer("HEAD")

        def do_GET(self):
            self._answer("GET")

        def _answer(self, method):
            path = self.path.partition("?")[0]
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                if not hub.gated:
                    return self._refuse(401, "RepoNotFound")
                if not path.startswith("/api/"):
                    return self._refuse(403, "GatedRepo")
            if path.startswith(f"/api/models/{hub.name}"):
                rest = path.removeprefix(f"/api/models/{hub.name}")
                if rest not in ("", "/revision/main", f"/revision/{COMMIT}"):
                    return self._refuse(404, "RevisionNotFound")
                return self._send(json.dumps(self._listing()).encode(), method)
            for revision in (COMMIT, "main"):
                start = f"/{hub.name}/resolve/{revision}/"
                if path.startswith(start) and path.removeprefix(start) in hub.files:
                    return self._file(method, path.removeprefix(start))
            return self._refuse(404, "RepoNotFound" if hub.name not in path else "EntryNotFound")

        def _listing(self):
            return {"id": hub.name, "modelId": hub.name, "sha": COMMIT, "private": False,
                    "tags": [], "downloads": 0, "cardData": {"license": hub.license},
                    "siblings": [{"rfilename": name, "size": len(content), "blobId": "0",
                                  **self._lfs(name, content)}
                                 for name, content in hub.files.items()]}

        def _lfs(self, name, content):
            if not name.endswith((".onnx", "_data")):
                return {}
            return {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content),
                            "pointerSize": 130}}

        def _file(self, method, name):
            content = hub.files[name]
            etag = hashlib.sha256(content).hexdigest()
            hub.asked.append((method, name, self.headers.get("Range")))
            if name in hub.wrong:
                content = bytes(len(content))
            first = 0
            if wanted := self.headers.get("Range"):
                first = int(wanted.removeprefix("bytes=").split("-")[0])
            rest = content[first:]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            if wanted:
                self.send_header("Content-Range",
                                 f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if method == "GET":
                if name in hub.cut and not wanted:
                    hub.cut.discard(name)
                    self.wfile.write(rest[:len(rest) // 2])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(rest)

        def _send(self, content, method):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if method == "GET":
                self.wfile.write(content)

        def _refuse(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler
