"""An export to a dataset repository of a Hugging Face Hub (HF_ENDPOINT names another than huggingface.co)."""

import os
import re
import sys
from pathlib import Path

from tax import __version__
from tax.export.dataset import INSTALL, REFUSED
from tax.problems import UserError, excerpt

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def check(repo: str) -> None:
    """Check what a push needs, before anything is written. Raises UserError."""
    if not _NAME.fullmatch(repo):
        raise UserError(f"'{excerpt(repo)}' names no repository: write it as OWNER/NAME")
    if not os.environ.get("HF_TOKEN"):
        raise UserError("a push needs a token that may write: set the environment variable HF_TOKEN")
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise UserError(f"a push needs huggingface_hub: {INSTALL}") from error


def push(folder: Path, repo: str, message: str) -> str:
    """Upload an export as one commit, and return its address. A repository that is not there yet is made, private.

    Data files of earlier pushes are deleted in the same commit: what was refused since must not stay. Raises UserError.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    check(repo)
    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi(os.environ.get("HF_ENDPOINT"), os.environ["HF_TOKEN"], library_name="tax", library_version=__version__)
    try:
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            repo_type="dataset",
            commit_message=message,
            ignore_patterns=[REFUSED],
            delete_patterns=["data/*"],
        )
    except HfHubHTTPError as error:
        status = error.response.status_code
        fix = {401: ": HF_TOKEN is not valid there", 403: ": HF_TOKEN may not write there"}.get(status, "")
        raise UserError(f"the hub refused the push (HTTP {status}){fix}. The export is in {folder}") from error
    except OSError as error:
        raise UserError(f"the hub cannot be reached ({excerpt(error, 120)}). The export is in {folder}") from error
    return str(done.commit_url)
