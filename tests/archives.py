"""Archives built like Caltech-101's, whole, damaged and hostile, and a server on the loopback that gives them."""

import hashlib
import io
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from helpers.data.caltech101 import fetch_caltech101, photographs

TAR = "caltech-101/101_ObjectCategories.tar.gz"
ALL = photographs()
FEW = ALL[::20]  # twelve of three classes: most tests are spared thousands of files
STATUS = {"/missing.zip": 404, "/forbidden.zip": 403, "/broken.zip": 500, "/round.zip": 302, "/local.zip": 302}
LENGTH = {"/early.zip": 2, "/less.zip": 0.5}  # as announced, of the real one


def jpeg(shade):
    file = io.BytesIO()
    Image.new("L", (8, 8), shade).save(file, "JPEG")
    return file.getvalue()


def tiny_pictures(photographs=FEW):
    """Return the bytes of a tiny picture for each photograph by name, each of its own shade of gray."""
    return {photograph.name: jpeg(shade) for shade, photograph in enumerate(photographs)}


def member(name, content=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def packed(pictures, extra=(), tail=()):
    """Return an archive built like the official one: a zip with a tar.gz with the pictures and other classes."""
    members = [*extra, member("101_ObjectCategories/accordion/image_0001.jpg", b"another class")]
    members += [member(f"101_ObjectCategories/{name}", content) for name, content in pictures.items()]
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz", compresslevel=1) as tar:
        for info, content in [*members, *tail]:
            tar.addfile(info, io.BytesIO(content))
    return zipped(inner.getvalue())


def zipped(tar, name=TAR):
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("caltech-101/Annotations.tar", b"other things")
        archive.writestr(name, tar)
    return outer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Serve the server's `.content`, or a fault by the name of the path."""

    def do_GET(self):
        content, status = self.server.content, STATUS.get(self.path, 200)
        self.server.requests.append(self.path)
        if self.path == "/babble.zip":
            self.wfile.write(b"\0\1\2 no HTTP\r\n\r\n")
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path if self.path == "/round.zip" else "file:///etc/hostname")
        length = int(LENGTH.get(self.path, 1) * len(content)) if status == 200 else 0
        if self.path != "/endless.zip":
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.path == "/stalls.zip":
            self.wfile.write(content[:100])
            self.wfile.flush()
            self.server.released.wait(20)
        elif self.path == "/endless.zip":
            self._write_on(content)
        elif status == 200:
            self.wfile.write(content[:length])

    def _write_on(self, content):
        try:
            while not self.server.released.is_set():
                self.wfile.write(content)
        except OSError:  # whoever listened has hung up
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextmanager
def serving():
    """Yield a server on the loopback; set its `.content`; `.url(name)` is an address on it."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.content, served.requests, served.released = b"", [], threading.Event()
    served.url = lambda name="archive.zip": f"http://127.0.0.1:{served.server_port}/{name}"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        served.released.set()
        served.shutdown()
        served.server_close()
        thread.join()


def fetch(server, folder, content, name="archive.zip", **options):
    """Fetch `content` from the server into `folder` under its own hash, unless another is given."""
    server.content = content
    options.setdefault("known_hash", hashlib.sha256(content).hexdigest())
    return fetch_caltech101(folder, url=server.url(name), **options)


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
