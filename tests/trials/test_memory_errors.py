"""How each backend says that there is no memory left; the words are those of real errors."""

import numpy as np
import pytest

from arnn_search.trials.memory_errors import is_out_of_memory, requested_bytes
from arnn_search.trials.outcome import failure_outcome

TENSORFLOW = (
    "{{function_node __wrapped__Fill_device_/job:localhost/replica:0/task:0/device:CPU:0}} OOM when "
    "allocating tensor with shape[3000000000,100000] and type float on /job:localhost/replica:0/task:0"
)
JAX = "RESOURCE_EXHAUSTED: Out of memory allocating 140737488355328 bytes."
TORCH = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 1200000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
JAX_ON_GPU = (
    "RESOURCE_EXHAUSTED: Failed to get configs for: 2 out of 30 instructions. See logs for all failures. "
    "Example failure: \nOut of memory while trying to allocate 59.83GiB with allocator GPU_0_bfc on device 0."
    " [tf-allocator-allocation-error='']"
)
CUDA_ITSELF = (
    "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in https://docs.nvidia.com/cuda/"
)
CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB of which ..."


class ResourceExhaustedError(Exception):
    """By its name TensorFlow's."""


class OutOfMemoryError(RuntimeError):
    """By its name torch's."""


@pytest.mark.parametrize(
    ("error", "asked_for"),
    [
        (ResourceExhaustedError(TENSORFLOW), 3_000_000_000 * 100_000 * 4),
        (RuntimeError(JAX), 140_737_488_355_328),
        (RuntimeError(TORCH), 1_200_000_000_000_000),
        (RuntimeError(JAX_ON_GPU), int(59.83 * (1 << 30))),
        (OutOfMemoryError(CUDA), 2 << 30),
        (RuntimeError(CUDA_ITSELF), None),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), None),
        (MemoryError(), None),
    ],
    ids=["tensorflow", "jax", "torch", "jax on a gpu", "cuda", "cuda itself", "cudnn", "python"],
)
def test_each_backends_way_is_known(error, asked_for):
    assert is_out_of_memory(error)
    assert requested_bytes(str(error)) == asked_for


def test_numpys_own_memory_error_is_one_too(tmp_path):
    with pytest.raises(MemoryError) as caught:
        np.zeros(1 << 50, dtype="float32")
    outcome = failure_outcome(caught.value, tmp_path / "space.py")
    assert (outcome.state, outcome.reason) == ("infeasible", "out of memory")
    assert outcome.requested_bytes == 4 << 50


def test_error_that_another_one_was_raised_from_counts_and_others_do_not():
    wrapped = ValueError("the model could not be built")
    wrapped.__cause__ = MemoryError()
    assert is_out_of_memory(wrapped)
    assert not is_out_of_memory(ValueError("out of memory, said the user"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    assert requested_bytes("shapes do not fit") is None
