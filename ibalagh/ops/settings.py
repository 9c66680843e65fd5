"""Settings of a service, from the environment; each with its type, its default and what it is for.

A field is read from `IBALAGH_<SERVICE>_<FIELD>`, else from `IBALAGH_<FIELD>`. A service's own settings are a subclass
that names its `service` and adds fields; `describe` makes the documentation.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ibalagh.events.registry import PREFIX

ENV_PREFIX = "IBALAGH_"


class Settings(BaseSettings):
    """What every service is told by its environment. Raises pydantic's `ValidationError` for a value it cannot use."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    service: ClassVar[str] = ""
    """Name of the service that the settings are of; empty for tools."""

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port with commas")
    database_url: str = Field(
        "postgresql://postgres@127.0.0.1:5432/ibalagh",
        repr=False,
        description="PostgreSQL; a login that may act as the service's role ibalagh_<service>",
    )
    database_pool_size: int = Field(8, ge=1, le=100, description="Most connections that one process opens")
    topic_prefix: str = Field(PREFIX, description="First part of every topic's, group's and transactional id's name")
    api_token: SecretStr | None = Field(
        None, description="Bearer token of the interfaces that are not public; without it they refuse everybody"
    )
    http_host: str = Field("127.0.0.1", description="Address to listen on")
    http_port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    http_body_bytes: int = Field(4_194_304, ge=1024, description="Largest request body that is read, in bytes")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")
    batch_max_records: int = Field(5000, ge=1, le=100_000, description="Most records handled in one transaction")
    batch_linger_s: float = Field(
        0.01, ge=0, le=5, description="Longest wait, in seconds, for a batch to fill after its first record"
    )
    shutdown_timeout_s: float = Field(20, gt=0, description="Deadline in seconds for the whole of a shutdown")
    worker_index: int = Field(0, ge=0, description="Number of this process among the service's workers on this machine")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the service's own variables, then the shared ones."""
        if not cls.service:
            return init_settings, env_settings
        own = EnvSettingsSource(settings_cls, env_prefix=f"{ENV_PREFIX}{cls.service.upper()}_")
        return init_settings, own, env_settings


class Described(NamedTuple):
    """One setting as documentation: the variable, the type, the default (empty when it must be given), the purpose."""

    env: str
    type: str
    default: str
    description: str


def describe(cls: type[Settings]) -> list[Described]:
    """Every setting of a class, in the order of declaration. Raises ValueError for one without a description."""
    described = []
    for name, field in cls.model_fields.items():
        if not field.description:
            raise ValueError(f"{cls.__name__}.{name} has no description")
        shared = not cls.service or any(
            issubclass(each, Settings) and not each.service and name in each.model_fields for each in cls.__mro__
        )
        prefix = ENV_PREFIX if shared else f"{ENV_PREFIX}{cls.service.upper()}_"
        described.append(
            Described(prefix + name.upper(), _type_name(field.annotation), _default(field), field.description)
        )
    return described


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return ""
    return "" if field.default is None else str(field.default)
