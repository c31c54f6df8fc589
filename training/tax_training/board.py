"""The curves for TensorBoard, where it is installed (pip install tensorboard); else nothing is written."""

from pathlib import Path
from typing import Any

from tax_training.files import told

SHOWN = ("loss", "learning_rate", "gradient_norm")


class Board:
    """A phase's curves. After a resume, what was drawn beyond the checkpoint is hidden."""

    def __init__(self, folder: Path, step: int) -> None:
        """Draw into a folder, from the step that the phase goes on from."""
        self._writer: Any = None
        self._folder = folder
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        with told(str(folder)):
            self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def draw(self, metrics: dict[str, Any]) -> None:
        """Draw a step's metrics."""
        if self._writer is not None:
            with told(str(self._folder)):
                for name in SHOWN:
                    self._writer.add_scalar(name, metrics[name], metrics["step"])
                self._writer.add_scalar("tokens_per_second", metrics["tokens"] / metrics["seconds"], metrics["step"])

    def draw_heldout(self, losses: dict[str, float], step: int) -> None:
        """Draw the held-out losses of a checkpoint, by phase."""
        if self._writer is not None:
            with told(str(self._folder)):
                for name, loss in losses.items():
                    self._writer.add_scalar(f"heldout/{name}", loss, step)
                self._writer.flush()
