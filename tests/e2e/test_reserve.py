"""A reserve's real recordings, where they are at hand: SILENCIO_RESERVE names the folder."""

import os
from pathlib import Path

import pytest

from silencio.data.birdclef import read_birdclef
from silencio.data.split import SplitConfig, check_disjoint, draw_split
from silencio.data.validate import validate_recordings
from silencio.features import FeatureSpec, FrontEnd

pytestmark = pytest.mark.reserve


@pytest.fixture(scope="module")
def reserve() -> Path:
    return Path(os.environ["SILENCIO_RESERVE"])


def test_source__reads_the_reserve_as_it_reads_the_demo(reserve: Path) -> None:
    source = read_birdclef(reserve)
    assert len(source.recordings) == 374
    assert len(source.classes) == 62
    assert {species.class_name for species in source.classes} == {"Aves", "Amphibia", "Mammalia", "Insecta"}


def test_validation__decodes_every_recording(reserve: Path) -> None:
    outcome = validate_recordings(read_birdclef(reserve).recordings)
    assert outcome.left_out.empty
    assert outcome.usable["duration_s"].sum() / 60 == pytest.approx(66, abs=1)


def test_split__says_the_species_too_small_for_three_parts(reserve: Path) -> None:
    usable = validate_recordings(read_birdclef(reserve).recordings).usable
    split = draw_split(usable, SplitConfig())
    check_disjoint(split.assignment)
    assert len(split.too_small) == 14
    assert split.assignment["split"].value_counts().to_dict() == {"train": 219, "test": 81, "validation": 74}


def test_windows__are_as_many_as_the_sound_is_long(reserve: Path) -> None:
    front_end = FrontEnd(FeatureSpec())
    n_windows = sum(
        len(front_end.windows(front_end.waveform(Path(path)))) for path in read_birdclef(reserve).recordings["path"]
    )
    assert n_windows == 929
