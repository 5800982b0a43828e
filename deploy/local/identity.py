"""As whom PostgreSQL runs: it refuses root, and needs a user that the system knows by name."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import OperatorError


@dataclass(frozen=True)
class Identity:
    """How to run a program as somebody: words before its command, or a user to become.

    `owner` is who must own its files, seen from outside. With `prefix` the program replaces it
    (exec), so that the pid of the command is the program's own.
    """

    owner: int
    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


def ordinary_identity(program: Path) -> Identity:
    """The first of `possible_identities()` as whom `program` can be run at all."""
    for identity in possible_identities():
        if can_run(identity, program):
            return identity
    raise OperatorError("postgres.root")


def possible_identities() -> list[Identity]:
    """Ourselves, if we are an ordinary user with a name. Otherwise

    1. ourselves, called by another number inside a user namespace: nothing changes hands;
    2. another user who may pass our folders (most containers forbid the namespace);
    3. another user, who must be able to reach program and data.
    """
    me = os.geteuid()
    if me != 0 and _has_name(me):
        return [Identity(owner=me)]
    other = _another_user()
    possible = []
    if shutil.which("unshare"):
        prefix = ("unshare", "--user", f"--map-user={other.pw_uid}")
        possible.append(Identity(owner=me, prefix=prefix))
    if me == 0 and shutil.which("setpriv"):
        possible.append(Identity(owner=other.pw_uid, prefix=_setpriv(other)))
    if me == 0:
        possible.append(Identity(owner=other.pw_uid, user=other.pw_uid, group=other.pw_gid))
    return possible


def as_popen(identity: Identity) -> dict[str, object]:
    """The arguments of subprocess for an identity that is not a prefix."""
    if identity.user is None:
        return {}
    return {"user": identity.user, "group": identity.group, "extra_groups": []}


def hand_over_files(folder: Path, identity: Identity) -> None:
    """Make `folder` and all in it the identity's: it may have run as somebody else before."""
    if os.geteuid() != 0 or folder.stat().st_uid == identity.owner:
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            os.lchown(os.path.join(parent, name), identity.owner, -1)
        os.lchown(parent, identity.owner, -1)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _another_user() -> pwd.struct_passwd:
    for name in ("postgres", "daemon", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid > 0:
            return found
    raise OperatorError("postgres.root")


def _setpriv(other: pwd.struct_passwd) -> tuple[str, ...]:
    # the capability lets it pass root's own folders, as the namespace would; without the bit
    # access(2), by which it finds its own programs, would not know of it
    return (
        "setpriv",
        "--securebits=+no_setuid_fixup",
        f"--reuid={other.pw_uid}",
        f"--regid={other.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
    )


def can_run(identity: Identity, program: Path) -> bool:
    """Whether the program could be started so, tried with its `--version`."""
    try:
        tried = subprocess.run(
            [*identity.prefix, str(program), "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            **as_popen(identity),  # type: ignore[call-overload]
        )
    except OSError:
        return False
    return bool(tried.returncode == 0)
