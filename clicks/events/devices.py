"""What kind of device a browser runs on, by its user agent."""

from typing import Final

BOT: Final = "bot"  # there is nobody before it


def device_of(user_agent: str) -> str:
    """desktop, mobile, tablet, tv, console or other.

    Since iPadOS 13 an iPad calls itself a Macintosh, save in apps, where it adds "Mobile": elsewhere it is a desktop.
    """
    if "Macintosh" in user_agent and "Mobile/" in user_agent:
        return "tablet"
    return next((device for device, signs in _SIGNS if any(sign in user_agent for sign in signs)), "other")


# The first that is found decides: televisions and consoles run Android or Windows, and tablets say "Mobile" too.
# Plain text, as a pattern takes ten times as long.
_SIGNS: Final = (
    ("other", ("OculusBrowser", "; Quest", " VR ", "Tesla/", "Apple Watch")),
    ("console", ("PlayStation", "Nintendo", "Xbox", "Steam Deck")),
    (
        "tv",
        (
            *(" TV ", " TV;", "AndroidTV", "Android TV", "SMART-TV", "Smart-TV", "SmartTV", "Smart TV", "GoogleTV"),
            *("AppleTV", "Apple TV", "MiTV", "HbbTV", "NetCast", "Web0S", "BRAVIA", "; AFT", "CrKey", "Viera"),
            *("VIDAA", "MIBOX", "Chromecast", "NETTV"),
        ),
    ),
    ("tablet", ("iPad", "Tablet", "tablet", "PlayBook", "Kindle", "; KF", "SM-T", "SM-X")),
    ("mobile", ("Mobile", "Mobi/", "iPhone", "iPod", "Phone", "Opera Mini", "MIDP", "Symbian", "BlackBerry")),
    ("tablet", ("Android",)),  # Chrome's and Firefox's rule: an Android that is no "Mobile"
    ("desktop", ("Windows", "Macintosh", "X11", "CrOS", "Linux")),
)
