"""Tables at the door: one message that names file, column and row."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from silencio.data.schemas import TAXONOMY, TRAIN, parse_secondary_labels, read_table
from silencio.errors import SchemaError

HEADER = "primary_label,secondary_labels,filename\n"
TAXONOMY_HEADER = "primary_label,scientific_name,common_name,class_name\n"


def _read(folder: Path, text: str | bytes, schema: pa.DataFrameSchema = TRAIN) -> pd.DataFrame:
    path = folder / ("train.csv" if schema is TRAIN else "taxonomy.csv")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, schema)


def _complaint(folder: Path, text: str | bytes, schema: pa.DataFrameSchema = TRAIN) -> str:
    """The message without the folder's name; it must be one line that begins with the file."""
    with pytest.raises(SchemaError) as caught:
        _read(folder, text, schema)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message.strip()
    return message.removeprefix(f"{folder}/").strip()


# Secondary labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("['a', 'b']", ["a", "b"]),
        ("['grekis', '1139490', '0126247']", ["grekis", "1139490", "0126247"]),
        ('["a","b"]', ["a", "b"]),
        ("['a']", ["a"]),
        ("[]", []),
        ("['']", []),  # how BirdCLEF 2025 writes none
        ("", []),  # how a spreadsheet writes none
        ("['a b', 'c, d']", ["a b", "c, d"]),
        (" ['a']", ["a"]),
        ("['a' 'b']", ["a", "b"]),  # how NumPy, and so pandas, writes an array
        ("['a'\n 'b']", ["a", "b"]),
        ("['it\\'s' \"x\"]", ["it's", "x"]),
        ("[np.str_('a'), np.str_('b')]", ["a", "b"]),  # a list of NumPy 2's texts
        ("[u'a', u'b']", ["a", "b"]),  # Python 2
        ("['a',]", ["a"]),
        ("[' a ', 'b\u00a0 c', ' ']", ["a", "b c"]),
    ],
)
def test_parse_secondary_labels__reads_the_literal(text: str, labels: list[str]) -> None:
    assert parse_secondary_labels(text) == labels


@pytest.mark.parametrize(
    "text",
    [
        "['a'",
        "a b",
        "a",
        "nan",
        "'a'",
        "('a', 'b')",
        "{'a': 1}",
        "{'a'}",
        "[1, 2]",
        "[1139490]",
        "['a', None]",
        "['a'] x",
        "[['a']]",
        "__import__('os')",
        "['a' for _ in 'ab']",
        "None",
        "\0",
        "[" * 300,
        "['a''b']",  # one text or two: nobody knows
        "['a' 'b' ... 'z']",  # NumPy leaves the middle of a long array out
        "['a',,'b']",
        "[b'a' b'b']",
        "['a' + 'b']",
    ],
)
def test_parse_secondary_labels__anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list"):
        parse_secondary_labels(text)


@pytest.mark.parametrize("text", ["{['a']: 1}", "-" * 200_000 + "1"], ids=["unhashable", "nested too deep"])
def test_parse_secondary_labels__what_python_cannot_even_evaluate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list"):
        parse_secondary_labels(text)


# Labels stay text


@pytest.mark.parametrize("label", ["1139490", "0126247", "007", "1e5", "NA", "nan", "null", "None", "True", "-", "1.0"])
def test_read_table__a_label_is_what_the_file_says(tmp_path: Path, label: str) -> None:
    table = _read(tmp_path, f"{HEADER}{label},\"['{label}']\",{label}/1.ogg\n")
    assert table.to_dict("records") == [
        {"primary_label": label, "secondary_labels": f"['{label}']", "filename": f"{label}/1.ogg"}
    ]


def test_read_table__a_column_of_numbers_is_a_column_of_texts(tmp_path: Path) -> None:
    table = _read(tmp_path, "".join([HEADER, *(f"{code},[],{code}.ogg\n" for code in (1139490, 41970, 22333))]))
    assert table["primary_label"].tolist() == ["1139490", "41970", "22333"]


