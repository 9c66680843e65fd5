"""NDJSON: each line stands for itself."""

import json

import pytest
from pydantic import BaseModel

from ibalagh.web import ndjson
from ibalagh.web.problems import Problem


class _Line(BaseModel):
    n: int


def test_lines_come_out_in_order_each_valid_or_refused() -> None:
    lines = ndjson.read_lines(b'{"n": 1}\n\n{"n": "x"}\r\n\xff\nnull\n{"n": 2}', _Line, 10)
    assert [line.code if isinstance(line, Problem) else line.n for line in lines] == [
        1,
        "invalid",
        "bad_json",
        "invalid",
        2,
    ]


@pytest.mark.parametrize(
    ("body", "code"), [(b'{"n": 1}\n' * 4, "too_many_lines"), (b"", "no_lines"), (b"\n \n", "no_lines")]
)
def test_too_many_and_no_lines_are_refused(body: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        ndjson.read_lines(body, _Line, 3)
    assert refused.value.code == code


def test_answers_carry_their_line_and_status() -> None:
    response = ndjson.respond([(202, {"id": "a"}), (422, {"code": "invalid"})])
    lines = [json.loads(line) for line in bytes(response.body).splitlines()]
    assert lines == [{"id": "a", "line": 1, "status": 202}, {"code": "invalid", "line": 2, "status": 422}]
    assert response.media_type == ndjson.MEDIA_TYPE


def test_another_media_type_is_refused() -> None:
    ndjson.check_media_type("application/x-ndjson; charset=utf-8")
    for other in (None, "application/json"):
        with pytest.raises(Problem) as refused:
            ndjson.check_media_type(other)
        assert refused.value.status == 415
