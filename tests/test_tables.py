"""Tables and models of them: reading, columns, targets, files."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from briskmlp.cli import TableModel, read_table
from briskmlp.cli._columns import Category, Number, Useless, learn, texts
from briskmlp.cli._tables import nearly_numbers
from briskmlp.cli._target import infer
from briskmlp.cli._using import inspect

RNG = np.random.default_rng(0)
KINDS = RNG.choice(["cat", "dog", "owl"], 400)
AGES = RNG.normal(40, 12, 400)


def text(values) -> np.ndarray:
    return np.array(values, object)


# --- Reading -----------------------------------------------------------------------------------


def test_csv_tsv_and_parquet_are_read_alike(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {
            "whole": [1, 2, 3],
            "gaps": [1.5, None, 3.0],
            "word": ["a", None, "b c"],
            "flag": [True, False, True],
            "Zeit": pandas.to_datetime(["1970-01-02 00:00", None, "2020-02-29 12:00"]),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv.gz", index=False, sep="\t")
    for name in ("a.parquet", "a.csv", "a.tsv.gz"):
        table = read_table(tmp_path / name)
        assert list(table) == list(frame)
        assert table["whole"].tolist() == [1, 2, 3]
        np.testing.assert_array_equal(table["gaps"], [1.5, np.nan, 3])
        assert table["word"].tolist() == ["a", None, "b c"]
        assert table["flag"].tolist() == [True, False, True]
    times = read_table(tmp_path / "a.parquet")["Zeit"]
    np.testing.assert_array_equal(times, [86400, np.nan, 1582977600])


def test_pandas_own_types_are_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {
            "Int64": pandas.array([1, None], "Int64"),
            "Float32": pandas.array([0.5, None], "Float32"),
            "boolean": pandas.array([True, None], "boolean"),
            "category": pandas.Categorical(["a", None]),
            "zone": pandas.to_datetime(["1970-01-01 01:00", None]).tz_localize("Etc/GMT-1"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    for name, value in {"Int64": 1, "Float32": 0.5, "boolean": 1, "zone": 0}.items():
        np.testing.assert_array_equal(table[name].astype(float), [value, np.nan])
    assert table["category"].tolist() == ["a", None]


def test_npz_needs_no_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    X = RNG.integers(0, 255, (6, 2, 3)).astype("u1")
    np.savez(tmp_path / "a.npz", X=X, y=np.array(["a", "", "b", "a", "b", "b"]))
    table = read_table(tmp_path / "a.npz")
    assert list(table) == [f"X[{i}]" for i in range(6)] + ["y"]
    assert (np.column_stack([table[f"X[{i}]"] for i in range(6)]) == X.reshape(6, 6)).all()
    assert table["y"].tolist() == ["a", None, "b", "a", "b", "b"]
    with pytest.raises(ImportError, match=r"takes pandas: pip install 'briskmlp\[cli\]'"):
        read_table(tmp_path / "a.csv")


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "head.csv").write_text("a,b\n")
    (tmp_path / "zip.npz").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "nothing.npz").write_bytes(b"")
    with (tmp_path / "npy.npz").open("wb") as file:
        np.save(file, np.ones(3))
    np.savez(tmp_path / "lengths.npz", a=np.ones(3), b=np.ones(4))
    np.savez(tmp_path / "complex.npz", a=np.ones(3, complex))
    np.savez(tmp_path / "pickle.npz", a=np.array([None]))
    for name, message in {
        "empty.csv": "is empty",
        "head.csv": "has no rows",
        "zip.npz": "is no NPZ file",
        "nothing.npz": "is no NPZ file",
        "npy.npz": "is one array",
        "lengths.npz": "arrays of different lengths",
        "complex.npz": "dtype complex128",
        "pickle.npz": "allow_pickle",
    }.items():
        with pytest.raises(ValueError, match=message):
            read_table(tmp_path / name)


def test_two_columns_of_one_name_are_refused(tmp_path: Path, monkeypatch) -> None:
    """By whatever pandas reads Parquet with; in CSV it gives them different ones."""
    pandas = pytest.importorskip("pandas")
    twice = pandas.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    monkeypatch.setattr(pandas, "read_parquet", lambda _: twice)
    with pytest.raises(ValueError, match=r"t\.parquet has two columns of one name"):
        read_table(tmp_path / "t.parquet")


# --- Columns -----------------------------------------------------------------------------------


def test_categories_are_pandas_dummies() -> None:
    pandas = pytest.importorskip("pandas")
    values = KINDS.astype(object)
    values[::7] = None
    column = learn("kind", values, 30)
    want = pandas.get_dummies(pandas.Series(values), dummy_na=True)
    assert column.encode(values).tolist() == want.to_numpy(float).tolist()


def test_numbers_are_scikit_learns_imputer() -> None:
    impute = pytest.importorskip("sklearn.impute")
    values = AGES.copy()
    values[::9] = np.nan
    column = learn("age", values, 30)
    imputer = impute.SimpleImputer(strategy="median", add_indicator=True)
    want = imputer.fit_transform(values[:, np.newaxis])
    got = column.encode(values) + [column.median, 0]  # noqa: RUF005 - a sum
    np.testing.assert_allclose(got, want, rtol=1e-15)


def test_rare_and_unknown_categories_are_all_zero() -> None:
    values = text(["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"])
    assert learn("x", values, 2) == Category("x", ("a", "b"), False)
    column = learn("x", values, 30)
    assert column.categories == ("a", "b", "c")  # one row is too few
    assert column.encode(text(["d", "new", None, "b"])).tolist() == [[0] * 3] * 3 + [[0, 1, 0]]
    assert column.unknown(text(["d", "new", None, "b"])) == {"d", "new"}


def test_numbers_that_become_categories_read_alike() -> None:
    assert texts(np.array([1, 2])) == texts(np.array([1.0, 2.0])) == ["1", "2"]
    assert texts(np.array([0.5, np.nan])) == ["0.5", None]
    column = Category("x", ("1", "2"), True)
    assert column.encode(np.array([2, np.nan])).tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.full(9, np.nan), "empty"),
        (text([None] * 9), "empty"),
        (np.full(9, 3), "3 in every row"),
        (text(["x"] * 9), "x in every row"),
        (text([f"id{i}" for i in range(90)]), "90 different texts in 90 rows"),
        (text([f"id{i}" for i in range(9)]), "no text occurs twice"),
    ],
)
def test_columns_without_use(values: np.ndarray, why: str) -> None:
    with pytest.raises(Useless, match=why):
        learn("x", values, 30)


def test_what_columns_cannot_encode() -> None:
    column = Number("age", 3.0, False)
    with pytest.raises(ValueError, match=r"'age' had numbers .* has 'old' in row 2"):
        column.encode(text([None, "old"]))
    with pytest.raises(ValueError, match="column 'age' has -inf in row 2"):
        column.encode(np.array([0, -np.inf]))


def test_nothing_but_missing_cells_fits_numbers() -> None:
    column = Number("age", 40.0, True)
    np.testing.assert_array_equal(column.encode(text([None, None])), [[0, 1], [0, 1]])


def test_dates_keep_their_seconds() -> None:
    """Around 1.7e9, float32 numbers are two minutes apart."""
    seconds = 1.7e9 + np.arange(100.0)
    inputs = learn("time", seconds, 30).encode(seconds).astype("f4")
    assert (np.diff(inputs[:, 0]) == 1).all()


# --- Targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (text(["b", "a"] * 9), None, ("a", "b")),
        (np.array([True, False]), None, ("False", "True")),
        (np.array([10, 9, 9]), None, ("9", "10")),
        (np.array([3.0, 4.0]), None, ("3", "4")),
        (np.arange(20), None, tuple(map(str, range(20)))),
        (np.arange(21), None, None),
        (np.array([1.5, 2.0]), None, None),
        (np.array([1.5, 2.0]), "classification", ("1.5", "2")),
        (np.array([1, 2, 3]), "regression", None),
    ],
)
def test_targets_are_inferred(values, task, classes) -> None:
    target, _ = infer("y", values, task)
    assert target.classes == classes
    if classes:
        assert [target.classes[i] for i in target.encode(values)] == texts(values)


def test_targets_that_do_not_work() -> None:
    with pytest.raises(ValueError, match="is text, which regression cannot predict"):
        infer("y", text(["a", "b"]), "regression")
    with pytest.raises(ValueError, match="has 1 classes, expected from 2"):
        infer("y", text(["a", "a"]), None)


# --- Files -------------------------------------------------------------------------------------


def small_model() -> TableModel:
    target, _ = infer("y", text(["a", "b"]), None)
    columns = (Number("age", 1e9, True), Category("kind", ("cat", "dög"), False))
    net = bm.MLP([4, 2], loss="cross_entropy", seed=0)
    return TableModel(net, target, columns, {"accuracy": (0.5, 0.75)})


def test_models_come_back_as_they_were() -> None:
    file, again = io.BytesIO(), io.BytesIO()
    model = small_model()
    model.save(file)
    loaded = TableModel.load(file)
    assert (loaded.target, loaded.columns, loaded.scores) == (
        model.target,
        model.columns,
        model.scores,
    )
    loaded.save(again)
    assert file.getvalue() == again.getvalue()
    assert (bm.load(file).parameters == model.net.parameters).all()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "in format 2, expected 1"),
        (["extra"], 1, "entries are"),
        (["columns"], {}, "columns must be a list"),
        (["columns", 0, "median"], "x", "median must be a number"),
        (["columns", 0, "median"], 10**400, "cannot load"),
        (["columns", 0, "kind"], "magic", "wrong entries"),
        (["columns", 0, "name"], 3, "must have a name"),
        (["columns", 0, "missing"], 1, "missing must be true or false"),
        (["columns", 0, "missing"], False, "make 3 inputs, 2 outputs"),
        (["columns", 1, "categories"], ["a", "a"], "has a category twice"),
        (["columns", 1, "categories"], [1, 2], "categories must be texts"),
        (["columns", 1, "name"], "age", "two columns have one name"),
        (["target"], [], "target must be name and classes"),
        (["target", "classes"], None, "loss 'mse'"),
        (["target", "name"], 3, "target's name must be text"),
        (["target", "classes"], "ab", "target's classes must be texts"),
        (["target", "classes"], ["a"], "two or more"),
        (["scores"], {"a": [1.0]}, "scores must be pairs"),
    ],
)
def test_models_that_were_tampered_with(path: list, value: object, message: str) -> None:
    file = io.BytesIO()
    small_model().save(file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    entries = json.loads(members["preprocessing.json"])
    place = entries
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    members["preprocessing.json"] = json.dumps(entries).encode()
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=message):
        TableModel.load(changed)


def test_a_model_without_scores_is_described() -> None:
    said: list[str] = []
    model = small_model()
    inspect(TableModel(model.net, model.target, model.columns, {}), said.append)
    assert said[0] == "predicts   y, one of 2: a, b"
    assert said[-1] == "trained    0 epochs, seed 0"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_of_csv(tmp_path: Path, separator: str) -> None:
    pytest.importorskip("pandas")
    path = tmp_path / "table.csv"
    path.write_text(f"a b{separator}c\n1{separator}2,5\n3{separator}4\n".replace("2,5", "2.5"))
    table = read_table(path)
    assert list(table) == ["a b", "c"]
    assert table["c"].tolist() == [2.5, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n1,2,3\n", "table.csv is no table: .*Expected 2 fields in line 3, saw 3$"),
        (b'a,b\n"1,2\n', "table.csv is no table: .*EOF inside string"),
        (
            b"a,b\n1,Z\xfcrich\n",
            "table.csv is not text in UTF-8 .*0xfc.*; save it in that encoding",
        ),
    ],
)
def test_csv_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "table.csv")


def test_text_that_nearly_is_numbers() -> None:
    def found(*values: object) -> list[str]:
        return nearly_numbers(np.array(values, object))

    assert found("1", "2", "-", "1e3", None) == ["-"]
    assert found("1", "x", "y") == []
    assert found("1", "2") == []  # text because it was asked for
    assert nearly_numbers(np.array([1.0, np.nan])) == []
