"""The page with the receipt: a person sees, hears, scans and prints it, and saves the proof without JavaScript."""

import io
import re
from collections.abc import Iterator
from html import unescape

import orjson
import pytest
import segno

from ibalagh.web.words import LANGUAGES
from services.intake.receipt_page import qr_code
from services.intake.signing import Signer, read_receipt
from tests.support.intake import app_client
from tests.unit.test_intake_forms import TEXTS, Page
from tests.unit.test_intake_http import Service
from tests.unit.test_intake_signing import FACTS


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made


def receipt_page(service: Service, language: str = "en") -> str:
    response = service.client.post(f"/?lang={language}", data={"text": "x", "draft": "d" * 32})
    assert response.status_code == 200
    return response.text


def proof_of(html: str) -> str:
    found = re.search(r'name="signed_receipt" value="([^"]+)"', html)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_receipt_is_shown_left_to_right_spelt_out_and_as_a_code_with_a_name(
    service: Service, language: str
) -> None:
    html = receipt_page(service, language)
    receipt = service.queue.reports[0].receipt
    texts = TEXTS[language]
    assert html.count(receipt) == 1
    assert f'dir="ltr"><code class="text-body" aria-hidden="true">{receipt}</code>' in html
    assert f'<span class="visually-hidden">{", ".join(" ".join(group) for group in receipt.split("-"))}</span>' in html
    [image] = [each for each in Page(html).all("div") if each.get("role") == "img"]
    assert image["aria-label"] == texts["receipt_code"]
    for text in (texts["receipt_keep"], texts["receipt_print"], texts["proof"], texts["proof_save"]):
        assert text in unescape(html)
    assert html.count("<svg") == 1


def test_the_page_holds_nothing_that_its_policy_refuses(service: Service) -> None:
    response = service.client.post("/?lang=ar", data={"text": "x"})
    assert "unsafe-inline" not in response.headers["content-security-policy"]
    assert "no-store" in response.headers["cache-control"]
    page = Page(response.text)
    assert not page.all("style", "iframe", "object")
    assert all((each["src"] or "").startswith("/assets/") for each in page.all("script"))
    assert not [each for _, each in page.tags if "style" in each or any(name.startswith("on") for name in each)]


def test_the_code_holds_the_receipt_and_no_address() -> None:
    text = "BGK-887-JNW-8CW-ZK2-VXJ-XHF-PZV-X9Y"
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", scale=6, xmldecl=False, svgns=False, nl=False)
    path = re.search(r' d="([^"]+)"', drawn.getvalue().decode())
    assert path
    assert path[1] in qr_code(text)
    assert "style=" not in qr_code(text)


def test_the_proof_is_saved_as_a_file_that_verifies(service: Service) -> None:
    proof = proof_of(receipt_page(service))
    response = service.client.post("/receipt/file", data={"signed_receipt": proof})
    report_id = service.queue.reports[0].report_id
    assert response.status_code == 200
    assert response.headers["content-disposition"] == f'attachment; filename="receipt-{report_id}.json"'
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    saved = orjson.loads(response.content)
    assert saved == orjson.loads(proof)
    Signer(bytes(32)).keys.verify(read_receipt(saved))


def test_the_proof_is_the_same_for_a_form_that_is_sent_twice_and_does_not_hold_the_receipt(service: Service) -> None:
    proof = proof_of(receipt_page(service))
    assert orjson.loads(proof)["document"]["report_id"] == service.queue.reports[0].report_id
    assert service.queue.reports[0].receipt not in proof


@pytest.mark.parametrize(
    "given",
    ["", "x", "{}", "[]", "<script>alert(1)</script>", orjson.dumps(Signer(b"k" * 32).sign(FACTS)).decode()],
    ids=["nothing", "text", "object", "list", "markup", "another-key"],
)
def test_nothing_but_what_our_keys_signed_is_given_back(service: Service, given: str) -> None:
    response = service.client.post("/receipt/file", data={"signed_receipt": given})
    assert (response.status_code, response.json()["code"]) == (422, "not_our_receipt")
    assert "content-disposition" not in response.headers
    assert "alert" not in response.text


def test_a_proof_with_one_changed_character_is_not_given_back(service: Service) -> None:
    proof = orjson.loads(proof_of(receipt_page(service)))
    proof["document"]["log"]["offset"] += 1
    response = service.client.post("/receipt/file", data={"signed_receipt": orjson.dumps(proof).decode()})
    assert (response.status_code, response.json()["code"]) == (422, "not_our_receipt")
    too_long = service.client.post("/receipt/file", data={"signed_receipt": "x" * 5_000})
    assert too_long.status_code == 413


def test_a_receipt_without_a_proof_is_shown_without_one(service: Service) -> None:
    service.queue.signs = False
    assert "signed_receipt" not in receipt_page(service)
