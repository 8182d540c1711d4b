# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results are to be repeatable, and exact."""

from threading import Barrier, Thread

import pytest
import torch
from torch.backends import cudnn

from audeep.errors import OptionError
from audeep.models.devices import applying, repeatable


@pytest.fixture(autouse=True)
def _as_by_default() -> None:
    assert (cudnn.deterministic, cudnn.allow_tf32) == (False, True)


def test_flags_of_cudnn_are_as_before_afterwards() -> None:
    with repeatable():
        assert (cudnn.deterministic, cudnn.allow_tf32) == (True, True)
        with applying():
            assert (cudnn.deterministic, cudnn.allow_tf32) == (True, False)
            assert torch.is_inference_mode_enabled()
        assert (cudnn.deterministic, cudnn.allow_tf32) == (True, True)
    with pytest.raises(ZeroDivisionError), repeatable(exact=True):
        raise ZeroDivisionError
    assert (cudnn.deterministic, cudnn.allow_tf32) == (False, True)


def test_what_a_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cudnn, "allow_tf32", False)
    with repeatable():
        assert not cudnn.allow_tf32
    assert not cudnn.allow_tf32


def test_threads_that_overlap_leave_the_flags_as_they_were() -> None:
    first_is_in, second_is_in, first_is_out = (Barrier(2, timeout=10) for _ in range(3))
    seen = []

    def first() -> None:
        with applying():
            first_is_in.wait()
            second_is_in.wait()
        first_is_out.wait()

    def second() -> None:
        first_is_in.wait()
        with repeatable():
            second_is_in.wait()
            first_is_out.wait()
            seen.append((cudnn.deterministic, cudnn.allow_tf32))

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(True, True)] and (cudnn.deterministic, cudnn.allow_tf32) == (False, True)


def test_a_batch_that_does_not_fit_into_memory_is_one_line() -> None:
    message = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB"
    with pytest.raises(OptionError) as caught, applying():
        raise torch.cuda.OutOfMemoryError(message)
    assert str(caught.value) == "batch_size=N: CUDA out of memory; choose a smaller one, or device='cpu'"
