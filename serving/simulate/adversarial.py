"""What no well-meaning client sends: distorted, truncated, mislabelled and wrong-format audio, and bodies that lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.simulate.recordings import RATE_HZ, encode, fitted
from serving.simulate.scenario import Scenario
from serving.simulate.simulated_client import SimulatedClient
from serving.simulate.users import random_sound

_Samples = NDArray[np.float32]
_CLIP_S = 7.0


@dataclass(frozen=True)
class Attack:
    """One way of sending something.

    Attributes:
        what: The attack's name in the report.
        make: Makes the body and its media type of a clip's sound.
        refused: Whether it must be answered by a 4xx; else by anything but a 5xx, a 200 in the right shape.
    """

    what: str
    make: Callable[[_Samples, np.random.Generator], tuple[bytes, str]]
    refused: bool = False


def adversarial(scenario: Scenario) -> None:
    """Every attack in turn, by several clients, until the end; each at least once."""
    scenario.play(_attack)


def _attack(scenario: Scenario, client: SimulatedClient, rng: np.random.Generator) -> None:
    is_first_round = True
    while is_first_round or not scenario.is_over:
        for number in rng.permutation(len(ATTACKS)):
            if scenario.is_over and not is_first_round:
                return
            attack = ATTACKS[int(number)]
            clip = fitted(random_sound(scenario, rng), _CLIP_S)
            body, media_type = attack.make(clip, rng)
            scenario.record(client.send(attack.what, body, media_type, refusal_expected=attack.refused))
        is_first_round = False


def _clipped(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return encode(np.clip(clip * np.float32(10.0 ** rng.uniform(1, 3)), -1, 1)), "audio/ogg"


def _noisy(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    noise = rng.standard_normal(len(clip), dtype=np.float32)
    return encode(np.clip(clip + np.float32(rng.uniform(0.1, 1.0)) * noise, -1, 1)), "audio/ogg"


def _silent(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return encode(np.zeros_like(clip), "FLAC"), "audio/flac"


def _slowed(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    rate_hz = int(rng.choice([8_000, 11_025, 44_100, 96_000, 192_000]))
    return encode(clip[: 3 * RATE_HZ], "WAV", rate_hz), "audio/wav"


def _truncated(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    whole = encode(clip)
    return whole[: int(rng.uniform(0.02, 0.98) * len(whole))], "audio/ogg"


def _damaged(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    body = np.frombuffer(encode(clip, str(rng.choice(["OGG", "WAV", "FLAC"]))), np.uint8).copy()
    places = rng.integers(len(body), size=int(rng.integers(1, 200)))
    body[places] = rng.integers(256, size=len(places), dtype=np.uint8)
    return body.tobytes(), "audio/ogg"


def _mislabelled(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    declared = str(rng.choice(["audio/mpeg", "audio/ogg", "audio/x-unknown"]))
    return encode(clip, "WAV"), declared


def _not_finite(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    broken = clip.copy()
    broken[rng.integers(len(clip), size=10)] = np.nan
    # A WAV of floats by hand: libsndfile would write it too, but not with every version.
    data = broken.astype("<f4").tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (3).to_bytes(2, "little") + (1).to_bytes(2, "little") + RATE_HZ.to_bytes(4, "little")
    form += (4 * RATE_HZ).to_bytes(4, "little") + (4).to_bytes(2, "little") + (32).to_bytes(2, "little")
    return head + form + b"data" + len(data).to_bytes(4, "little") + data, "audio/wav"


def _text(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return b"This is no recording. " * int(rng.integers(1, 500)), "audio/ogg"


def _picture(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return b"\x89PNG\r\n\x1a\n" + rng.bytes(int(rng.integers(10, 5_000))), "audio/ogg"


def _only_head(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return encode(clip)[: int(rng.integers(1, 40))], "audio/ogg"


def _empty(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return b"", "audio/ogg"


def _wrong_type(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return encode(clip), str(rng.choice(["text/plain", "image/png", "application/pdf"]))


def _json(body: object) -> Callable[[_Samples, np.random.Generator], tuple[bytes, str]]:
    return lambda clip, rng: (json.dumps(body).encode(), "application/json")


def _broken_json(clip: _Samples, rng: np.random.Generator) -> tuple[bytes, str]:
    return b'{"instances": [{"audio": {"b64": "T2dnUw', "application/json"


ATTACKS = (
    Attack("clipped", _clipped),
    Attack("under noise", _noisy),
    Attack("silence", _silent),
    Attack("at another rate", _slowed),
    Attack("truncated", _truncated),
    Attack("damaged bytes", _damaged),
    Attack("WAV called otherwise", _mislabelled),
    Attack("samples that are no numbers", _not_finite, refused=True),
    Attack("text called OGG", _text, refused=True),
    Attack("a picture called OGG", _picture, refused=True),
    Attack("the first bytes alone", _only_head, refused=True),
    Attack("an empty body", _empty, refused=True),
    Attack("OGG called no audio", _wrong_type, refused=True),
    Attack("JSON cut short", _broken_json, refused=True),
    Attack("no instances", _json({"instances": []}), refused=True),
    Attack("not base64", _json({"instances": [{"audio": {"b64": "%%%"}}]}), refused=True),
    Attack("an unknown field", _json({"instances": [{"audio": {"b64": "AA=="}, "colour": "red"}]}), refused=True),
    Attack(
        "an unknown option", _json({"instances": [{"audio": {"b64": "AA=="}}], "parameters": {"x": 1}}), refused=True
    ),
)
