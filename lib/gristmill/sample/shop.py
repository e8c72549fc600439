"""An invented web shop: who visits it, what they ask for, and what it answers.

Names and addresses are those that RFC 2606, RFC 3849 and RFC 5737 set aside for documentation;
browsers, robots and people are made up.
"""

from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from gristmill.sample.draw import Weighted, below, chance, pick, shuffled, zipf

_SITE = "https://shop.example.com"
_CLIENTS = 1000
_CLIENTS_PER_ROBOT = 12
_FIRST_ROBOT = 4  # its rank among the clients; the busiest are people
_ERROR_SIZE = 400  # mean, in bytes
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_PLATFORMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 14_6",
    "X11; Linux x86_64",
    "Linux; Android 15; Mobile",
    "Tablet; OS 18.1",
)
_BROWSERS = ("Quern", "Tidepool", "Lantern", "Marlin")
_ODD_AGENTS = ("-", "fetch/8.5.0", r"Lantern/3.1 (\"Night\" edition; x64)", r"\"Quern\"")
_ROBOTS = (
    "Mozilla/5.0 (compatible; HarrowBot/2.1; +https://harrow.example.com/bot.html)",
    "ThresherBot/0.9 (+https://thresher.example.org/about)",
    "Mozilla/5.0 (compatible; GleanSpider/3.0; +http://glean.example.net/)",
    "sieve-crawler/1.2 (crawl@example.org)",
    r"WinnowBot/1.0 (\"polite\"; +https://winnow.example.com/)",
)
_USERS = ("mira", "tomas", "anneke@example.org", "j.vogel@example.com", "o'hara")
_ORIGINS = (
    "-",
    "-",
    "https://search.example.net/?q=stone+mill",
    "https://blog.example.org/2026/09/baking-with-rye/",
    "http://forum.example.com/t/4711?page=2#last",
)

_TRAITS = ("rye", "oak", "stone", "crème", "café", "hand", "blue", "copper", "small", "old", "süß")
_THINGS = ("mill", "flour", "sieve", "bowl", "jug", "kettle", "oat groats", "bread tin", "whisk")
_PRODUCTS = tuple(f"{trait} {thing}" for trait in _TRAITS for thing in _THINGS)
_PAGES = ("/", "/products/", "/cart", "/about", "/help/delivery", "/account/orders")
_ASSETS = ("/static/site.css", "/static/shop.4f1c09.js", "/favicon.ico", "/static/logo.svg")


class Request(NamedTuple):
    """One request with its answer, each field as a log line shows it."""

    host: str
    user: str
    line: str
    status: int
    size: str
    referer: str
    agent: str


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: an address, and a user or "-"."""

    host: str
    user: str
    agent: str
    protocol: str
    is_robot: bool


@dataclass(slots=True)
class Visit:
    """What a client does in one go: `left` more requests, the next of them led to by `page`."""

    client: Client
    left: int
    page: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests that are alike; `size` is the mean of a full answer, in bytes."""

    targets: Weighted[str]
    methods: Weighted[str]
    statuses: Weighted[int]
    size: int


class Shop:
    """The shop, with `at_once` visits going on at any time."""

    def __init__(self, rng: Random, at_once: int) -> None:
        self._rng = rng
        self._clients = zipf([_client(rng, rank) for rank in range(_CLIENTS)])
        self._kinds = _kinds(rng)
        self._human = Weighted(
            {"page": 40, "asset": 36, "search": 9, "api": 9, "media": 2, "moved": 2, "lost": 2}
        )
        self._robot = Weighted({"page": 80, "search": 6, "moved": 6, "lost": 8})
        self._visits = [self._visit() for _ in range(at_once)]

    def request(self) -> Request:
        """The next request of any of the visits, or now and then of a scanner."""
        if chance(self._rng, 1 / 250):
            return self._noise()
        slot = below(self._rng, len(self._visits))
        visit = self._visits[slot]
        visit.left -= 1
        if not visit.left:
            self._visits[slot] = self._visit()
        return self._answer(visit)

    def _visit(self) -> Visit:
        client = self._clients.draw(self._rng)
        if client.is_robot:
            return Visit(client, 5 + below(self._rng, 30), "-")
        length = 1 + int(16 * self._rng.random() * self._rng.random())
        return Visit(client, length, pick(self._rng, _ORIGINS))

    def _answer(self, visit: Visit) -> Request:
        rng, client = self._rng, visit.client
        name = (self._robot if client.is_robot else self._human).draw(rng)
        if visit.is_new:
            name = "robots" if client.is_robot else "page"
        visit.is_new = False
        kind = self._kinds[name]
        target, method = kind.targets.draw(rng), kind.methods.draw(rng)
        status = kind.statuses.draw(rng)
        mean = kind.size if status < HTTPStatus.BAD_REQUEST else _ERROR_SIZE
        size = str(int(mean * (0.25 + 1.5 * rng.random())))
        if status == HTTPStatus.NOT_MODIFIED or method in {"HEAD", "OPTIONS"}:
            size = "-"
        referer = visit.page
        if name in {"page", "search"} and not client.is_robot:
            visit.page = _SITE + target
        line = f"{method} {target} {client.protocol}"
        return Request(client.host, client.user, line, status, size, referer, client.agent)

    def _noise(self) -> Request:
        """What port scanners send: no request at all, or a TLS greeting to a port without TLS."""
        line = pick(self._rng, ("-", r"\x16\x03\x01", r"\x16\x03\x01\x02\x00\x01", "QUIT"))
        return Request(_host(self._rng), "-", line, 400, "226", "-", "-")


