import subprocess
import sys


def test_torchvision__is_imported_beside_a_cpu_torch() -> None:
    # Without the declaration each of timm, peft and lightning dies, since they import torchvision: operator
    # torchvision::nms does not exist.
    code = "import silencio.models, torchvision"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_declaration__twice_does_nothing() -> None:
    from silencio.models.torchvision_operators import _declared, declare_missing_operators

    before = len(_declared)
    declare_missing_operators()
    assert len(_declared) == before
