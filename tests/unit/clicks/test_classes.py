"""Who followed a link: user agents as they were met, and the class that each is given."""

import time

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA, is_crawler  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from clicks.classes import _CORRECTED_TAGS, classify
from clicks.counts import TrafficClass
from redirect_core._core import HEAD, PREFETCH

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"

HUMANS = [
    CHROME,
    CHROME + " Edg/126.0.2592.87",
    CHROME + " OPR/111.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 (KHTML, like Gecko) Version/17.5 Safari/605.1",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
    f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36",
    f"{ANDROID} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    # Apps that show the page in a browser of their own: somebody tapped the link.
    f"{IPHONE} Mobile/15E148 Instagram 338.0.3.29.95 (iPhone14,5; iOS 17_5; en_US; en; scale=3.00; 1170x2532; 6135)",
    f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/471.0.0.31.104;FBBV/611456;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS]",
    f"{ANDROID} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/471.0.0.52.75;]",
    f"{IPHONE} Mobile/15E148 Twitter for iPhone/10.46",
    f"{IPHONE} Mobile/15E148 [LinkedInApp]/9.29.8962",
    f"{ANDROID} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 musical_ly_2023501030 TikTok",
    f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/en",
    f"{IPHONE} Mobile/15E148 Snapchat/12.90.0.33 (like Safari/8617.2.4.10.7, panda)",
    f"{IPHONE} Mobile/15E148 Safari Line/14.9.0",
    # A telephone, whatever its name ends in.
    "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0 Mobile Safari/537.36",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80/37.9148; U; en) Presto/2.12.423 Version/12.16",
]
PREVIEWS = {
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "facebook",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0": "imessage",
    "facebookexternalhit/1.1;line-poker/1.0": "line",
    "Twitterbot/1.0": "twitter",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "slack",
    "Slack-ImgProxy (+https://api.slack.com/robots)": "slack",
    "WhatsApp/2.23.18.78 i": "whatsapp",
    "TelegramBot (like TwitterBot)": "telegram",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)": "discord",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)": "linkedin",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)": "pinterest",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com": "skype",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)": "reddit",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)": "vk",
    "http.rb/5.1.1 (Mastodon/4.2.9; +https://mastodon.social/) Bot": "mastodon",
    "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)": "bluesky",
    "Synapse (bot; +https://github.com/matrix-org/synapse)": "matrix",
    "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984": "kakaotalk",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)": "iframely",
}
MONITORS = {
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": "uptimerobot",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)": "pingdom",
    CHROME + " PingdomPageSpeed/1.0 (pingbot/2.0; +http://www.pingdom.com/)": "pingdom",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0 Safari/537.36 (StatusCake)": "statuscake",
    "Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36": "better-uptime",
    "Site24x7": "site24x7",
    "Uptime-Kuma/1.23.13": "uptime-kuma",
    "kube-probe/1.29": "kubernetes",
    "ELB-HealthChecker/2.0": "aws",
    "Amazon-Route53-Health-Check-Service (ref 6f7b2; report http://amzn.to/1vsZADi)": "aws",
    "GoogleHC/1.0": "google-cloud",
    "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)": "google-cloud",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)": "nagios",
    "Blackbox Exporter/0.25.0": "prometheus",
    "Consul Health Check": "consul",
    CHROME + " DatadogSynthetics": "datadog",
}
BOTS = {
    GOOGLEBOT: "search-engine",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) "
    "Chrome/103.0.5060.134 Safari/537.36": "search-engine",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 "
    "Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)": "search-engine",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": "seo",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.1; +https://openai.com/gptbot)": (
        "ai-crawler"
    ),
    CHROME.replace("Chrome", "HeadlessChrome"): "browser-automation",
    "curl/8.7.1": "tool",
    "Wget/1.21.4": "tool",
    "python-requests/2.32.3": "tool",
    "Python/3.11 aiohttp/3.9.5": "tool",
    "Go-http-client/2.0": "tool",
    "okhttp/4.12.0": "tool",
    "Apache-HttpClient/4.5.14 (Java/17.0.11)": "tool",
    "PostmanRuntime/7.39.0": "tool",
    "node": "tool",
    "axios/1.7.2": "tool",
    "Java/17.0.11": "tool",
    "libwww-perl/6.77": "tool",
    "": "no-user-agent",
    "  ": "no-user-agent",
    "Mozilla/5.0 (compatible; Nobody-Knows-Me/1.0; +https://nobody.example/why)": "self-declared",
    "Example Link Crawler": "self-declared",
}


