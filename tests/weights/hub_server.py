"""A local server that speaks the calls of the Hugging Face Hub that are needed, and serves files.

The calls are those of `huggingface_hub`: the metadata and the content of a file at a revision
(large files are redirected to their SHA-256, as in Git LFS), and an upload: a new repository,
the check of the card, what is large, the large files, and the commit.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import urllib.parse

from tests.servers import in_a_thread

TOKEN = "hf_a_token_that_may_write"
LARGE = ".safetensors"
FILE = re.compile(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")
CALL = re.compile(r"/api/models/([\w.-]+/[\w.-]+)/(preupload|commit)/([^/]+)")
BATCH = re.compile(r"/([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch")


class HubServer(http.server.ThreadingHTTPServer):
    """Holds repositories: `commits[repository]` are dicts of files, `refs` their names.

    `folders` are plain files by path, for a server without any API.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.large_url = f"http://localhost:{self.server_port}/large"  # as on the Hub, another host
        self.commits, self.refs, self.large, self.folders = {}, {}, {}, {}
        self.private, self.gated, self.requests, self.messages = set(), set(), [], []
        self.status = None  # of every answer, for a server that is broken
        self.damage = {}  # file name -> what is sent instead

    def commit(self, repository, files, message=""):
        """Adds a commit to the main branch; returns its identifier."""
        commits = self.commits.setdefault(repository, {})
        refs = self.refs.setdefault(repository, {})
        files = commits.get(refs.get("main"), {}) | files
        name = hashlib.sha1(repr((repository, len(commits))).encode()).hexdigest()
        commits[name] = files
        refs["main"] = name
        self.messages.append(message)
        return name

    def fetched(self):
        """The names of the files that were sent; a large one has its SHA-256 for a name."""
        paths = [path for method, path in self.requests if method == "GET"]
        return [path.rpartition("/")[2] for path in paths if not path.startswith("/api/")]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.get()

    def do_GET(self):
        self.get()

    def get(self):
        self.server.requests.append((self.command, self.path))
        server, path = self.server, urllib.parse.unquote(self.path)
        if server.status:
            return self.answer(server.status)
        if path in server.folders:
            return self.answer(200, server.folders[path])
        if path.startswith("/large/"):
            return self.answer(200, server.large[path.rpartition("/")[2]])
        if found := FILE.fullmatch(path):
            return self.file(*found.groups())
        repository = path.removeprefix("/api/models/")
        if repository not in server.commits or not self.may_read(repository):
            return self.answer(404, **{"X-Error-Code": "RepoNotFound"})
        self.answer_json({"id": repository, "sha": server.refs[repository]["main"]})

    def file(self, repository, revision, name):
        server = self.server
        if repository in server.gated:
            return self.answer(403, **{"X-Error-Code": "GatedRepo"})
        if repository not in server.commits or not self.may_read(repository):
            return self.answer(401, **{"X-Error-Code": "RepoNotFound"})
        commit = server.refs[repository].get(revision, revision)
        if commit not in server.commits[repository]:
            return self.answer(404, **{"X-Error-Code": "RevisionNotFound"})
        files = server.commits[repository][commit]
        if name not in files:
            return self.answer(404, **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        data, headers = files[name], {"X-Repo-Commit": commit}
        if not name.endswith(LARGE):
            digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            return self.answer(200, data, ETag=f'"{digest}"', **headers)
        digest = hashlib.sha256(data).hexdigest()
        server.large[digest] = server.damage.get(name, data)
        headers |= {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(data))}
        self.answer(302, Location=f"{server.large_url}/{digest}", **headers)

    def do_PUT(self):
        data = self.body()
        digest = self.path.rpartition("/")[2]
        assert hashlib.sha256(data).hexdigest() == digest
        self.server.large[digest] = data
        self.answer(200)

    def do_POST(self):
        server, body = self.server, self.body()
        server.requests.append(("POST", self.path))
        if server.status:
            return self.answer(server.status)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, b"Invalid username or password.")
        if self.path == "/api/repos/create":
            fields = json.loads(body)
            repository = f"{fields['organization']}/{fields['name']}"
            if repository in server.commits:
                return self.answer_json({"url": f"{server.url}/{repository}"}, 409)
            server.commits[repository], server.refs[repository] = {}, {}
            if fields.get("visibility") == "private":
                server.private.add(repository)
            return self.answer_json({"url": f"{server.url}/{repository}"})
        if self.path == "/api/validate-yaml":
            return self.answer_json({"errors": [], "warnings": []})
        if BATCH.fullmatch(self.path):
            objects = json.loads(body)["objects"]
            for each in objects:
                each["actions"] = {"upload": {"href": f"{server.large_url}/{each['oid']}"}}
            return self.answer_json({"transfer": "basic", "objects": objects})
        repository, call, revision = CALL.fullmatch(self.path).groups()
        assert revision == "main"
        if call == "preupload":
            names = [each["path"] for each in json.loads(body)["files"]]
            modes = ["lfs" if name.endswith(LARGE) else "regular" for name in names]
            return self.answer_json(
                {
                    "files": [
                        {"path": name, "uploadMode": mode, "shouldIgnore": False}
                        for name, mode in zip(names, modes, strict=True)
                    ]
                }
            )
        header, *lines = map(json.loads, body.splitlines())
        files = {}
        for line in lines:
            value = line["value"]
            is_large = line["key"] == "lfsFile"
            files[value["path"]] = (
                server.large[value["oid"]] if is_large else base64.b64decode(value["content"])
            )
        commit = server.commit(repository, files, header["value"]["summary"])
        self.answer_json(
            {"commitUrl": f"{server.url}/{repository}/commit/{commit}", "commitOid": commit}
        )

    def may_read(self, repository):
        authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        return authorised or repository not in self.server.private

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer_json(self, fields, status=200):
        self.answer(status, json.dumps(fields).encode(), **{"Content-Type": "application/json"})

    def answer(self, status, data=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving():
    """Yields a server that runs until the block ends."""
    server = HubServer()
    with in_a_thread(server):
        yield server
