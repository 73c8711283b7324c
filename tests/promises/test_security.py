"""What comes from elsewhere is data: no file, archive or name runs, lands outside its folder, or becomes markup."""

import ast
import base64
import html
import pickle
import re
import tarfile
import warnings
from html.parser import HTMLParser
from pathlib import Path

import h5py
import nbformat
import numpy as np
import pytest
import typst
from archives import FEW, fetch, files_below, member, packed, tiny_pictures
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import figures
from helpers.network import SGD, Dense, Sequential, fit
from helpers.report import appendices, render, rendering
from helpers.store import Run, files
from helpers.store.cache import kept, key_of

HELPERS = files.ROOT / "helpers"

# No pickle ------------------------------------------------------------------------------------------------------------


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def network():
    return Sequential([Dense(2, 2, rng=np.random.default_rng(0))])


def resumed(path):
    images, labels = np.zeros((2, 2)), np.array([0, 1])
    options = {"optimizer": SGD(0.1), "epochs": 2, "batch_size": 1, "rng": np.random.default_rng(0)}
    return fit(network(), (images, labels), (images, labels), checkpoint=path, **options)


READERS = {
    "weights": lambda path: network().load(path),
    "artifacts": lambda path: Run("05", "scenes", path.parents[2]).load_arrays(path.parent.name, path.stem),
    "checkpoints": resumed,
}


