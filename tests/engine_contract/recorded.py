"""Heads as real clients send them: browsers, tools, robots, link previews, health checks and proxies."""
# ruff: noqa: E501 they are as long as they are

from typing import Final

CODE: Final = "known01"


def _head(text: str) -> bytes:
    lines = [line.strip() for line in text.strip().splitlines()]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


RECORDED: Final[dict[str, bytes]] = {
    "Chrome": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        Connection: keep-alive
        sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"
        sec-ch-ua-mobile: ?0
        sec-ch-ua-platform: "Windows"
        Upgrade-Insecure-Requests: 1
        User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
        Sec-Fetch-Site: cross-site
        Sec-Fetch-Mode: navigate
        Sec-Fetch-User: ?1
        Sec-Fetch-Dest: document
        Referer: https://news.example/
        Accept-Encoding: gzip, deflate, br, zstd
        Accept-Language: en-US,en;q=0.9
        Cookie: _ga=GA1.1.1234567890.1700000000; theme=dark
    """),
    "Chrome, prefetching": _head("""
        GET /known01?utm_source=mail HTTP/1.1
        Host: go.example
        Connection: keep-alive
        User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        Sec-Purpose: prefetch;prerender
        Purpose: prefetch
        Accept-Encoding: gzip, deflate, br, zstd
    """),
    "Firefox": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
        Accept-Language: de,en-US;q=0.7,en;q=0.3
        Accept-Encoding: gzip, deflate
        Connection: keep-alive
        Upgrade-Insecure-Requests: 1
        Priority: u=0, i
    """),
    "Safari on a phone": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
        User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1
        Accept-Language: fr-FR,fr;q=0.9
        Accept-Encoding: gzip, deflate
        Connection: keep-alive
    """),
    "Safari behind a proxy": _head("""
        GET /known01 HTTP/1.1
        X-Forwarded-For: 203.0.113.77, 198.51.100.9
        X-Forwarded-Proto: https
        Forwarded: for="[2001:db8::17]";proto=https;host=go.example
        Host: go.example
        User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15
    """),
    "curl": _head("""
        GET /known01 HTTP/1.1
        Host: go.example:8080
        User-Agent: curl/7.88.1
        Accept: */*
    """),
    "curl -I": _head("""
        HEAD /known01 HTTP/1.1
        Host: go.example
        User-Agent: curl/8.10.1
        Accept: */*
    """),
    "curl --http2": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: curl/7.88.1
        Accept: */*
        Connection: Upgrade, HTTP2-Settings
        Upgrade: h2c
        HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA
    """),
    "curl -d": _head("""
        POST /known01 HTTP/1.1
        Host: go.example
        User-Agent: curl/7.88.1
        Accept: */*
        Content-Length: 3
        Content-Type: application/x-www-form-urlencoded
    """)
    + b"a=b",
    "curl -T": _head("""
        PUT /known01 HTTP/1.1
        Host: go.example
        User-Agent: curl/7.88.1
        Accept: */*
        Transfer-Encoding: chunked
        Expect: 100-continue
    """),
    "curl through a forward proxy": _head("""
        GET http://go.example/known01 HTTP/1.1
        Host: go.example
        User-Agent: curl/7.88.1
        Accept: */*
        Proxy-Connection: Keep-Alive
    """),
    "wget": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: Wget/1.21.3
        Accept: */*
        Accept-Encoding: identity
        Connection: Keep-Alive
    """),
    "wrk": _head("""
        GET /known01 HTTP/1.1
        Host: 127.0.0.1:8080
    """),
    "ApacheBench": _head("""
        GET /known01 HTTP/1.0
        Connection: Keep-Alive
        Host: 127.0.0.1:8080
        User-Agent: ApacheBench/2.3
        Accept: */*
    """),
    "Python requests": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: python-requests/2.32.3
        Accept-Encoding: gzip, deflate
        Accept: */*
        Connection: keep-alive
    """),
    "Go": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: Go-http-client/1.1
        Accept-Encoding: gzip
    """),
    "Googlebot": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        Connection: keep-alive
        Accept: text/html,application/xhtml+xml,application/signed-exchange;v=b3,application/xml;q=0.9,*/*;q=0.8
        From: googlebot(at)googlebot.com
        User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
        Accept-Encoding: gzip, deflate, br
        If-Modified-Since: Mon, 04 Nov 2024 10:00:00 GMT
    """),
    "Googlebot, looking for rules": _head("""
        GET /robots.txt HTTP/1.1
        Host: go.example
        Connection: keep-alive
        Accept: text/plain,text/html,*/*
        User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
    """),
    "a preview of Facebook": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        Accept: */*
        Accept-Encoding: deflate, gzip
        Range: bytes=0-524287
        User-Agent: facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
        Connection: close
    """),
    "a preview of Slack": _head("""
        GET /known01 HTTP/1.1
        User-Agent: Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
        Range: bytes=0-32768
        Host: go.example
        Accept: */*
        Accept-Encoding: gzip,deflate
        Connection: keep-alive
    """),
    "a preview of WhatsApp": _head("""
        GET /known01 HTTP/1.1
        Host: go.example
        User-Agent: WhatsApp/2.24.20.89 A
        Accept-Encoding: identity
        Accept-Language: *
    """),
    "a kubelet": _head("""
        GET /healthz HTTP/1.1
        Host: 10.0.0.7:8080
        User-Agent: kube-probe/1.31
        Accept: */*
        Connection: close
    """),
    "HAProxy's check": _head("""
        OPTIONS / HTTP/1.0
    """),
    "a load balancer's check": _head("""
        GET /healthz HTTP/1.1
        Host: 10.0.0.7
        Connection: close
        User-Agent: ELB-HealthChecker/2.0
        Accept-Encoding: gzip, compressed
    """),
    "an uptime monitor": _head("""
        HEAD / HTTP/1.1
        Host: go.example
        User-Agent: Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
        Cache-Control: no-cache
        Connection: close
    """),
    "nginx's upstream, by default": _head("""
        GET /known01 HTTP/1.0
        Host: edge
        Connection: close
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0
    """),
    "a scanner": _head("""
        GET /wp-login.php HTTP/1.1
        Host: go.example
        User-Agent: Mozilla/5.0
        Accept: */*
        Connection: close
    """),
    "a scanner for proxies": _head("""
        CONNECT www.example.org:443 HTTP/1.1
        Host: www.example.org:443
        Proxy-Connection: keep-alive
    """),
    "a scanner for open dictionaries": _head("""
        GET /..%2f..%2fetc%2fpasswd HTTP/1.1
        Host: go.example
        User-Agent: zgrab/0.x
    """),
}
