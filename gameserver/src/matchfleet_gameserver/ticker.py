"""Wakes the event loop at an absolute time, as exactly as the system can.

A timerfd wakes it through the poll itself: it is never early, and not rounded to a millisecond as
the timers of event loops are. It is a system call away in Python 3.13 and in libc before; where
there is none, the event loop's own timer does.
"""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

_NS = 1_000_000_000
_TFD_TIMER_ABSTIME = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC


class Timer(Protocol):
    """Calls back once for each time that it is armed."""

    def arm(self, at: float) -> None:
        """Call back at this time of `time.monotonic`, or at once if it is past."""
        ...

    def close(self) -> None:
        """Never call back again."""
        ...


def timer(callback: Callable[[], None]) -> Timer:
    """The best timer of this system, on the running event loop."""
    try:
        return TimerFd(callback)
    except (OSError, AttributeError):
        return LoopTimer(callback)


class LoopTimer:
    """The event loop's own timer."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, at: float) -> None:
        """See Timer."""
        self._handle = self._loop.call_later(max(at - time.monotonic(), 0.0), self._callback)

    def close(self) -> None:
        """See Timer."""
        if self._handle is not None:
            self._handle.cancel()


class TimerFd:
    """Linux's timer in a file descriptor.

    Raises:
        OSError: the kernel refuses.
        AttributeError: this system has none.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._fd, self._settime = _system_timer()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._fired)

    def arm(self, at: float) -> None:
        """See Timer. A time of zero would disarm it, hence the floor."""
        self._settime(self._fd, max(int(at * _NS) + 1, 1))

    def close(self) -> None:
        """See Timer."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _fired(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._callback()


def _system_timer() -> tuple[int, Callable[[int, int], None]]:
    if sys.version_info >= (3, 13):
        return _python_timer()
    return _libc_timer()


if sys.version_info >= (3, 13):

    def _python_timer() -> tuple[int, Callable[[int, int], None]]:
        def arm(fd: int, at_ns: int) -> None:
            os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=at_ns)

        flags = os.TFD_NONBLOCK | os.TFD_CLOEXEC
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=flags), arm


class _Timespec(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_long), ("nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


def _libc_timer() -> tuple[int, Callable[[int, int], None]]:
    libc = ctypes.CDLL(None, use_errno=True)
    create, settime = libc.timerfd_create, libc.timerfd_settime
    fd = create(time.CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    spec = _Itimerspec()
    pointer = ctypes.byref(spec)

    def arm(fd: int, at_ns: int) -> None:
        spec.value.sec, spec.value.nsec = divmod(at_ns, _NS)
        if settime(fd, _TFD_TIMER_ABSTIME, pointer, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    return fd, arm
