"""What the fenced child may not ask of the kernel (seccomp, Linux): programs, processes, the network, files to write.

In: nothing. Out: whether this process is now held to it; it is not on systems without seccomp or of another machine
type, where the other limits stand alone. Threads may be started, since the decoder of HEIC works in them. A refused
call fails with EPERM; what cannot be looked at (`clone3`) does not exist (ENOSYS), so that libraries ask with `clone`.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple


class Machine(NamedTuple):
    """A machine type: its name for seccomp, the numbers of calls that are refused, and of those that are looked at."""

    audit: int
    refused: tuple[int, ...]
    opening: tuple[tuple[int, int], ...]
    """Numbers of calls that open files, each with the place of the flags among its arguments."""
    clone: int


MACHINES: Final[Mapping[str, Machine]] = {
    # socket, connect, accept, sendto, sendmsg, bind, listen, socketpair; fork, vfork, execve, kill; truncate, rename,
    # mkdir, rmdir, creat, link, unlink, symlink, chmod; ptrace, mount, keys, unlinkat and its like, perf_event_open,
    # setns, process_vm_*, bpf, execveat, userfaultfd, unshare, accept4, sendmmsg, renameat2, io_uring, pidfd, openat2
    "x86_64": Machine(
        0xC000003E,
        (
            *(41, 42, 43, 44, 46, 49, 50, 53, 57, 58, 59, 62, 76, 82, 83, 84, 85, 86, 87, 88, 90, 101, 165, 248, 249),
            *(250, 258, 263, 264, 265, 266, 268, 272, 288, 298, 307, 308, 310, 311, 316, 321, 322, 323, 424, 425, 437),
        ),
        ((2, 1), (257, 2)),
        56,
    ),
    # the same by the numbers that newer machines share
    "aarch64": Machine(
        0xC00000B7,
        (
            *(34, 35, 36, 37, 38, 40, 45, 53, 97, 117, 129, 198, 199, 200, 201, 202, 203, 206, 211, 217, 218, 219, 221),
            *(241, 242, 268, 269, 270, 271, 276, 280, 281, 282, 424, 425, 437),
        ),
        ((56, 2),),
        220,
    ),
}

_CLONE3: Final = 435
_OTHER_NUMBERS: Final = 0x40000000
"""From here on: the numbers of another calling convention (x32) of the same machine."""
_CLONE_THREAD: Final = 0x00010000
_WRITING: Final = 0o1 | 0o2 | 0o100 | 0o1000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_SET_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38


def program(machine: Machine) -> bytes:
    """The filter, as the kernel's instructions of eight bytes: code, jump if true, jump if false, constant."""
    refuse = (_RETURN, 0, 0, _FAIL | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _OTHER_NUMBERS), refuse]
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    for number in machine.refused:
        steps += [(_EQUAL, 0, 1, number), refuse]
    for number, argument in machine.opening:
        steps += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)]
        steps += [(_ANY_BIT, 0, 1, _WRITING), refuse, allow]
    steps += [(_EQUAL, 0, 4, machine.clone), (_LOAD, 0, 0, _ARGUMENTS), (_ANY_BIT, 1, 0, _CLONE_THREAD), refuse, allow]
    return b"".join(struct.pack("=HBBI", *step) for step in [*steps, allow])


def hold() -> bool:
    """Hold this process and its threads to the filter for good; whether that is so."""
    machine = MACHINES.get(platform.machine())
    if machine is None or not hasattr(ctypes.CDLL(None), "prctl"):
        return False
    code = program(machine)
    held = ctypes.create_string_buffer(code, len(code))
    listed = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(held)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(listed), 0, 0) == 0)
