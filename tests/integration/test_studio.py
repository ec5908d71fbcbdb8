"""The studio in Chromium: typed text is heard, a dropped recording is read, by hand and by key."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.checkpoints.recordings import SENTENCES, record
from tests.integration.browser import Browser, Page, chromium
from tests.integration.fleet import Fleet
from tests.integration.test_dashboards import FORMS, check_quiet_and_own

TAB, ENTER = ("Tab", 9), ("Enter", 13)
WORK_S = 60.0
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
# What a hand would do with a file of its desktop.
DROP = """
(() => {
  const bytes = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "said.wav", {type: "audio/wav"}));
  const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.querySelector("#drop").dispatchEvent(drop);
})()
"""
DRAWN = """
(() => {
  const canvas = document.querySelector("#waveform");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((value) => value > 0);
})()
"""

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
    pytest.mark.usefixtures("models"),
]


@pytest.fixture
async def page(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Page]:
    async with Browser(tmp_path / "profile") as browser:
        yield await browser.page()


@pytest.fixture
async def studio(fleet: Fleet, page: Page) -> Page:
    """The page, with what there is to choose from."""
    await page.look(width=1280, height=900)
    await page.open(f"{fleet.url}/studio")
    await page.until("document.querySelector('#speak-model')?.options.length")
    await page.until("document.querySelector('#listen-model')?.options.length")
    return page


async def text_of(page: Page, selector: str) -> str:
    found: str = await page.value(f"document.querySelector({selector!r}).textContent")
    return found


async def test_typed_text_is_heard(studio: Page, fleet: Fleet) -> None:
    await studio.click("#text")
    await studio.value("document.querySelector('#text').select()")
    await studio.write("She sells sea shells.")
    await studio.click("#say")
    await studio.until("!document.querySelector('#spoken').hidden", timeout_s=WORK_S)
    await studio.until("document.querySelector('#spoken-audio').duration > 0.5")
    assert "real-time factor" in await text_of(studio, "#facts")
    assert await studio.value("document.querySelector('#text').value") == "She sells sea shells."
    assert await studio.value("document.querySelector('#download').download") == "speech.wav"
    check_quiet_and_own(studio, fleet)


async def test_dropped_recording_is_read_and_plays_from_a_segment(
    studio: Page, fleet: Fleet, client: httpx.AsyncClient
) -> None:
    recording = record(SENTENCES[0])
    own = await client.post(
        "/transcribe", data={"model_name": "whisper-base"}, files={"file": recording}
    )
    await studio.value("document.querySelector('#listen-model').value = 'whisper-base'")
    await studio.value(DROP % b64encode(recording).decode())
    await studio.until("document.querySelectorAll('#segments button').length", timeout_s=WORK_S)
    shown = "[...document.querySelectorAll('#segments span')].map((one) => one.textContent)"
    assert await studio.value(shown) == [one["text"] for one in own.json()["segments"]]
    assert await studio.value(DRAWN)
    await studio.click("#segments button")
    await studio.until("!document.querySelector('#heard-audio').paused")
    await studio.until("document.querySelectorAll('#segments [aria-current=true]').length")
    check_quiet_and_own(studio, fleet)


async def test_keys_alone_are_enough(studio: Page) -> None:
    await studio.value("document.querySelector('#volume').focus()")
    await studio.press(*TAB)
    assert await studio.value("document.activeElement.id") == "say"
    await studio.press(*ENTER)
    await studio.until("!document.querySelector('#spoken').hidden", timeout_s=WORK_S)
    await studio.value("document.querySelector('#hear-again').focus()")
    await studio.press(*ENTER)
    await studio.until("document.querySelectorAll('#segments li').length", timeout_s=WORK_S)


async def test_microphone_is_recorded_and_read(studio: Page, fleet: Fleet) -> None:
    await studio.click("#record")
    await studio.until("document.querySelector('#record').ariaPressed === 'true'")
    await studio.until("performance.now() - (window.begun ??= performance.now()) > 1000")
    await studio.click("#record")
    await studio.until("document.querySelectorAll('#segments li').length", timeout_s=WORK_S)
    await studio.until("document.querySelector('#heard-audio').duration > 0.5")
    check_quiet_and_own(studio, fleet)


async def test_errors_are_shown_as_the_fleet_tells_them(studio: Page) -> None:
    await studio.value("document.querySelector('#language').value = 'klingon'")
    await studio.value(DROP % b64encode(record(SENTENCES[0])).decode())
    await studio.until("!document.querySelector('#listen-error').hidden", timeout_s=WORK_S)
    shown = await text_of(studio, "#listen-error")
    assert "language: this model knows" in shown
    assert "invalid_field, request " in shown


async def test_every_width_and_colour_shows_all_of_it(studio: Page, fleet: Fleet) -> None:
    await studio.value(DROP % b64encode(record(SENTENCES[1])).decode())
    await studio.until("document.querySelectorAll('#segments li').length", timeout_s=WORK_S)
    for width, height, dark in [*FORMS, (320, 640, False)]:
        await studio.look(width=width, height=height, dark=dark)
        assert await studio.value(OVERFLOW) <= 0, f"wider than {width}"
        edges = "(id) => document.querySelector(id).getBoundingClientRect().right"
        assert await studio.value(f"({edges})('#waveform') <= ({edges})('#listen')")
    check_quiet_and_own(studio, fleet)


async def test_key_is_asked_for_and_kept_in_memory_alone(
    closed_fleet: Fleet, admin: dict[str, str], page: Page
) -> None:
    await page.open(f"{closed_fleet.url}/studio")
    await page.until("document.querySelector('#sign-in')?.hidden === false")
    assert "who you are" in await text_of(page, "#note")
    await page.click("#key")
    await page.write(admin["Authorization"].removeprefix("Bearer "))
    await page.press(*ENTER)
    await page.until("document.querySelector('#sign-in').hidden")
    stored = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert await page.value(stored) == [0, 0, ""]
