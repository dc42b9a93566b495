"""Answers in full, baselines by role, questions, and human review."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CHUNK = 500

Body = dict[str, Any]


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("sample", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "sample"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaigns_opened_at"), ["opened_at"], unique=False)
    op.create_table(
        "review_items",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("campaign", "id"),
    )
    for table, column in (
        ("ratings", sa.Column("body", sa.JSON(), nullable=False)),
        ("claims", sa.Column("until", sa.DateTime(timezone=True), nullable=False)),
    ):
        op.create_table(
            table,
            sa.Column("campaign", sa.String(), nullable=False),
            sa.Column("item", sa.String(), nullable=False),
            sa.Column("reviewer", sa.String(), nullable=False),
            column,
            sa.ForeignKeyConstraint(["campaign", "item"], ["review_items.campaign", "review_items.id"]),
            sa.PrimaryKeyConstraint("campaign", "item", "reviewer"),
        )
    _rewrite("samples", ("run", "release", "sample"), _answers_in_full)
    _rewrite("evaluations", ("id",), _baselines_of_run)
    _rewrite("suites", ("name",), _baselines_of_card)


def downgrade() -> None:
    raise NotImplementedError("An older program cannot read answers in full: restore the backup instead.")


def _rewrite(name: str, key: tuple[str, ...], change: Callable[[Body], Body]) -> None:
    """Every body of the table, in place, a chunk of rows at a time: a table may hold millions."""
    table = sa.table(name, *(sa.column(column, sa.String()) for column in key), sa.column("body", sa.JSON()))
    columns = [table.c[column] for column in key]
    update = (
        table.update()
        .where(*(column == sa.bindparam(f"key_{column.name}") for column in columns))
        .values(body=sa.bindparam("new_body", type_=sa.JSON()))
    )
    for rows in _chunks(sa.select(*columns, table.c.body).order_by(*columns), columns):
        changed = [
            {"new_body": change(row.body)} | {f"key_{column}": getattr(row, column) for column in key}
            for row in rows
        ]
        op.get_bind().execute(update, changed)


def _chunks(query: sa.Select[Any], columns: Sequence[sa.ColumnClause[str]]) -> Iterator[Sequence[Any]]:
    """By key, from after the last row of the chunk before."""
    after: tuple[Any, ...] | None = None
    while True:
        wanted = query if after is None else query.where(sa.tuple_(*columns) > sa.tuple_(*after))
        rows = op.get_bind().execute(wanted.limit(CHUNK)).all()
        if not rows:
            return
        yield rows
        after = tuple(rows[-1])[: len(columns)]


def _answers_in_full(body: Body) -> Body:
    """A text, or nothing where an error says why, becomes a list of answers."""
    kept = {name: value for name, value in body.items() if name != "answer"}
    text = body.get("answer", "")
    return kept | {"answers": [{"text": text}] if text or not body.get("error") else []}


def _baselines_of_run(body: Body) -> Body:
    """One baseline by two names becomes a mapping: release to the digest of its weights."""
    signature = body.get("signature")
    if not signature:
        return body
    kept = {name: value for name, value in signature.items() if not name.startswith("baseline")}
    baseline = signature.get("baseline", "")
    weights = {baseline: signature.get("baseline_weights", "")} if baseline else {}
    return body | {"signature": kept | {"baselines": weights}}


def _baselines_of_card(body: Body) -> Body:
    kept = {name: value for name, value in body.items() if name != "compares_with_base"}
    return kept | {"baselines": ["base"] if body.get("compares_with_base") else []}
