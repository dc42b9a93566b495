"""What served, since when, and where its bytes come from."""

from aftertune.values.release import Release
from reports.acts import standing
from reports.cells import count, moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Nothing, Section
from reports.evidence import Evidence


def deployments(evidence: Evidence) -> Section:
    return Section(
        name="deployments",
        title="Deployments and releases",
        blocks=(_standing(evidence), _served(evidence), *_releases(evidence)),
    )


def _standing(evidence: Evidence) -> Block:
    found = [standing(evidence.acts, name, evidence.until) for name in evidence.deployments]
    rows = [
        (
            act.deployment,
            count(int(act.after.get("generation", 0))),
            str(act.after.get("stable")),
            str(act.after.get("previous_good") or "none"),
            _candidate(act.after.get("candidate"), act.after.get("mode"), act.after.get("share")),
            str(act.after.get("frozen") or "no"),
        )
        for act in found
        if act is not None
    ]
    if not rows:
        return Nothing(text="No deployment existed by the end of this week.")
    columns = (
        ("deployment", "Deployment"),
        ("generation", "Generation"),
        ("stable", "Stable"),
        ("previous_good", "Previous good"),
        ("candidate", "Under test"),
        ("frozen*", "Frozen"),
    )
    return table("As they stood at the end", columns, rows, "Read from the audit chain.")


def _candidate(candidate: object, mode: object, share: object) -> str:
    if not candidate:
        return "none"
    return f"{candidate}, {mode}" + (
        f" for {float(share):.0%} of users" if isinstance(share, float) and share else ""
    )


def _served(evidence: Evidence) -> Block:
    """Each change of the stable release in the week."""
    rows = [
        (
            moment(act.at),
            act.deployment,
            str(act.before.get("stable") or "none"),
            str(act.after.get("stable")),
            act.name.replace("_", " "),
            act.actor,
            act.reason or "–",
        )
        for act in evidence.acts
        if evidence.week.since <= act.at < evidence.until
        and act.before.get("stable") != act.after.get("stable")
    ]
    if not rows:
        return Nothing(text="No deployment changed its stable release in this week.")
    columns = (
        ("at", "At (UTC)"),
        ("deployment", "Deployment"),
        ("left", "From"),
        ("serves", "To"),
        ("act", "Act"),
        ("actor", "By"),
        ("reason*", "Reason"),
    )
    return table("Changes of the stable release", columns, rows)


def _releases(evidence: Evidence) -> tuple[Block, ...]:
    if not evidence.releases:
        return (Nothing(text="No release was registered by the end of this week."),)
    passports = [release for release in evidence.releases if release.passport is not None]
    columns = (
        ("release", "Release"),
        ("state", "State"),
        ("registered", "Registered (UTC)"),
        ("by", "By"),
        ("suites*", "Must pass"),
        ("reason*", "Remark"),
    )
    rows = [
        (
            release.id,
            str(release.state),
            moment(release.created_at),
            release.created_by,
            ", ".join(release.suites) or "no suite",
            release.reason or _origin(release),
        )
        for release in evidence.releases
    ]
    lineage: Block = Missing(text="No release has a passport: none was merged from a base by this system.")
    if passports:
        lineage = table("Passports", PASSPORT, (_passport(release) for release in passports), PROOF)
    return table("Releases", columns, rows), lineage


PASSPORT = (
    ("release", "Release"),
    ("base", "Base"),
    ("adapter", "Adapter"),
    ("merged", "Merged weights"),
    ("tokenizer", "Tokenizer"),
    ("template", "Chat template"),
    ("proof", "Largest logit difference"),
    ("tolerance", "Allowed"),
    ("merged_at", "Merged (UTC)"),
)
PROOF = (
    "SHA-256 over the files, shortened here and whole in report.json. The proof compares the merged weights with "
    "base + adapter on n probe prompts, both in float32."
)


def _passport(release: Release) -> tuple[Cell, ...]:
    passport = release.passport
    assert passport is not None  # the caller chose those that have one
    adapter: Cell = Digest(sha256=passport.adapter_digest) if passport.adapter_digest else "none: the base"
    return (
        release.id,
        Digest(sha256=passport.base_digest),
        adapter,
        Digest(sha256=passport.merged_digest),
        Digest(sha256=passport.tokenizer_digest),
        Digest(sha256=passport.template_digest),
        Figure(value=passport.proof.max_logit_difference, n=passport.proof.prompts),
        Figure(value=passport.proof.tolerance),
        moment(passport.merged_at),
    )


def _origin(release: Release) -> str:
    if release.url:
        return "an external engine: its weights are not ours to digest"
    return "–" if release.adapter_path else "a base as it is"
