"""A name to show is one harmless line with the kind's suffix, whatever the sender's machine says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.evidence.kinds import SUFFIXES, Kind
from services.intake.evidence.names import LONGEST, safe_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("photo.jpeg", "photo.jpg"),
        ("photo", "photo.jpg"),
        ("IMG 2026.11.22.JPG", "IMG 2026.11.22.jpg"),
        ("صورة.png", "صورة.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\someone\\photo.jpg", "photo.jpg"),
        ("..", "file.jpg"),
        ("", "file.jpg"),
        (None, "file.jpg"),
        ("   . ", "file.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("con", "file con.jpg"),
        ("NUL.tar.jpg", "file NUL.tar.jpg"),
        ("com1.txt", "file com1.jpg"),
        ("con." + "a" * 500, "file con." + "a" * (LONGEST - 13) + ".jpg"),
        ("photo\u202egpj.exe", "photogpj.jpg"),
        ("a\r\nContent-Type: text", "a Content-Type_ text.jpg"),
        ("a\0b.php", "b.jpg"),
        ('x";filename="y.html', "x__filename__y.jpg"),
        ("photo.php;.jpg", "photo.php_.jpg"),
        ("zero\u200bwidth\ud800.png", "zerowidth.jpg"),
        ("-rf", "rf.jpg"),
        ("a" * 500 + ".exe", "a" * (LONGEST - 4) + ".jpg"),
    ],
)
def test_a_name_is_shown_without_what_could_mislead(given_name: str | None, shown: str) -> None:
    assert safe_name(given_name, Kind.JPEG) == shown


@given(name=st.one_of(st.none(), st.text(), st.text(alphabet="./\\:\u202e\0 conaux1ع🙂")), kind=st.sampled_from(Kind))
def test_every_name_is_bounded_and_visible_and_keeps_the_suffix(name: str | None, kind: Kind) -> None:
    shown = safe_name(name, kind)
    assert shown.endswith(SUFFIXES[kind])
    assert len(SUFFIXES[kind]) < len(shown) <= LONGEST
    assert len(shown.encode()) <= 2 * LONGEST
    assert not set('/\\:<>"|?*\0') & set(shown)
    assert not shown.startswith((".", "-", " "))
    assert {unicodedata.category(each) for each in shown}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert safe_name(shown, kind) == shown
