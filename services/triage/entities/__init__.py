"""What identifies an act: links, numbers, accounts, each in one canonical form, so that reports of it find each other.

`extract` is the way in; `links`, `numbers` and `accounts` know one kind each; `shared` is what many innocents have in
common.
"""

from services.triage.entities.extract import Extracted, extract

__all__ = ["Extracted", "extract"]
