"""Payments drawn at random, and what a bank's plain rule makes of them.

The rule adds up points for what is unusual. It stands in for the analysts whose labels a real suite would hold, and it
is what the prompt tells the model; no real payment and no real person is in it.
"""

import random
from dataclasses import dataclass

FRAUD, LEGITIMATE = "fraud", "legitimate"
LIMIT = 5
"""Points from which a payment is fraud."""

CHANNELS = ("card_in_shop", "card_online", "transfer")
COUNTRIES = ("Austria", "Chile", "Denmark", "Ghana", "India", "Japan", "Portugal", "Vietnam")
_MERCHANTS = {
    "card_in_shop": ("a bakery", "a fuel station", "a pharmacy", "a hardware shop", "a restaurant"),
    "card_online": ("a bookshop", "an airline", "an electronics shop", "a gift card shop", "a game store"),
    "transfer": ("a landlord", "a relative", "a craftsman", "a crypto exchange", "a new payee"),
}


@dataclass(frozen=True)
class Payment:
    account: str
    channel: str
    merchant: str
    amount: int
    usual: int
    """The median of the account's last fifty payments, in the same currency."""
    home: str
    country: str
    hour: int
    declined: int
    """Attempts that were declined in the hour before."""
    known_device: bool
    age_days: int
    """Of the account."""
    hours_since_home: int
    """Since the last payment, which was made at home."""

    @property
    def abroad(self) -> bool:
        return self.country != self.home

    def points(self) -> int:
        """What the rule in the prompt adds up."""
        return (
            (2 if self.amount >= 10 * self.usual else 1 if self.amount >= 3 * self.usual else 0)
            + (2 if self.declined >= 3 else 1 if self.declined else 0)
            + (3 if self.abroad and self.hours_since_home < 3 else 1 if self.abroad else 0)
            + (0 if self.known_device else 1)
            + (1 if self.hour < 5 else 0)
            + (1 if self.age_days < 14 else 0)
        )

    @property
    def label(self) -> str:
        return FRAUD if self.points() >= LIMIT else LEGITIMATE

    @property
    def edge(self) -> bool:
        """One point less or more would have turned it."""
        return self.points() in (LIMIT - 1, LIMIT)

    def text(self) -> str:
        device = "a known device" if self.known_device else "a device never seen before"
        return (
            f"Channel: {self.channel.replace('_', ' ')}\n"
            f"To: {self.merchant}\n"
            f"Amount: {self.amount} (usual: {self.usual})\n"
            f"Country: {self.country} (home: {self.home})\n"
            f"Local time: {self.hour:02}:{self.amount % 60:02}\n"
            f"Last payment: at home, {self.hours_since_home} h ago\n"
            f"Declined attempts in the last hour: {self.declined}\n"
            f"Device: {device}\n"
            f"Account opened: {self.age_days} days ago"
        )


def payment(rng: random.Random, account: int) -> Payment:
    """One of the account's; the account's home, habits and age stay the same."""
    habits = random.Random(account)
    home, usual, age = (
        habits.choice(COUNTRIES),
        habits.randrange(20, 90),
        habits.choice((5, 90, 400, 2000, 3100)),
    )
    channel = rng.choice(CHANNELS)
    odd = rng.random()
    # How unusual it is meant to be: most payments of an account are like each other.
    return Payment(
        account=f"account-{account:02}",
        channel=channel,
        merchant=rng.choice(_MERCHANTS[channel]),
        amount=round(usual * rng.choice((0.4, 0.9, 1.5, 2.5, 4, 12) if odd > 0.4 else (0.4, 0.9, 1.5))),
        usual=usual,
        home=home,
        country=rng.choice(COUNTRIES) if odd > 0.5 else home,
        hour=rng.randrange(0, 24) if odd > 0.4 else rng.randrange(8, 21),
        declined=rng.choice((0, 1, 2, 3, 5)) if odd > 0.5 else 0,
        known_device=rng.random() > odd,
        age_days=age,
        hours_since_home=rng.choice((1, 2, 9, 30, 70)),
    )
