"""Finding the teacher that `--teacher` names."""

from collections.abc import Mapping
from pathlib import Path

from tax.config import TeacherConfig
from tax.problems import excerpt
from tax.teachers.base import Teacher, TeacherError

BUILTIN = "builtin"


async def open_teacher(spec: str, model: str, configured: Mapping[str, TeacherConfig]) -> Teacher:
    """Return the teacher that `--teacher` names: builtin, scripted:FILE, an http(s) URL, or a name from tax.toml.

    Raises TeacherError where there is no such teacher, or where its server does not answer.
    """
    if spec == BUILTIN:
        from tax.teachers.builtin import Builtin

        return Builtin()
    if spec.startswith("scripted:"):
        from tax.teachers.scripted import Scripted

        return Scripted(Path(spec.removeprefix("scripted:")))
    if spec in configured:
        entry = configured[spec]
        return await _server(spec, entry.url, model or entry.model, entry.key_env)
    if spec.startswith(("http://", "https://")):
        return await _server(spec, spec, model, "")
    known = ", ".join([BUILTIN, "scripted:FILE", "http://HOST:PORT/v1", *sorted(configured)])
    raise TeacherError(f"there is no teacher '{excerpt(spec)}'. Known: {known}. More are named in tax.toml")


async def _server(name: str, url: str, model: str, key_env: str) -> Teacher:
    from tax.teachers.openai import OpenAITeacher

    teacher = OpenAITeacher(name, url, model, key_env)
    try:
        await teacher.choose_model()
    except BaseException:
        await teacher.close()
        raise
    return teacher
