"""The studio's pages as a user goes through them, in NiceGUI's simulation; the seam is where a process is started."""

from __future__ import annotations

import asyncio
import json

from nicegui import ui
from nicegui.testing import User

from snag.cli.lock import held
from snag.studio import marks, texts
from snag.studio.jobs import VerbStep
from snag.studio.products import Product, Workshop
from tests.support.studio import calibrated, product_with, reported, walk


def test_an_empty_studio_says_what_to_do_and_draws_the_sample(workshop: Workshop, started: list) -> None:
    async def steps(user: User) -> None:
        await user.open("/")
        await user.should_see(texts.NO_PRODUCTS)
        user.find(texts.DRAW_SAMPLE).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    assert started == [(workshop.own, [VerbStep("sample", (f"--data={workshop.data_root / 'sample'}",))])]


def test_a_product_is_made_by_its_name_and_leads_to_its_pictures(workshop: Workshop) -> None:
    async def steps(user: User) -> None:
        await user.open("/")
        user.find(texts.PRODUCT_NAME).type("bolt-M8")
        user.find(texts.CREATE).click()
        await user.should_see(texts.DOCTOR_NEVER)

    walk(workshop, steps)

    assert (workshop.data_root / "bolt-M8/train/good").is_dir()


def test_names_that_can_not_be_are_refused_with_a_sentence(workshop: Workshop) -> None:
    product_with(workshop, "bolt")

    async def steps(user: User) -> None:
        await user.open("/")
        for name, sentence in (("größe", "expected letters"), ("all", "expected another name"), ("BOLT", "already")):
            user.find(texts.PRODUCT_NAME).clear().type(name)
            user.find(texts.CREATE).click()
            await user.should_see(sentence)

    walk(workshop, steps)

    assert [one.name for one in workshop.products()] == ["bolt"]


def test_a_card_tells_where_a_product_stands(workshop: Workshop) -> None:
    product = product_with(workshop, good=3, defects=2)
    calibrated(product)

    async def steps(user: User) -> None:
        await user.open("/")
        await user.should_see("3 good pictures, 2 with defects")
        await user.should_see("50 of 1,000 good parts rejected")
        await user.should_see("nothing to review")

    walk(workshop, steps)


def test_what_the_doctor_found_stands_beside_the_picture_that_it_speaks_of(workshop: Workshop) -> None:
    product = product_with(workshop)
    found = {
        "advice": [{"urgency": "warning", "text": "Look at them."}],
        "suspects": [{"name": "train/good/00001.png", "oddity": 9.0}],
        "near_duplicates": [["train/good/00000.png", "train/good/00002.png"]],
        "findings": [{"severity": "error", "kind": "unreadable", "path": "train/good/00002.png", "detail": "it is broken"}],
    }
    product.run.mkdir(parents=True)
    (product.run / "doctor.json").write_text(json.dumps(found))

    async def steps(user: User) -> None:
        await user.open("/product/bolt/pictures?kind=findings")
        for sentence in ("Look at them.", texts.UNLIKE_THE_OTHERS, "nearly the same as train/good/00002.png", "it is broken"):
            await user.should_see(sentence)

    walk(workshop, steps)


def test_a_mark_is_on_the_disk_at_once_and_goes_again(workshop: Workshop) -> None:
    product = product_with(workshop, good=1)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/pictures")
        user.find(ui.checkbox).click()
        await asyncio.sleep(0.1)
        assert marks.read_marks(product) == ["train/good/00000.png"]
        user.find(ui.checkbox).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    assert marks.read_marks(product) == []


def test_ten_thousand_pictures_come_page_by_page(workshop: Workshop) -> None:
    product = workshop.create("bolt")
    for number in range(100):
        (product.good / f"{number:05}.png").touch()

    async def steps(user: User) -> None:
        await user.open("/product/bolt/pictures?page=3")
        await user.should_see("Page 3 of 3")
        await user.should_see("00096.png")
        await user.should_not_see("00095.png")

    walk(workshop, steps)


def test_a_training_is_started_with_preset_and_further_settings_and_calibrates(workshop: Workshop, started: list) -> None:
    product = product_with(workshop)
    marks.mark(product, "train/good/00001.png", True)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/training")
        user.find(ui.textarea).type("effort = 0.1")
        user.find(texts.TRAIN).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    where = (f"--data={product.data}", f"--run={product.run}")
    config = product.own / "training.toml"
    assert config.read_text() == "effort = 0.1\n"
    assert started == [
        (
            product.own,
            [
                VerbStep("train", (*where, "--preset=quick", f"--config={config}")),
                VerbStep("calibrate", (*where, "--promise=average")),
                VerbStep("evaluate", where),
            ],
        )
    ]
    assert not (product.good / "00001.png").exists()  # set aside, for it was marked


