"""Every error that Snag raises on purpose, declared once.

SnagError
|-- RequestError                    what a client sent; answered with `status` for that picture alone
|   |-- MissingPicture              400
|   |-- BadBase64                   400
|   |-- BadRequest                  400
|   |-- BrokenPicture               400
|   |-- PictureTooLarge             413
|   |-- MapTooLarge                 413
|   `-- UnsupportedFormat           415
|-- InternalError                   500, a bug: logged with its trace
`-- StageError                      what a command could not do; printed in one line, exit code 2
    |-- BadConfig
    |-- NoPictures
    |-- TooFewPictures
    |-- TooFewCalibrationPictures
    |-- BadScores
    |-- UnreadablePictures
    |-- UnreadableFile
    |-- ScoringFailed
    |-- OtherScores
    |-- BadDataset
    |-- BadArtifact
    |-- ArtifactMismatch
    |-- GoldenMismatch
    |-- TrainingDiverged
    |-- DiskFull
    |-- ServerFailed
    |-- ServerNotReady
    |-- ServerUnreachable
    `-- ServerAnswer

An error is raised with its details alone: `PictureTooLarge(pixels=10**9, limit=4 * 10**7)`; the sentence is made here.
"""

from __future__ import annotations

from typing import ClassVar, Final

_LONGEST_DETAIL: Final = 200


class SnagError(Exception):
    """Root of the tree: a code for machines, an HTTP status, and a sentence that says what would be valid."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: ClassVar[str] = "{detail}"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.message.format(**details))


class RequestError(SnagError):
    """A client's request can't be answered with a verdict.

    What the client sent may stand in the details: it is cut short and made one line of printable ASCII, because an error goes
    into logs, and a line of its own on a worker's output could pass for a metric.
    """

    status = 400

    def __init__(self, **details: object) -> None:
        super().__init__(**{name: _harmless(detail) for name, detail in details.items()})


class MissingPicture(RequestError):
    """The request carries no picture."""

    code = "missing_picture"
    message = (
        "no picture in the request: {detail}; expected the picture as body (image/*), a multipart field 'image' or 'data', "
        'or JSON {{"image": "<base64>"}}'
    )


class BadBase64(RequestError):
    """The JSON field `image` is not base64."""

    code = "bad_base64"
    message = "'image' is not base64: {detail}; expected the standard or URL-safe alphabet, a data-URI prefix is allowed"


class BadRequest(RequestError):
    """The JSON has the wrong shape."""

    code = "bad_request"
    message = "the request can't be read: {detail}"


class BrokenPicture(RequestError):
    """The bytes begin like a picture but can't be decoded."""

    code = "broken_picture"
    message = "the picture can't be decoded: {detail}"


class PictureTooLarge(RequestError):
    """The picture's header announces more pixels than allowed; nothing was decoded."""

    code = "picture_too_large"
    status = 413
    message = "the picture has {width} x {height} pixels; at most {limit} pixels are accepted, {max_side} on a side"


class MapTooLarge(RequestError):
    """The picture was judged, but the answer with its map would be larger than the server may send."""

    code = "map_too_large"
    status = 413
    message = "the answer with the map would have {bytes} bytes, at most {limit} can be sent; ask for the verdict alone"


class UnsupportedFormat(RequestError):
    """The bytes are no picture of a known format."""

    code = "unsupported_format"
    status = 415
    message = "not a picture that can be read: {detail}; expected one of {formats}{raw}"


class InternalError(SnagError):
    """A bug in Snag: the client learns no more than that."""

    code = "internal_error"
    message = "internal error; the server's log has the details under this request id"


class StageError(SnagError):
    """A command can't do its work."""


class BadConfig(StageError):
    """A setting is unknown or out of range."""

    code = "bad_config"
    message = "{detail}"


class NoPictures(StageError):
    """A folder holds no pictures."""

    code = "no_pictures"
    message = "no pictures in {folder}; expected {expected}"


