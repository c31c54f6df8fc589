"""A hub on loopback that speaks as much of the Hugging Face Hub's API as pushing and loading a dataset need."""

import base64
import http.server
import json
import threading
from typing import Any

COMMIT = "0a" * 20


class Hub:
    """Keeps the files of dataset repositories by repository and path, while the context is open.

    A repository has one commit, `COMMIT`: what was asked for by another is not there.
    """

    def __init__(self, token: str = "hf_secret") -> None:
        self.token = token
        self.files: dict[str, dict[str, bytes]] = {}
        self.created: list[dict[str, Any]] = []
        self.messages: list[str] = []

    def __enter__(self) -> "Hub":
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """Return a status, and what the body holds: bytes as they are, anything else as JSON."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts == ["api", "repos", "create"]:
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.created.append({**asked, "id": name})
            there = name in self.files
            self.files.setdefault(name, {})
            return (409 if there else 200), {"url": f"{self.url}/datasets/{name}", "id": name}
        if parts == ["api", "validate-yaml"]:
            return 200, {"errors": [], "warnings": []}
        if parts[:2] == ["api", "datasets"]:
            return self._dataset("/".join(parts[2:4]), parts[4:], body)
        if parts[0] == "datasets" and parts[3:5] == ["resolve", COMMIT]:
            held = self.files.get("/".join(parts[1:3]), {})
            return (200, held[parts[5]]) if parts[5] in held else (404, {"error": "no such file"})
        return 404, {"error": "no such address"}

    def _dataset(self, name: str, rest: list[str], body: bytes) -> tuple[int, Any]:
        held = self.files.get(name)
        if held is None or (rest[:1] == ["revision"] and rest[1] != COMMIT):
            return 404, {"error": "no such repository, or no such commit"}
        if rest[:1] == ["preupload"]:
            asked = json.loads(body)["files"]
            return 200, {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
        if rest[:1] == ["tree"]:
            if len(rest) > 2:
                return 404, {"error": "no such folder"}
            return 200, [{"type": "file", "path": path, "size": len(data), "oid": "0"} for path, data in held.items()]
        if rest[:1] == ["commit"]:
            self._commit(held, [json.loads(line) for line in body.splitlines()])
            return 200, {"commitUrl": f"{self.url}/datasets/{name}/commit/1", "commitOid": "1" * 40, "success": True}
        about = {"id": name, "sha": COMMIT, "private": True, "siblings": [{"rfilename": path} for path in held]}
        return 200, about

    def _commit(self, held: dict[str, bytes], lines: list[dict[str, Any]]) -> None:
        for line in lines:
            key, value = line["key"], line["value"]
            if key == "header":
                self.messages.append(value["summary"])
            elif key == "file":
                held[value["path"]] = base64.b64decode(value["content"])
            elif key == "deletedFile":
                del held[value["path"]]
            else:
                raise AssertionError(line)


def _handler(hub: Hub) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != f"Bearer {hub.token}":
                status, content = 401, {"error": "no valid token"}
            else:
                status, content = hub.answer(self.path, body)
            written = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.send_header("ETag", '"1"')
            self.send_header("X-Repo-Commit", COMMIT)
            if status == 404:
                self.send_header("X-Error-Code", "RevisionNotFound" if "/revision/" in self.path else "EntryNotFound")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(written)

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            return

    return Handler
