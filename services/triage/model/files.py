"""The model's file: a compressed archive of arrays (NumPy's npz), a byte for each weight.

Written without time stamps, so that the same model is the same file. What is read is checked for its shapes.
"""

import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from services.triage.model.features import BUCKETS, GROUPS
from services.triage.model.linear import COLUMNS, STEPS, Floats, Logistic, Model, SecondOpinion, tabled

FILE: Final = Path(__file__).with_name("model.npz")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
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
    """Reads a model, in a tenth of a second. Raises ValueError for a file that is none of ours, OSError."""
    with np.load(path, allow_pickle=False) as arrays:
        try:
            joints = [Logistic(_real(arrays[f"{name}_weights"]), _real(arrays[f"{name}_bias"])) for name in _JOINTS]
            category, urgent, *of_second = joints
            mean, scale, known = (_real(arrays[name]) for name in ("mean", "scale", "examples"))
            second = SecondOpinion(mean, scale, known, *of_second)
            weights = arrays["weights"] * _real(arrays["step"])
            bias, squares, version = _real(arrays["bias"]), _real(arrays["squares"]), str(arrays["version"])
        except KeyError as error:
            raise ValueError(f"{path.name} is no model of triage: {error}") from error
    if weights.shape != (GROUPS * BUCKETS, COLUMNS) or squares.shape != (GROUPS * BUCKETS,):
        raise ValueError(f"{path.name} was made for other features: run `ibalagh triage train` again")
    return Model(version, tabled(weights, squares), bias, category, urgent, second)


def _real(array: np.ndarray) -> Floats:
    return array.astype(np.float32)
