"""General knowledge: facts that do not change, each with three wrong choices of the same kind."""

from collections.abc import Iterator
from random import Random
from typing import Any

CAPITALS = {
    "Argentina": "Buenos Aires", "Australia": "Canberra", "Austria": "Vienna", "Belgium": "Brussels",
    "Bolivia": "Sucre", "Brazil": "Brasília", "Bulgaria": "Sofia", "Canada": "Ottawa", "Colombia": "Bogotá",
    "Croatia": "Zagreb", "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo", "Estonia": "Tallinn",
    "Ethiopia": "Addis Ababa", "Finland": "Helsinki", "Greece": "Athens", "Hungary": "Budapest",
    "Iceland": "Reykjavik", "India": "New Delhi", "Iran": "Tehran", "Italy": "Rome", "Japan": "Tokyo",
    "Jordan": "Amman", "Kenya": "Nairobi", "Latvia": "Riga", "Lebanon": "Beirut", "Lithuania": "Vilnius",
    "Malta": "Valletta", "Mexico": "Mexico City", "Mongolia": "Ulaanbaatar", "Morocco": "Rabat",
    "Nepal": "Kathmandu", "New Zealand": "Wellington", "Norway": "Oslo", "Pakistan": "Islamabad", "Peru": "Lima",
    "Poland": "Warsaw", "Portugal": "Lisbon", "Romania": "Bucharest", "Senegal": "Dakar", "Serbia": "Belgrade",
    "Slovakia": "Bratislava", "Slovenia": "Ljubljana", "Spain": "Madrid", "Sweden": "Stockholm",
    "Switzerland": "Bern", "Thailand": "Bangkok", "Tunisia": "Tunis", "Turkey": "Ankara", "Uruguay": "Montevideo",
    "Vietnam": "Hanoi",
}  # fmt: skip
SYMBOLS = {
    "hydrogen": "H", "helium": "He", "lithium": "Li", "carbon": "C", "nitrogen": "N", "oxygen": "O", "sodium": "Na",
    "magnesium": "Mg", "aluminium": "Al", "silicon": "Si", "sulphur": "S", "chlorine": "Cl", "potassium": "K",
    "calcium": "Ca", "iron": "Fe", "copper": "Cu", "zinc": "Zn", "silver": "Ag", "tin": "Sn", "iodine": "I",
    "gold": "Au", "mercury": "Hg", "lead": "Pb", "uranium": "U",
}  # fmt: skip
AUTHORS = {
    "Hamlet": "William Shakespeare", "Don Quixote": "Miguel de Cervantes", "Faust": "Johann Wolfgang von Goethe",
    "War and Peace": "Leo Tolstoy", "Crime and Punishment": "Fyodor Dostoevsky", "Pride and Prejudice": "Jane Austen",
    "Moby-Dick": "Herman Melville", "Madame Bovary": "Gustave Flaubert", "Les Misérables": "Victor Hugo",
    "Great Expectations": "Charles Dickens", "Dracula": "Bram Stoker", "Frankenstein": "Mary Shelley",
    "The Divine Comedy": "Dante Alighieri", "The Trial": "Franz Kafka", "Ulysses": "James Joyce",
    "Mrs Dalloway": "Virginia Woolf",
}  # fmt: skip
LEGS = {"spider": "eight", "ant": "six", "horse": "four", "ostrich": "two"}

_TABLES = (
    ("What is the capital of {}?", CAPITALS),
    ("What is the chemical symbol of {}?", SYMBOLS),
    ("Who wrote {}?", AUTHORS),
    ("How many legs has a healthy adult {}?", LEGS),
)


def knowledge(random: Random) -> Iterator[dict[str, Any]]:
    """96 questions: every row of the tables."""
    for question, table in _TABLES:
        for subject, right in table.items():
            others = random.sample(sorted(set(table.values()) - {right}), 3)
            choices = [right, *others]
            yield {
                "messages": [{"role": "user", "content": question.format(subject)}],
                "scoring": {"kind": "multiple_choice", "choices": choices, "answer_index": 0},
            }
