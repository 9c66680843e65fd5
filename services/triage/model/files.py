"""The model's file: a compressed archive of arrays (NumPy's npz), a byte for each weight.

Written without time stamps, so that the same model is the same file. What is read is checked for its shapes.
"""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from services.triage.model.features import BUCKETS, GROUPS
from services.triage.model.linear import COLUMNS, LEVELS, STEPS, URGENT, Floats, Logistic, Model, SecondOpinion, tabled

FILE: Final = Path(__file__).with_name("model.npz")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ALONE: Final = ("version", "weights", "step", "bias", "squares", "mean", "scale", "examples")
_PARTS: Final = ("weights", "bias")
_DAMAGED: Final = (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a file raises that is no archive of ours, or is cut off or altered."""
_JOINTS: Final = ("category", "urgent", "second_columns", "second_category", "second_urgent")


def save(model: Model, path: Path) -> None:
    """Writes the model. Raises OSError."""
    step = np.abs(model.weights).max(axis=0) / STEPS
    second = model.second
    arrays = {
        "version": np.array(model.version),
        "weights": np.round(model.weights / step).astype(np.int8),
        "step": step,
        "bias": model.bias,
        "squares": model.squares,
        "mean": second.mean,
        "scale": second.scale,
        "examples": second.examples.astype(np.float16),
    }
    joints = (model.category, model.urgent, second.columns, second.category, second.urgent)
    for name, joint in zip(_JOINTS, joints, strict=True):
        arrays |= {f"{name}_weights": joint.weights, f"{name}_bias": joint.bias}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), content.getvalue(), zipfile.ZIP_DEFLATED)


def load(path: Path = FILE) -> Model:
    """Reads a model, in a tenth of a second. Raises ValueError for a file that is none of ours or damaged, OSError."""
    try:
        model = _read(path)
    except _DAMAGED as error:
        raise ValueError(f"{path.name} is no model of triage, or damaged: {error}") from error
    _check(model, path.name)
    return model


def _read(path: Path) -> Model:
    with zipfile.ZipFile(path) as archive:
        arrays = {
            name: np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
            for name in (*_ALONE, *(f"{joint}_{part}" for joint in _JOINTS for part in _PARTS))
        }
    category, urgent, *of_second = (
        Logistic(*(_real(arrays[f"{joint}_{part}"]) for part in _PARTS)) for joint in _JOINTS
    )
    mean, scale, known = (_real(arrays[name]) for name in ("mean", "scale", "examples"))
    second = SecondOpinion(mean, scale, known, *of_second)
    weights, step, bias = arrays["weights"], _real(arrays["step"]), _real(arrays["bias"])
    squares = _real(arrays["squares"])
    if step.shape != (COLUMNS,) or weights.shape != (GROUPS * BUCKETS, COLUMNS) or squares.shape != (GROUPS * BUCKETS,):
        raise ValueError("it was made for other features: run `ibalagh triage train` again")
    return Model(str(arrays["version"]), tabled(weights, squares, step), bias, category, urgent, second)


def _check(model: Model, name: str) -> None:
    """Raises ValueError for arrays that do not fit together or hold what is no number."""
    second = model.second
    rows, dimensions = second.examples.shape if second.examples.ndim == 2 else (0, 0)
    joints = (
        (model.category, 2 * URGENT, URGENT),
        (model.urgent, COLUMNS + LEVELS, 1),
        (second.columns, rows, COLUMNS),
        (second.category, 3 * URGENT, URGENT),
        (second.urgent, 2 * COLUMNS + LEVELS, 1),
    )
    fits = all(
        joint.weights.shape == (inputs, outputs) and joint.bias.shape == (outputs,) for joint, inputs, outputs in joints
    ) and (model.bias.shape, second.mean.shape, second.scale.shape) == ((COLUMNS,), (dimensions,), (dimensions,))
    parts = (model.table, model.bias, second.mean, second.scale, second.examples)
    numbers = all(np.isfinite(part).all() for part in (*parts, *(part for joint, _, _ in joints for part in joint)))
    if not (fits and numbers):
        raise ValueError(f"{name} is damaged: what it holds does not fit together")


def _real(array: np.ndarray) -> Floats:
    return array.astype(np.float32)
