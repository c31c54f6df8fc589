"""The processes of a run: how many there are, which one this is, and what they tell each other."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist

from tax_training.errors import ToldElsewhere, UserError

PATIENCE = timedelta(hours=24)  # an evaluation command may take hours, and a launcher ends all processes when one dies

Value = TypeVar("Value")


@dataclass(frozen=True)
class World:
    """This process among those of the run, as the launcher's environment has it."""

    process: int = 0
    processes: int = 1
    local: int = 0

    @classmethod
    def join(cls) -> "World":
        """Join the processes that a launcher (torchrun, deepspeed, Ray) started; alone where none did."""
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        if processes > 1 and not dist.is_initialized():
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            if torch.cuda.is_available():
                torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
            dist.init_process_group(backend, timeout=PATIENCE)
        return cls(int(os.environ.get("RANK", "0")), processes, int(os.environ.get("LOCAL_RANK", "0")))

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks to the user and writes what is common."""
        return self.process == 0

    def gather(self, value: Value) -> list[Value]:
        """Return the value of every process, in their order; all wait for all."""
        if self.processes == 1:
            return [value]
        values: list[Value] = [value] * self.processes
        dist.all_gather_object(values, value)
        return values

    def sum(self, *numbers: float) -> list[float]:
        """Return each number's sum over the processes."""
        if self.processes == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def once(self, work: Callable[[], Value]) -> Value:
        """Have the first process do something; return its result to all. Its UserError ends them all."""
        result, fault = None, None
        if self.first:
            try:
                result = work()
            except UserError as error:
                fault = error
        result, fault = self.gather((result, fault))[0]
        if fault is not None:
            raise fault if self.first else ToldElsewhere(str(fault))
        return result  # type: ignore[return-value]  # None only where Value allows it

    @contextlib.contextmanager
    def alone(self, hold: Callable[[Path], contextlib.AbstractContextManager[None]], folder: Path) -> Iterator[None]:
        """Have the first process hold a folder for all."""
        with contextlib.ExitStack() as held:
            self.once(lambda: held.enter_context(hold(folder)))
            yield
