"""Addresses of crypto-currencies are indicators when their checksums hold, and mentions in any case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.entities import extract
from services.triage.entities.crypto import canonical
from services.triage.entities.reading import entities_of
from services.triage.normalise import read

# Published by the standards themselves (BIP 173, BIP 350, EIP-55, Bitcoin's first block, Tron's documentation).
VALID = [
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bitcoin:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ),
    ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "ethereum:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
    ("0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359", "ethereum:0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"),
    ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
]


@pytest.mark.parametrize(("written", "uri"), VALID)
def test_an_address_whose_checksum_holds_is_an_indicator(written: str, uri: str) -> None:
    assert canonical(written) == uri
    for text in (f"envoie à {written}, vite", f"المحفظة:{written}.", f"({written})"):
        assert [indicator.value for indicator in extract(*read(text), (), None).indicators] == [uri]
        assert entities_of(text).crypto == (written,)
        assert entities_of(text).phones == ()


@pytest.mark.parametrize(
    "written",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "bc1q8xk2v9m4t7r5w3y6z0a1s2d3f4g5h6j7k8l9q",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
    ],
)
def test_an_address_whose_checksum_does_not_hold_joins_nothing(written: str) -> None:
    text = f"envoie à {written} vite"
    assert extract(*read(text), (), None).indicators == ()
    assert entities_of(text).crypto == (written,)


@given(st.sampled_from([written for written, _ in VALID]), st.data())
def test_one_wrong_character_is_seen(written: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(4, len(written) - 1))
    other = data.draw(
        st.sampled_from("23456789acdefghjkmnprstuvwxyz").filter(lambda char: char != written[place].lower())
    )
    changed = written[:place] + other + written[place + 1 :]
    if changed.lower() == changed and changed.startswith("0x"):
        return  # digits of one case have no checksum
    assert canonical(changed) is None


@given(st.text("13Tbc1q0xABCDEFabcdef23456789", max_size=90))
def test_nothing_breaks_it(text: str) -> None:
    entities_of(text)
