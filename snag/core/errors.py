"""Every error that Snag raises on purpose, declared once.

SnagError
|-- RequestError                    what a client sent; answered with `status` for that picture alone
|   |-- MissingPicture              400
|   |-- BadBase64                   400
|   |-- BadRequest                  400
|   |-- BrokenPicture               400
|   |-- PictureTooLarge             413
|   |-- MapTooLarge                 413
|   |-- UnsupportedFormat           415
|   |-- Unauthorised                401
|   |-- OriginNotAllowed            403
|   |-- UnknownModel                404
|   |-- NotFound                    404
|   |-- MethodNotAllowed            405
|   |-- SlowRequest                 408
|   |-- RequestTooLarge             413
|   `-- UnsupportedContent          415
|-- ServiceError                    what the server can't do just now; the same request may succeed a moment later
|   |-- Overloaded                  503
|   |-- Unavailable                 503
|   `-- Timeout                     504
|-- InternalError                   500, a bug: logged with its trace
`-- StageError                      what a command could not do; printed in one line, exit code 2
    |-- BadConfig
    |-- MissingExtra
    |-- NoPictures
    |-- TooFewPictures
    |-- TooFewCalibrationPictures
    |-- UnjudgedCalibrationPictures
    |-- BadScores
    |-- UnreadablePictures
    |-- UnreadableFile
    |-- UnreadableFolder
    |-- DeadlyPicture
    |-- ScoringFailed
    |-- PartsFailed
    |-- OtherScores
    |-- BadDataset
    |-- BadArtifact
    |-- ArtifactMismatch
    |-- GoldenMismatch
    |-- FinishedModel
    |-- TrainingDiverged
    |-- DiskFull
    |-- ServerBusy
    |-- ServerFailed
    |-- VersionRefused
    |-- ServerNotReady
    |-- ServerUnreachable
    |-- ServerAnswer
    |-- SinkAway
    |-- EventRefused
    `-- CameraAway

An error is raised with its details alone: `PictureTooLarge(pixels=10**9, limit=4 * 10**7)`; the sentence is made here.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Final

from snag.core.file_names import spelled

_LONGEST_DETAIL: Final = 200


class SnagError(Exception):
    """Root of the tree: a code for machines, an HTTP status, and a sentence that says what would be valid."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: ClassVar[str] = "{detail}"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.message.format(**{name: _spelled(detail) for name, detail in details.items()}))


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
    """The request has the wrong shape, more than one picture, or an option that is not known."""

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
    message = (
        "the picture has {width} x {height} pixels; at most {limit} pixels are accepted, {max_side} on a side "
        "(--max-pixels and --max-side of training; of a server also max_pixels and max_side in model-config.yaml)"
    )


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


class Unauthorised(RequestError):
    """The request carries no valid token."""

    code = "unauthorised"
    status = 401
    message = "the token is {detail}; expected the header 'Authorization: Bearer <token>' with a token of this server"


class OriginNotAllowed(RequestError):
    """A browser asks whether a page's script may ask, and it may not."""

    code = "origin_not_allowed"
    status = 403
    message = "pages of {origin} may not ask here; `snag serve --allowed-origins` names those that may"


class UnknownModel(RequestError):
    """No model of that name, or not in that version."""

    code = "unknown_model"
    status = 404
    message = "there is no model {name} on this server"


class NotFound(RequestError):
    """The path leads nowhere."""

    code = "not_found"
    status = 404
    message = "there is nothing at {path}; expected {expected}"


class MethodNotAllowed(RequestError):
    """The path is right, the method is not."""

    code = "method_not_allowed"
    status = 405
    message = "{method} is not possible here; expected {allowed}"


class SlowRequest(RequestError):
    """The body did not arrive in time."""

    code = "slow_request"
    status = 408
    message = "the body did not arrive within {seconds} seconds"


class RequestTooLarge(RequestError):
    """The body is larger than the server takes."""

    code = "request_too_large"
    status = 413
    message = "the body is too large; at most {limit} bytes are accepted"


class UnsupportedContent(RequestError):
    """The body is encoded in a way that is not undone."""

    code = "unsupported_content"
    status = 415
    message = "the body has Content-Encoding {encoding}; expected it as it is"


class ServiceError(SnagError):
    """The server can't answer now, through no fault of the request."""

    status = 503
    retry_after: ClassVar[int] = 1  #: seconds that a client does well to wait


