import pytest

from arnn_search.execution.devices import Gpu, visible_gpus

SMI = """#!/bin/sh
echo "0, NVIDIA H100, 81559, GPU-aaaa-1"
echo "1, NVIDIA H100, 81559, GPU-bbbb-2"
echo "2, NVIDIA T4, [N/A], GPU-cccc-3"
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


def test_gpus_are_those_that_nvidia_smi_lists(smi):
    assert visible_gpus() == [
        Gpu("0", "NVIDIA H100", 81559),
        Gpu("1", "NVIDIA H100", 81559),
        Gpu("2", "NVIDIA T4", 0),
    ]
    smi.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus() == []


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("1,0", ["1", "0"]),
        ("GPU-bbbb", ["GPU-bbbb"]),
        ("MIG-1/2, 0", ["MIG-1/2", "0"]),
        ("0,-1,1", ["0"]),
        ("-1", []),
        ("", []),
    ],
)
def test_only_what_cuda_visible_devices_lets_through(smi, monkeypatch, visible, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.identifier for gpu in visible_gpus()] == found
