"""The widget in a real browser: by mouse and by keys, checked by axe, under a strict policy, when things fail."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.samples import KNOWLEDGE
from tests.website.conftest import Server

PICTURES = "MESOGUIDE_PICTURES"
"""Environment variable: a folder in which the screens are kept as pictures (docs/website.md)."""
MARKUP = "<img src=x onerror=\"document.title='run'\"><svg onload=alert(1)>[a](javascript:alert(1))"
OpenPage = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, server: Server) -> Iterator[OpenPage]:
    """Open a page in a context of its own; fail the test on a script error or a policy report."""
    contexts: list[Any] = []
    faults: list[str] = []

    def visit(address: str = "/chat/", *, launch: bool = True, **of_context: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **of_context})
        contexts.append(context)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('policy ' + e.violatedDirective))"
        )
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if said.text.startswith("policy") else None)
        page.goto(address if "://" in address else server.address + address)
        if launch:
            page.get_by_role("button", name="Open the chat").click()
            page.get_by_text("I am an AI bot").wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def say(page: Any, text: str, *, wait: bool = True) -> None:
    """Type a message, press Enter, and wait for what comes back."""
    before = page.locator(".m").count()
    page.get_by_label("Your question").fill(text)
    page.keyboard.press("Enter")
    if wait:
        page.wait_for_function(
            f"() => document.querySelector('mesoguide-chat').shadowRoot.querySelectorAll('.m').length >= {before + 2}"
        )


def violations(page: Any, context: str | None = None) -> list[str]:
    """What axe-core finds wrong now, on the page or in one element: WCAG 2.2 AA and best practice."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_timeout(50)
    found = Axe().run(page, context=context).response["violations"]
    return [f"{fault['id']}: {node['html'][:120]}" for fault in found for node in fault["nodes"]]


def picture(page: Any, name: str) -> None:
    """Keep the screen, where a folder for pictures is given."""
    if folder := os.environ.get(PICTURES):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def in_panel(page: Any) -> bool:
    """Whether the focus is in the chat's panel."""
    return bool(
        page.evaluate(
            "() => !!document.querySelector('mesoguide-chat').shadowRoot.activeElement?.closest('dialog')"
        )
    )


# -- a conversation


def test_a_conversation_by_mouse(opened: OpenPage) -> None:
    """A visitor clicks a suggestion, opens the sources, votes, and clicks the next suggestion."""
    page = opened()
    page.get_by_role("button", name="Does it hurt?").click()
    page.get_by_role("group", name="Two sides").wait_for()
    sides = page.locator(".side")
    assert [side.locator("p").first.inner_text().split(" (")[0] for side in sides.all()] == [
        "The guide",
        "The review",
    ]
    page.get_by_text("Sources (2)").click()
    assert page.get_by_text("Section: FAQ").is_visible()
    assert page.get_by_text(KNOWLEDGE.documents["review"].publisher_kind).last.is_visible()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="It is unclear").click()
    page.get_by_role("button", name="It is unclear", pressed=True).wait_for()
    picture(page, "answer")
    page.get_by_role("group", name="You could ask").get_by_role("button").first.click()
    page.wait_for_function(
        "() => document.querySelector('mesoguide-chat').shadowRoot.querySelectorAll('.user').length === 2"
    )


def test_a_conversation_by_keys_alone(opened: OpenPage) -> None:
    """Tab, Enter, Space and Escape are enough; the focus is never lost and comes back to the button."""
    page = opened(launch=False)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.localName === 'mesoguide-chat'"):
            break
    page.keyboard.press("Enter")
    page.get_by_text("I am an AI bot").wait_for()
    page.keyboard.type("does it hurt?")
    page.keyboard.press("Enter")
    page.get_by_role("group", name="Two sides").wait_for()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if (
            page.evaluate("() => document.querySelector('mesoguide-chat').shadowRoot.activeElement.localName")
            == "summary"
        ):
            break
    page.keyboard.press("Enter")
    assert page.get_by_text("Section: FAQ").is_visible()
    assert in_panel(page)
    page.keyboard.press("Escape")
    assert not page.get_by_label("Your question").is_visible()
    page.keyboard.press("Space")
    assert page.get_by_label("Your question").is_visible()


