"""Fit a reply into a platform's limits: one message where it can be, and the notice always in the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mesoguide.messaging.messages import Lines

Length = Callable[[str], int]
OFFER = "You can also ask: "
"""Before the questions that a platform can't show as buttons."""


def pages(lines: Lines, most: int, length: Length = len) -> list[list[tuple[str, str]]]:
    """Cut ``lines`` into messages of at most ``most``.

    Nearly always that is one. Where it is not, the notice that ends the reply ends the first
    message, and the rest follows in its order.

    Parameters
    ----------
    length
        How the platform counts a text.
    """
    if _joined(lines, length) <= most:
        return [list(lines)]
    # A reminder opens a reply and stays there; every other notice closes it.
    notice = [line for line in lines[1:] if line[0] == "notice"]
    body = [*lines[:1], *(line for line in lines[1:] if line[0] != "notice")]
    room = most - _joined(notice, length) - 1
    if room < most // 4:  # a notice that long can only come from a setting
        body, notice, room = list(lines), [], most
    made: list[list[tuple[str, str]]] = [[]]
    for role, text in body:
        for piece in _pieces(text, room, length):
            if _joined([*made[-1], (role, piece)], length) > (room if len(made) == 1 else most):
                made.append([])
            made[-1].append((role, piece))
    made[0] += notice
    return made


def fitting(
    buttons: Sequence[str], most: int, longest: int, length: Length = len
) -> tuple[list[str], list[str]]:
    """Part ``buttons`` into those that the platform can show, and the rest."""
    shown = [text for text in buttons if length(text) <= longest][:most]
    return shown, [text for text in buttons if text not in shown]


def offered(buttons: Sequence[str]) -> list[tuple[str, str]]:
    """Return the line that offers ``buttons`` as text, none where there are none."""
    return [("offer", OFFER + " · ".join(buttons))] if buttons else []


def laid_out(
    lines: Lines, buttons: Sequence[str], most: int, most_buttons: int, longest: int, length: Length = len
) -> list[tuple[list[tuple[str, str]], list[str]]]:
    """Return the messages of a reply, each with its buttons: those that fit stand under the last one.

    The questions of buttons that do not fit are offered as text.
    """
    shown, rest = fitting(buttons, most_buttons, longest, length)
    made = pages([*lines, *offered(rest)], most, length)
    return [(page, shown if number == len(made) else []) for number, page in enumerate(made, 1)]


def plain(lines: Lines) -> str:
    """Return ``lines`` as the text that they are."""
    return "\n".join(text for _, text in lines)


def utf16(text: str) -> int:
    """Count as JavaScript and Telegram do: a letter outside the basic plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _joined(lines: Lines, length: Length) -> int:
    return length(plain(lines))


def _pieces(text: str, most: int, length: Length) -> list[str]:
    """Cut a line that is too long between words, and a word that is too long where it must be."""
    made: list[str] = []
    while length(text) > most:
        end = most
        while length(text[:end]) > most:
            end -= 1
        space = text.rfind(" ", 1, end + 1)
        cut = space if space > 0 else end
        made.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*made, text] if text else made
