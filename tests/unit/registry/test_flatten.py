"""Nested values as MLflow takes them."""

from __future__ import annotations

from silencio.registry.flatten import metrics_of, params_of, shortened


def test_params__are_flat_and_say_null_false_and_lists() -> None:
    values = {"seed": 3, "heads": {"raw": {"widths": [4, 8], "name": "a: b", "mixup": None, "on": False, "empty": {}}}}
    assert params_of(values) == {
        "seed": "3",
        "heads.raw.widths": "[4, 8]",
        "heads.raw.name": "a: b",
        "heads.raw.mixup": "null",
        "heads.raw.on": "false",
        "heads.raw.empty": "{}",
    }


def test_params__too_long_are_cut_and_say_so() -> None:
    text = params_of({"a": "x" * 7000})["a"]
    assert (len(text), text[-1]) == (6000, "…")
    assert len(next(iter(params_of({"k" * 300: 1})))) == 250


def test_figures__are_finite_numbers_only() -> None:
    values = {"test": {"map": 0.5, "n": 7, "nan": float("nan"), "inf": float("inf"), "ok": True, "rows": [1], "s": "1"}}
    assert metrics_of(values) == {"test/map": 0.5, "test/n": 7.0}


def test_figures__have_names_that_mlflow_takes() -> None:
    assert list(metrics_of({"Rana (Lithobates)": {"a/b": 1.0, "ñandú": 2.0}})) == [
        "Rana _Lithobates_/a_b",
        "Rana _Lithobates_/_and_",
    ]


def test_figures__deeper_than_asked_are_left_out() -> None:
    assert metrics_of({"test": {"map": 0.5, "by_class": {"Aves": 0.4}}}, depth=2) == {"test/map": 0.5}


def test_shortened__leaves_what_is_short_enough() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"
