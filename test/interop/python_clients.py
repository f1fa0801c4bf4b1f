"""Clients of Python, driven as their users do. Each prints one line of JSON for the page a person has to open, reads the
address that the browser came back to, and prints what it got."""
import json
import os
import sys

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

name, issuer, key, secret, *more = sys.argv[1:]
CALLBACK = "http://127.0.0.1:9/cb?tool=1"
REDIRECT = "http://127.0.0.1:9/cb"


def through_browser(url):
    print(json.dumps({"open": url}), flush=True)
    return sys.stdin.readline().strip()


def requests_oauthlib_oauth1():
    from requests_oauthlib import OAuth1Session

    session = OAuth1Session(key, secret, callback_uri=CALLBACK)
    session.fetch_request_token(issuer + "/oauth1/initiate")
    session.parse_authorization_response(through_browser(session.authorization_url(issuer + "/oauth1/authorize")))
    session.fetch_access_token(issuer + "/oauth1/token")
    me = issuer + "/api/v1/me"
    answers = {"header": session.get(me).json()["name"]}
    # The library signs a form wherever it is put, and every value of a repeated name (RFC 5849 §3.4.1.3).
    tokens = dict(resource_owner_key=session.token["oauth_token"], resource_owner_secret=session.token["oauth_token_secret"])
    for place in ("query", "body"):
        signed = OAuth1Session(key, secret, signature_type=place, **tokens)
        ask = signed.get if place == "query" else signed.post
        answers[place] = ask(me).status_code
    api = issuer + "/w/api.php?action=query&meta=userinfo&format=json"
    answers["repeated"] = session.get(api + "&uiprop=groups&uiprop=groups").json()["query"]["userinfo"]["name"]
    answers["form"] = session.post(issuer + "/w/api.php", data={"action": "query", "meta": "userinfo", "format": "json"}).json()["query"]["userinfo"]["name"]
    answers["multipart"] = session.post(
        api, files={"file": ("häßlich.txt", b"x" * 4096)}
    ).status_code
    return answers


def requests_oauthlib_oauth2():
    from requests_oauthlib import OAuth2Session

    dialect = more == ["dialect"]
    authorize, token_url = ("/w/rest.php/oauth2/authorize", "/w/rest.php/oauth2/access_token") if dialect else ("/oauth2/authorize", "/oauth2/token")
    session = OAuth2Session(key, redirect_uri=REDIRECT, scope=["basic", "editpage"])
    if dialect:
        # Some tools set a header once for everything that they send.
        session.headers["Authorization"] = "Token of-another-server"
    url, state = session.authorization_url(issuer + authorize)
    came_back = through_browser(url)
    form = dict(include_client_id=True, client_secret=secret)
    token = session.fetch_token(issuer + token_url, authorization_response=came_back, **(dict(form, auth=lambda request: request) if dialect else form))
    credentials = dict(client_id=key, client_secret=secret)
    fresh = session.refresh_token(issuer + token_url, refresh_token=token["refresh_token"], auth=lambda request: request, **credentials)
    return {
        "state": state in came_back,
        "scope": sorted(session.scope),
        "new": fresh["access_token"] != token["access_token"],
        "me": session.get(issuer + "/api/v1/me").json()["name"],
    }


def requests_oauthlib_service():
    from oauthlib.oauth2 import BackendApplicationClient
    from requests_oauthlib import OAuth2Session

    session = OAuth2Session(client=BackendApplicationClient(client_id=key))
    token = session.fetch_token(issuer + "/oauth2/token", client_id=key, client_secret=secret)
    return {"type": token["token_type"], "refresh": token.get("refresh_token")}


def authlib_oauth1():
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.requests_client import OAuth1Session

    session = OAuth1Session(key, secret, redirect_uri=CALLBACK)
    session.fetch_request_token(issuer + "/oauth1/initiate")
    session.parse_authorization_response(through_browser(session.create_authorization_url(issuer + "/oauth1/authorize")))
    answers = {"token": sorted(session.fetch_access_token(issuer + "/oauth1/token"))}
    answers["me"] = session.get(issuer + "/api/v1/me").json()["name"]
    # Some versions put each parameter twice into a query or a form: that is refused, and said.
    for place in ("QUERY", "BODY"):
        try:
            other = OAuth1Session(key, secret, redirect_uri=CALLBACK, signature_type=place)
            answers[place] = "oauth_token" in other.fetch_request_token(issuer + "/oauth1/initiate")
        except OAuthError as refusal:
            answers[place] = "stands%20twice" in refusal.description
    return answers


def authlib_oauth2():
    from authlib.integrations.requests_client import OAuth2Session

    answers = {}
    for method in ("client_secret_basic", "client_secret_post"):
        session = OAuth2Session(
            key,
            secret,
            scope="basic editpage",
            redirect_uri=REDIRECT,
            code_challenge_method="S256",
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        verifier = "v" * 48
        url, _state = session.create_authorization_url(issuer + "/oauth2/authorize", code_verifier=verifier)
        token = session.fetch_token(issuer + "/oauth2/token", authorization_response=through_browser(url), code_verifier=verifier)
        fresh = session.refresh_token(issuer + "/oauth2/token", refresh_token=token["refresh_token"])
        me = session.get(issuer + "/api/v1/me").json()["name"]
        seen = session.introspect_token(issuer + "/oauth2/introspect", token=fresh["access_token"]).json()
        revoked = session.revoke_token(issuer + "/oauth2/revoke", token=fresh["refresh_token"])
        gone = session.introspect_token(issuer + "/oauth2/introspect", token=fresh["access_token"]).json()
        answers[method] = [me, seen["active"], revoked.status_code, gone["active"]]
    return answers


def mwclient_site():
    import mwclient

    token, token_secret = more
    host = issuer.split("://", 1)[1]
    site = mwclient.Site(
        host, path="/w/", scheme="http", consumer_token=key, consumer_secret=secret, access_token=token, access_secret=token_secret
    )
    return [site.username, sorted(site.groups), site.get("query", meta="userinfo")["query"]["userinfo"]["name"]]


print(json.dumps({"got": globals()[name]()}), flush=True)
