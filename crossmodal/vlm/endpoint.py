"""Any server that speaks OpenAI's chat completions, by plain httpx.

$CROSSMODAL_VLM_BASE_URL (such as http://localhost:8000/v1), $CROSSMODAL_VLM_MODEL and, where the server wants one,
$CROSSMODAL_VLM_API_KEY. The key goes to that address, by the proxy that the environment names if it names one, and
nowhere else: redirects are not followed, and no message, record or kept answer holds it. Tried against a server of this
project's own tests; on no real endpoint.
"""

import json
import os
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self

from crossmodal.vlm.answer import Unusable, short
from crossmodal.vlm.question import Question

TRIES = 4
TRY_S = 300.0  # of one try, its connection and its reply
CONNECT_S = 10.0
FIRST_WAIT_S, MOST_WAIT_S = 1.0, 30.0  # before the second try, doubled each time; and what a server may ask for
MOST_BYTES = 1 << 21  # of a reply
MOST_TOKENS = 4096
SECRET = 8  # characters of a key, at the least: servers that want none are given "none", "x" or "EMPTY"
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
UNKNOWN_OPTION = frozenset({400, 422})
BASE_URL, MODEL, API_KEY = (f"CROSSMODAL_VLM_{name}" for name in ("BASE_URL", "MODEL", "API_KEY"))


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, which model, and the key, which is never shown."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)

    @classmethod
    def given(cls) -> Self:
        """From the environment. Raises ValueError, in one line, for what is missing or cannot be."""
        url, model, key = (os.environ.get(name, "").strip() for name in (BASE_URL, MODEL, API_KEY))
        if not url or not model:
            raise ValueError(f"an endpoint needs {BASE_URL} and {MODEL}; set {MODEL if url else BASE_URL}")
        rest = url.partition("://")[2]
        if not url.startswith(("http://", "https://")) or not rest or not set("@?#").isdisjoint(rest) or (
                not url.isascii() or not url.isprintable() or " " in url):
            raise ValueError(f"{BASE_URL} must be like http://localhost:8000/v1, without a user, a query or a fragment")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError(f"{API_KEY} holds what no key can; set it again")
        return cls(url.rstrip("/"), model, key or None)

    def hidden(self, text: str) -> str:
        """A server's text without the key, should it send that back."""
        return text if self.key is None or len(self.key) < SECRET else text.replace(self.key, "***")

    @property
    def identity(self) -> str:
        """What its answers are kept under."""
        return f"endpoint {self.url} {self.model}"


def reply(endpoint: Endpoint, question: Question) -> str:
    """What the model at an endpoint answers.

    Errors: ValueError, one line: httpx is missing, or nobody answers as such a server does, TRIES times where it may
    help; Unusable: the model answered, but with no text, or with one that breaks off.
    """
    try:
        import httpx
    except ModuleNotFoundError:
        raise ValueError('an endpoint needs httpx; pip install "crossmodal-anomaly[vlm]"') from None
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    if endpoint.key is not None:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    timeout = httpx.Timeout(TRY_S, connect=CONNECT_S)
    with httpx.Client(headers=headers, timeout=timeout, follow_redirects=False) as client:
        status, body = _asked(client, endpoint, _body(endpoint, question) | _options(question))
        if status in UNKNOWN_OPTION:  # many servers know no schema, and say so; others know fewer options still
            status, body = _asked(client, endpoint, _body(endpoint, question))
    if status != 200:
        raise ValueError(_why(endpoint, status, body))
    return _text(endpoint, body)


def _body(endpoint: Endpoint, question: Question) -> dict:
    picture = "data:image/png;base64," + b64encode(question.png).decode()
    return {"model": endpoint.model, "messages": [
        {"role": "system", "content": question.task},
        {"role": "user", "content": [{"type": "text", "text": question.said},
                                     {"type": "image_url", "image_url": {"url": picture}}]},
        *({"role": role, "content": text} for role, text in question.turns)]}


def _options(question: Question) -> dict:
    return {"temperature": 0, "seed": 0, "max_tokens": MOST_TOKENS, "response_format": {
        "type": "json_schema", "json_schema": {"name": "recipe", "schema": question.schema}}}


def _asked(client, endpoint: Endpoint, body: dict) -> tuple[int, bytes]:
    """(status, body) of a reply; tried again where it may help. Raises ValueError once that has not helped."""
    import httpx

    wait, why = FIRST_WAIT_S, ""
    for left in reversed(range(TRIES)):
        asked = None
        try:
            status, asked, got = _once(client, endpoint, body)
            if status not in AGAIN:
                return status, got
            why = _why(endpoint, status, got)
        except httpx.TimeoutException:
            why = f"{endpoint.url} did not answer in time"
        except httpx.HTTPError as error:
            why = f"{endpoint.url} cannot be reached ({type(error).__name__}); check {BASE_URL}"
        except (httpx.InvalidURL, UnicodeError):
            raise ValueError(f"{BASE_URL} is no address; set it again") from None
        if asked is not None and asked > MOST_WAIT_S:
            raise ValueError(f"{why}; it asks to wait {asked:.0f} s") from None
        if left:
            time.sleep(wait if asked is None else asked)
            wait = min(2 * wait, MOST_WAIT_S)
    raise ValueError(f"{why}; {TRIES} tries") from None


def _once(client, endpoint: Endpoint, body: dict) -> tuple[int, float | None, bytes]:
    """(status, seconds that it asks to wait, body) of one try, read no longer than TRY_S and MOST_BYTES."""
    import httpx

    end = time.monotonic() + TRY_S
    with client.stream("POST", f"{endpoint.url}/chat/completions", content=json.dumps(body).encode()) as response:
        pieces, size = [], 0
        for piece in response.iter_raw():
            size += len(piece)
            if size > MOST_BYTES:
                raise ValueError(f"{endpoint.url} answers with over {MOST_BYTES >> 20} MB, which is no plan; "
                                 f"check {BASE_URL}")
            if time.monotonic() > end:
                raise httpx.ReadTimeout("slow")
            pieces.append(piece)
        after = response.headers.get("retry-after", "").strip()
        asked = float(after) if after.isdecimal() and len(after) < 10 else None
        return response.status_code, asked, b"".join(pieces)


def _why(endpoint: Endpoint, status: int, body: bytes) -> str:
    """Why a reply is no answer: what its status says, and the server's own words without the key."""
    if 300 <= status < 400:
        return f"{endpoint.url} sends elsewhere ({status}), which is not followed; set {BASE_URL} to where it answers"
    hint = {401: f"; set {API_KEY}", 403: f"; set {API_KEY}", 404: f"; check {BASE_URL} and {MODEL}"}.get(status, "")
    try:
        value = json.loads(body)
        said = value["error"]["message"] if isinstance(value["error"], dict) else value["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = ""
    said = endpoint.hidden(str(said))
    return f"{endpoint.url} answers {status}" + (f" ({short(said)})" if said else "") + hint


def _text(endpoint: Endpoint, body: bytes) -> str:
    """The text of a chat completion."""
    try:
        choice = json.loads(body)["choices"][0]
        message, ended = choice["message"], choice.get("finish_reason")
        content = message.get("content")
        if isinstance(content, list):
            content = "".join(part["text"] for part in content if part.get("type") == "text")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{endpoint.url} answers with no chat completion; check {BASE_URL}") from None
    if ended == "length":
        raise Unusable("the answer breaks off; the model's token limit was reached")
    if not isinstance(content, str) or not content.strip():
        raise Unusable("the model answered with no text")
    return endpoint.hidden(content)
