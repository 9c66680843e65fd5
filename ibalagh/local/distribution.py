"""Kafka's jars and the pages' assets: from the committed lock into `.ibalagh/`, every byte checked.

In: ``requirements/jgo.lock.toml`` (jgo's lock format: coordinates and SHA-256 of each jar). Out: `.ibalagh/jars` and
`.ibalagh/assets`. jgo fetches exactly the locked versions, nothing is resolved again here; a jar is moved to its place
only after its SHA-256 was found equal, so an interrupted set-up leaves nothing half-made behind.

Fails with `StackError`: no network, a jar that differs from the lock, full disk.
"""

import hashlib
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ibalagh.local.errors import StackError
from ibalagh.local.paths import PROJECT_ROOT, installation_directory

LOCK = PROJECT_ROOT / "requirements" / "jgo.lock.toml"

ASSET_SOURCES = {
    "htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
    "sse.js": ("htmx-ext-sse", "sse.js"),
    "echarts.min.js": ("echarts", "echarts.min.js"),
    "bootstrap.min.css": ("bootstrap", "css/bootstrap.min.css"),
    "bootstrap.rtl.min.css": ("bootstrap", "css/bootstrap.rtl.min.css"),
    "bootstrap.bundle.min.js": ("bootstrap", "js/bootstrap.bundle.min.js"),
}
"""Name of an asset -> (Maven artifact, path inside its jar below META-INF/resources/webjars/<artifact>/<version>)."""


@dataclass(frozen=True)
class Jar:
    """One locked jar: Maven coordinates and the SHA-256 (hex) that its bytes must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in `.ibalagh/jars`."""
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[Jar, Path], Path]
"""Fetches a jar into a scratch folder and returns the file."""


def read_lock(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of jgo's lock file, each with its SHA-256. Raises `StackError` if one has none."""
    jars = []
    for entry in tomllib.loads(lock.read_text())["dependencies"]:
        if not entry.get("sha256"):
            raise StackError(f"{lock.name} has no SHA-256 for {entry['artifactId']}: rebuild it with ./run lock.")
        jars.append(Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"]))
    return tuple(jars)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def check(jars: Iterable[Jar], directory: Path) -> None:
    """Compares every installed jar with the lock. Raises `StackError` naming the first that is missing or differs."""
    for jar in jars:
        file = directory / jar.file_name
        if not file.exists():
            raise StackError(f"{jar.file_name} is not installed: run ./run setup.")
        _compare(jar, file)


def install(jars: Iterable[Jar], directory: Path, fetch: Fetch) -> int:
    """Brings `directory` to exactly the locked jars and returns how many had to be fetched.

    A jar that is there already is checked too. Jars of an older lock are removed, so the folder is the class path.
    """
    jars = tuple(jars)
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {jar.file_name for jar in jars}
    for stray in directory.iterdir():
        if stray.name not in wanted:
            shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
    missing = []
    for jar in jars:
        if (directory / jar.file_name).exists():
            _compare(jar, directory / jar.file_name)
        else:
            missing.append(jar)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=directory) as scratch:

        def place(jar: Jar) -> None:
            fetched = fetch(jar, Path(scratch))
            _compare(jar, fetched)
            fetched.replace(directory / jar.file_name)

        with ThreadPoolExecutor(max_workers=6) as pool:
            for _ in pool.map(place, missing):
                pass
    return len(missing)


def unpack_assets(jars: Iterable[Jar], directory: Path, target: Path) -> None:
    """Copies the files of `ASSET_SOURCES` out of their web jars into `target`."""
    by_artifact = {jar.artifact: jar for jar in jars}
    target.mkdir(parents=True, exist_ok=True)
    for name, (artifact, inner) in ASSET_SOURCES.items():
        jar = by_artifact[artifact]
        member = f"META-INF/resources/webjars/{artifact}/{jar.version}/{inner}"
        with zipfile.ZipFile(directory / jar.file_name) as archive:
            content = archive.read(member)
        unfinished = target / f"{name}.new"
        unfinished.write_bytes(content)
        unfinished.replace(target / name)


def fetch_with_jgo(jar: Jar, scratch: Path) -> Path:
    """Fetches exactly this jar from the repository that jgo is set up for."""
    import requests
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch)
    try:
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        return Path(artifact.resolve())
    except (requests.RequestException, RuntimeError) as error:
        raise StackError(
            f"{jar.file_name} could not be fetched from the Maven repository: check the network, then run the same "
            "command again; what is already there is kept."
        ) from error


def kafka_class_path(directory: Path | None = None) -> str:
    """The checked class path of the broker. Raises `StackError` when a jar is missing or differs from the lock."""
    directory = directory or installation_directory() / "jars"
    jars = read_lock()
    check(jars, directory)
    return ":".join(str(directory / jar.file_name) for jar in jars if not jar.group.startswith("org.webjars"))


def _compare(jar: Jar, file: Path) -> None:
    found = sha256_of(file)
    if found != jar.sha256:
        raise StackError(
            f"{jar.file_name} is not the file that was locked (SHA-256 {found[:12]}…, expected {jar.sha256[:12]}…): "
            "it is not used. Remove .ibalagh/jars and run ./run setup; if it happens again, distrust this network."
        )


def main() -> int:
    """Installs jars and assets; called by set-up. 0, or 1 after one sentence on standard error."""
    root = installation_directory()
    try:
        jars = read_lock()
        install(jars, root / "jars", fetch_with_jgo)
        unpack_assets(jars, root / "jars", root / "assets")
    except StackError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(f"The jars could not be written to {root} ({error.strerror}): free some space there.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
