"""Viewing copies of pictures: decoded, turned upright, made small, and encoded anew from bare pixels.

Runs in the fenced child only. What is not pixels (EXIF, XMP, colour profiles, comments, thumbnails, further pictures,
what stands behind the end) has no way into the copy, since only pixels are passed on.
"""

import warnings
from itertools import islice
from typing import BinaryIO, Final

import pi_heif  # type: ignore[import-untyped]
from PIL import Image, ImageOps, ImageSequence
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from services.intake.evidence.kinds import MAX_PIXELS, RefusedFileError

LONGEST_SIDE: Final = 2_560
"""Pixels along the longer side of a copy: enough to read a screenshot."""
LONGEST_MOVING_SIDE: Final = 960
MOST_FRAMES: Final = 60
"""Of an animation, the first frames, smaller: an analyst sees what moves, the original has the rest."""
_FORMATS: Final = ("HEIF", *(each.format for each in (GifImageFile, JpegImageFile, PngImageFile, WebPImageFile)))
"""Decoders that may be tried: those of kinds that are taken, and no other of Pillow's forty."""
_DEEP: Final = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


def copy_picture(file: BinaryIO, view: BinaryIO) -> None:
    """Write the picture in `file` to `view`, HEIC as JPEG. Raises `RefusedFileError`, and whatever Pillow raises."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    pi_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    file.seek(0)
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            written = "JPEG" if picture.format in {"MPO", "HEIF"} else str(picture.format)
            if written in {"GIF", "WEBP", "PNG"} and getattr(picture, "n_frames", 1) > 1:
                _write_moving(picture, view, written)
            else:
                _write_still(picture, view, written)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise RefusedFileError("too_many_pixels") from error


def _write_still(picture: Image.Image, view: BinaryIO, written: str) -> None:
    if written == "JPEG":
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    _pixels(picture, LONGEST_SIDE, opaque=written == "JPEG").save(view, written, **_how(written))


def _write_moving(picture: Image.Image, view: BinaryIO, written: str) -> None:
    frames, durations = [], []
    for frame in islice(ImageSequence.Iterator(picture), MOST_FRAMES):
        frames.append(_pixels(frame, LONGEST_MOVING_SIDE, opaque=False))
        durations.append(min(max(int(frame.info.get("duration", 100)), 20), 10_000))
    moving = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(view, written, **_how(written), **moving)


def _pixels(picture: Image.Image, longest: int, *, opaque: bool) -> Image.Image:
    """A new picture with nothing but the pixels, upright, no side longer than `longest`."""
    if picture.mode in _DEEP or picture.mode in {"I", "F"}:
        plain = picture.convert("I").point(lambda value: value / 256).convert("L")
    elif opaque or (picture.mode in {"L", "RGB", "CMYK", "YCbCr", "1"} and "transparency" not in picture.info):
        plain = picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
    else:
        plain = picture.convert("RGBA")
    orientation = picture.getexif().get(0x0112, 1)
    plain.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    bare.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(bare)
    clean = Image.new(upright.mode, upright.size)
    clean.paste(upright)
    return clean


def _how(written: str) -> dict[str, int]:
    return {"JPEG": {"quality": 85}, "WEBP": {"quality": 85}, "PNG": {"compress_level": 6}}.get(written, {})
