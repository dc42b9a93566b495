"""Markup and other marks that an answer must carry."""

import json
import re
from collections.abc import Mapping
from typing import Any

_BULLET = re.compile(r"^[^\S\n]*(?:\*[^*]|-).*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*[^\n*]+\*\*|\*[^\n*]+\*")
_PLACEHOLDER = re.compile(r"\[[^\[\]]*\]")
_FENCE = re.compile(r"^```(?:json)?", re.IGNORECASE)
_CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


def _bullets(answer: str, arguments: Mapping[str, Any]) -> bool:
    return len(_BULLET.findall(answer)) == int(arguments["num_bullets"])


def _constrained(answer: str, arguments: Mapping[str, Any]) -> bool:
    return any(option in answer for option in _CONSTRAINED)


def _highlights(answer: str, arguments: Mapping[str, Any]) -> bool:
    count = sum(bool(found.strip("* ")) for found in _HIGHLIGHT.findall(answer))
    return count >= int(arguments["num_highlights"])


def _sections(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Each begins with the splitter and a number."""
    splitter = re.escape(str(arguments["section_spliter"]).strip())
    return len(re.findall(rf"{splitter}\s?\d+", answer)) >= int(arguments["num_sections"])


def _is_json(answer: str, arguments: Mapping[str, Any]) -> bool:
    try:
        json.loads(_FENCE.sub("", answer.strip()).removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(answer: str, arguments: Mapping[str, Any]) -> bool:
    return any(line.partition("<<")[2].rpartition(">>")[0].strip("<> ") for line in answer.split("\n"))


def _placeholders(answer: str, arguments: Mapping[str, Any]) -> bool:
    return len(_PLACEHOLDER.findall(answer)) >= int(arguments["num_placeholders"])


def _postscript(answer: str, arguments: Mapping[str, Any]) -> bool:
    """The marker's letters may be apart, as in "P. S."; a word that holds them, such as "stops", is none."""
    letters = [
        re.escape(letter) for letter in str(arguments["postscript_marker"]).strip() if letter.isalpha()
    ]
    marker = r"\.?\s?".join(letters)
    return re.search(rf"(?<!\w){marker}(?!\w)", answer, re.IGNORECASE) is not None


def _no_comma(answer: str, arguments: Mapping[str, Any]) -> bool:
    return "," not in answer


CHECKS = {
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _is_json,
    "detectable_format:title": _title,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "punctuation:no_comma": _no_comma,
}
ARGUMENTS = {
    "detectable_format:number_bullet_lists": ("num_bullets",),
    "detectable_format:number_highlighted_sections": ("num_highlights",),
    "detectable_format:multiple_sections": ("section_spliter", "num_sections"),
    "detectable_content:number_placeholders": ("num_placeholders",),
    "detectable_content:postscript": ("postscript_marker",),
}
