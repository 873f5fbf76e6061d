"""The openai package for Python against Pincel: what a program sees that only changed its base address."""

import base64
import concurrent.futures
import json
import os
import urllib.request

import openai

MARK = os.environ["MARK"]
FAKE = os.environ["FAKE_OPENAI_URL"]
QUICK = {"model": "gpt-image-2.6-flare", "quality": "low", "size": "1024x640"}

client = openai.OpenAI(api_key=os.environ["PINCEL_API_KEY"], base_url=os.environ["PINCEL_URL"] + "/v1")
checks = []


def check(function):
    checks.append(function)
    return function


def ask(what, **more):
    return client.images.generate(prompt=f"{what}, {MARK}", **{**QUICK, **more})


def bytes_of(reply):
    return [base64.b64decode(image.b64_json, validate=True) for image in reply.data]


def behave(**change):
    body = json.dumps(change).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{FAKE}/_control/behaviour", body)) as reply:
        assert reply.status == 200


def counting(key):
    """A client, and the statuses of all that it receives."""
    seen = []
    http = openai.DefaultHttpxClient(event_hooks={"response": [lambda response: seen.append(response.status_code)]})
    return openai.OpenAI(api_key=key, base_url=client.base_url, http_client=http), seen


def refusal(kind, call):
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, repr(error)
        assert error.request_id.startswith("req_"), error.request_id
        return error
    raise AssertionError("it was not refused")


@check
def twice_the_same():
    first, second = ask("twice"), ask("twice")
    assert bytes_of(first) == bytes_of(second)
    assert bytes_of(first)[0].startswith(b"\x89PNG")
    assert (first.size, first.quality, first.background, first.output_format) == ("1024x640", "low", "opaque", "png")
    assert first.created == second.created > 1_700_000_000
    assert first.usage.total_tokens == first.usage.input_tokens + first.usage.output_tokens > 0
    assert first.usage.input_tokens_details.text_tokens > 0
    assert second.usage.total_tokens == 0
    raw = client.images.with_raw_response.generate(prompt=f"twice, {MARK}", **QUICK)
    assert raw.headers["cache-status"].startswith("pincel; hit"), raw.headers


@check
def two_are_different():
    reply = ask("two", n=2)
    assert len(set(bytes_of(reply))) == 2


@check
def a_url_opens_without_a_key():
    url = ask("url", response_format="url").data[0].url
    with urllib.request.urlopen(url) as reply:
        assert reply.headers["content-type"] == "image/png"
        assert [reply.read()] == bytes_of(ask("url"))


@check
def parallel_calls_share_one_picture():
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda _: ask("parallel"), range(5)))
    assert len({bytes_of(reply)[0] for reply in replies}) == 1


@check
def bad_input_is_a_bad_request():
    error = refusal(openai.BadRequestError, lambda: ask("refused", size="1x1"))
    assert (error.param, error.code, error.type) == ("size", "invalid_value", "invalid_request_error")


@check
def a_wrong_key_is_an_authentication_error():
    stranger = client.with_options(api_key="pcl_shop_wrong")
    error = refusal(
        openai.AuthenticationError, lambda: stranger.images.generate(prompt=f"locked out, {MARK}", **QUICK)
    )
    assert error.code == "invalid_api_key"


@check
def a_used_up_quota_is_not_tried_again():
    behave(fail="quota", times=9)
    error = refusal(openai.RateLimitError, lambda: ask("quota"))
    behave(fail=None)
    assert (error.code, error.type) == ("insufficient_quota", "insufficient_quota")


@check
def a_used_up_budget_is_not_tried_again():
    broke, seen = counting(os.environ["BROKE_API_KEY"])
    error = refusal(openai.APIStatusError, lambda: broke.images.generate(prompt=f"broke, {MARK}", **QUICK))
    assert (error.code, error.type) == ("budget_exceeded", "insufficient_quota")
    assert seen == [402], seen


@check
def a_request_too_many_waits_and_succeeds():
    hurried, seen = counting(os.environ["HURRIED_API_KEY"])
    # What is refused by the provider is counted like what it makes, and takes no time.
    behave(fail="moderation", times=99)
    for number in range(30):
        refusal(
            openai.BadRequestError, lambda: hurried.images.generate(prompt=f"hurry {number}, {MARK}", **QUICK)
        )
    behave(fail=None)
    for number in range(30):
        if 429 in seen:
            break
        hurried.images.generate(prompt=f"one more {number}, {MARK}", **QUICK)
    assert seen[-2:] == [429, 200], seen


for function in checks:
    function()
print(f"{len(checks)} checks passed")
