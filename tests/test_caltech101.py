"""Caltech-101's photographs: found, missed, fetched from a server on the loopback, and never outside their folder."""

import hashlib
import io
import os
import socket
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from helpers import caltech101
from helpers.caltech101 import fetch_caltech101, photographs

TAR = "caltech-101/101_ObjectCategories.tar.gz"
ALL = photographs()
FEW = ALL[::20]  # twelve of three classes: most tests are spared thousands of files


def jpeg(shade):
    file = io.BytesIO()
    Image.new("L", (8, 8), shade).save(file, "JPEG")
    return file.getvalue()


def tiny_pictures(photographs):
    """Return the bytes of a tiny picture for each photograph by name, each of its own shade of gray."""
    return {photograph.name: jpeg(shade) for shade, photograph in enumerate(photographs)}


@pytest.fixture(scope="module")
def pictures():
    return tiny_pictures(FEW)


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
            if info.size > len(content):
                tar.fileobj.write(info.tobuf())  # a size that is only claimed
            else:
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
        content = self.server.content
        status = {"/missing.zip": 404, "/forbidden.zip": 403, "/broken.zip": 500, "/round.zip": 302}.get(self.path, 200)
        self.server.requests.append(self.path)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path)
        length = {"/early.zip": 2, "/less.zip": 0.5}.get(self.path, 1) * len(content)
        self.send_header("Content-Length", str(int(length) if status == 200 else 0))
        self.end_headers()
        if self.path == "/stalls.zip":
            self.wfile.write(content[:100])
            self.wfile.flush()
            self.server.released.wait(20)
        elif status == 200:
            self.wfile.write(content[: int(length)])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """Yield a server on the loopback; set its `.content`; `.url(name)` is an address on it."""
    monkeypatch.setenv("NO_PROXY", "*")
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.content, served.requests, served.released = b"", [], threading.Event()
    served.url = lambda name="archive.zip": f"http://127.0.0.1:{served.server_port}/{name}"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.released.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Return a watched folder and one in it for the photographs, a few only and not there yet; no CALTECH101_DIR."""
    monkeypatch.delenv("CALTECH101_DIR", raising=False)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # the disk's own slowness is not tested here
    monkeypatch.setattr(caltech101, "photographs", lambda: FEW)
    monkeypatch.setattr(caltech101, "FOLDER", tmp_path / "repo" / "data" / "caltech101")
    return SimpleNamespace(top=tmp_path, folder=caltech101.FOLDER)


def fetch(server, world, content, name="archive.zip", **options):
    server.content = content
    options.setdefault("known_hash", hashlib.sha256(content).hexdigest())
    return fetch_caltech101(world.folder, url=server.url(name), **options)


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def put(folder, pictures):
    for name, content in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def assert_refused(server, world, error, match, content, name="archive.zip", **options):
    """Fetching is a sentence with the address and the way by hand, and leaves nothing behind."""
    with pytest.raises(error, match=match) as caught:
        fetch(server, world, content, name, **options)
    assert server.url(name) in str(caught.value)
    assert f"by hand: {world.folder}{os.sep}<class>{os.sep}image_NNNN.jpg" in str(caught.value)
    assert not world.folder.exists()
    assert files_below(world.top) == set()


def test_the_committed_split_is_the_source_reports():
    assert len({row.name for row in ALL}) == len(ALL) == 240
    for class_name in ("bonsai", "chandelier", "ketch"):
        rows = [row for row in ALL if row.class_name == class_name]
        assert [sum(row.split == split for row in rows) for split in ("train", "val", "test")] == [50, 10, 20]
        assert sum(row.is_figure for row in rows) == 1


def test_fetching_keeps_the_240_photographs_and_nothing_else(server, world, monkeypatch):
    monkeypatch.setattr(caltech101, "photographs", photographs)
    pictures = tiny_pictures(ALL)
    assert fetch(server, world, packed(pictures)) == world.folder
    assert files_below(world.top) == {f"repo/data/caltech101/{name}" for name in pictures}
    assert len(pictures) == 240
    assert all((world.folder / name).read_bytes() == content for name, content in pictures.items())
    assert caltech101.locate() == world.folder


def test_an_empty_folder_is_filled_and_a_filled_one_is_left_alone(server, world, pictures):
    world.folder.mkdir(parents=True)
    fetch(server, world, packed(pictures))
    with pytest.raises(FileExistsError, match="holds files already: remove it first"):
        fetch(server, world, packed(pictures))
    assert len(server.requests) == 1


def test_members_that_point_outside_are_never_followed(server, world, pictures):
    first, *_ = pictures
    link = f"101_ObjectCategories/{first}"
    hostile = [
        member("../outside.jpg", b"x"),
        member(f"../../{first}", b"x"),
        member(str(world.top / "absolute.jpg"), b"x"),
        member("101_ObjectCategories/../../../outside.jpg", b"x"),
        member(link, kind=tarfile.SYMTYPE, link="../../../../target.jpg"),
        member(link, kind=tarfile.LNKTYPE, link="101_ObjectCategories/accordion/image_0001.jpg"),
        member("101_ObjectCategories/bonsai", kind=tarfile.SYMTYPE, link=str(world.top)),
        member("101_ObjectCategories/ketch/pipe", kind=tarfile.FIFOTYPE),
    ]
    fetch(server, world, packed(pictures, hostile))
    assert files_below(world.top) == {f"repo/data/caltech101/{name}" for name in pictures}
    assert (world.folder / first).read_bytes() == pictures[first]
    assert not any(path.is_symlink() for path in world.folder.rglob("*"))


def test_a_link_in_the_place_of_a_photograph_is_a_missing_photograph(server, world, pictures):
    name, *_ = pictures
    (world.top / "secret.txt").write_text("secret")
    rest = {other: content for other, content in pictures.items() if other != name}
    links = [member(f"101_ObjectCategories/{name}", kind=tarfile.SYMTYPE, link=str(world.top / "secret.txt"))]
    with pytest.raises(ValueError, match=f"1 of the photographs are not in it, the first being 101_.*/{name}"):
        fetch(server, world, packed(rest, links))
    assert files_below(world.top) == {"secret.txt"}


def test_bombs_are_refused(server, world, pictures):
    first, *_ = pictures
    fat = packed(pictures | {first: bytes(11 * 2**20)})
    assert_refused(server, world, ValueError, "11,534,336 bytes, which is no photograph", fat)
    vast = tarfile.TarInfo("101_ObjectCategories/accordion/vast.jpg")
    vast.size = 2**40
    assert_refused(
        server, world, ValueError, "unpacks to more than 1,073,741,824 bytes", packed(pictures, [(vast, b"")])
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_not_the_archive_is_refused(server, world, pictures):
    good = packed(pictures)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        tar = archive.read(TAR)
    half = len(tar) // 2
    cases = {
        "a page": (b"<html>Please log in</html>", "did not give the official archive"),
        "nothing": (b"", "did not give the official archive"),
        "a cut zip": (good[:half], "is not a zip file"),
        "a zip without the tar": (zipped(tar, "other.tar.gz"), "or is damaged"),
        "no tar in it": (zipped(b"not a tar"), "or is damaged"),
        "a cut tar": (zipped(tar[:half]), "or is damaged|are not in it"),
        "a damaged tar": (zipped(tar[:half] + bytes(100) + tar[half + 100 :]), "or is damaged|are not in it"),
        "a damaged zip": (good.replace(tar[half : half + 100], bytes(100)), "or is damaged"),
        "an empty tar": (packed({}), "12 of the photographs are not in it"),
    }
    for content, match in cases.values():
        assert_refused(server, world, ValueError, match, content)


def test_a_wrong_hash_is_refused(server, world, pictures):
    assert_refused(server, world, ValueError, "SHA256 hash .* does not match", packed(pictures), known_hash="0" * 64)
    assert len(caltech101.SHA256) == 64


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("missing.zip", "404"),
        ("forbidden.zip", "403"),
        ("broken.zip", "500"),
        ("round.zip", "redirects"),
        ("early.zip", "could not be fetched"),
    ],
)
def test_a_failing_server_is_a_sentence(server, world, pictures, name, match):
    assert_refused(server, world, OSError, match, packed(pictures), name)


def test_a_server_that_sends_too_little_or_stalls(server, world, pictures, monkeypatch):
    assert_refused(server, world, ValueError, "does not match", packed(pictures), "less.zip")
    monkeypatch.setattr(caltech101, "TIMEOUT", 0.2)
    assert_refused(server, world, OSError, "could not be fetched .*timed out", packed(pictures), "stalls.zip")


def test_no_network_is_a_sentence(world, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nobody listens: whoever calls is refused
        address = f"http://127.0.0.1:{free.getsockname()[1]}/archive.zip"
        nobody = SimpleNamespace(url=lambda name: address)
        assert_refused(nobody, world, OSError, "could not be fetched .*Connection refused", b"")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(server, world, pictures, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caltech101, "_copy", full)
    assert_refused(server, world, OSError, "No space left on device", packed(pictures))


def test_asking_by_name_fetches_once(server, world, pictures, monkeypatch):
    server.content = packed(pictures)
    options = {"url": server.url(), "known_hash": hashlib.sha256(server.content).hexdigest()}
    monkeypatch.setattr(caltech101, "fetch_caltech101", lambda folder: fetch_caltech101(folder, **options))
    assert caltech101.locate() == caltech101.locate() == world.folder
    assert server.requests == ["/archive.zip"]


def never(*arguments, **options):
    raise AssertionError("nobody asked for a download")


@pytest.mark.parametrize("below", ["", "101_ObjectCategories"])
@pytest.mark.parametrize("chosen", [True, False])
def test_both_layouts_are_found_in_both_places(world, pictures, monkeypatch, below, chosen):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    folder = world.top / "elsewhere" if chosen else world.folder
    if chosen:
        monkeypatch.setenv("CALTECH101_DIR", str(folder))
    put(folder / below, pictures)
    assert caltech101.locate() == folder / below


def test_the_environments_folder_is_never_replaced_by_another(world, pictures, monkeypatch):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    put(world.folder, pictures)  # complete, but not asked for
    monkeypatch.setenv("CALTECH101_DIR", str(world.top / "gone"))
    with pytest.raises(
        FileNotFoundError, match=r"gone.*CALTECH101_DIR.*lacks 12 of the 12 .*bonsai/image_0002.jpg.*\.\.\."
    ):
        caltech101.locate()
    put(world.top / "gone", {name: b"" for name in list(pictures)[1:]})
    with pytest.raises(
        FileNotFoundError, match=r"lacks 1 of the 12 photographs \(bonsai/image_0002.jpg\): put .*unset CALTECH"
    ):
        caltech101.locate()


def test_a_half_filled_folder_is_named_and_not_overwritten(world, pictures, monkeypatch):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    put(world.folder, dict(list(pictures.items())[:5]))
    with pytest.raises(
        FileNotFoundError, match=r"lacks 7 of the 12 .*or remove .* `python -m helpers.data caltech101`"
    ):
        caltech101.locate()


def test_other_bytes_are_one_warning(world, pictures):
    put(world.folder, pictures)
    assert len(caltech101.differing(world.folder)) == 12
    with pytest.warns(UserWarning, match="12 of the 12 photographs .* are not the bytes") as warned:
        caltech101.warn_of_differing(world.folder)
    assert len(warned) == 1


@pytest.mark.skipif(not os.environ.get("CALTECH101_DIR"), reason="CALTECH101_DIR names no photographs")
def test_the_real_photographs_are_those_measured_on():
    folder = caltech101.locate()
    assert caltech101.differing(folder) == []
    sizes = [Image.open(folder / photograph.name).size for photograph in ALL]
    rows = np.genfromtxt(caltech101.SPLIT_FILE, delimiter=",", skip_header=1, usecols=(5, 6), dtype=int)
    assert np.array_equal(sizes, rows)
