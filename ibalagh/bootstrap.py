"""Makes the environment where it is missing, then hands over to the command line. Standard library only.

In: the arguments of `./run`. Out: the process becomes `.venv/bin/python -m ibalagh.cli <arguments>`. In between,
only where needed: a virtual environment, the packages of `requirements/run.lock` (or `dev.lock`, which holds them
too, for the commands of developers) with their hashes, Kafka's jars and the pages' assets. A stamp with the hashes
of what was installed is removed first and written last: without it the environment is half-made and is made anew,
with it a start costs a few file reads.

Fails with exit code 1 and one sentence that says what to do: no venv module, no network, full disk, content that
differs from its locked hash. 130 after Ctrl-C; the same command then begins again.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
DEVELOPER_COMMANDS = frozenset({"test", "check", "lock"})
NEEDED_BYTES = 1_500_000_000
"""Free space that a first set-up asks for; it uses less."""

NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|Network is unreachable|ConnectTimeout|Read timed out"
    r"|Max retries exceeded|Connection (?:refused|reset|broken)|ProxyError|ConnectionError"
)
FULL_DISK = re.compile(r"No space left on device|Errno 28|Disk quota exceeded|Errno 122")
OTHER_CONTENT = re.compile(r"DO NOT MATCH THE HASHES")


class SetupError(Exception):
    """One sentence that says what is wrong and what to do."""


def lock_kind(arguments: Sequence[str]) -> str:
    """`dev` for the commands that need the developers' tools, else `run`."""
    if not arguments:
        return "run"
    return "dev" if arguments[0] in DEVELOPER_COMMANDS or list(arguments[:2]) == ["setup", "--dev"] else "run"


def fingerprint(root: Path, kind: str) -> dict[str, str]:
    """SHA-256 of each lock that the environment stands for; `dev` stands for `run` too, whose packages it holds."""
    names = ["run.lock", "jgo.lock.toml"] + (["dev.lock"] if kind == "dev" else [])
    return {name: hashlib.sha256((root / "requirements" / name).read_bytes()).hexdigest() for name in names}


def read_stamp(venv: Path) -> dict[str, str] | None:
    """What the last complete set-up installed, or None if none was completed."""
    try:
        content = json.loads((venv / "ibalagh-stamp.json").read_text())
    except (OSError, ValueError):
        return None
    return {str(name): str(value) for name, value in content.items()} if isinstance(content, dict) else None


def write_stamp(venv: Path, installed: dict[str, str]) -> None:
    """Declares the set-up complete, in one step."""
    unfinished = venv / "ibalagh-stamp.json.new"
    unfinished.write_text(json.dumps(installed))
    unfinished.replace(venv / "ibalagh-stamp.json")


def is_ready(root: Path, kind: str) -> bool:
    """Whether everything that `kind` asks for was installed from the locks as they are now."""
    stamp = read_stamp(root / ".venv")
    folders = (root / ".ibalagh" / "jars", root / ".ibalagh" / "assets", root / ".venv" / "bin" / "python")
    wanted = fingerprint(root, kind)
    return stamp is not None and wanted.items() <= stamp.items() and all(folder.exists() for folder in folders)


def explain(output: str, root: Path) -> str:
    """The sentence for a failed installation, from what pip printed."""
    again = "then run the same command again"
    if FULL_DISK.search(output):
        return f"The disk is full: free about 1.5 GB for {root}, {again}."
    if OTHER_CONTENT.search(output):
        return (
            f"A package is not the one that was locked and was not used: check which package index pip uses, {again}."
        )
    if NO_NETWORK.search(output):
        return f"The Python package index cannot be reached: check the network (and pip's proxy settings), {again}."
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it printed nothing")
    return f"pip could not install the packages ({last[:200]}): see {root / '.ibalagh' / 'setup.log'}, {again}."


