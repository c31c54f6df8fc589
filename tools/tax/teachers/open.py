"""Finding the teacher that `--teacher` names."""

import contextlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tax.config import BUILTIN, ENGINE_OPTIONS, EngineOptions, TeacherConfig
from tax.problems import excerpt, install
from tax.teachers.base import Teacher, TeacherError

# An engine in this process: its module, its class, and what installs it.
ENGINES = {
    "hf": ("tax.teachers.hf", "HF", install("hf")),
    "vllm": ("tax.teachers.vllm", "VLLM", "pip install -e '.[vllm]'"),
    "llamacpp": ("tax.teachers.llamacpp", "LlamaCpp", install("llamacpp")),
}
assert ENGINES.keys() == ENGINE_OPTIONS.keys()


async def open_teacher(spec: str, model: str, configured: Mapping[str, TeacherConfig]) -> Teacher:
    """Return the teacher that `--teacher` names.

    That is builtin, scripted:FILE, http(s) URLs with commas between them, hf:FOLDER, vllm:MODEL, llamacpp:FILE, or a
    name from tax.toml. Raises TeacherError where there is no such teacher, or where its server does not answer.
    """
    if spec == BUILTIN:
        from tax.teachers.builtin import Builtin

        return Builtin()
    if spec.startswith("scripted:"):
        from tax.teachers.scripted import Scripted

        return Scripted(Path(spec.removeprefix("scripted:")))
    if spec in configured:
        entry = configured[spec]
        if entry.engine:
            return _engine(spec, entry.engine, model, entry)
        return await _servers(spec, entry.url, model or entry.model, entry.key_env, entry.context)
    if spec.startswith(("http://", "https://")):
        return await _servers(spec, [url.strip() for url in spec.split(",") if url.strip()], model)
    if spec.partition(":")[0] in ENGINES:
        return _engine(spec, spec, model, EngineOptions())
    known = ", ".join([BUILTIN, "scripted:FILE", "http://HOST:PORT/v1", "hf:FOLDER", "vllm:MODEL", "llamacpp:FILE"])
    named = f", and from tax.toml {', '.join(sorted(configured))}" if configured else ". More are named in tax.toml"
    raise TeacherError(f"there is no teacher '{excerpt(spec)}'. Known: {known}{named}")


def is_server(spec: str, configured: Mapping[str, TeacherConfig]) -> bool:
    """Tell whether a server answers for a teacher: the name of its model does not say which weights are behind it."""
    return not configured[spec].engine if spec in configured else spec.startswith(("http://", "https://"))


def _engine(name: str, spec: str, model: str, options: EngineOptions) -> Teacher:
    kind, _, path = spec.partition(":")
    if model:
        raise TeacherError(f"--model names a model of a server; {kind}: has its model after the colon. Leave it out")
    if not path:
        raise TeacherError(f"{kind}: wants a model after the colon, such as {kind}:models/student")
    module, engine, install = ENGINES[kind]
    with contextlib.redirect_stdout(sys.stderr):  # they talk while they load, and stdout is the command's own
        try:
            made = getattr(importlib.import_module(module), engine)
        except ModuleNotFoundError as error:
            raise TeacherError(f"{kind}: needs the package {error.name}, which is not installed: {install}") from error
        teacher: Teacher = made(name, path, options)
    return teacher


async def _servers(
    name: str, urls: Sequence[str], model: str, key_env: str = "", context: int | None = None
) -> Teacher:
    from tax.teachers.openai import OpenAITeacher

    teacher = OpenAITeacher(name, urls, model, key_env, context)
    try:
        await teacher.choose_model()
    except BaseException:
        await teacher.close()
        raise
    return teacher