def test_the_notice_is_always_there_and_belongs_to_the_dialog(opened: OpenPage) -> None:
    """The safety notice stays in view after a long talk and is the dialog's description."""
    page = opened()
    for text in ("does it hurt?", "how many sessions?", "is it safe?"):
        say(page, text)
    notice = page.locator("#notice")

    assert notice.inner_text() == KNOWLEDGE.notices["disclaimer_short"].replace(
        "your local emergency number", "999"
    )
    assert notice.evaluate(
        "n => { const r = n.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }"
    )
    assert page.get_by_role("dialog").get_attribute("aria-describedby") == "notice"


@pytest.mark.parametrize(
    ("text", "links"),
    [("my throat is closing up", ["tel:999"]), ("i want to kill myself", ["tel:999", "tel:116123"]),
     ("there is pus coming out of my scalp", ["tel:02079460000", "tel:999"])],
)  # fmt: skip
def test_a_card_looks_different_and_can_be_called(opened: OpenPage, text: str, links: list[str]) -> None:
    """A card has a word, an icon, a frame and numbers to tap, and is announced at once."""
    page = opened()
    say(page, text)
    card = page.locator(".warn")

    assert card.locator("b").inner_text() == "Important"
    assert card.locator("svg").count() == 1
    assert [link.get_attribute("href") for link in card.get_by_role("link").all()] == links
    assert page.locator("[role=log]").get_attribute("aria-live") == "assertive"
    assert violations(page) == []
    picture(page, "card") if len(links) == 1 else None


# -- what comes back


def test_a_reload_brings_the_conversation_back(opened: OpenPage) -> None:
    """After a reload the panel is open again, with the same bubbles, and does not take the focus."""
    page = opened()
    say(page, "does it hurt?")
    before = page.locator(".m").all_inner_texts()
    page.reload()
    page.get_by_role("group", name="Two sides").wait_for()

    assert page.locator(".m").all_inner_texts() == before
    assert not in_panel(page)
    say(page, "why?")


def test_two_tabs_are_two_conversations(opened: OpenPage) -> None:
    """Each tab has its own conversation; what one asks is not seen in the other."""
    first = opened()
    second = first.context.new_page()
    second.goto(first.url)
    second.get_by_role("button", name="Open the chat").click()
    say(first, "does it hurt?")
    say(second, "how many sessions?")
    for page, words in ((first, "does it hurt?"), (second, "how many sessions?")):
        page.reload()
        page.locator(".user").first.wait_for()
        assert [text.split("\n")[-1] for text in page.locator(".user").all_inner_texts()] == [words]


def test_delete_asks_first_and_then_leaves_nothing(opened: OpenPage, server: Server) -> None:
    """Deleting asks, "Keep" keeps, "Delete" empties the screen and the server, and a new talk can begin."""
    page = opened()
    say(page, "does it hurt?")
    token = page.evaluate("() => Object.values(sessionStorage).find(v => v.length > 40)")
    page.get_by_role("button", name="Delete my conversation").click()
    picture(page, "delete")
    assert violations(page) == []
    page.get_by_role("button", name="Keep").click()
    assert page.locator(".user").count() == 1
    page.get_by_role("button", name="Delete my conversation").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Your conversation was deleted.").wait_for()

    assert page.locator(".user").count() == 0
    assert server.call("GET", "/chat/history", token=token)[2] == {"messages": []}
    say(page, "how many sessions?")


def test_a_visitor_can_save_a_copy(opened: OpenPage) -> None:
    """Beside "Delete" a visitor gets all that is kept of their own conversation as a file, and keeps it."""
    page = opened()
    say(page, "does it hurt?")
    page.get_by_role("button", name="Delete my conversation").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a copy").click()
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))

    assert download.value.suggested_filename == "conversation.json"
    assert [event["text"] for event in kept["events"] if event["event"] == "user"] == ["does it hurt?"]
    assert page.locator(".user").count() == 1


# -- when things fail


