"""The last step before a server's own program: drop to its account, and die with the parent.

This file is run by path, as `python -I -S leash.py UID GID SIGNAL PARENT -- PROGRAM ARGS...`, and
becomes that program. It exists because the alternatives are weaker: code between fork and exec is
unsafe in a process that has threads, and a parent that is killed outright cannot clean up. The
order matters: the kernel forgets the parent-death signal whenever credentials change, so the
account is dropped first. The signal is bound to the *thread* that started the program: start
servers from a thread that lives as long as they should.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
KEEP = -1
"""The uid and gid that mean "stay who we are"."""


def main(arguments: list[str]) -> None:
    """Become the program, as the account, on the leash."""
    uid, gid, signal_number, parent = (int(word) for word in arguments[:4])
    program = arguments[5:]
    if uid != KEEP:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_PDEATHSIG, signal_number, 0, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "prctl refused")
    if os.getppid() != parent:
        sys.exit("the parent ended before the server began")
    os.execvp(program[0], program)  # noqa: S606 - becoming another program is this file's purpose


if __name__ == "__main__":
    main(sys.argv[1:])
