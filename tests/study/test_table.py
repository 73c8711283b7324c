"""The table of finished trainings: whole, exact, merged, named when damaged, and what the committed one holds."""

import csv
import multiprocessing

import pytest

from helpers.store.files import ROOT
from helpers.study import statistics, table
from helpers.study.settings import Training

DIGEST = "0123456789abcdef" * 4
SCORES = {name: 0.1 + 0.2 + k for k, name in enumerate(table.SCORES)}  # 0.30000000000000004 and the like
CURVES = {name: [1 / 3, 2e-17, 5.0] for name in table.EPOCH}


def training(seed=0, images=10, rate=1e-05):
    return Training("drawn, by hand", "vgg19_tuned", seed, images, rate, 16, 3)


def result(**more):
    return {"data": DIGEST, "seconds": 78.4, "code": "c" * 64, "versions": "keras 3.15, numpy 2.4"} | SCORES | more


def curves(folder):
    with (folder / table.CURVES).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_numbers_come_back_as_they_were(tmp_path):
    table.keep(tmp_path, training(), result(history=CURVES))
    table.keep(tmp_path, training(1), {"data": DIGEST, "diverged": 'The loss became nan, "here"\nand there.'})
    (first, second) = table.read(tmp_path)
    assert first == (training(), result(diverged=None))
    empty = dict.fromkeys(table.RESULT) | {"data": DIGEST, "diverged": 'The loss became nan, "here"\nand there.'}
    assert second == (training(1), empty)
    assert [[float(row[name]) for name in table.EPOCH] for row in curves(tmp_path)] == [
        [value] * 4 for value in CURVES["loss"]
    ]
    assert [row["epoch"] for row in curves(tmp_path)] == ["1", "2", "3"]


def test_rows_are_sorted_and_one_made_again_takes_its_old_place(tmp_path):
    for seed, images in ((10, 10), (2, 10), (0, 50), (0, 9)):
        table.keep(tmp_path, training(seed, images), result(history=CURVES))
    table.keep(tmp_path, training(2), result(seconds=1.5, history={name: [0.5] for name in table.EPOCH}))
    found = table.read(tmp_path)
    assert [(t.images_per_class, t.seed) for t, _ in found] == [(9, 0), (10, 2), (10, 10), (50, 0)]
    assert [r["seconds"] for _, r in found] == [78.4, 1.5, 78.4, 78.4]
    assert len(curves(tmp_path)) == 3 + 1 + 3 + 3
    table.keep(tmp_path, training(2), result(data="f" * 64))  # on other images: one more
    assert len(table.read(tmp_path)) == 5


@pytest.mark.slow
def test_several_processes_keep_all_they_finish(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=keep_some, args=(tmp_path, first)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [t.seed for t, _ in table.read(tmp_path)] == [*range(8), *range(100, 108)]
    assert len(curves(tmp_path)) == 16 * 3


def keep_some(folder, first):
    for seed in range(first, first + 8):
        table.keep(folder, training(seed), result(history=CURVES))


def test_what_is_not_a_number_is_refused_and_changes_nothing(tmp_path):
    table.keep(tmp_path, training(), result())
    for wrong in (result(val_loss=float("nan")), result(history=CURVES | {"loss": [1.0, 2.0, float("inf")]})):
        with pytest.raises(ValueError, match="would hold NaN or infinity"):
            table.keep(tmp_path, training(1), wrong)
    assert len(table.read(tmp_path)) == 1


def test_a_spreadsheet_may_write_it_again(tmp_path):
    table.keep(tmp_path, training(), result())
    path = tmp_path / table.TABLE
    before = table.read(tmp_path)
    rows = list(csv.reader(path.open(newline="", encoding="utf-8")))
    with path.open(
        "w", newline="", encoding="utf-8-sig"
    ) as file:  # every field in quotes, other line ends, columns turned
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(row[::-1] for row in rows)
    assert table.read(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("seed", "sead"), "its columns are not training, dataset"),
        (lambda text: "", "its columns are not"),
        (lambda text: text[:-30], "a row has more or fewer columns"),
        (lambda text: text.rpartition(",")[0], "a row has more or fewer columns"),
        (lambda text: text.replace(",78.4,", ",78;4,"), "row 2: could not convert"),
        (lambda text: text.replace(",78.4,", ",nan,"), "row 2: its columns do not fit"),
        (lambda text: text.replace(",vgg19_tuned,0,", ",vgg19_tuned,1,"), "row 2: its columns do not fit"),
        (lambda text: text + "\0", "a row has"),
        (lambda text: text.replace("keras", "k\xff"), "'utf-8' codec"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, change, says):
    table.keep(tmp_path, training(), result(versions="keras"))
    path = tmp_path / table.TABLE
    path.write_bytes(change(path.read_text()).encode("latin-1"))
    with pytest.raises(
        ValueError, match=rf"study\.csv is damaged \({says}.*put back the file that it was, or delete it"
    ):
        table.read(tmp_path)


def test_the_committed_table_holds_every_training_and_every_epoch():
    finished = table.read(ROOT / "reports")
    assert len(finished) == 184
    assert sum(r["diverged"] is not None for _, r in finished) == 1
    assert {name for name, _ in statistics.measured()} == {t.dataset for t, _ in finished}
    epochs = {}
    for row in curves(ROOT / "reports"):
        epochs.setdefault(row["training"], []).append(row)
    for t, r in finished:
        rows = epochs.pop(f"{t.name}_{r['data'][:8]}", [])
        assert [int(row["epoch"]) for row in rows] == ([] if r["diverged"] else list(range(1, t.epochs + 1)))
        if t.network == "scratch" and rows:  # its last epoch is what counts
            assert float(rows[-1]["val_accuracy"]) == r["val_accuracy"]
    assert not epochs
