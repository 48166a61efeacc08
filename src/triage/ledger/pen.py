"""Writes a block and flushes it, in a thread that never asks for the interpreter's lock.

A thread of Python begins to write only once whoever woke it lets go of that lock, and needs it
again to say that it is done; beside a busy event loop both cost more than the write. Here the loop
hands over a block, goes on, and finds a descriptor readable when the block is on the disk.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading

import numpy as np
from numba import types
from numpy.typing import NDArray

from triage.jit import kernel

_HANDLE, _PLACE, _SIZE, _OFFSET, _WELL = range(5)
_END = -1
_WORD = 8
_read = types.ExternalFunction("read", types.intp(types.int32, types.intp, types.intp))
_write = types.ExternalFunction("write", types.intp(types.int32, types.intp, types.intp))
_pwrite = types.ExternalFunction(
    "pwrite", types.intp(types.int32, types.intp, types.intp, types.int64)
)
_fdatasync = types.ExternalFunction("fdatasync", types.int32(types.int32))


@kernel
def _serve(asked: int, told: int, job: NDArray[np.int64]) -> None:
    word = np.ones(1, np.uint64)
    while _read(asked, word.ctypes.data, _WORD) == _WORD and job[_HANDLE] != _END:
        size = _pwrite(job[_HANDLE], job[_PLACE], job[_SIZE], job[_OFFSET])
        job[_WELL] = size == job[_SIZE] and _fdatasync(job[_HANDLE]) == 0
        word[0] = 1
        _write(told, word.ctypes.data, _WORD)


def available() -> bool:
    """Return whether the operating system has what a pen needs."""
    return hasattr(os, "eventfd") and hasattr(os, "fdatasync")


class Pen:
    """One block at a time; whoever uses it sees to that.

    Attributes:
        told: a descriptor, readable once the block is written or has failed.
    """

    def __init__(self) -> None:
        self._asked = os.eventfd(0, os.EFD_CLOEXEC)
        self.told = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._job = np.zeros(5, np.int64)
        self._block = b""
        _serve(-1, -1, self._job)  # compiled now, not while the first block waits
        self._thread = threading.Thread(target=self._run, name="pen", daemon=True)
        self._thread.start()

    def write(self, handle: int, block: bytes, offset: int) -> None:
        """Begin to write a block at a byte of an open file, and to flush it."""
        self._block = block
        place = ctypes.cast(ctypes.c_char_p(block), ctypes.c_void_p).value or 0
        self._job[:_WELL] = (handle, place, len(block), offset)
        os.eventfd_write(self._asked, 1)

    def done(self) -> bool | None:
        """Return whether the block is on the disk; None as long as it is being written.

        False means that nobody knows what of it is there. The answer is given once.
        """
        try:
            os.eventfd_read(self.told)
        except BlockingIOError:
            return None
        return bool(self._job[_WELL])

    def close(self) -> None:
        """End the thread; nothing may be being written."""
        self._job[_HANDLE] = _END
        os.eventfd_write(self._asked, 1)
        self._thread.join()
        os.close(self._asked)
        os.close(self.told)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        _serve(self._asked, self.told, self._job)