def poisoned(path, mark):
    """Write an .npz whose every array is an object that runs when it is read."""
    path.parent.mkdir(parents=True)
    names = ["0.w", "0.b", "training", "key", "features"]
    np.savez(path, **{name: np.array([Payload(mark)], object) for name in names})
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_pickle_in_a_file_is_refused_and_does_not_run(tmp_path, reader):
    path = poisoned(tmp_path / "artifacts" / "04" / "mine.npz", tmp_path / "ran")
    with pytest.raises(ValueError, match=r"mine\.npz is damaged .*allow_pickle=False.*: delete it"):
        READERS[reader](path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_in_a_cache_is_named_made_again_and_does_not_run(tmp_path):
    path, key = tmp_path / "cache" / "mine.npz", key_of(len, 1)
    poisoned(path.with_name(f"mine.{key[:16]}.npz"), tmp_path / "ran")
    with pytest.warns(UserWarning, match=r"mine\.\w+\.npz is damaged .*allow_pickle=False.*it is made again"):
        assert kept(path, key, lambda: {"x": np.arange(3)})["x"].tolist() == [0, 1, 2]
    assert kept(path, key, lambda: pytest.fail("it was kept"))["x"].tolist() == [0, 1, 2]
    assert not (tmp_path / "ran").exists()


def test_such_a_pickle_would_run(tmp_path):
    path = poisoned(tmp_path / "artifacts" / "04" / "mine.npz", tmp_path / "ran")
    with np.load(path, allow_pickle=True) as arrays:
        arrays["0.w"]
    assert (tmp_path / "ran").exists()


def test_a_pickle_that_is_no_npz_is_refused(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(ValueError, match=r"mine\.npz is damaged"):
        network().load(path)
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written_as_a_pickle(tmp_path):
    objects = np.array([{"an": "object"}])
    with pytest.raises(ValueError, match="Object arrays"):
        Run("04", "scenes", tmp_path).save_arrays("mine", x=objects)
    with pytest.raises(ValueError, match="Object arrays"):
        kept(tmp_path / "mine.npz", "key", lambda: {"x": objects})
    assert files_below(tmp_path) == set()


# The code -------------------------------------------------------------------------------------------------------------

MODULES = {"cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve", "torch"}
NEVER = {"__import__", "deserialize", "enable_unsafe_deserialization", "eval", "exec", "full_load", "getoutput"}
NEVER |= {"getstatusoutput", "load_model", "mktemp", "model_from_json", "popen", "Popen", "read_pickle", "system"}
NEVER |= {"unsafe_load"}
ONLY_WITH = {
    "np.load": ("allow_pickle", "False"),
    "numpy.load": ("allow_pickle", "False"),
    "yaml.load": ("Loader", "yaml.SafeLoader"),
    "extract": ("filter", "'data'"),
    "extractall": ("filter", "'data'"),
    "unpack_archive": ("filter", "'data'"),
}
NEVER_WITH = {("allow_pickle", "True"), ("safe_mode", "False"), ("shell", "True")}


def forbidden(source):
    """Return what in a module's source could run or unpack what comes from elsewhere, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [(node.lineno, name) for name in names if name.split(".")[0] in MODULES]
        if isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {(k.arg, ast.unparse(k.value)) for k in node.keywords}
            last = name.split(".")[-1]
            needed = ONLY_WITH.get(name) or ONLY_WITH.get(last)
            wrong = last in NEVER or bool(given & NEVER_WITH) or (needed is not None and needed not in given)
            # a list of arguments, and never a string that a shell would take apart
            wrong |= name.startswith("subprocess.") and not isinstance(node.args[0], ast.Name | ast.List)
            found += [(node.lineno, name)] * wrong
    return found


def test_the_helpers_neither_unpickle_nor_unpack_nor_start_a_shell():
    sources = sorted(HELPERS.rglob("*.py"))
    assert len(sources) > 25
    found = {source: forbidden(source.read_text(encoding="utf-8")) for source in sources}
    told = {path.relative_to(HELPERS).as_posix(): [name for _, name in lines] for path, lines in found.items() if lines}
    assert told == {
        "course/exercises.py": ["exec"]
    }  # a student's function is run: in a check at home, or in the sandbox
    lua = "\n".join(path.read_text(encoding="utf-8") for path in HELPERS.rglob("*.lua"))
    assert "pandoc.read" in lua
    assert not re.search(r"os\.execute|io\.popen|\bload\(|loadstring|dofile|pandoc\.pipe", lua)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from marshal import loads",
        "import torch.serialization",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(f'ls {name}', shell=True)",
        "subprocess.run('ls ' + name)",
        "subprocess.Popen(command)",
        "os.system(name)",
        "yaml.load(text, yaml.Loader)",
        "eval(name)",
        "tar.extractall(folder)",
        "keras.models.load_model(path)",
    ],
)
def test_that_search_finds(line):
    assert forbidden(line)


# Archives -------------------------------------------------------------------------------------------------------------


def test_members_of_an_archive_are_never_followed_out_of_its_folder(server, world):
    pictures = tiny_pictures()
    first, *_ = pictures
    link = f"101_ObjectCategories/{first}"
    (world.top / "secret.txt").write_text("secret")
    hostile = [
        member("../outside.jpg", b"x"),
        member(f"../../{first}", b"x"),
        member(str(world.top / "absolute.jpg"), b"x"),
        member("101_ObjectCategories/../../../outside.jpg", b"x"),
        member(f"./{link}", b"x"),
        member(f"/{link}", b"x"),
        member(link, kind=tarfile.SYMTYPE, link="../../../../target.jpg"),
        member(link, kind=tarfile.SYMTYPE, link=str(world.top / "secret.txt")),
        member(link, kind=tarfile.LNKTYPE, link="101_ObjectCategories/accordion/image_0001.jpg"),
        member(link, kind=tarfile.LNKTYPE, link="../../../secret.txt"),
        member("101_ObjectCategories/bonsai", kind=tarfile.SYMTYPE, link=str(world.top)),
        member("101_ObjectCategories/ketch/pipe", kind=tarfile.FIFOTYPE),
        member(link, kind=tarfile.CHRTYPE),
        member(link, kind=tarfile.BLKTYPE),
        member(link, kind=tarfile.DIRTYPE),
    ]
    fetch(server, world.folder, packed(pictures, hostile))
    assert files_below(world.top) == {"secret.txt", *(f"repo/data/caltech101/{name}" for name in pictures)}
    assert all((world.folder / name).read_bytes() == content for name, content in pictures.items())
    assert not any(path.is_symlink() or path.stat().st_nlink > 1 for path in world.folder.rglob("*.jpg"))
    assert len(pictures) == len(FEW)


# Names in the report --------------------------------------------------------------------------------------------------

NAMES = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "</td></table><b>",
    '#import "x"',
    '"]#panic("x")',
    "#{1}",
    "$x$",
    "\\frac{a}{b}",
    "`code`",
    "[link](http://x.test)",
    "![picture](http://x.test/p.png)",
    "http://x.test/bare",
    "javascript:alert(1)",
    "= heading",
    "- item",
    "+ item",
    "/ term: it",
    "1. one",
    "*bold* _it_",
    "{{x}} {.class}",
    "<label> @ref",
    "// comment",
    "/* comment */",
    "back\\slash\\",
    'it\'s "quoted"',
]


def as_shown(mime, content):
    return new_code_cell("show()", outputs=[new_output("display_data", {mime: content})], execution_count=1)


def run_of_names(folder):
    """Write a run whose outputs hold the names in every way in which the notebooks show them."""
    safe = [figures.code_safe(name) for name in NAMES]
    head = '#| label: tbl-names\n#| tbl-cap: "Names"\n'
    table = as_shown("text/markdown", figures.table(["class", "n"], [[name, k] for k, name in enumerate(safe)]).data)
    table.source = head + table.source
    frame = "".join(f"<tr><td>{html.escape(name)}</td></tr>" for name in NAMES)
    drawn = [name for name in NAMES if set(name) & set("$\\{#")]
    labels = np.arange(len(drawn))
    picture = figures.to_png(figures.confusion(np.zeros((len(drawn), 8, 8, 3), np.uint8), labels, labels, drawn))
    cells = [
        new_markdown_cell("# Names"),
        table,
        as_shown("text/markdown", "\n".join(f"- {name}" for name in safe)),
        as_shown("text/markdown", "\n\n".join(f"**{name}**, the best of all" for name in safe)),
        as_shown("text/html", f"<table><tbody>{frame}</tbody></table>"),
        as_shown("image/png", base64.b64encode(picture).decode()),
        new_code_cell("print()", outputs=[new_output("stream", text="\n".join(NAMES))], execution_count=1),
        as_shown("text/markdown", "Of " + ", ".join(safe) + "."),
    ]
    cells[-1].metadata["tags"] = ["abstract"]
    (folder / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "01_names.ipynb")
    parameters = {"DATASET": f"/photos/{NAMES[0].replace('/', '')}{NAMES[3]}{NAMES[6]}"}
    files.write_json(folder / "chain.json", {"parameters": parameters, "notebooks": {}})


class Page(HTMLParser):
    """A page's elements, and its text by element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag):
        self.texts[-1] += " "

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] not in ("script", "style"):
            self.texts[-1] += data


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Render the names; return the page, and what Typst itself reads in the source of the PDF, as another page."""
    folder, read = tmp_path_factory.mktemp("run"), []
    run_of_names(folder)
    pdf = rendering._pdf

    def both(source, where):
        made = pdf(source, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # its HTML leaves out what is framed or aligned, and tables are both
            bare = source.replace("#show table: it => layout(", "#let framed(it) = layout(").replace(
                "align(center)[", "["
            )
            (where / "read.typ").write_text(bare, encoding="utf-8")
            read.append(typst.compile(where / "read.typ", root=where, ignore_system_fonts=True, format="html"))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "_pdf", both)
        page, document = render(folder)
    assert document.read_bytes().startswith(b"%PDF")
    return Page(page.read_text(encoding="utf-8")), Page(read[0].decode())


@pytest.mark.parametrize("target", ["HTML", "PDF"])
def test_names_of_any_kind_are_text_in_the_report(rendered, target):
    page = rendered[target == "PDF"]
    text = re.sub(r"\s+", " ", "".join(page.texts))
    missing = {name: text.count(name) for name in NAMES if text.count(name) < 6}
    assert missing == {}


def test_names_of_any_kind_become_no_element_of_the_page(rendered):
    page, _ = rendered
    tags = [tag for tag, _ in page.elements]
    own = list((HELPERS / "report" / "assets" / "interactive").glob("*.js"))
    assert len(own) > 5
    assert tags.count("script") == 1 + len(own)  # the report's own
    assert tags.count("img") == 1  # the figure
    links = [attrs["href"] for tag, attrs in page.elements if tag == "a" and not attrs["href"].startswith("#")]
    own = appendices.DATA.read_text(encoding="utf-8")
    assert [link for link in links if link not in own] == []
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert not {"iframe", "object", "embed", "form", "svg"} & set(tags)


# Keras files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_lambda(tmp_path):
    """Write a Keras model with a layer of Python code, in both formats; return that it ran, as a path that then is."""
    from helpers.vgg19.backend import keras

    ran = tmp_path / "ran"
    touch = eval(f"lambda x: (open({str(ran)!r}, 'w').close(), x)[1]")  # as a stranger's file may hold it, compiled
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(touch, output_shape=(2,))(inputs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras would rather have the newer format
        model.save(tmp_path / "code.h5")
        model.save(tmp_path / "code.keras")
    ran.unlink(missing_ok=True)
    return ran


def test_a_keras_file_is_read_for_its_weights_alone(tmp_path, with_lambda):
    from helpers.vgg19 import backbone as vgg19

    path = tmp_path / "code.h5"
    with h5py.File(path, "a") as file:
        assert "Lambda" in file.attrs["model_config"]
        for layer in vgg19.build("bundled", (32, 32, 3)).layers:
            for kind, variable in zip(("kernel", "bias"), layer.weights, strict=False):
                # nothing is written but the number that all of them are
                file.create_dataset(f"model_weights/{layer.name}/{kind}", variable.shape, "f4", fillvalue=0.5)
    model = vgg19.build(path, (32, 32, 3))
    assert {float(weights.min()) for weights in model.get_weights()} == {0.5}
    assert not with_lambda.exists()


def test_a_keras_archive_is_refused(tmp_path, with_lambda):
    from helpers.vgg19 import backbone as vgg19

    with pytest.raises(ValueError, match=r"code\.keras cannot be read as HDF5"):
        vgg19.build(tmp_path / "code.keras", (32, 32, 3))
    assert not with_lambda.exists()


@pytest.mark.parametrize("name", ["code.h5", "code.keras"])
def test_such_a_file_would_run_its_code(tmp_path, with_lambda, name):
    from helpers.vgg19.backend import keras

    keras.models.load_model(tmp_path / name, safe_mode=False)(np.zeros((1, 2)))
    assert with_lambda.exists()