def test_a_training_that_runs_keeps_its_pictures_whoever_started_it(workshop: Workshop, started: list) -> None:
    product = product_with(workshop)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/training")
        marks.mark(product, "train/good/00001.png", True)
        with held(product.run, "training into"):
            user.find(ui.textarea).type("effort = 0.1")
            user.find(texts.TRAIN).click()
            await user.should_see(texts.UNDER_WAY)

    walk(workshop, steps)

    assert started == []
    assert (product.good / "00001.png").exists()
    assert not (product.own / "training.toml").exists()  # the one that runs may be read again when it goes on


def test_settings_that_are_no_toml_start_nothing(workshop: Workshop, started: list) -> None:
    product_with(workshop)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/training")
        user.find(ui.textarea).type("effort: a lot")
        user.find(texts.TRAIN).click()
        await user.should_see("expected lines of TOML")

    walk(workshop, steps)

    assert started == []


def test_the_slider_tells_what_calibration_would_promise_and_what_is_found(workshop: Workshop, started: list) -> None:
    product = product_with(workshop, defects=2)
    calibration = calibrated(product)
    reported(
        product, calibration, [("test/scratch/00000.png", "scratch", 1, 1.93), ("test/scratch/00001.png", "scratch", 1, 3.0)]
    )

    async def steps(user: User) -> None:
        await user.open("/product/bolt/threshold")
        await user.should_see("Of 1,000 good parts, on average at most 50 are rejected")
        await user.should_see("50 %")
        slider = next(iter(user.find(ui.slider).elements))
        slider.value = 100
        user.find(ui.slider).trigger("update:model-value", 100)
        await user.should_see("Of 1,000 good parts, on average at most 100 are rejected")
        await user.should_see("100 %")
        slider.value = 5
        user.find(ui.slider).trigger("update:model-value", 5)
        await user.should_see("can't")
        slider.value = 100
        user.find(texts.SAVE).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    where = (f"--data={product.data}", f"--run={product.run}")
    assert started == [
        (
            product.own,
            [
                VerbStep("calibrate", (*where, "--fpr=0.1", "--promise=average", "--confidence=0.95")),
                VerbStep("evaluate", where),
            ],
        )
    ]


def test_a_deployment_packs_a_new_version_and_starts_the_server_where_none_runs(workshop: Workshop, started: list) -> None:
    product = product_with(workshop)
    calibrated(product)

    async def steps(user: User) -> None:
        await user.open("/product/bolt/threshold")
        await user.should_see(texts.SERVER_DOWN)
        user.find(kind=ui.button, content=texts.DEPLOY).click()
        await asyncio.sleep(0.1)

    walk(workshop, steps)

    [(folder, chain)] = started
    assert folder == product.own
    assert [step.verb for step in chain] == ["archive", "serve"]
    assert "--version=1.0" in chain[0].flags
    assert "--spool=1000" in chain[1].flags


def test_every_page_of_a_bare_product_opens_and_one_that_is_not_there_is_told(workshop: Workshop) -> None:
    product_with(workshop, good=0)

    async def steps(user: User) -> None:
        for tab, label in texts.TABS.items():
            await user.open(f"/product/bolt/{tab}")
            await user.should_see(label)
        await user.open("/product/nut/live")
        await user.should_see("there is no product 'nut'")

    walk(workshop, steps)


def test_no_file_but_the_albums_pictures_is_given_away(workshop: Workshop) -> None:
    product = product_with(workshop, good=1)
    (product.data / "secret.png").write_bytes((product.good / "00000.png").read_bytes())

    async def steps(user: User) -> None:
        answers = [
            (await user.http_client.get(f"/thumbnail/bolt/{name}")).status_code
            for name in ("train/good/00000.png", "secret.png", "..%2F..%2Fruns", "train/good/../../secret.png")
        ]
        assert answers == [200, 404, 404, 404]

    walk(workshop, steps)


def test_a_thumbnail_is_made_once_and_anew_when_its_picture_changes(workshop: Workshop) -> None:
    product: Product = product_with(workshop, good=1)

    async def steps(user: User) -> None:
        first = (await user.http_client.get("/thumbnail/bolt/train/good/00000.png")).content
        assert len(list(product.own.glob("thumbnails/*/*.jpg"))) == 1
        (product.good / "00000.png").write_bytes(b"\x89PNG broken")
        assert (await user.http_client.get("/thumbnail/bolt/train/good/00000.png")).status_code == 404
        assert first.startswith(b"\xff\xd8")

    walk(workshop, steps)