def set_up(root: Path, kind: str) -> None:
    """Brings `.venv` and `.ibalagh` to what the locks say. Raises `SetupError`."""
    (root / ".ibalagh").mkdir(exist_ok=True)
    with _alone(root):
        if is_ready(root, kind):
            return
        venv = root / ".venv"
        stamp = read_stamp(venv)
        if stamp is None or not _works(venv):
            if shutil.disk_usage(root).free < NEEDED_BYTES:
                raise SetupError(
                    f"The disk is nearly full: free about 1.5 GB for {root}, then run the same command again."
                )
            _say("Setting up, once: this takes a few minutes.\n  1/3 virtual environment")
            _make_venv(venv)
        (venv / "ibalagh-stamp.json").unlink(missing_ok=True)
        if stamp is not None and "dev.lock" in stamp:
            kind = "dev"
        _install_packages(root, kind)
        _say("  3/3 Kafka and the pages' assets")
        _install_jars(root)
        write_stamp(venv, fingerprint(root, kind))
        _say("Ready.")


def _make_venv(venv: Path) -> None:
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise SetupError(
            "This Python cannot make virtual environments: install its venv module (Debian, Ubuntu: apt-get install "
            "python3-venv), then run the same command again."
        )
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise SetupError(explain(done.stdout + done.stderr, venv.parent))


def _install_packages(root: Path, kind: str) -> None:
    """Installs exactly the lock. `--no-deps`: the lock is complete, so nothing is left to be resolved."""
    lock = root / "requirements" / f"{kind}.lock"
    total = sum(1 for line in lock.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line))
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input", "--progress-bar", "off"]
    command = [str(root / ".venv" / "bin" / "python"), "-m", "pip", "install", *options, "--retries", "2"]
    collected = 0
    log = root / ".ibalagh" / "setup.log"
    with (
        log.open("w") as kept,
        subprocess.Popen(  # noqa: S603
            [*command, "--disable-pip-version-check", "-r", str(lock)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as pip,
    ):
        for line in pip.stdout or ():
            kept.write(line)
            if line.startswith("Collecting"):
                collected += 1
                _progress(f"  2/3 Python packages: {min(collected, total)} of {total}", collected >= total)
            elif line.startswith("Installing collected"):
                _progress("  2/3 Python packages: unpacking", last=True)
    if pip.returncode != 0:
        raise SetupError(explain(log.read_text(), root))


def _install_jars(root: Path) -> None:
    """The step that has its own messages: `ibalagh.local.distribution`, in the environment just made."""
    command = [str(root / ".venv" / "bin" / "python"), "-m", "ibalagh.local.distribution"]
    done = subprocess.run(command, cwd=root, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise SetupError(done.stderr.strip().rpartition("\n")[2] or "Kafka's jars could not be installed.")


def _works(venv: Path) -> bool:
    """Whether the environment's Python still starts: the one that it was made from may have gone or changed."""
    try:
        command = [str(venv / "bin" / "python"), "-c", "import pip"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds the set-up lock: a second set-up waits for the first, and then finds its work done."""
    with (root / ".ibalagh" / "setup.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another set-up is running here; waiting for it.")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _progress(text: str, last: bool) -> None:
    """One line that rewrites itself on a terminal, and only its last state elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text}    ", end="\n" if last else "", file=sys.stderr, flush=True)  # noqa: T201
    elif last:
        _say(text)


def main(arguments: Sequence[str]) -> NoReturn:
    """Sets up what is missing and becomes the command line; `setup` alone stops after the set-up."""
    kind = lock_kind(arguments)
    try:
        if not is_ready(ROOT, kind):
            set_up(ROOT, kind)
    except SetupError as error:
        _say(str(error))
        raise SystemExit(1) from None
    except OSError as error:
        _say(explain(str(error), ROOT))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        _say("\nInterrupted: the same command begins again where it can.")
        raise SystemExit(130) from None
    if list(arguments[:1]) == ["setup"]:
        raise SystemExit(0)
    os.chdir(ROOT)
    python = str(ROOT / ".venv" / "bin" / "python")
    os.execv(python, [python, "-m", "ibalagh.cli", *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
