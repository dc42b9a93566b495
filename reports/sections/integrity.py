"""Whether the log of changes is whole, and the head that proves it later."""

from reports.cells import count, moment
from reports.document import Block, Digest, Facts, Missing, Section, Text
from reports.evidence import Evidence

HOW = (
    "The audit chain was recomputed from its first entry when this report was made; audit.jsonl carries all of it. "
    "A chain alone does not show that its tail was cut off: keep the head elsewhere, and compare it with later "
    "reports, whose chains must run through it. 'aftertune report verify' recomputes everything without a network."
)


def integrity(evidence: Evidence) -> Section:
    title = "Integrity of the audit chain"
    if not evidence.entries:
        nothing = Missing(text="The audit chain is empty: nothing that is recorded has ever happened.")
        return Section(name="integrity", title=title, blocks=(nothing,))
    chain = evidence.chain
    during = evidence.during(evidence.entries)
    facts = (
        ("Verification", "every entry verifies" if chain.ok else f"BROKEN: {chain.reason}"),
        ("Entries", count(len(evidence.entries))),
        ("Entries of this week", count(len(during))),
        ("First entry (UTC)", moment(evidence.entries[0].at)),
        ("Last entry (UTC)", moment(evidence.entries[-1].at)),
        ("Head", Digest(sha256=chain.head)),
    )
    blocks: tuple[Block, ...] = (Facts(title="The chain at the watermark", facts=facts), Text(text=HOW))
    return Section(name="integrity", title=title, blocks=blocks)
