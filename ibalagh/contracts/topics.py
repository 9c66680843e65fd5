"""The topic files `schemas/topics/*.yaml`: one a topic, for operators, subscribers and `ibalagh topics apply`."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SCHEMAS_DIRECTORY = Path(__file__).resolve().parents[2] / "schemas"
Name = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z]+)+$")]


class TopicFile(BaseModel):
    """One topic: what it is for, who writes and reads it, how the broker keeps it. Names come without the prefix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    purpose: Annotated[str, Field(min_length=20)]
    owner: str
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: Annotated[int, Field(ge=1)]
    replication: Literal["default"] | Annotated[int, Field(ge=1)] = "default"
    retention_ms: Annotated[int, Field(ge=-1, description="-1 keeps records for ever")]
    cleanup_policy: Literal["delete", "compact"] = "delete"
    max_message_bytes: Annotated[int, Field(ge=1_048_576)]
    dead_letter_topics: tuple[Name, ...] = Field(description="Where each consumer puts what it cannot read")
    events: tuple[str, ...] = Field(description="The CloudEvents types that travel here; none for dead letters")


def load_topic_files(directory: Path = SCHEMAS_DIRECTORY / "topics") -> list[TopicFile]:
    """All topic files, sorted by name. Raises ValueError naming the file and the field that is wrong."""
    topics = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            topic = TopicFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise ValueError(f"{path.name}: {error}") from error
        if path.stem != topic.name:
            raise ValueError(f"{path.name}: the file must carry the topic's name, {topic.name}.yaml")
        topics.append(topic)
    return topics
