"""Why something is done about a report: the closed lists that people choose from. Codes travel, sentences do not."""

from enum import StrEnum


class DismissReason(StrEnum):
    """Why a report is set aside."""

    NOT_ILLEGAL = "not_illegal"
    NOT_ONLINE = "not_online"
    NO_CONTENT = "no_content"
    CANNOT_BE_FOUND = "cannot_be_found"
    OTHER_AUTHORITY = "other_authority"
    TEST_OR_JOKE = "test_or_joke"
    ABUSE_OF_THE_PLATFORM = "abuse_of_the_platform"


class EscalateReason(StrEnum):
    """Why a report is handed on."""

    NEEDS_SENIOR = "needs_senior"
    DANGER = "danger"
    LEGAL_QUESTION = "legal_question"
    TECHNICAL_QUESTION = "technical_question"
    TOO_HARD_TO_READ = "too_hard_to_read"


class RejectReason(StrEnum):
    """Why a second person does not agree."""

    WRONG_CATEGORY = "wrong_category"
    NOT_ENOUGH = "not_enough"
    LOOK_AGAIN = "look_again"
