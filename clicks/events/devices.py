"""What kind of device a browser runs on, by its user agent."""

import re
from typing import Final

OTHER: Final = "other"  # such as glasses, cars, and what does not say
BOT: Final = "bot"  # there is nobody before it


def device_of(user_agent: str) -> str:
    """desktop, mobile, tablet, tv, console or other.

    Since iPadOS 13 an iPad that asks for desktop pages calls itself a Macintosh, and is a desktop here.
    """
    return next((device for device, sign in _SIGNS if sign.search(user_agent)), OTHER)


# The first that is found decides: televisions and consoles run Android or Windows, and tablets say "Mobile" too.
_SIGNS: Final = (
    ("other", re.compile(r"OculusBrowser|\bQuest\b|\bVR\b|Tesla/|Apple ?Watch|Wear OS|\bGlass \d")),
    ("console", re.compile(r"PlayStation|Nintendo|Xbox|Steam Deck")),
    (
        "tv",
        re.compile(
            r"\bTV\b|[Ss]mart-?TV|SMART-?TV|GoogleTV|AppleTV|Apple ?TV|HbbTV|NetCast|Web0S|BRAVIA|\bAFT[A-Z0-9]{1,6}\b"
            r"|CrKey|Roku|Viera|VIDAA|MiTV|MIBOX|Chromecast|NETTV|DTV\b"
        ),
    ),
    ("tablet", re.compile(r"iPad|Tablet|tablet|PlayBook|Kindle|\bKF[A-Z]{2,6}\b|Silk/(?!.*Mobile)|\bSM-[TX]\d")),
    ("mobile", re.compile(r"Mobile|Mobi\b|iPhone|iPod|Phone|Opera Mini|Opera Mobi|J2ME|MIDP|Symbian|KAIOS|BlackBerry")),
    ("tablet", re.compile(r"Android")),  # Chrome's and Firefox's rule: an Android that is no "Mobile"
    ("desktop", re.compile(r"Windows|Macintosh|X11|CrOS|Linux")),
)
