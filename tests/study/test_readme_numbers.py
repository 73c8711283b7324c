"""The README's table of results and its paragraph on speed."""

import json

import pytest
import readme_numbers

from helpers.study import published, statistics

WHOLE = {
    "scenes": {
        "networks": {
            "scratch": {"test_accuracy": statistics.summary([0.8, 0.9, 0.85])},
            "vgg19_frozen": {"test_accuracy": statistics.summary([1.0])},
        }
    },
    "caltech101": {},
}
BENCHMARKS = {
    "machine": {"processor": "A processor", "cores": 3},
    "summary": {
        "seconds": 1.25,
        "time_against": {"keras": 0.804, "torch": 0.2},
        "peak_gb": {"numpy": 3.36, "keras": 9.5, "torch": 6},
    },
}


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Put these numbers in the place of those in reports/."""
    monkeypatch.setattr(published, "measured_as", WHOLE.get)
    monkeypatch.setattr(readme_numbers, "BENCHMARKS", tmp_path / "benchmarks.json")
    readme_numbers.BENCHMARKS.write_text(json.dumps(BENCHMARKS))


TEXT = f"before\n{readme_numbers.BEGIN}\nold\n{readme_numbers.END}\nafter\n"


def test_the_readme_s_paragraph_on_speed_is_made_of_the_benchmarks(measured):
    said = readme_numbers.readme(TEXT)
    for part in (
        "takes the NumPy network 1.25 seconds on 3 cores (A processor), ",
        "**0.80** of Keras's time and **0.20** of PyTorch's time",
        "in 3.4 GB of memory, against 9.5 GB for Keras and 6.0 GB for PyTorch.",
    ):
        assert part in said
    alone = json.loads(json.dumps(BENCHMARKS))
    del alone["summary"]["time_against"]["torch"]
    readme_numbers.BENCHMARKS.write_text(json.dumps(alone))
    assert "PyTorch" not in readme_numbers.readme(TEXT)


def test_the_readme_s_table_is_made_of_it(measured):
    made = readme_numbers.readme(TEXT)
    assert made.startswith("before\n")
    assert made.endswith(f"{readme_numbers.END}\nafter\n")
    assert "old" not in made
    assert readme_numbers.readme(made) == made
    line = next(line for line in made.splitlines() if "from scratch" in line)
    low, high = statistics.summary([0.8, 0.9, 0.85])["interval"]
    assert f"**0.850** ({low:.2f} to {high:.2f})" in line
    assert "| 0.74 |" in line
    assert "**1.000** (one seed)" in made
    assert "not measured yet" in made
    with pytest.raises(ValueError, match="no place for the table"):
        readme_numbers.readme("nothing")