def test_a_lost_answer_is_retried_without_a_second_turn(opened: OpenPage, server: Server) -> None:
    """The answer gets lost on its way; "Try again" shows it, and the server made one turn."""
    page = opened()
    lost: list[str] = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())  # the server answers, and nobody hears it
            route.abort()

    page.route("**/messages", lose)
    say(page, "does it hurt?")
    assert KNOWLEDGE.notices["error"][:40] in page.locator(".failed").inner_text()
    assert violations(page) == []
    picture(page, "failed")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("group", name="Two sides").wait_for()
    token = page.evaluate("() => Object.values(sessionStorage).find(v => v.length > 40)")

    assert page.locator(".failed").count() == 0
    assert page.locator(".user").count() == 1
    assert len(server.call("GET", "/chat/history", token=token)[2]["messages"]) == 2


def test_offline_shows_the_fixed_text(opened: OpenPage) -> None:
    """Without a network the visitor reads the error text, and can send the same message when it is back."""
    page = opened()
    page.context.set_offline(True)
    say(page, "does it hurt?")
    assert page.get_by_text("You are offline.").is_visible()
    assert "In an emergency, call 999" in page.locator(".failed").inner_text()
    page.context.set_offline(False)
    page.get_by_text("Your message was not answered.").wait_for()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("group", name="Two sides").wait_for()

    assert page.locator(".user").count() == 1


def test_a_server_that_never_was_there(opened: OpenPage, server: Server) -> None:
    """Where no server answers at all, the built-in notice and error text are shown."""
    page = opened(launch=False)
    page.route(
        lambda address: "/chat/" in address and not address.endswith(".js"), lambda route: route.abort()
    )
    page.get_by_role("button", name="Open the chat").click()
    page.get_by_text("Hello. I am an AI bot").wait_for()
    say(page, "does it hurt?")

    assert page.locator("#notice").inner_text() == KNOWLEDGE.notices["disclaimer_short"]
    assert KNOWLEDGE.notices["error"] in page.locator(".failed").inner_text()


def test_a_refused_message_still_shows_its_card(opened: OpenPage) -> None:
    """A red flag in a request that the server refuses comes with its card on the screen."""
    page = opened()
    refusal = {
        "error": "the model is not loaded",
        "message": {"id": "", "from": "bot", "calls": [{"who": "emergency", "number": "999", "link": "tel:999"}],
                    "reply": {"text": "Get medical help now.", "kind": "safety", "tier": "emergency", "sources": [], "buttons": []}},
    }  # fmt: skip
    page.route("**/messages", lambda route: route.fulfill(status=503, json=refusal))
    say(page, "cant breathe")

    assert page.locator(".warn").get_by_role("link").get_attribute("href") == "tel:999"


def test_a_slow_answer_shows_that_it_is_being_written(opened: OpenPage) -> None:
    """After a moment the visitor sees that an answer is on its way, and can't send twice."""
    page = opened()
    held: list[Any] = []
    page.route("**/messages", lambda route: held.append(route))  # noqa: PLW0108 - it marks its handler
    say(page, "does it hurt?", wait=False)
    page.get_by_text("The bot is writing").wait_for()
    assert page.get_by_role("button", name="Send").is_disabled()
    picture(page, "writing")
    held[0].continue_()
    page.get_by_role("group", name="Two sides").wait_for()


def test_a_restart_in_mid_conversation(browser: Any, own_server: Server) -> None:
    """The server is killed and started again: the visitor's next message goes on where they were."""
    own_server.start()
    page = browser.new_page()
    page.goto(f"{own_server.address}/chat/")
    page.get_by_role("button", name="Open the chat").click()
    page.get_by_text("I am an AI bot").wait_for()
    say(page, "does it hurt?")
    own_server.stop(9)
    say(page, "why?")
    assert "not working right now" in page.locator(".failed").inner_text()
    own_server.start()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function(
        "() => !document.querySelector('mesoguide-chat').shadowRoot.querySelector('.failed')"
    )
    page.locator(".m").last.wait_for()

    assert page.locator(".user").count() == 2
    page.close()


# -- hostile words and hostile pages


