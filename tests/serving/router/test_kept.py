"""What a router writes down: by capture policy, and never a credential."""

import random
import string
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.capture import keeps_identity, keeps_payload
from aftertune.clock import ManualClock
from aftertune.headers import CONVERSATION, TENANT, USER
from aftertune.identity import token_hash
from aftertune.redaction import redactor
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, CONTROL, body, post, records, table, target, until_recorded

WHO = {CONVERSATION: "conversation-of-ann", USER: "user-ann", TENANT: "tenant-ulm"}
MAIL = "ann.lee@example.com"


def on_disk(folder: Path, name: str = "*") -> bytes:
    """Every byte below the folder, of the files of that name."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob(name)) if file.is_file())


@pytest.mark.parametrize("policy", CapturePolicy)
async def test_a_policy_is_what_is_on_disk(
    start: StartRouter, stable: FakeEngine, session: ClientSession, tmp_path: Path, policy: CapturePolicy
) -> None:
    """Words, answers and names of random requests, looked for in every byte."""
    router = await start(table(target(stable), capture=policy))
    picked = random.Random(7)
    texts = ["".join(picked.choices(string.ascii_letters, k=16)) for _ in range(12)]
    answers = set()
    for number, text in enumerate(texts):
        content = body(text, stream=bool(number % 2), metadata={"note": f"note-{text}"})
        status, _, answer = await post(session, router, content, headers=WHO)
        assert status == 200
        answers.add(answer)
    await until_recorded(tmp_path, len(texts))
    disk = on_disk(tmp_path / "spool")
    for text in texts:
        assert (text.encode() in disk) == keeps_payload(policy)
    for answer in answers:
        assert (answer in disk) == keeps_payload(policy)
    for name in WHO.values():
        assert (name.encode() in disk) == keeps_identity(policy)
    for header, record in records(tmp_path):
        assert header.capture is policy
        assert bool(record.request or record.answer) == keeps_payload(policy)
        kept = (header.conversation, header.end_user, header.tenant)
        assert kept == (tuple(WHO.values()) if keeps_identity(policy) else ("", "", ""))
        assert header.key == "app-1"


async def test_a_derived_conversation_is_not_kept_either(
    start: StartRouter, stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), capture=CapturePolicy.NONE))
    await post(session, router, body("hello", user="user-ann"))
    await until_recorded(tmp_path, 1)
    ((header, _),) = records(tmp_path)
    assert (header.conversation, header.end_user, header.tenant) == ("", "", "")


@pytest.mark.parametrize("policy", [CapturePolicy.REDACTED, CapturePolicy.FULL])
async def test_no_credential_is_stored_anywhere(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    store: Store,
    clock: ManualClock,
    tmp_path: Path,
    policy: CapturePolicy,
) -> None:
    """In the spool, the routing table on disk, and the database after ingest."""
    token = "at_only-in-the-header-0123456789"
    routes = table(target(stable), target(candidate), capture=policy)
    known = routes.model_copy(update={"keys": {token_hash(token): routes.keys[token_hash(CHAT_KEY)]}})
    router = await start(known)
    for stream in (False, True):
        status, _, _ = await post(session, router, body(f"write to {MAIL}", stream=stream), key=token)
        assert status == 200
    assert (await post(session, router, key="at_wrong-key-0123456789"))[0] == 401
    await until_recorded(tmp_path, 4)
    assert MAIL.encode() in on_disk(tmp_path / "spool")
    settings = Settings(home=tmp_path)
    Ingest(store, tmp_path / "spool", clock, Metrics(), redactor(settings)).run()
    with store.read() as tx:
        assert sum(tx.exchanges.count().values()) == 4
    store.engine.dispose()
    disk = on_disk(tmp_path)
    for secret in (token, "at_wrong-key-0123456789", CONTROL):
        assert secret.encode() not in disk
    assert (MAIL.encode() in on_disk(tmp_path, "aftertune.db*")) == (policy is CapturePolicy.FULL)