def _host(rng: Random) -> str:
    """An address: mostly IPv4, some IPv6, a few names."""
    if chance(rng, 1 / 20):
        return f"dsl-{below(rng, 4000)}.example.net"
    if chance(rng, 1 / 6):
        return f"2001:db8:{below(rng, 0x10000):x}::{1 + below(rng, 0xFFFF):x}"
    return f"{pick(rng, _NETWORKS)}.{1 + below(rng, 254)}"


def _client(rng: Random, rank: int) -> Client:
    if rank % _CLIENTS_PER_ROBOT == _FIRST_ROBOT:
        return Client(_host(rng), "-", pick(rng, _ROBOTS), "HTTP/1.1", True)
    user = pick(rng, _USERS) if chance(rng, 1 / 25) else "-"
    browser = f"{pick(rng, _BROWSERS)}/{90 + below(rng, 40)}.{below(rng, 10)}"
    agent = f"Mozilla/5.0 ({pick(rng, _PLATFORMS)}) Millstone/20260901 {browser}"
    if chance(rng, 1 / 15):
        agent = pick(rng, _ODD_AGENTS)
    protocol = pick(rng, ("HTTP/2.0", "HTTP/2.0", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"))
    return Client(_host(rng), user, agent, protocol, False)


def _kinds(rng: Random) -> dict[str, Kind]:
    """The kinds of request by name, some products more popular than others."""
    products = shuffled(rng, _PRODUCTS)
    slugs = [quote(product.replace(" ", "-")) for product in products]
    pages = [*_PAGES, *(f"/products/{slug}" for slug in slugs)]
    assets = [*_ASSETS, *(f"/img/{slug}.webp?w=640" for slug in slugs)]
    searches = [f"/search?q={quote_plus(product)}" for product in products]
    api = ["/api/cart", *(f"/api/stock?sku={sku}" for sku in range(1001, 1040)), "/api/login"]
    media = ["/media/tour.mp4", "/media/how%20to%20grind.mp4"]
    moved = ["/products", *(f"/shop/{slug}.html" for slug in slugs[:20])]
    lost = ["/wp-login.php", "/.env", "/static/site.css.map", "/products/%E2%98%83", "/a%2Fb"]
    read, get = Weighted({"GET": 97, "HEAD": 3}), Weighted({"GET": 1})
    call = Weighted({"GET": 50, "POST": 30, "PUT": 12, "OPTIONS": 8})
    return {
        "page": Kind(zipf(pages), read, Weighted({200: 985, 500: 10, 503: 5}), 18_000),
        "asset": Kind(zipf(assets), get, Weighted({200: 60, 304: 40}), 45_000),
        "search": Kind(zipf(searches), get, Weighted({200: 97, 503: 3}), 12_000),
        "api": Kind(zipf(api), call, Weighted({200: 93, 400: 2, 500: 3, 503: 2}), 600),
        "media": Kind(zipf(media), get, Weighted({206: 1}), 1_000_000),
        "moved": Kind(zipf(moved), read, Weighted({301: 1}), 240),
        "lost": Kind(zipf(lost), read, Weighted({404: 1}), 500),
        "robots": Kind(zipf(["/robots.txt"]), get, Weighted({200: 90, 304: 10}), 180),
    }
