"""Intake's settings."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from ibalagh.ops.settings import Settings
from services.intake.edge import CountryFrom


class IntakeSettings(Settings):
    """What intake is told by its environment, besides what every service is told."""

    service: ClassVar[str] = "intake"

    http_port: int = Field(8100, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    http_body_bytes: int = Field(16_777_216, ge=1024, description="Largest request body, a whole batch, in bytes")
    master_key_file: Path | None = Field(
        None,
        description="File with the vault's master keys, 64 hexadecimal digits a line, the current one first; unset: "
        "one is made in the stack's state",
    )
    receipt_key_file: Path | None = Field(
        None,
        description="File with the secret of receipts, 64 hexadecimal digits; never to be changed, since receipts "
        "would be forgotten; unset: one is made in the stack's state",
    )
    signing_key_file: Path | None = Field(
        None,
        description="File with the Ed25519 key that signs receipts, 64 hexadecimal digits; unset: one is made in the "
        "stack's state",
    )
    earlier_signing_keys_file: Path | None = Field(
        None,
        description="File with the public keys that signed before, as `ibalagh receipt keys` wrote them; they are "
        "published beside the present one; unset: intake-signing-earlier.json beside the key, if there is one",
    )
    quick_exit_url: str = Field(
        "/leave",
        pattern=r"^(https://[^\s/]+(/\S*)?|/leave)$",
        description="Where the button for leaving the form at once leads: a harmless page, such as a search engine's; "
        "/leave is a built-in one",
    )
    queue_reports: int = Field(10_000, ge=1, description="Most reports that wait for the database and the broker")
    publish_max_reports: int = Field(1_000, ge=1, le=10_000, description="Most reports stored in one transaction")
    publish_linger_s: float = Field(
        0.003, ge=0, le=1, description="Longest wait, in seconds, for more reports to store in the same transaction"
    )
    publish_timeout_s: float = Field(
        5,
        gt=0,
        description="Longest wait, in seconds, for the broker's acknowledgements; then the sender is told to retry",
    )
    reconcile_after_s: float = Field(
        10, gt=0, description="Age in seconds at which a stored, unacknowledged report is looked for in the log"
    )
    reconcile_interval_s: float = Field(1, gt=0, description="Seconds between two looks for such reports")
    open_rate_per_s: float = Field(
        1_000,
        gt=0,
        description="Reports a second that a process takes in without a proof of work; twice as many at once",
    )
    country_from: CountryFrom = Field(
        CountryFrom.NOBODY,
        description="Whose network address an offline table is asked for a country, when a person states none: "
        "nobody's; the connection's other end (peer); or the last of X-Forwarded-For (proxy), for where every request "
        "comes through a proxy of ours, which appends it. The two letters alone are kept; addresses never are",
    )
    supplements_per_hour: int = Field(
        20, ge=1, description="Most supplements of one report within an hour; more are told to come back"
    )
    status_gather_s: float = Field(
        0.25, ge=0, le=5, description="Longest wait, in seconds, for more events to bring statuses up to date with"
    )

    key_cache_s: float = Field(
        5,
        ge=0,
        le=60,
        description="Longest time, in seconds, for which what is known of an API key is not asked for again: so long "
        "a revoked one still opens",
    )
    retention_file: Path | None = Field(
        None, description="YAML with the days that identities are kept, by category; unset: what docs/vault.md says"
    )
    retention_interval_s: float = Field(
        3_600, gt=0, description="Seconds between two sweeps that erase identities whose time is over"
    )

    evidence_url: SecretStr | None = Field(
        None,
        description="Where sealed files lie: file:///folder, or s3://bucket/prefix with S3's own variables; unset: a "
        "folder in the stack's state",
    )
    evidence_file_bytes: int = Field(
        20_971_520, ge=1_024, le=20_971_520, description="Largest file that is taken as evidence, in bytes"
    )
    evidence_files: int = Field(10, ge=1, le=10, description="Most files that the form takes for a report")
    evidence_staged_bytes: int = Field(
        2_147_483_648,
        ge=1_024,
        description="Most bytes of files that wait for their report; beyond, further ones are refused for a while",
    )
    evidence_staged_s: float = Field(
        21_600, gt=0, description="Seconds for which a file waits for its report; then it is deleted"
    )
    evidence_uploads: int = Field(100, ge=1, description="Most files that one process takes in at the same time")
    evidence_sweep_interval_s: float = Field(
        600, gt=0, description="Seconds between two sweeps that remove files which belong to no report"
    )
    evidence_orphan_s: float = Field(
        3_600, gt=0, description="Age in seconds at which a sealed file without a row is removed: longer than an upload"
    )
    evidence_days: int = Field(1_825, ge=1, description="Days for which the evidence of a report is kept")

    @model_validator(mode="after")
    def _reconcile_after_publishing(self) -> Self:
        if self.reconcile_after_s < self.publish_timeout_s + 4:
            raise ValueError("reconcile_after_s must exceed publish_timeout_s by 4 s, or reports are published twice")
        return self


class CustodianSettings(IntakeSettings):
    """What `ibalagh vault` is told besides; the service needs none of it and should not have it."""

    custodian_database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL for `ibalagh vault`; a login that may act as ibalagh_intake_custodian, which the "
        "service's may not; unset: the service's",
    )
    custodian_secret_file: Path | None = Field(
        None, description="File with the secret of the custodian who runs `ibalagh vault`; unset: it is asked for"
    )
