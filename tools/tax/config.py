"""tax.toml: what a taxonomy's maintainers set for everybody who works in it. Keys never stand there.

```toml
[licenses]
allowed = ["CC-BY-4.0", "CC0-1.0"]       # SPDX ids

[teachers.local]
url = "http://127.0.0.1:8000/v1"         # an OpenAI-compatible server; a list of addresses shares the calls
model = "mixtral"                        # its only one, if left out
key_env = "LOCAL_KEY"                    # the environment variable that holds the key

[teachers.big]
engine = "vllm:models/mixtral"           # or an engine in this process: vllm:, hf: or llamacpp:
tensor_parallel = 4                      # and its options (docs/engines.md)
```
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tax.problems import UserError, excerpt

FILE_NAME = "tax.toml"
BUILTIN = "builtin"  # the teacher that needs no model

# Licences that let a leaf or a document be changed, combined and used for any purpose.
PERMISSIVE = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC-BY-2.0",
    "CC-BY-2.5",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-2.0",
    "CC-BY-SA-2.5",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC-PDDC",
    "CC-PDM-1.0",
    "CC0-1.0",
    "CDLA-Permissive-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "ODC-By-1.0",
    "OGDL-Taiwan-1.0",
    "OGL-UK-3.0",
    "PDDL-1.0",
    "PostgreSQL",
    "Unlicense",
    "Zlib",
]

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class ConfigError(UserError):
    """tax.toml must be changed; the message names the file, the key and the value."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LicensesConfig(_Section):
    """[licenses]: which licences leaves, documents and datasets may have."""

    allowed: list[Text] = PERMISSIVE


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/,]+[^\s,]*$")]


class EngineOptions(_Section):
    """How an engine in this process is set up. Which engine takes which option: ENGINE_OPTIONS; a server: `context`."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """The numbers that the weights are held in; auto is what the model was saved in."""
    context: Annotated[int, Field(ge=256)] | None = None
    """Tokens that a prompt and its answer may have together, if fewer than the model takes: less memory."""
    batch: Annotated[int, Field(ge=1)] = 16
    """Calls that are answered together."""
    tensor_parallel: Annotated[int, Field(ge=1)] = 1
    """GPUs that the model is split over."""
    memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The share of a GPU's memory to use."""


ENGINE_OPTIONS = {
    "hf": {"dtype", "context", "batch"},
    "vllm": {"dtype", "context", "tensor_parallel", "memory"},
    "llamacpp": {"context"},
}


class TeacherConfig(EngineOptions):
    """[teachers.NAME]: what `--teacher NAME` means: a server, several that share the calls, or an engine."""

    url: Annotated[list[Url], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)] = []
    engine: Annotated[str, StringConstraints(pattern=rf"^({'|'.join(ENGINE_OPTIONS)}):\S")] = ""
    model: str = ""
    key_env: Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""

    @model_validator(mode="after")
    def _one_kind(self) -> "TeacherConfig":
        if bool(self.url) == bool(self.engine):
            raise ValueError("needs either `url`, a server's address, or `engine`, such as hf:models/student")
        kind = self.engine.partition(":")[0]
        fit = ENGINE_OPTIONS.get(kind, {"model", "key_env", "context"}) | {"url", "engine"}
        for name in sorted(self.model_fields_set - fit):
            raise ValueError(f"has `{name}`, which {kind + ':' if kind else 'a server'} does not take: delete it")
        return self


def _free(name: str) -> str:
    if name == BUILTIN:
        raise ValueError("has the name of the built-in teacher, which would hide it: choose another name")
    if ":" in name:
        raise ValueError("has a colon in its name, as an engine or an address: choose a name without one")
    return name


class Config(_Section):
    """All of tax.toml; what the file leaves out keeps its default."""

    licenses: LicensesConfig = LicensesConfig()
    teachers: dict[Annotated[str, AfterValidator(_free)], TeacherConfig] = {}


def find_config(start: Path) -> Config:
    """Return the configuration of the nearest tax.toml, from `start` upwards; the defaults where there is none.

    Raises ConfigError where the file cannot be read or holds what it should not.
    """
    folder = start.resolve()
    for candidate in [folder, *folder.parents]:
        if (candidate / FILE_NAME).is_file():
            return read_config(candidate / FILE_NAME)
    return Config()


def read_config(path: Path) -> Config:
    """Read one tax.toml. Raises ConfigError."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {excerpt(error, 200)}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {_explained(dict(each))}" for each in error.errors())) from error


def _explained(error: dict[str, object]) -> str:
    loc = error["loc"]
    assert isinstance(loc, tuple)
    key = ".".join(str(part) for part in loc if part != "[key]")  # pydantic's mark where the key itself is at fault
    value = excerpt(error["input"], 60)
    if error["type"] == "extra_forbidden":
        if str(loc[-1]) in {"key", "api_key", "token"}:
            return (
                f"`{key}` does not belong here: put the key into an environment variable, and its name into `key_env`"
            )
        return f"there is no setting `{key}`: delete it, or look for a slip in its name"
    if error["type"] == "missing":
        return f"`{key}` is missing"
    if error["type"] == "value_error":
        return f"`{key}` " + str(error["msg"]).removeprefix("Value error, ")
    setting = next((part for part in reversed(loc) if isinstance(part, str)), "")
    wanted = _WANTED.get(setting, "is of the wrong type")
    return f"`{key}` is {value}, but {wanted}"


_WANTED = {
    "url": "it must be an address that starts with http:// or https://",
    "model": "it must be a text: the model's name in quotes",
    "key_env": "it must be the name of an environment variable, such as MY_KEY",
    "engine": "it must be hf:FOLDER, vllm:MODEL or llamacpp:FILE",
    "dtype": "it must be auto, float32, bfloat16 or float16",
    "context": "it must be a number of tokens, 256 or more",
    "batch": "it must be a number of calls, 1 or more",
    "tensor_parallel": "it must be a number of GPUs, 1 or more",
    "memory": "it must be a share of the GPU's memory, above 0 and at most 1",
    "allowed": 'it must be a list of SPDX ids, such as ["CC-BY-4.0"]',
}
