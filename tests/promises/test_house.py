"""The house has one rule: a file in helpers/ is the report's mathematics, a folder is everything else.

Its rooms, the direction in which they import each other, and their sizes are held here. Imports are read from the
sources, those inside functions too.
"""

import ast
import subprocess
import sys

import pytest

from helpers.store.files import ROOT

HOUSE = ROOT / "helpers"
MATHEMATICS = ["convolution", "gradients", "layers", "metrics", "network", "pooling", "training"]
ROOMS = ["course", "data", "engine", "explain", "figures", "report", "store", "study", "vgg19"]
ARROWS = {  # what each may import, and with it all that lies below
    "course": ["report", "explain", "figures"],
    "report": ["study", "data", "store"],
    "study": ["data", "network", "vgg19", "store", "metrics"],
    "explain": ["network", "vgg19", "metrics"],
    "figures": ["layers", "convolution", "pooling"],
    "network": ["engine", "layers", "training"],
    "engine": ["layers"],
    "vgg19": ["training", "store"],
    "layers": ["convolution", "pooling"],
    "data": ["store"],
    "training": ["store"],
    "pooling": ["convolution"],
}
DOORS = {"network": {"engine", "store"}, "training": {"store"}}  # the rooms that a file of mathematics may import


# What imports what ----------------------------------------------------------------------------------------------------


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(HOUSE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imports(module):
    """Return the modules that one imports: ours in full, of others the package."""
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by dots: write helpers."
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in FILES else node.module for name in inside}
    return {name if name.startswith("helpers") else name.split(".")[0] for name in found}


def reach(module):
    """Return all that an import of a module may bring in, with the packages that it lies in."""
    found, ahead = set(), [module]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            parents = {name.rpartition(".")[0]} - {""}
            ahead += parents | (imports(name) if name in FILES else set())
    return found


def place(module):
    """Return a module's room, or its name where it is a file of mathematics."""
    return (module + ".").split(".")[1]


def below(where):
    """Return what lies below a room or a file."""
    found, ahead = set(), [where]
    while ahead:
        for lower in ARROWS.get(ahead.pop(), []):
            if lower not in found:
                found.add(lower)
                ahead.append(lower)
    return found


def test_no_arrow_runs_in_a_circle():
    assert all(where not in below(where) for where in ARROWS)


@pytest.mark.parametrize("where", [*ROOMS, *MATHEMATICS])
def test_arrows_run_down_only(where):
    allowed = below(where) | DOORS.get(where, set()) | {where, "_checks", "", *(["store"] if where in ROOMS else [])}
    mine = [name for name in FILES if place(name) == where]
    assert mine
    up = {name: lower for name in mine for lower in imports(name) if lower in FILES and place(lower) not in allowed}
    assert not up, f"against the arrows: {up}"


@pytest.mark.parametrize("where", [*MATHEMATICS, "_checks"])
def test_mathematics_imports_no_room_but_by_its_doors(where):
    rooms = {place(name) for name in imports(f"helpers.{where}") if name in FILES} & set(ROOMS)
    assert rooms <= DOORS.get(where, set())


@pytest.mark.parametrize("where", [name for name in FILES if place(name) == "figures"])
def test_figures_need_neither_training_nor_tensorflow(where):
    assert not reach(where) & {"helpers.training", "helpers.network", "tensorflow", "keras"}


@pytest.mark.parametrize("where", ROOMS)
def test_no_room_imports_a_notebook(where):
    assert not {"notebooks", "nbimporter"} & {name for each in FILES if place(each) == where for name in imports(each)}


@pytest.mark.parametrize("where", ["helpers.network", "helpers.explain", "helpers.figures.style", "helpers.data"])
def test_it_is_imported_without_tensorflow(where):
    program = f"import sys, {where}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


# What there is, and how much of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["files", "folders"])
def test_the_top_holds_the_mathematics_and_the_rooms(where):
    if where == "files":
        assert sorted(path.stem for path in HOUSE.glob("*.py")) == sorted(["__init__", "_checks", *MATHEMATICS])
    else:
        assert sorted(path.parent.name for path in HOUSE.glob("*/__init__.py")) == ROOMS


def lines(*modules):
    return sum(len(FILES[name].read_text(encoding="utf-8").splitlines()) for name in modules)


@pytest.mark.parametrize("where", ["mathematics", "engine", "helpers"])
def test_it_is_small(where):
    if where == "mathematics":
        assert lines(*(f"helpers.{name}" for name in MATHEMATICS)) <= 850
    elif where == "engine":
        assert lines(*(name for name in FILES if name.startswith("helpers.engine"))) <= 600
    else:
        apart = ("helpers.data.scenes", "helpers.course")
        assert lines(*(name for name in FILES if not name.startswith(apart))) <= 7200


@pytest.mark.parametrize("where", FILES)
def test_a_module_has_at_most_250_lines(where):
    assert lines(where) <= 250


@pytest.mark.parametrize("where", ROOMS)
def test_a_room_s_init_names_what_is_public_and_does_no_work(where):
    assert lines(f"helpers.{where}") <= 25
    docstring, *rest = TREES[f"helpers.{where}"].body
    assert isinstance(docstring, ast.Expr)
    for node in rest:
        if isinstance(node, ast.Assign):
            assert [target.id for target in node.targets] == ["__all__"]
        else:
            assert isinstance(node, ast.ImportFrom | ast.Import)


def long_bodies(module):
    """Return the functions of a module whose body, without its docstring, has more than 20 lines."""
    found = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            if node.end_lineno - first.lineno + 1 > 20:
                found.append(f"{module}.{node.name}")
    return found


@pytest.mark.parametrize("where", [*MATHEMATICS, "helpers"])
def test_bodies_are_short(where):
    if where == "helpers":
        found = [each for name in FILES for each in long_bodies(name)]
        assert len(found) <= 15, found
    else:
        assert not long_bodies(f"helpers.{where}")