@pytest.mark.parametrize("user_agent", HUMANS)
def test_browsers_are_humans(user_agent: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.HUMAN, "browser")


@pytest.mark.parametrize(("user_agent", "reason"), PREVIEWS.items())
def test_link_previews(user_agent: str, reason: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.PREVIEW, reason)


@pytest.mark.parametrize(("user_agent", "reason"), MONITORS.items())
def test_uptime_monitors(user_agent: str, reason: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.MONITOR, reason)


@pytest.mark.parametrize(("user_agent", "reason"), BOTS.items())
def test_bots_and_tools(user_agent: str, reason: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.BOT, reason)


@pytest.mark.parametrize("user_agent", [CHROME, GOOGLEBOT, "curl/8.7.1", "UptimeRobot", "WhatsApp/2", ""])
def test_a_head_request_is_head_whoever_asks(user_agent: str) -> None:
    assert classify(user_agent.encode(), HEAD) == (TrafficClass.HEAD, "method")
    assert classify(user_agent.encode(), HEAD | PREFETCH) == (TrafficClass.HEAD, "method")


def test_a_browser_that_guesses_is_a_prefetch() -> None:
    assert classify(CHROME.encode(), PREFETCH) == (TrafficClass.PREFETCH, "purpose")


def test_the_maintained_list_is_followed_to_the_letter() -> None:
    """The faster look-up takes for a machine whatever its list does, where the list does not take people for one."""
    for entry in CRAWLER_USER_AGENTS_DATA:
        if _CORRECTED_TAGS.get(entry["pattern"], "") is None:
            continue
        for user_agent in entry["instances"]:
            assert is_crawler(user_agent)
            assert classify(user_agent.encode(), 0).traffic is not TrafficClass.HUMAN, user_agent


@given(st.binary(max_size=512), st.integers(0, 255))
def test_any_bytes_have_a_class(user_agent: bytes, flags: int) -> None:
    assert classify(user_agent, flags).traffic in TrafficClass


def test_ever_new_user_agents_do_not_hold_up_the_count() -> None:
    """A batch of 50,000 clicks, each with another user agent of full length, must not take minutes."""
    started = time.process_time()
    for n in range(200):
        classify(f"{n} {'Mozilla/5.0 Chrome Safari AppleWebKit ' * 13}"[:512].encode(), 0)
    assert time.process_time() - started < 200 * 0.001


def test_browsers_that_the_list_takes_for_machines_are_humans() -> None:
    android = (
        "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
    )
    for user_agent in (
        f"{android} Version/4.0 Chrome/142.0.7444.142 Mobile Safari/537.36 Instagram 406.0.0.58.159 Android",
        f"{ANDROID} Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook",
    ):
        assert classify(user_agent.encode(), 0) == (TrafficClass.HUMAN, "browser")


def test_what_the_list_calls_a_social_preview_is_a_preview() -> None:
    assert classify(b"BufferLinkPreviewBot/1.0", 0) == (TrafficClass.PREVIEW, "social-preview")


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        ("MyApp/1 CFNetwork/1568.200.51 Darwin/24.1.0", "tool"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)", "tool"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessEdg/120.0.0.0 Safari/537.36",
            "browser-automation",
        ),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.4249", "self-declared"),
        ("Mozilla/5.0 (compatible; Nobody-Knows-Me/1.0)", "self-declared"),
    ],
)
def test_what_does_not_begin_or_speak_as_browsers_do_is_a_machine(user_agent: str, reason: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.BOT, reason)


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        "Mozilla/5.0 (compatible; Konqueror/4.5; FreeBSD) KHTML/4.5.4 (like Gecko)",
        "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1",
        "Nokia6230/2.0 (04.44) Profile/MIDP-2.0 Configuration/CLDC-1.1",
    ],
)
def test_old_browsers_are_browsers(user_agent: str) -> None:
    assert classify(user_agent.encode(), 0) == (TrafficClass.HUMAN, "browser")
