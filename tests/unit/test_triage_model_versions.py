"""Which model is in use: promoting one, going back, and what is refused."""

from pathlib import Path

import pytest

from services.triage.cli import main
from services.triage.model import files
from services.triage.model.versions import POINTER, in_use, promote, rollback
from services.triage.policy import load
from services.triage.settings import models_folder

OTHER = "0123456789ab"


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model under another version."""
    file = tmp_path_factory.mktemp("proposed") / "proposed.npz"
    files.save(files.load()._replace(version=OTHER), file)
    return file


def test_without_a_pointer_the_committed_model_is_in_use(tmp_path: Path) -> None:
    assert in_use(tmp_path / "nothing") == files.FILE
    with pytest.raises(ValueError, match="nothing to go back to"):
        rollback(tmp_path)


def test_a_promoted_model_decides_until_it_is_taken_back(tmp_path: Path, proposed: Path) -> None:
    folder = tmp_path / "models"
    assert promote(folder, proposed) == OTHER
    assert load(model_file=in_use(folder)).version.endswith(f"+{OTHER}")
    assert promote(folder, proposed) == OTHER
    committed = promote(folder, files.FILE)
    assert files.load(in_use(folder)).version == committed == files.load().version
    assert rollback(folder) == OTHER
    assert in_use(folder) == folder / f"{OTHER}.npz"
    assert rollback(folder) is None
    assert in_use(folder) == files.FILE


def test_what_is_no_model_is_refused_and_changes_nothing(tmp_path: Path, proposed: Path) -> None:
    promote(tmp_path, proposed)
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r".+"):
        promote(tmp_path, bad)
    assert in_use(tmp_path).stem == OTHER


@pytest.mark.parametrize("content", ["../../etc\n", f"{OTHER}\n"])
def test_a_pointer_to_nowhere_stops_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / POINTER).write_text(content)
    with pytest.raises(ValueError, match=r".+"):
        in_use(tmp_path)


def test_the_commands_switch_the_model_of_this_home(
    tmp_path: Path, proposed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path))
    assert main(["promote", str(proposed)]) == 0
    assert OTHER in capsys.readouterr().out
    assert in_use(models_folder()).stem == OTHER
    assert main(["rollback"]) == 0
    assert in_use(models_folder()) == files.FILE
    assert main(["rollback"]) == 1
    assert "nothing to go back to" in capsys.readouterr().err
