"""The jars: exactly those of the lock, or none."""

import hashlib
import tomllib
import zipfile
from pathlib import Path

import pytest

from ibalagh.local import distribution
from ibalagh.local.distribution import Jar
from ibalagh.local.errors import StackError
from ibalagh.web.assets import ASSETS, asset_directory


def jar_of(content: bytes, artifact: str = "kafka") -> Jar:
    return Jar("org.example", artifact, "1.0", hashlib.sha256(content).hexdigest())


class Repository:
    """Serves bytes by artifact, and counts."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents
        self.fetched: list[str] = []

    def __call__(self, jar: Jar, scratch: Path) -> Path:
        self.fetched.append(jar.artifact)
        file = scratch / jar.file_name
        file.write_bytes(self.contents[jar.artifact])
        return file


def test_jars_are_fetched_once_and_checked(tmp_path: Path) -> None:
    repository = Repository(a=b"A", b=b"B")
    jars = [jar_of(b"A", "a"), jar_of(b"B", "b")]
    assert distribution.install(jars, tmp_path, repository) == 2
    assert distribution.install(jars, tmp_path, repository) == 0
    assert sorted(repository.fetched) == ["a", "b"]
    assert {file.name for file in tmp_path.iterdir()} == {"a-1.0.jar", "b-1.0.jar"}
    distribution.check(jars, tmp_path)


def test_a_jar_that_differs_on_arrival_is_refused_by_name_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"kafka-1\.0\.jar is not the file that was locked .* ./run setup"):
        distribution.install([jar_of(b"good")], tmp_path, Repository(kafka=b"evil"))
    assert list(tmp_path.iterdir()) == []


def test_a_jar_that_was_changed_later_is_refused_before_the_broker_starts(tmp_path: Path) -> None:
    jars = [jar_of(b"good")]
    distribution.install(jars, tmp_path, Repository(kafka=b"good"))
    (tmp_path / "kafka-1.0.jar").write_bytes(b"evil")
    with pytest.raises(StackError, match=r"kafka-1\.0\.jar is not the file"):
        distribution.check(jars, tmp_path)
    with pytest.raises(StackError, match=r"kafka-1\.0\.jar is not the file"):
        distribution.install(jars, tmp_path, Repository(kafka=b"good"))


def test_the_broker_s_class_path_is_checked_against_the_committed_lock(tmp_path: Path) -> None:
    installed = distribution.installation_directory() / "jars"
    for jar in distribution.read_lock():
        (tmp_path / jar.file_name).symlink_to(installed / jar.file_name)
    assert "kafka-clients" in distribution.kafka_class_path(tmp_path)
    clients = next(tmp_path.glob("kafka-clients-*"))
    changed = clients.read_bytes() + b"\0"
    clients.unlink()
    clients.write_bytes(changed)
    with pytest.raises(StackError, match=f"{clients.name} is not the file"):
        distribution.kafka_class_path(tmp_path)


def test_a_jar_of_an_older_lock_leaves_the_class_path(tmp_path: Path) -> None:
    (tmp_path / "kafka-0.9.jar").write_bytes(b"old")
    (tmp_path / "fetch-left-by-a-crash").mkdir()
    distribution.install([jar_of(b"new")], tmp_path, Repository(kafka=b"new"))
    assert [file.name for file in tmp_path.iterdir()] == ["kafka-1.0.jar"]


def test_a_lock_without_a_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "jgo.lock.toml"
    lock.write_text('[[dependencies]]\ngroupId = "g"\nartifactId = "a"\nversion = "1"\n')
    with pytest.raises(StackError, match="no SHA-256 for a"):
        distribution.read_lock(lock)


def test_the_committed_lock_pins_every_jar_and_names_no_address() -> None:
    jars = distribution.read_lock()
    assert all(len(jar.sha256) == 64 for jar in jars)
    versions = {jar.artifact: jar.version for jar in jars}
    assert versions["kafka_2.13"] == versions["kafka-clients"], "jgo otherwise picks an old client"
    for file in distribution.LOCK.parent.iterdir():
        assert "://" not in file.read_text(), f"{file.name} names an address"
    coordinates = tomllib.loads((distribution.LOCK.parent / "jgo.toml").read_text())["dependencies"]["coordinates"]
    for coordinate in coordinates:
        _, artifact, version = coordinate.split(":")
        assert versions[artifact] == version, "jgo.toml was changed without ./run lock"


def test_assets_are_unpacked_from_their_jars(tmp_path: Path) -> None:
    jars = [Jar("org.webjars", artifact, "1", "") for artifact, _ in set(distribution.ASSET_SOURCES.values())]
    for artifact in {artifact for artifact, _ in distribution.ASSET_SOURCES.values()}:
        with zipfile.ZipFile(tmp_path / f"{artifact}-1.jar", "w") as archive:
            for name, (source, inner) in distribution.ASSET_SOURCES.items():
                if source == artifact:
                    archive.writestr(f"META-INF/resources/webjars/{artifact}/1/{inner}", name)
    distribution.unpack_assets(jars, tmp_path, tmp_path / "assets")
    found = asset_directory({"IBALAGH_ASSETS": str(tmp_path / "assets")})
    assert {file.name for file in found.iterdir()} == set(ASSETS)
    assert (found / "htmx.min.js").read_text() == "htmx.min.js"
    (found / "sse.js").unlink()
    with pytest.raises(FileNotFoundError, match=r"sse\.js is missing: run ./run setup"):
        asset_directory({"IBALAGH_ASSETS": str(found)})
