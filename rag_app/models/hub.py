"""Download models from the Hugging Face hub into its normal cache."""

from collections.abc import Callable
from pathlib import Path

from huggingface_hub import is_offline_mode, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

# The error of whichever HTTP client this version of huggingface_hub uses.
from huggingface_hub.errors import HTTPError as HubConnectionError  # type: ignore[attr-defined]

from rag_app.errors import ModelError, ModelMissing

# Weights as safetensors and the small files that describe them; never pickles, and no second copy in another format.
WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
UNWANTED = ("onnx/*", "openvino/*", "original/*", "coreml/*", "consolidated*", "*.onnx*", "*adapter*")


def fetch(name: str, *, notify: Callable[[str], None] | None = None) -> Path:
    """Return the folder of a hub model, named "owner/model" or "owner/model@revision"; downloaded when missing.

    What is in the cache and whole is used as it is, without asking the hub: an embedder that changed by itself
    would no longer fit the vectors in the library.

    Raises:
        ModelMissing: the model is not in the cache and cannot be downloaded.
        ModelError: the name cannot be a hub model's.
    """
    model, _, revision = name.partition("@")
    try:
        return _snapshot(model, revision, local=True)
    except HFValidationError as error:
        raise ModelError(
            f"'{name}' is no model: it is not in the catalogue (see rag-app models list), no folder of that name "
            f"exists, and it cannot be a Hugging Face id such as owner/model: {error}"
        ) from error
    except LocalEntryNotFoundError as error:
        if is_offline_mode():
            raise ModelMissing(
                f"Model '{name}' is not in this machine's Hugging Face cache, and HF_HUB_OFFLINE forbids downloading "
                f"it. Unset HF_HUB_OFFLINE once, copy the model to a folder and name the folder, or choose a model "
                "from rag-app models list."
            ) from error
    if notify:
        notify(f"Downloading {name} from the Hugging Face hub")
    return _download(name, model, revision)


def _download(name: str, model: str, revision: str) -> Path:
    try:
        return _snapshot(model, revision, local=False)
    except GatedRepoError as error:
        raise ModelMissing(
            f"Model '{name}' is only given to those who accepted its terms on huggingface.co. Accept them, then log in "
            "with: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelMissing(
            f"The Hugging Face hub knows no public model '{name}'. Check the spelling; a private one needs: hf auth "
            "login. Models without download: rag-app models list"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelMissing(
            f"Model '{model}' has no revision '{revision}'. Name a branch, tag or commit of it."
        ) from error
    except (HubConnectionError, OSError) as error:
        raise ModelMissing(
            f"Model '{name}' cannot be downloaded from the Hugging Face hub: {_first_line(error)} Check the network "
            "and the room on the disk, copy the model to a folder and name the folder, or choose a model from "
            "rag-app models list."
        ) from error


def _snapshot(model: str, revision: str, *, local: bool) -> Path:
    return Path(
        snapshot_download(
            model,
            revision=revision or None,
            local_files_only=local,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
        )
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."
