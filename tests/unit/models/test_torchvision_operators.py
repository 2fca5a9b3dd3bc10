import subprocess
import sys


def test_training_libraries__import_beside_a_cpu_torch() -> None:
    # Without the declaration each of these dies with: operator torchvision::nms does not exist.
    code = "import silencio.models, torchvision, timm, peft, lightning"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_declaration__twice_does_nothing() -> None:
    from silencio.models.torchvision_operators import _declared, declare_missing_operators

    before = len(_declared)
    declare_missing_operators()
    assert len(_declared) == before