def test_markup_stays_words(opened: OpenPage) -> None:
    """Markup from the visitor and from the server is shown as it is written, and runs nothing."""
    page = opened()
    reply = {"text": MARKUP, "kind": "answer", "tier": None, "buttons": [MARKUP], "sources": [], "topics": []}
    hostile = {"id": "abcdefgh", "from": "bot", "reply": reply,
               "blocks": [{"role": role, "text": MARKUP, "document": MARKUP} for role in ("side", "detail", "text")],
               "calls": [{"who": "emergency", "number": MARKUP, "link": "javascript:alert(1)"}]}  # fmt: skip
    page.route("**/messages", lambda route: route.fulfill(json=hostile))
    say(page, MARKUP)
    page.wait_for_timeout(200)

    assert page.title() != "run"
    assert page.locator("mesoguide-chat img, mesoguide-chat iframe, .m svg, .m a").count() == 0
    assert page.locator(".user").inner_text().endswith(MARKUP)


HOSTILE_PAGE = """<!doctype html><html lang="en"{direction}><head><title>another site</title>
<style>*{{display:none!important;color:red!important;font-size:3px!important;transform:none}}
html,head+body,main{{display:block!important}} button,dialog,textarea{{display:none!important}}
mesoguide-chat{{display:none!important;position:static!important;opacity:.01}}</style>
<script src="{bot}/chat/widget.js" defer{attributes}></script></head><body><main>A page.</main></body></html>"""


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., str]]:
    """A page on another origin, with a strict policy; give its HTML, get its address."""
    page: dict[str, Any] = {}

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if page.get("policy"):
                self.send_header("Content-Security-Policy", page["policy"])
            self.end_headers()
            self.wfile.write(page["html"].encode())

        def log_message(self, *_: object) -> None:
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()

    def at(html: str = "", policy: str = "") -> str:
        page.update(html=html, policy=policy)
        return f"http://127.0.0.1:{site.server_port}"

    yield at
    site.shutdown()


def test_a_clinics_page_with_a_strict_policy(
    opened: OpenPage, own_server: Server, elsewhere: Callable[..., str]
) -> None:
    """From another origin, under `default-src 'none'` and Trusted Types, amid hostile styles: it works."""
    own_server.settings = {"website_origins": elsewhere()}
    own_server.start()
    bot = own_server.address
    policy = (
        f"default-src 'none'; script-src {bot}; connect-src {bot}; style-src 'unsafe-inline'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    strings = json.dumps({"send": "Envoyer"}).replace('"', "&quot;")
    html = HOSTILE_PAGE.format(
        bot=bot, direction="", attributes=f' data-strings="{strings}" data-title="Nos réponses"'
    )
    page = opened(elsewhere(html, policy))
    say(page, "does it hurt?")

    assert page.locator(".side").count() == 2
    assert page.get_by_role("button", name="Envoyer").is_visible()
    assert page.get_by_role("heading", name="Nos réponses").is_visible()
    assert page.get_by_label("Your question").evaluate("n => getComputedStyle(n).fontSize") == "16px"
    assert page.get_by_role("dialog").bounding_box()["width"] == 400
    picture(page, "another_site")


def test_a_page_that_is_not_listed_gets_nothing(
    opened: OpenPage, server: Server, elsewhere: Callable[..., str]
) -> None:
    """On a site that the clinic did not list the widget shows its error text."""
    html = HOSTILE_PAGE.format(bot=server.address, direction="", attributes="")
    page = opened(elsewhere(html), launch=False)
    page.get_by_role("button", name="Open the chat").click()
    page.get_by_text("Hello. I am an AI bot").wait_for()
    say(page, "does it hurt?")

    assert page.locator(".failed").count() == 1


def test_inside_an_iframe(opened: OpenPage, own_server: Server, elsewhere: Callable[..., str]) -> None:
    """As an iframe the chat fills its frame, is open at once, and works; the page around it can't read it."""
    own_server.settings = {"website_origins": elsewhere()}
    own_server.start()
    html = f'<!doctype html><html lang="en"><title>a</title><iframe title="Chat" width=420 height=600 src="{own_server.address}/chat/frame"></iframe>'
    page = opened(elsewhere(html, f"default-src 'none'; frame-src {own_server.address}"), launch=False)
    frame = page.frame_locator("iframe")
    frame.get_by_text("I am an AI bot").wait_for()
    frame.get_by_label("Your question").fill("does it hurt?")
    frame.get_by_role("button", name="Send").click()
    frame.get_by_role("group", name="Two sides").wait_for()

    assert frame.get_by_role("button", name="Close the chat").count() == 0
    assert page.evaluate("() => document.querySelector('iframe').contentDocument") is None
    picture(page, "iframe")


def test_a_page_that_is_not_listed_frames_nothing(
    opened: OpenPage, server: Server, elsewhere: Callable[..., str]
) -> None:
    """A browser shows no chat in a frame of a site that the clinic did not list."""
    html = f'<!doctype html><html lang="en"><title>a</title><iframe title="Chat" src="{server.address}/chat/frame"></iframe>'
    page = opened(elsewhere(html, f"default-src 'none'; frame-src {server.address}"), launch=False)
    frame = page.frames[1]
    frame.wait_for_load_state()

    assert frame.locator("mesoguide-chat").count() == 0
    assert frame.url.startswith("chrome-error:")


# -- every screen


SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True},
    "narrow": {"viewport": {"width": 320, "height": 568}},
    "low": {"viewport": {"width": 320, "height": 256}},
    "forced_colours": {"forced_colors": "active"},
    "calm": {"reduced_motion": "reduce"},
}


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("large", [False, True], ids=["", "text_200"])
def test_every_screen_is_sound(opened: OpenPage, name: str, large: bool) -> None:
    """On each screen, and with text at 200%: axe finds nothing, nothing is cut off, all can be reached."""
    page = opened(launch=False, **SCREENS[name])
    if large:
        page.evaluate("() => { document.documentElement.style.fontSize = '200%' }")
    assert violations(page) == []
    page.get_by_role("button", name="Open the chat").click()
    page.get_by_text("I am an AI bot").wait_for()
    assert violations(page) == []
    say(page, "does it hurt?")
    page.get_by_text("Sources (2)").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="It is unclear").wait_for()
    assert violations(page) == []
    say(page, "my throat is closing up")
    picture(page, f"{name}{'_200' if large else ''}")
    assert violations(page) == []
    sideways = "n => n.scrollWidth <= n.clientWidth + 1"
    for part in ("dialog", "[role=log]", ".head"):
        assert page.locator(part).evaluate(sideways), part
    for control in (page.get_by_label("Your question"), page.get_by_role("button", name="Send"),
                    page.get_by_role("button", name="Close the chat").last):  # fmt: skip
        control.scroll_into_view_if_needed()
        assert control.evaluate(
            "n => { const r = n.getBoundingClientRect(); return r.width >= 24 && r.height >= 24 && r.left >= 0 && r.right <= innerWidth + 1 && r.bottom <= innerHeight + 1 }"
        )