class TooFewPictures(StageError):
    """Fewer good pictures than training, standardisation and calibration need."""

    code = "too_few_pictures"
    message = "{found} good pictures in {folder}; at least {needed} are needed"


class TooFewCalibrationPictures(StageError):
    """The asked false-alarm rate can't be promised with so few calibration pictures."""

    code = "too_few_calibration_pictures"
    message = (
        "{found} calibration pictures can't carry a false-alarm rate of {rate}{assurance}: at least {needed} are needed "
        "(or ask for a rate of at least {possible})"
    )


class BadScores(StageError):
    """The model gives scores that are no numbers."""

    code = "bad_scores"
    message = "{count} of {total} scores are not finite numbers; train the model again"


class UnreadablePictures(StageError):
    """Some pictures of a data set can't be read."""

    code = "unreadable_pictures"
    message = "{count} pictures can't be read, first {first}: {detail}"


class UnreadableFile(StageError):
    """A stored picture can't be read from its disk; when pictures are scored offline, that is one row among the refused."""

    code = "unreadable_file"
    message = "{path} can't be read: {detail}"


class ScoringFailed(StageError):
    """Parts of an offline scoring could not be finished; all others are kept."""

    code = "scoring_failed"
    message = (
        "{count} parts could not be scored, first the one of {first} to {last}: {detail}; the same command goes on from here"
    )


class OtherScores(StageError):
    """A result or its parts were made from other pictures or with another model."""

    code = "other_scores"
    message = "{path} was made from other pictures or with another model; name another output, or remove it"


class BadDataset(StageError):
    """A data set or its source is not what was expected."""

    code = "bad_dataset"
    message = "{detail}"


class BadArtifact(StageError):
    """A file that an earlier stage should have made is missing or damaged."""

    code = "bad_artifact"
    message = "{path}: {detail}"


class ArtifactMismatch(StageError):
    """Calibration and model do not belong together."""

    code = "artifact_mismatch"
    message = (
        "{calibration} was made for the model with fingerprint {expected}, but {artifact} has {found}; "
        "run `make calibrate` for this model"
    )


class GoldenMismatch(StageError):
    """A golden picture is not answered with the score that it has in the archive."""

    code = "golden_mismatch"
    message = (
        "the golden picture {picture} {found} {where}, expected {expected}: model, decoder, PyTorch or processor is not what it "
        "was calibrated with; run `make calibrate archive` here"
    )


class TrainingDiverged(StageError):
    """The loss is no longer a number."""

    code = "training_diverged"
    message = (
        "the loss became {loss} in epoch {epoch}, step {step}; nothing was exported, the last good checkpoint is kept. "
        "Try a smaller --learning-rate"
    )


class DiskFull(StageError):
    """A result could not be written."""

    code = "disk_full"
    message = "can't write {path}: {detail}; nothing was overwritten"


class ServerFailed(StageError):
    """The server did not come up."""

    code = "server_failed"
    message = "the server did not come up: {detail}"


class ServerNotReady(StageError):
    """The server runs, but not all of its workers do."""

    code = "server_not_ready"
    message = "the server is not ready: {detail}"


class ServerUnreachable(StageError):
    """Nobody answered."""

    code = "server_unreachable"
    message = "no answer from {url}: {detail}; is the server running? `make serve` starts it"


class ServerAnswer(StageError):
    """The server answered something that a client can't use."""

    code = "server_answer"
    message = "{url} answered {status}: {detail}"


def _harmless(detail: object) -> object:
    if isinstance(detail, int):
        return detail
    line = "".join(sign if " " <= sign <= "~" else "?" for sign in " ".join(str(detail).split()))
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 3]}..."


def request_errors() -> tuple[type[SnagError], ...]:
    """Every error that an answer can carry, in the order of the tree: the README's table is tested against it."""
    return (
        MissingPicture,
        BadBase64,
        BadRequest,
        BrokenPicture,
        PictureTooLarge,
        MapTooLarge,
        UnsupportedFormat,
        InternalError,
    )
