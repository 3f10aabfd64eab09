"""Lets a process started by root go on without being root, since PostgreSQL refuses to run as root.

First by a user namespace, where root of this machine is user 1000 inside: works below folders that only
root may enter. Else as the user nobody. Linux only; an ordinary user needs nothing.
"""

import ctypes
import os
import pwd
from pathlib import Path

from marketplace.local.house import Trouble

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


STILL_ROOT = (
    "PostgreSQL does not run as root, and this machine allows no user namespaces: run the command as an ordinary "
    "user, or move the folder to where every user may read it."
)


class StillRoot(Trouble):
    """Neither way of giving root up is open."""


def give_up_root(*, folders: list[Path], through: Path, reads: Path) -> None:
    """Stop being root, handing over `folders` first, which lie in `through`. Raises StillRoot."""
    if os.geteuid() != 0:
        return
    if enter_user_namespace(folders):
        return
    nobody = pwd.getpwnam("nobody")
    through.chmod(0o711)  # nobody passes, and sees no more than its own folder
    if not all(is_open_to_all(path) for path in (reads, through / "inside")):
        raise StillRoot(STILL_ROOT)
    try:
        for folder in folders:
            hand_over(folder, nobody.pw_uid, nobody.pw_gid)
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    except OSError as error:
        raise StillRoot(STILL_ROOT) from error


def enter_user_namespace(folders: list[Path]) -> bool:
    """Become user 1000 of a namespace of our own, if the kernel allows it."""
    if not namespaces_allowed():
        return False
    for folder in folders:
        hand_over(folder, 0, 0)
    if libc.unshare(CLONE_NEWUSER) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")
    return True


def namespaces_allowed() -> bool:
    """Try it in a child, so that a refusal half-way leaves this process as it was."""
    child = os.fork()
    if child == 0:
        try:
            allowed = libc.unshare(CLONE_NEWUSER) == 0
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text("1000 0 1")
        except OSError:
            allowed = False
        os._exit(0 if allowed else 1)
    return os.waitpid(child, 0)[1] == 0


def is_open_to_all(path: Path) -> bool:
    """Tell whether everybody may pass through the folders above `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def hand_over(folder: Path, user: int, group: int) -> None:
    """Give a folder and all that is in it to a user, unless it is theirs already."""
    if folder.stat().st_uid == user:
        return
    for parent, _, files in os.walk(folder):
        for name in files:
            os.chown(os.path.join(parent, name), user, group, follow_symlinks=False)
        os.chown(parent, user, group)


def die_with(parent: int, signal: int) -> None:
    """Have the kernel send this process `signal` when its parent dies. Call between fork and exec."""
    libc.prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal)