def test_right_to_left(opened: OpenPage, own_server: Server, elsewhere: Callable[..., str]) -> None:
    """On a page that is read from right to left the chat is on its left and reads that way."""
    own_server.settings = {"website_origins": elsewhere()}
    own_server.start()
    html = HOSTILE_PAGE.format(bot=own_server.address, direction=' dir="rtl"', attributes="")
    page = opened(elsewhere(html))
    say(page, "does it hurt?")
    box = page.get_by_role("dialog").bounding_box()

    assert box["x"] < 100
    assert page.get_by_role("dialog").evaluate("n => getComputedStyle(n).direction") == "rtl"
    assert violations(page, "mesoguide-chat") == []
    picture(page, "right_to_left")


def test_theming_by_variables(opened: OpenPage) -> None:
    """A page's own colour and corners reach the chat through its variables."""
    page = opened()
    rule = "mesoguide-chat { --mesoguide-primary: #7a1f5c; --mesoguide-radius: 4px }"
    page.evaluate("rule => document.styleSheets[0].insertRule(rule)", rule)
    button = page.get_by_role("button", name="Send")

    assert button.evaluate("n => getComputedStyle(n).backgroundColor") == "rgb(122, 31, 92)"
    assert button.evaluate("n => getComputedStyle(n).borderRadius") == "4px"
    picture(page, "themed")


def test_axe_looks_into_the_widget(opened: OpenPage) -> None:
    """A fault inside the widget's shadow root is found, so that finding none means something."""
    page = opened()
    page.get_by_role("button", name="Close the chat").last.evaluate("n => n.removeAttribute('aria-label')")
    page.get_by_role("button", name="Send").evaluate("n => n.replaceChildren()")

    assert any(fault.startswith("button-name") for fault in violations(page))