class Overloaded(ServiceError):
    """More requests at once than the server takes."""

    code = "overloaded"
    message = "too many requests at once: {detail}; ask again in a moment"


class Unavailable(ServiceError):
    """Nobody is there who could judge."""

    code = "unavailable"
    retry_after = 3
    message = "no verdicts at the moment: {detail}; ask again in a moment"


class Timeout(ServiceError):
    """The worker did not answer in time."""

    code = "timeout"
    status = 504
    message = "there was no answer within {seconds} seconds"


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


class MissingExtra(StageError):
    """A package is not installed that one of pip's extras brings."""

    code = "missing_extra"
    message = "{what} needs {package!r}, which is not installed; the extra {extra!r} brings it: `{command}`"


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


class UnjudgedCalibrationPictures(StageError):
    """So many calibration pictures have a reason in place of a verdict that no threshold keeps the asked false-alarm rate."""

    code = "unjudged_calibration_pictures"
    message = (
        "{count} of {total} calibration pictures can't be judged (their part or scene is not found; first {path}): more than a "
        "false-alarm rate of {rate} allows, whatever the threshold. If they show no good parts, name them with --exclude, "
        "else train again with --mode {fallback}"
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


class UnreadableFolder(StageError):
    """A folder can't be listed: what it holds would be missing without a word."""

    code = "unreadable_folder"
    message = "the folder {path} can't be read: {detail}; expected one that may be listed, or none"


class DeadlyPicture(StageError):
    """A stored picture ends the process that judges it; when pictures are scored offline, that is one row among the refused."""

    code = "deadly_picture"
    message = "each of {tries} processes that judged {path} alone {detail}"


class ScoringFailed(StageError):
    """Parts of an offline scoring could not be finished; all others are kept."""

    code = "scoring_failed"
    message = (
        "{count} parts could not be scored, first the one of {first} to {last}: {detail}; the same command goes on from here"
    )


class PartsFailed(StageError):
    """Some of many parts could not be trained; the others were."""

    code = "parts_failed"
    message = "{count} of {total} parts failed: {names}; the others are done, and the same command goes on with these"


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
        "the golden picture {picture} {found} {where}, expected {expected}: model, decoder, PyTorch or processor is not what "
        "it was calibrated with; run `make calibrate archive` here"
    )


class FinishedModel(StageError):
    """A run has a finished model that other settings or pictures made; it is not trained over unasked."""

    code = "finished_model"
    message = (
        "{path} is finished and stays as it is: {differences}. FRESH=1 (--fresh) trains anew and keeps the old files as "
        "*.old.*; another RUN or MODEL (--run) trains beside it"
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


class ServerBusy(StageError):
    """Another command is at work on the same server."""

    code = "server_busy"
    message = "{folder}: {detail}"


class ServerFailed(StageError):
    """The server did not come up."""

    code = "server_failed"
    message = "the server did not come up: {detail}"


class VersionRefused(StageError):
    """A version of a model was not taken into the running server; what it served goes on."""

    code = "version_refused"
    message = "{model} {version} is not deployed: {detail}"


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


class SinkAway(StageError):
    """A sink of the line does not take events now; they wait in its spool."""

    code = "sink_away"
    message = "{sink} takes no events: {detail}"


class EventRefused(StageError):
    """A sink of the line will never take this event; it is counted, and the next one follows."""

    code = "event_refused"
    message = "{sink} refuses the event {id}: {detail}"


class CameraAway(StageError):
    """A camera of the line gives no pictures now."""

    code = "camera_away"
    message = "{url} gives no picture: {detail}"


def _spelled(detail: object) -> object:
    return spelled(detail) if isinstance(detail, PurePath) else detail


def _harmless(detail: object) -> object:
    if isinstance(detail, int):
        return detail
    line = "".join(sign if " " <= sign <= "~" else "?" for sign in " ".join(str(detail).split()))
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 3]}..."


def request_errors() -> tuple[type[SnagError], ...]:
    """Every error that a worker can answer, in the order of the tree."""
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


def gate_errors() -> tuple[type[SnagError], ...]:
    """Every error that the gate in front of the workers answers itself, besides BadRequest and InternalError."""
    return (
        Unauthorised,
        OriginNotAllowed,
        UnknownModel,
        NotFound,
        MethodNotAllowed,
        SlowRequest,
        RequestTooLarge,
        UnsupportedContent,
        Overloaded,
        Unavailable,
        Timeout,
    )
