"""What steps ask for: `test_cluster_objects` holds the table, `test_compile` and `test_submit` what is compiled."""

import pytest

from pipelines.resources import PROFILES, Cluster, for_head, made_for
from silencio.__main__ import main
from silencio.errors import ConfigError


def test_profile__that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="profile 'tpu' is none: cpu, gpu, none"):
        Cluster("tpu")


def test_profile__holds_while_a_graph_is_made_and_no_longer() -> None:
    before = for_head("effnet_lora", "reserve-fast")
    with pytest.raises(ZeroDivisionError), made_for(Cluster("cpu")):
        assert for_head("effnet_lora", "reserve-fast").n_gpus == 0
        _ = 1 / 0
    assert for_head("effnet_lora", "reserve-fast") == before
    assert before.n_gpus == 1


@pytest.mark.parametrize("command", ["submit train", "submit release", "compile"])
def test_command__offers_the_profiles_that_there_are(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert f"--resources {{{','.join(PROFILES)}}}" in capsys.readouterr().out
