"""Signed receipts over HTTP: the keys to check them with, and the file to save one in.

The file is given back from a form that the page with the receipt holds: without JavaScript a page cannot save anything
itself, and the server keeps no receipts. Only what our own keys signed is given back, so that nobody can make this
address serve anything else.
"""

from typing import Final

import orjson
from fastapi import FastAPI, Request, Response

from ibalagh.web.problems import Problem
from services.intake import openapi
from services.intake.forms import typed
from services.intake.http import Intake, read_body
from services.intake.signing import InvalidReceiptError, read_receipt

_MAX_BYTES: Final = 4_096


def add_routes(app: FastAPI, intake: Intake) -> None:
    """Add the published keys, and the file with a signed receipt."""
    keys = intake.signer.keys

    @app.get("/v1/receipts/keys", tags=["receipts"], **openapi.KEYS)
    async def tell_keys() -> Response:
        """The public keys that signed receipts are checked with: the one in use first, then earlier ones."""
        return Response(orjson.dumps(keys.jwks), media_type="application/jwk-set+json")

    @app.post("/receipt/file", include_in_schema=False)
    async def give_file(request: Request) -> Response:
        fields = typed(await read_body(request, _MAX_BYTES))
        try:
            receipt = read_receipt(orjson.loads(fields.get("signed_receipt", "")))
            keys.verify(receipt)
        except (orjson.JSONDecodeError, InvalidReceiptError):
            raise Problem(422, "not_our_receipt", "Not our receipt", "We did not sign this.") from None
        content = orjson.dumps(receipt.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        name = f"receipt-{receipt.document.report_id}.json"
        return Response(
            content,
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