# What may differ


def test_read_table__extra_columns_are_fine(tmp_path: Path) -> None:
    table = _read(tmp_path, 'rating,filename,secondary_labels,notes,primary_label\n4.5,1.ogg,[],"a, b",grekis\n')
    assert table.loc[2, "primary_label"] == "grekis"
    assert table.loc[2, "notes"] == "a, b"


@pytest.mark.parametrize("before", ["", "\ufeff"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["no last line end", "last line end"])
def test_read_table__what_editors_do_to_a_file_is_fine(tmp_path: Path, before: str, line_end: str, last: str) -> None:
    text = before + HEADER + "grekis,\"['a', 'b']\",1.ogg\ngrekis,[],2.ogg" + last
    table = _read(tmp_path, text.replace("\n", line_end))
    assert list(table.columns) == ["primary_label", "secondary_labels", "filename"]
    assert table["filename"].tolist() == ["1.ogg", "2.ogg"]


# What is wrong with a table


@pytest.mark.parametrize("column", ["primary_label", "secondary_labels", "filename"])
def test_train__a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    table = pd.read_csv(io.StringIO(f"{HEADER}a,[],1.ogg\n")).drop(columns=column)
    message = _complaint(tmp_path, table.to_csv(index=False))
    assert message == f"train.csv: column '{column}' is missing; it has {', '.join(table.columns)}"


@pytest.mark.parametrize("column", ["primary_label", "scientific_name", "common_name", "class_name"])
def test_taxonomy__a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    message = _complaint(tmp_path, TAXONOMY_HEADER.replace(column, "other") + "a,b,c,d\n", TAXONOMY)
    assert message.startswith(f"taxonomy.csv: column '{column}' is missing; it has ")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,[],../x.ogg", "column 'filename', row 4: '../x.ogg' must be a path inside train_audio"),
        ("a,[],b/../../x.ogg", "column 'filename', row 4: 'b/../../x.ogg' must be a path inside train_audio"),
        ("a,[],/etc/passwd", "column 'filename', row 4: '/etc/passwd' must be a path inside train_audio"),
        ("a,[],", "column 'filename', row 4: '' must not be empty"),
        ("a,[]", "row 4 has 2 cells, the header has 3 columns"),
        (",[],x.ogg", "column 'primary_label', row 4: '' must not be empty"),
        ("a,\"['b'\",x.ogg", "column 'secondary_labels', row 4: \"['b'\" must be a list literal such as ['grekis']"),
        ("a,b c,x.ogg", "column 'secondary_labels', row 4: 'b c' must be a list literal such as ['grekis']"),
    ],
)
def test_train__a_wrong_value_is_named_with_column_and_row(tmp_path: Path, row: str, message: str) -> None:
    rows = f"a,[],1.ogg\na,[],2.ogg\n{row}\na,[],3.ogg\n"
    assert _complaint(tmp_path, HEADER + rows) == f"train.csv: {message}"


def test_train__wrong_values_are_counted(tmp_path: Path) -> None:
    message = _complaint(tmp_path, HEADER + "a,[],1.ogg\na,x,2.ogg\na,y,3.ogg\na,z,4.ogg\n")
    assert message.startswith("train.csv: column 'secondary_labels', row 3: 'x' ")
    assert message.endswith(" (and 2 more)")


def test_train__a_duplicate_filename_is_named(tmp_path: Path) -> None:
    message = _complaint(tmp_path, HEADER + "a,[],1.ogg\na,[],2.ogg\nb,[],3.ogg\nb,[],2.ogg\n")
    assert message.startswith("train.csv: column 'filename', row 3: '2.ogg' must be unique")


def test_taxonomy__a_duplicate_code_is_named(tmp_path: Path) -> None:
    message = _complaint(tmp_path, TAXONOMY_HEADER + "a,b,c,Aves\nb,b,c,Aves\na,b,c,Aves\n", TAXONOMY)
    assert message.startswith("taxonomy.csv: column 'primary_label', row 2: 'a' must be unique")


