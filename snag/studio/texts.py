"""Every text of the studio, in English, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from snag.pages.formats import counted, percent

STUDIO: Final = "Snag Studio"
TO_CONTENT: Final = "To the content"
PRODUCTS: Final = "Products"
TABS: Final = {
    "pictures": "Pictures",
    "training": "Training",
    "threshold": "Threshold",
    "live": "Live",
    "review": "Review",
}

# Access
FOREIGN_PAGE: Final = "This request comes from another page, or names this machine otherwise than as 127.0.0.1 or localhost."
LOGIN_NEEDED: Final = "Expected the header 'Authorization: Bearer <token>', or a login in the browser."
LOGIN_UNKNOWN: Final = "This token is unknown, or has expired."
LOGIN_LABEL: Final = "Token"
LOG_IN: Final = "Log in"
LOGIN_HINT: Final = "<code>snag token add --name you</code> on the studio's machine makes one."

# Products
PRODUCTS_LEAD: Final = "A product is one kind of part: pictures of good ones, and the model that has learnt from them."
NO_PRODUCTS: Final = "There is no product yet. Name one and drop pictures of good parts into it, or draw the sample."
NEW_PRODUCT: Final = "New product"
PRODUCT_NAME: Final = "Name, for example bolt-M8"
CREATE: Final = "Create"
DRAW_SAMPLE: Final = "Draw the sample"
BRING_IN: Final = "Bring in a data set"
SOURCE: Final = "Folder, zip or tar on this machine, or http(s) address"
NO_PICTURE: Final = "no picture yet"
NOT_YET: Final = "not yet"

# Pictures
DROP: Final = "Drop pictures, zips or tars here"
KIND: Final = "These pictures show"
GOOD_PARTS: Final = "good parts, to learn from"
TEST_GOOD: Final = "good parts, to test with"
DEFECT: Final = "a defect, to test with"
DEFECT_NAME: Final = "Kind of defect, for example scratch"
UPLOAD_FAILED: Final = "A file did not arrive: drop it again."
FOLDER_HERE: Final = "Or a folder, zip or tar on this machine"
TAKE: Final = "Take"
ASK_DOCTOR: Final = "Let the doctor look"
ASK_DOCTOR_AGAIN: Final = "Let the doctor look again"
DOCTOR: Final = "What the doctor says"
DOCTOR_STALE: Final = "Pictures have come or gone since the doctor looked."
DOCTOR_NEVER: Final = "The doctor has not looked at these pictures yet."
UNLIKE_THE_OTHERS: Final = "looks unlike the other good pictures"
WITH_FINDINGS: Final = "with findings"
MARKED: Final = "marked as not good"
NOT_GOOD: Final = "Not good"
NOT_GOOD_HINT: Final = (
    "A marked picture is left out of calibration. One that training has learnt from is set aside by the next training. "
    "Mark only what shows a defect: every odd but good part that is left out makes more false alarms than are promised."
)
PAGES: Final = "Pages"
EARLIER: Final = "Earlier"
LATER: Final = "Later"
NO_PICTURES_HERE: Final = "No pictures here."
URGENCIES: Final = {"stop": "stop", "warning": "warnings", "note": "notes", "good": "nothing to mend", "none": NOT_YET}

# Training
UNDER_WAY: Final = "Something is under way for this product: let it finish, or stop it."
TRAINING_LEAD: Final = "The model learns from good pictures alone. Stop whenever you like: it goes on from its last epoch."
PRESET: Final = "Preset"
FURTHER: Final = "Further settings"
FURTHER_HINT: Final = "TOML over the preset, one setting a line, for example: effort = 0.1"
TRAIN: Final = "Train and calibrate"
TRAIN_ANEW: Final = "Train anew"
GO_ON: Final = "Go on"
STOP: Final = "Stop"
LOSS: Final = "Loss"
LOSS_LEAD: Final = "Mean of each epoch, logarithmic."
NO_LOSS: Final = "The loss of each epoch will be drawn here."
ELSEWHERE: Final = "A training is under way that a terminal started."
FINISHED_MODEL: Final = "A finished model is here. Training anew keeps its files as *.old.*"
LOG: Final = "What the command says"
STAGES: Final = {
    "sample": "Drawing the sample",
    "ingest": "Bringing pictures in",
    "doctor": "The doctor looks",
    "train": "Training",
    "calibrate": "Calibrating",
    "evaluate": "Judging the test pictures",
    "archive": "Packing",
    "serve": "Starting the server",
    "deploy": "Deploying",
    "rollback": "Going back",
    "stop": "Stopping the server",
}
STATUSES: Final = {"running": "under way", "done": "done", "stopped": "stopped", "failed": "failed"}

# Threshold
THRESHOLD_LEAD: Final = "Which good parts may be rejected? Calibration pictures, which training never saw, tell the cost."
IN_FORCE: Final = "All that the threshold in force promises"
NOT_CALIBRATED: Final = "There is no calibration yet. Train the model first; calibration follows by itself."
SLIDER: Final = "Good parts rejected of 1,000, on average"
SLIDER_SURE: Final = "Good parts rejected of 1,000, at most, with {} confidence"
PROMISE: Final = "What keeps the rate"
PROMISES: Final = {"average": "on average over calibrations", "confidence": "this very threshold, with confidence"}
SCORES: Final = "Scores"
SCORES_LEAD: Final = "Each dot is a picture. What lies right of the line is rejected."
CALIBRATION_ROW: Final = "calibration"
DETECTION: Final = "Labelled pictures"
DETECTION_LEAD: Final = "What this threshold does to the test pictures. One that is chosen by them is tested by others."
GROUPS_NOT_SHOWN: Final = "The groups' own thresholds at this rate are not shown: one for all of them together counts here."
PICTURES_CHANGED: Final = "Good pictures have come or gone: train anew before a new threshold can be saved."
NO_TEST: Final = "There are no test pictures, so nobody knows how many defects are found. Drop some on the page of pictures."
REJECTED_COLUMN: Final = ("kind", "rejected", "of", "share")
EDGE: Final = "At the edge"
EDGE_LEAD: Final = "Test pictures whose scores are nearest to the threshold."
JUST_PASSED: Final = "just passed"
JUST_REJECTED: Final = "just rejected"
HIGHEST: Final = "Calibration pictures with the highest scores"
HIGHEST_LEAD: Final = "They hold the threshold up. One that shows a defect after all can be marked as not good."
HIGHEST_ALT: Final = "Calibration pictures with the highest scores, a ring around the worst place of each"
SAVE: Final = "Save this threshold"
SURELY: Final = "Each marked picture surely shows no good part, however many they are"
DEPLOY: Final = "Deploy"
DEPLOY_LEAD: Final = "The model is packed under a version of its own and served; the version before stays, for going back."
VERSION: Final = "Version"
ROLL_BACK: Final = "Go back"
SERVER_DOWN: Final = "The server does not run; deploying starts it."
STOP_SERVER: Final = "Stop the server for all products"

# Live
LIVE_LEAD: Final = "What the server says of the parts of the line, as it comes."
NO_VERDICTS: Final = "No verdicts yet."
NOT_SERVED: Final = "This model is not served. Deploy it on the page of the threshold."
LAST_VERDICTS: Final = "Last verdicts"
VERDICT_COLUMNS: Final = ("", "time", "verdict", "score", "p-value", "version", "ms")
REJECT: Final = "reject"
ACCEPT: Final = "pass"
DRIFT: Final = "Drift"
DRIFT_LEAD: Final = "Evidence that the line is no longer the one that was calibrated. An alarm is raised when a bar is full."
NO_DRIFT: Final = "Nothing is watched yet."
CAUSES: Final = {"pictures": "how pictures are taken", "parts": "the parts", "defects": "the share of suspicious parts"}
EVIDENCE: Final = {
    "exposure": "exposure",
    "sharpness": "sharpness",
    "parts": "bulk of the parts",
    "defects": "suspicious parts",
}
PER_MINUTE: Final = "verdicts in the last minute"
REJECTED: Final = "of them rejected"
MEDIAN: Final = "median time of an answer"
SLOW: Final = "19 of 20 answers within"
OVERLAY: Final = "Show where"
SPOOLED_ALT: Final = "Picture that was rejected, or nearly"

# Review
REVIEW_LEAD: Final = (
    "People say of flagged and borderline pictures whether they show a defect; the labels tell what the threshold does."
)
NO_SPOOL: Final = "The server keeps no pictures for review yet. A server that the studio starts does."
REVIEW_ORDER: Final = "Which picture comes first"
ORDERS: Final = {"newest": "the newest", "random": "a random one: the labels are a random sample then"}
START_REVIEW: Final = "Open the review"
REVIEW_AT: Final = "The review is at"
REVIEW_KEYS: Final = "It opens in a tab of its own and is worked by keyboard: its keys stand below each picture."
REVIEW_LOCAL: Final = "It can be opened in a browser on the studio's own machine alone."


def pictures_count(good: int, defects: int) -> str:
    """`200 good pictures, 60 with defects`."""
    return f"{counted(good, 'good picture')}, {defects} with defects" if defects else counted(good, "good picture")


def near_duplicate(others: Sequence[str]) -> str:
    """What is said of a picture that has near-duplicates."""
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"nearly the same as {others[0]}{more}" if others else ""


def leak(trained: str) -> str:
    """What is said of a test picture that training may have seen."""
    return f"nearly the same as the training picture {trained}"


def brought(new: int, known: int, others: int) -> str:
    """What came of an upload."""
    parts = [f"{counted(new, 'new picture')}"]
    parts += [f"{known} there already"] if known else []
    parts += [f"{counted(others, 'file')} left out: no picture that can be read"] if others else []
    return ", ".join(parts)


def learnt_from_marked(count: int) -> str:
    """What is to be done about marks that came too late."""
    return f"The model has learnt from {counted(count, 'picture')} that you marked as not good: train anew to be rid of them."


def open_reviews(count: int) -> str:
    """How many pictures wait for a label."""
    return f"{counted(count)} to review" if count else "nothing to review"


def stage(verbs: Sequence[str], verb: str, status: str) -> str:
    """`Training: under way`; of what is done, all of it."""
    if status == "done":
        every = ", ".join(STAGES.get(one, one) for one in verbs)
        return f"{every[:1]}{every[1:].lower()}: {STATUSES[status]}"
    return f"{STAGES.get(verb, verb)}: {STATUSES.get(status, status)}"


def step_of(done: int, total: int, left: str) -> str:
    """`24 of 200, 1:20 left`."""
    return f"{done:,} of {total:,}" + (f", {left} left" if left else "")


def served_as(version: str, before: str | None) -> str:
    """What answers, and what there is to go back to."""
    return f"Version {version} answers." + (f" Version {before} is kept." if before else "")


def calibrated_with(threshold: float, rate: float | None) -> str:
    """The threshold in force."""
    kept = f", for {percent(rate)} of good parts" if rate is not None else ", set otherwise than by a rate"
    return f"In force: {threshold:.4g}{kept}."


def alarms(cause: str, count: int) -> str:
    """`2 alarms: the parts`."""
    return f"{counted(count, 'alarm')}: {CAUSES.get(cause, cause)}"


def drift(count: int) -> str:
    """How often the line has changed since it was calibrated."""
    return counted(count, "alarm") if count else "no alarm"


def page_number(number: int, total: int) -> str:
    """`Page 2 of 209`."""
    return f"Page {number} of {total}"


def not_good_label(name: str) -> str:
    """For whoever does not see the picture."""
    return f"Mark {name} as not good"
