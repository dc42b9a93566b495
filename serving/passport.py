"""The passport that lies in a merged folder, believed only while the folder's files match it."""

from pathlib import Path

from pydantic import ValidationError

from aftertune.digest import PASSPORT_FILE, folder_digest
from aftertune.errors import Conflict
from aftertune.values.release import Passport


def write_passport(folder: Path, passport: Passport) -> None:
    (folder / PASSPORT_FILE).write_text(passport.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_passport(folder: Path) -> Passport:
    """Raises Conflict when the folder is no merged model, or was changed after it was merged."""
    try:
        passport = Passport.model_validate_json((folder / PASSPORT_FILE).read_bytes())
        intact = folder_digest(folder) == passport.merged_digest
    except (OSError, ValidationError) as error:
        raise Conflict(
            f"{folder} is there but holds no merged model: {error}.", "Remove the folder."
        ) from None
    if not intact:
        raise Conflict(f"Files of {folder} were changed after it was merged.", "Remove the folder.")
    return passport