def test_taxonomy__a_species_without_taxon_class_is_named(tmp_path: Path) -> None:
    message = _complaint(tmp_path, TAXONOMY_HEADER + "a,b,c,Aves\nb,b,c,\n", TAXONOMY)
    assert message == "taxonomy.csv: column 'class_name', row 3: '' must not be empty"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_row__blank_lines_are_counted_as_an_editor_counts_them(tmp_path: Path, line_end: str) -> None:
    text = HEADER + "\na,[],1.ogg\n\n\na,x,2.ogg\n"  # the wrong value stands in line 6
    assert "row 6: 'x'" in _complaint(tmp_path, text.replace("\n", line_end))


def test_row__lines_inside_a_cell_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    # xeno-canto's remarks hold line ends; the wrong value stands in line 5.
    text = 'primary_label,secondary_labels,filename,remarks\na,[],1.ogg,"calm,\nsunny,\nno wind"\na,x,2.ogg,\n'
    assert "row 5: 'x'" in _complaint(tmp_path, text)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("a,['b', 'c'],1.ogg\n", id="a list without quotes"),
        pytest.param("x,a,[],1.ogg\ny,b,[],2.ogg\n", id="a column without a header"),
        pytest.param("a,[],1.ogg\na,['b', 'c'],2.ogg\n", id="one row alone"),
    ],
)
def test_row__more_cells_than_columns_are_refused_not_shifted(tmp_path: Path, rows: str) -> None:
    message = _complaint(tmp_path, HEADER + rows)
    assert "column" in message or "fields" in message


def test_row__a_comma_after_every_row_shifts_no_label(tmp_path: Path) -> None:
    try:
        table = _read(tmp_path, HEADER + "a,[],1.ogg,\nb,[],2.ogg,\n")
    except SchemaError:
        return  # a refusal is right too
    assert table["primary_label"].tolist() == ["a", "b"]


def test_taxonomy__more_cells_than_columns_are_refused_not_shifted(tmp_path: Path) -> None:
    _complaint(tmp_path, TAXONOMY_HEADER + "grekis,Pitangus sulphuratus,Great Kiskadee,Aves,a note\n", TAXONOMY)


def test_read_table__an_empty_file(tmp_path: Path) -> None:
    assert _complaint(tmp_path, "").startswith("train.csv is not a CSV table")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), id="picture"),
        pytest.param(b"PK\x03\x04" + bytes(range(256)), id="spreadsheet"),
        pytest.param("primary_label,secondary_labels,filename\nä,[],1.ogg\n".encode("latin-1"), id="latin-1"),
        pytest.param(HEADER.encode("utf-16-le"), id="UTF-16 that does not say so"),
        pytest.param(HEADER.encode() + b'a,"[],1.ogg\n', id="a quote that never ends"),
    ],
)
def test_read_table__not_csv(tmp_path: Path, content: bytes) -> None:
    assert _complaint(tmp_path, content).startswith("train.csv is not a CSV table: ")


@pytest.mark.parametrize("content", [b"<html>\n<body>Not found</body>\n</html>\n", bytes(100)])
def test_read_table__another_table(tmp_path: Path, content: bytes) -> None:
    assert _complaint(tmp_path, content).startswith("train.csv: column 'primary_label' is missing; it has ")


def test_read_table__a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"train\.csv does not exist: a folder in BirdCLEF's layout holds train\.csv"):
        read_table(tmp_path / "train.csv", TRAIN)


def test_read_table__a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "train.csv").mkdir()
    with pytest.raises(SchemaError, match=r"train\.csv"):
        read_table(tmp_path / "train.csv", TRAIN)


def test_read_table__a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    assert _read(tmp_path, HEADER).empty


