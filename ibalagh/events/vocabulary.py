"""The closed lists of words that events may use, each declared once."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


class Category(StrEnum):
    """What a report is about: the breakdown of the platform's own communiqué."""

    FRAUD = "fraud"
    SEXUAL_BLACKMAIL = "sexual_blackmail"
    INSULT_DEFAMATION = "insult_defamation"
    VIOLENCE_THREATS = "violence_threats"
    INCITEMENT_AGAINST_PERSONS = "incitement_against_persons"
    TRAFFICKING_PROHIBITED_MATERIAL = "trafficking_prohibited_material"
    SEXUAL_EXPLOITATION_MINORS = "sexual_exploitation_minors"
    TERRORISM_PRAISE = "terrorism_praise"
    TERRORISM_INCITEMENT_RECRUITMENT = "terrorism_incitement_recruitment"
    OUT_OF_SCOPE = "out_of_scope"


class Branch(StrEnum):
    """The branch of the police that a category belongs to; `none` for what is out of scope."""

    CYBERCRIME = "cybercrime"
    TERRORISM = "terrorism"
    NONE = "none"


BRANCH_OF: Final[Mapping[Category, Branch]] = {
    Category.FRAUD: Branch.CYBERCRIME,
    Category.SEXUAL_BLACKMAIL: Branch.CYBERCRIME,
    Category.INSULT_DEFAMATION: Branch.CYBERCRIME,
    Category.VIOLENCE_THREATS: Branch.CYBERCRIME,
    Category.INCITEMENT_AGAINST_PERSONS: Branch.CYBERCRIME,
    Category.TRAFFICKING_PROHIBITED_MATERIAL: Branch.CYBERCRIME,
    Category.SEXUAL_EXPLOITATION_MINORS: Branch.CYBERCRIME,
    Category.TERRORISM_PRAISE: Branch.TERRORISM,
    Category.TERRORISM_INCITEMENT_RECRUITMENT: Branch.TERRORISM,
    Category.OUT_OF_SCOPE: Branch.NONE,
}


class Urgency(IntEnum):
    """How soon a person must look: 3 is danger to life or body that is near, 0 is routine."""

    ROUTINE = 0
    SOON = 1
    HIGH = 2
    IMMEDIATE = 3


class Channel(StrEnum):
    """The way a report came in."""

    FORM = "form"
    API = "api"
    BATCH = "batch"
    PARTNER = "partner"


class Variety(StrEnum):
    """The language variety of a text, as BCP 47 tags; `und` when it cannot be told."""

    ARABIC = "ar"
    DARIJA = "ary"
    DARIJA_LATIN = "ary-Latn"
    FRENCH = "fr"
    ENGLISH = "en"
    SPANISH = "es"
    UNDETERMINED = "und"


class IndicatorKind(StrEnum):
    """What a hard indicator is: two reports that share one speak of the same act."""

    URL = "url"
    PHONE = "phone"
    HANDLE = "handle"
    EMAIL = "email"
    IBAN = "iban"


class Messenger(StrEnum):
    """A closed messenger: what is said in it is seen by those who are in it only."""

    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    VIBER = "viber"
    SKYPE = "skype"
    SIGNAL = "signal"
    MESSENGER = "messenger"


class Nexus(StrEnum):
    """Why a suspect or a victim seems to be abroad."""

    FOREIGN_PHONE = "foreign_phone"
    FOREIGN_ACCOUNT = "foreign_account"
    COUNTRY_NAMED = "country_named"
    FOREIGN_CURRENCY = "foreign_currency"


class Disposition(StrEnum):
    """What happens to a report after triage: sent to referral, put before a person, or set aside."""

    REFER = "refer"
    REVIEW = "review"
    DISMISS = "dismiss"


class ReviewAction(StrEnum):
    """What an analyst may decide about a report."""

    CONFIRM = "confirm"
    RECLASSIFY = "reclassify"
    DISMISS = "dismiss"


class SupplementKind(StrEnum):
    """What a reporter sends after the report: more of it, a correction, or a message to the analyst."""

    ADDITION = "addition"
    CORRECTION = "correction"
    MESSAGE = "message"


class AmendmentKind(StrEnum):
    """What a reporter does about a report after it was received: a supplement of some kind, or its withdrawal."""

    ADDITION = "addition"
    CORRECTION = "correction"
    MESSAGE = "message"
    WITHDRAWAL = "withdrawal"


class CaseState(StrEnum):
    """Where a case stands in its life."""

    REFERRED = "referred"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    INSTRUCTED = "instructed"
    INVESTIGATION = "investigation"
    CLOSED = "closed"


class SuspectState(StrEnum):
    """Where a suspect of a case stands; one who is identified and no more is under investigation still."""

    IDENTIFIED = "identified"
    PRESENTED = "presented"
    SEARCHED = "searched"


class CaseActionV1(StrEnum):
    """What `case.act.v1` may ask for: the list as it was before prosecutors could instruct."""

    ACCEPT = "accept"
    DECLINE = "decline"
    REROUTE = "reroute"
    OPEN_INVESTIGATION = "open_investigation"
    IDENTIFY_SUSPECT = "identify_suspect"
    PRESENT_SUSPECT = "present_suspect"
    ISSUE_SEARCH_NOTICE = "issue_search_notice"
    CLOSE = "close"


class CaseAction(StrEnum):
    """What an officer or a prosecutor may do to a case."""

    ACCEPT = "accept"
    DECLINE = "decline"
    REROUTE = "reroute"
    INSTRUCT = "instruct"
    OPEN_INVESTIGATION = "open_investigation"
    IDENTIFY_SUSPECT = "identify_suspect"
    PRESENT_SUSPECT = "present_suspect"
    ISSUE_SEARCH_NOTICE = "issue_search_notice"
    CLOSE = "close"


class CasePart(StrEnum):
    """Which of the two cases of a merge or a split an event is about: the one that stays, or the other."""

    KEPT = "kept"
    OTHER = "other"


class ClockKind(StrEnum):
    """What a case's clock waits for: that a service accepts it, then that the service does something about it."""

    ACCEPTANCE = "acceptance"
    FIRST_ACTION = "first_action"


class CaseResult(StrEnum):
    """How a case ended."""

    PROSECUTED = "prosecuted"
    NO_OFFENCE = "no_offence"
    NO_EVIDENCE = "no_evidence"
    AUTHOR_UNKNOWN = "author_unknown"
