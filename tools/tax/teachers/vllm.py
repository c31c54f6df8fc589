"""`vllm:MODEL`: vLLM in this process, fed call by call; its scheduler batches them and reuses the prefixes they share.

MODEL is a model folder or a name that vLLM fetches itself. Prompts begin with what all calls of a leaf share, and the
calls of one leaf come close together, so that its prefix cache pays (docs/engines.md has the measure).
"""

import itertools
import os
from pathlib import Path
from typing import Any

from tax.config import EngineOptions
from tax.problems import excerpt
from tax.teachers.base import CallFailed, Completion, Request, TeacherError, Unstructured
from tax.teachers.engines import answer_room, chat_tokens, fingerprint, hub_commit, model_folder

os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # stdout is the command's own
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError


class VLLM:
    """One engine, started when the teacher is opened."""

    free = False
    grounded_only = False

    def __init__(self, name: str, path: str, options: EngineOptions) -> None:
        self.name = name
        folder = None
        if path.startswith(("/", ".", "~")) or Path(path).is_dir():  # else a name that vLLM fetches
            folder = model_folder("vllm", path)
            path = str(folder)
        try:
            self._engine = AsyncLLM.from_engine_args(
                AsyncEngineArgs(
                    model=path,
                    dtype=options.dtype,
                    max_model_len=options.context,
                    tensor_parallel_size=options.tensor_parallel,
                    gpu_memory_utilization=options.memory,
                    enable_prefix_caching=True,
                    trust_remote_code=False,
                    disable_log_stats=True,
                )
            )
        except Exception as error:
            raise TeacherError(f"vLLM cannot start with {excerpt(path)}: {excerpt(error, 400)}") from error
        self._context = int(self._engine.model_config.max_model_len)
        self.model = _identity(path, folder, self._engine.model_config)
        self._calls = itertools.count()

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Hand one call to the engine, and wait for its answer."""
        tokens = chat_tokens(self._engine.get_tokenizer(), request.messages)
        sampling = request.sampling
        held = StructuredOutputsParams(json=dict(request.schema)) if request.schema is not None else None
        parameters = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
            max_tokens=answer_room(len(tokens), sampling.max_tokens, self._context),
            structured_outputs=held,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        try:
            drawn = self._engine.generate({"prompt_token_ids": tokens}, parameters, str(next(self._calls)))
            last = [output async for output in drawn][-1]
        except EngineDeadError as error:
            raise TeacherError("vLLM has died: its own lines above say why") from error
        except ValueError as error:
            if held is not None:
                raise Unstructured from error
            raise CallFailed(f"refused by the engine: {excerpt(error, 200)}") from error
        answer = last.outputs[0]
        return Completion(answer.text, len(tokens), len(answer.token_ids), answer.finish_reason or "stop")

    async def close(self) -> None:
        """Stop the engine and its processes."""
        self._engine.shutdown(timeout=10)
        del self._engine  # it shuts down once more when it is collected, and at the process's end it could not


def _identity(name: str, folder: Path | None, config: Any) -> str:
    """Return what stands for the model in every call's key, from its files, or for a fetched one its commit.

    A model that was fetched in another way than from the hub has no commit: then its name stands for its weights.
    """
    settings = str(config.dtype), int(config.max_model_len)
    if folder is not None:
        return f"vllm:{folder.name}@{fingerprint(folder, *settings)}"
    return f"vllm:{name}@{fingerprint(None, hub_commit(name), *settings)}"