# As spreadsheets save it


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"primary_label;secondary_labels;filename\na;['b', 'c'];1.ogg\n", id="semicolons"),
        pytest.param("primary_label\tsecondary_labels\tfilename\na\t['b', 'c']\t1.ogg\n".encode("utf-16"), id="UTF-16"),
        pytest.param(
            b"primary_label,secondary_labels,filename,,\na,\"['b', 'c']\",1.ogg,,\n,,,,\n", id="empty columns"
        ),
    ],
)
def test_train__is_read_as_spreadsheets_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.csv").write_bytes(content)
    assert read_table(tmp_path / "train.csv", TRAIN).to_dict("records") == [
        {"primary_label": "a", "secondary_labels": "['b', 'c']", "filename": "1.ogg"}
    ]


def test_train__a_row_may_end_before_cells_that_need_not_be_there(tmp_path: Path) -> None:
    table = _read(tmp_path, "primary_label,secondary_labels,filename,latitude,longitude\na,[],1.ogg\n")
    assert table.loc[2, "longitude"] == ""


def test_labels__white_space_and_accents_form_make_no_other_label(tmp_path: Path) -> None:
    table = _read(tmp_path, f"{HEADER} a\u00a0 b ,[],1.ogg\np\u0061\u0301jaro,[],2.ogg\n")
    assert table["primary_label"].tolist() == ["a b", "p\u00e1jaro"]


# Where and when

PLACES = "primary_label,secondary_labels,filename,latitude,longitude,recorded_at\n"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("999,0,", "column 'latitude', row 3: '999' must be a number of degrees from -90 to 90"),
        ("0,-181,", "column 'longitude', row 3: '-181' must be a number of degrees from -180 to 180"),
        ("4.7N,0,", "column 'latitude', row 3: '4.7N' must be a number"),
        ("0,inf,", "column 'longitude', row 3: 'inf' must be a number"),
        ("nan,nan,", "column 'latitude', row 3: 'nan' must be a number"),
        ("4710,-74072,", "column 'latitude', row 3: '4710' must be a number"),
        ("4.7,,", "column 'latitude', row 3: '4.7' has no longitude beside it: both are needed, or none"),
        (",-74.07,", "column 'longitude', row 3: '-74.07' has no latitude beside it: both are needed, or none"),
        (",,04/05/2023 05:40", "column 'recorded_at', row 3: '04/05/2023 05:40' must be a time such as"),
        (",,2023-04-05 25:61", "column 'recorded_at', row 3: '2023-04-05 25:61' must be a time such as"),
        (",,2023-04-05/05:40", "column 'recorded_at', row 3: '2023-04-05/05:40' must be a time such as"),
        (",,2023-13", "column 'recorded_at', row 3: '2023-13' must be a time such as"),
        (",,45021.236", "column 'recorded_at', row 3: '45021.236' must be a time such as"),
    ],
)
def test_train__a_wrong_place_or_time_is_named_with_column_and_row(tmp_path: Path, cells: str, message: str) -> None:
    assert _complaint(tmp_path, f"{PLACES}a,[],1.ogg,,,\na,[],2.ogg,{cells}\n").startswith(f"train.csv: {message}")


@pytest.mark.parametrize(
    "cells",
    [
        ",,",
        "4.71,-74.07,2023-04-05T05:40:00",
        '"4,71","-74,07",2023-04-05 05:40',
        "\u22124.71,0,2023-04-05",
        "90,180,2023-04-05T05:40:00.250Z",
        "-90,-180,20230405T054000-0500",
        " 4.71 ,-74.07 ,2023-04",
    ],
)
def test_train__places_and_times_as_they_are_written(tmp_path: Path, cells: str) -> None:
    assert len(_read(tmp_path, f"{PLACES}a,[],1.ogg,{cells}\n")) == 1


@pytest.mark.parametrize("name", [r"..\x.ogg", r"\x.ogg", r"C:\x.ogg", "C:/x.ogg"])
def test_train__a_path_of_windows_must_lead_inside_too(tmp_path: Path, name: str) -> None:
    assert "must be a path inside train_audio" in _complaint(tmp_path, f"{HEADER}a,[],{name}\n")
