"""The files of a report, handed out only as they were built.

The HTML report quotes what models and users wrote: a browser shows it in a sandbox, where nothing runs and nothing
is fetched. Everything else is saved, not shown.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fastapi import Response

from aftertune.errors import Conflict, Corrupt, NotFound
from aftertune.identity import Permission
from aftertune.values.report import Report, ReportFile, ReportState
from console.access import ContextOf, guarded_router, needs
from console.context import Context
from console.hardening import POLICY
from console.names import PathName

router = guarded_router("reports")

SHOWN = "report.html"
SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".json": "application/json",
        ".jsonl": "application/x-ndjson",
        ".pdf": "application/pdf",
    }
)
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The bundle of a report is the same bytes each time."""


@router.get(
    "/v1/reports/{report}/files/{file}",
    response_class=Response,
    dependencies=[needs(Permission.READ_PAYLOAD)],
)
def download_file(report: PathName, file: PathName, context: ContextOf) -> Response:
    """One file that the report names. 500 when it is gone or its bytes are not those that were built."""
    found = _ready(context, report)
    wanted = next((each for each in found.files if each.name == file), None)
    if wanted is None:
        raise NotFound(f"file of report {report}", file, [each.name for each in found.files])
    shown = file == SHOWN
    return Response(
        _bytes(context, found, wanted),
        media_type=MEDIA_TYPES.get(Path(file).suffix, "application/octet-stream"),
        headers={
            "content-disposition": f'{"inline" if shown else "attachment"}; filename="{file}"',
            POLICY: SANDBOX,
        },
    )


@router.get(
    "/v1/reports/{report}/bundle", response_class=Response, dependencies=[needs(Permission.READ_PAYLOAD)]
)
def download_bundle(report: PathName, context: ContextOf) -> Response:
    """All files of the report in a ZIP archive, in a folder named by its week and revision."""
    found = _ready(context, report)
    folder, archive = f"aftertune-{found.week}-r{found.revision}", io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in found.files:
            entry = zipfile.ZipInfo(f"{folder}/{file.name}", ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, _bytes(context, found, file))
    headers = {"content-disposition": f'attachment; filename="{folder}.zip"'}
    return Response(archive.getvalue(), media_type="application/zip", headers=headers)


def _ready(context: Context, report: str) -> Report:
    with context.store.read() as tx:
        found = tx.reports.get(report)
    if found.state is not ReportState.READY:
        raise Conflict(f"The report {report} is {found.state}: it has no files.", "Wait until it is ready.")
    return found


def _bytes(context: Context, report: Report, file: ReportFile) -> bytes:
    """Raises Corrupt unless the file lies in the report's own folder and has the digest that its row tells."""
    folder = (context.settings.reports_folder / report.id).resolve()
    path = folder / file.name
    remedy = "Build the report again; keep the folder for whoever looks into it."
    try:
        if path.resolve() != path:
            raise Corrupt(f"The file {file.name} of the report {report.id} is a link.", remedy)
        content = path.read_bytes()
    except OSError as error:
        raise Corrupt(
            f"The file {file.name} of the report {report.id} cannot be read: {error.strerror}.", remedy
        ) from None
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        raise Corrupt(
            f"The file {file.name} of the report {report.id} was changed after it was built.", remedy
        )
    return content
