"""Where a study is tracked, kept beside its spool so that it can be sent without the study's process."""

from dataclasses import asdict, dataclass

from arnn_search.errors import TrackingError
from arnn_search.tracking.paths import TrackingPaths, read_json, write_json


@dataclass(frozen=True)
class TrackingSettings:
    """Where a study is tracked.

    Attributes:
        study: the study's name.
        study_id: what tells the study from every other one.
        tracking_uri: MLflow's store.
        experiment: name of the MLflow experiment.
    """

    study: str
    study_id: str
    tracking_uri: str
    experiment: str

    @classmethod
    def load(cls, paths: TrackingPaths) -> "TrackingSettings":
        """Read the settings of a folder.

        Raises:
            TrackingError: if the folder follows no study.
        """
        settings = cls._stored(paths)
        if settings is None:
            raise TrackingError(
                f"The folder {paths.directory} holds nothing to send: {paths.settings.name} is missing or "
                "cannot be read. Give the folder of a study that was tracked in MLflow."
            )
        return settings

    def claim(self, paths: TrackingPaths) -> None:
        """Take a folder for this study, or go on in it.

        In a store that is not the one of before, everything is to be sent from the beginning.

        Raises:
            TrackingError: if the folder belongs to another study, or cannot be written.
        """
        former = self._stored(paths)
        if former == self:
            return
        if former is not None and former.study_id != self.study_id:
            raise TrackingError(
                f"The folder {paths.directory} follows the study {former.study!r} (id {former.study_id}), "
                f"not {self.study!r} (id {self.study_id}). Give each study a folder of its own."
            )
        try:
            paths.directory.mkdir(parents=True, exist_ok=True)
            if former and (former.tracking_uri, former.experiment) != (self.tracking_uri, self.experiment):
                start_over(paths)
            write_json(paths.settings, asdict(self))
        except OSError as error:
            raise TrackingError(
                f"The folder {paths.directory} cannot be written: {error.strerror}. Free some space, or give "
                "a folder that can be written."
            ) from error

    @classmethod
    def _stored(cls, paths: TrackingPaths) -> "TrackingSettings | None":
        try:
            return cls(**read_json(paths.settings))
        except TypeError:
            return None


def start_over(paths: TrackingPaths) -> None:
    """Forget what was delivered and to which runs, so that everything is sent again."""
    paths.cursor.unlink(missing_ok=True)
    paths.run_ids.unlink(missing_ok=True)
