"""Downloads from a real server, whose connections are really cut."""

import contextlib
import hashlib
import http.server
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from napari_histossl.errors import WeightsError
from napari_histossl.models.download import download

CONTENT = np.random.default_rng(0).bytes(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at any address.

    `cuts` says after how many bytes each of the next answers is cut, `ranges` whether
    it can go on in the middle, `pause_s` how long it waits after each piece. `asked`
    gathers the Range of each request.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.etag = content, '"1"'
        self.cuts, self.asked, self.ranges, self.pause_s = [], [], True, 0.0
        self.status = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/files/weights.pth"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.status is not None:
            self.send_error(server.status)
            return
        start = self._start(asked)
        if start is not None and start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(start)

    def _start(self, asked):
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if asked is None or not self.server.ranges or not same:
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _send(self, start):
        server, whole = self.server, self.server.content
        body = whole[start or 0 :]
        self.send_response(200 if start is None else 206)
        if start is not None:
            span = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            self.send_header("Content-Range", span)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.etag)
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        with contextlib.suppress(OSError):
            for place in range(0, len(body[:cut]), 100_000):
                self.wfile.write(body[:cut][place : place + 100_000])
                time.sleep(server.pause_s)
            if cut is not None:
                self._cut()

    def _cut(self):
        """Reset the connection, as a cable that is pulled does."""
        linger = struct.pack("ii", 1, 0)
        self.wfile.flush()
        time.sleep(0.05)  # what was sent has arrived; the rest never does
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(content):
    """Serve a file in a thread."""
    with Server(content) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(CONTENT) as running:
        yield running


def _left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_download_with_its_progress(server, tmp_path):
    seen = list(download(server.url, tmp_path / "a.pth", sha256=DIGEST[:8]))
    assert (tmp_path / "a.pth").read_bytes() == CONTENT
    assert _left(tmp_path) == ["a.pth"]
    assert (seen[-1].done, seen[-1].total) == (3, 3)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].message == "3.0 of 3.0 MB"


def test_cuts_are_taken_up_where_they_were(server, tmp_path):
    server.cuts = [1_000_000, 500_000, 700_000]
    list(download(server.url, tmp_path / "a.pth", sha256=DIGEST))
    assert (tmp_path / "a.pth").read_bytes() == CONTENT
    assert server.asked[0] is None
    places = [int(asked[len("bytes=") : -1]) for asked in server.asked[1:]]
    assert len(places) == 3
    assert places == sorted(places)
    assert places[-1] > 0


def test_a_cut_that_gets_nowhere_is_told_and_taken_up_later(server, tmp_path):
    server.cuts = [1_200_000, 0, 0]
    with pytest.raises(WeightsError, match="give the same command again") as caught:
        list(download(server.url, tmp_path / "a.pth", sha256=DIGEST))
    assert server.url in str(caught.value)
    assert _left(tmp_path) == ["a.pth.partial", "a.pth.partial.etag"]
    have = (tmp_path / "a.pth.partial").stat().st_size
    assert 0 < have <= 1_200_000
    server.cuts = []
    list(download(server.url, tmp_path / "a.pth", sha256=DIGEST))
    assert server.asked[-1] == f"bytes={have}-"
    assert (tmp_path / "a.pth").read_bytes() == CONTENT


def test_stopping_and_going_on(server, tmp_path):
    work = download(server.url, tmp_path / "a.pth")
    next(work)
    work.close()
    have = (tmp_path / "a.pth.partial").stat().st_size
    assert 0 < have < len(CONTENT)
    list(download(server.url, tmp_path / "a.pth"))
    assert server.asked == [None, f"bytes={have}-"]
    assert (tmp_path / "a.pth").read_bytes() == CONTENT


def test_a_killed_process_loses_nothing_that_arrived(server, tmp_path):
    server.pause_s = 0.05
    code = (
        "from napari_histossl.models.download import download; "
        f"list(download({server.url!r}, {str(tmp_path / 'a.pth')!r}))"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    partial, deadline = tmp_path / "a.pth.partial", time.monotonic() + 120
    while not partial.exists() or partial.stat().st_size < 500_000:
        assert time.monotonic() < deadline, "the download did not start"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    child.wait()
    have = partial.stat().st_size
    server.pause_s = 0
    list(download(server.url, tmp_path / "a.pth", sha256=DIGEST))
    assert server.asked[-1] == f"bytes={have}-"
    assert (tmp_path / "a.pth").read_bytes() == CONTENT


def test_all_of_it_was_there_already(server, tmp_path):
    (tmp_path / "a.pth.partial").write_bytes(CONTENT)
    list(download(server.url, tmp_path / "a.pth", sha256=DIGEST))
    assert (tmp_path / "a.pth").read_bytes() == CONTENT
    (tmp_path / "b.pth.partial").write_bytes(CONTENT + b"more than there is")
    list(download(server.url, tmp_path / "b.pth", sha256=DIGEST))
    assert (tmp_path / "b.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["no ranges", "another version"])
def test_starting_anew_where_one_cannot_go_on(server, tmp_path, how):
    work = download(server.url, tmp_path / "a.pth")
    next(work)
    work.close()
    server.ranges = how != "no ranges"
    if how == "another version":
        server.etag, server.content = '"2"', CONTENT[::-1]
    list(download(server.url, tmp_path / "a.pth"))
    assert (tmp_path / "a.pth").read_bytes() == server.content


def test_another_file_than_expected_is_not_kept(server, tmp_path):
    with pytest.raises(WeightsError, match="is not the file that is expected"):
        list(download(server.url, tmp_path / "a.pth", sha256="0" * 64))
    assert _left(tmp_path) == []


def test_what_cannot_be_fetched(server, tmp_path):
    server.status = 404
    with pytest.raises(WeightsError, match="the server answers 404 Not Found"):
        list(download(server.url, tmp_path / "a.pth"))
    with pytest.raises(WeightsError, match="https:// and http:// alone"):
        list(download("file:///etc/passwd", tmp_path / "a.pth"))
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with pytest.raises(WeightsError, match="cannot be fetched at 0 bytes"):
        list(download(f"http://127.0.0.1:{port}/a", tmp_path / "a.pth"))


def test_a_disk_that_is_full(server, tmp_path):
    full = "/dev/full"
    if not (tmp_path.root == "/" and sys.platform == "linux"):
        pytest.skip("needs a device that is always full: Linux")
    (tmp_path / "a.pth.partial").symlink_to(full)
    with pytest.raises(WeightsError, match=r"cannot be written.*No space left"):
        list(download(server.url, tmp_path / "a.pth"))
