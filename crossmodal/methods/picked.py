"""What is picked from a folder that the user gives: a plan names it, and replays by the very same bytes or not."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from crossmodal.datasets.source import file_hash

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")


class Picked(BaseModel):
    """A file, or a capture and its files, by its name in that folder and the hash of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str

    def path_in(self, folder: str, what: str, given: str) -> Path:
        """Where the file is. what, given: words for it and for the folder. Raises ValueError where it is not the one
        that was picked."""
        path = Path(folder) / self.name
        if not path.is_file() or file_hash(path) != self.sha256:
            raise ValueError(f"{path} is not the {what} that was planned (its sha256 differs); give the same {given}")
        return path
