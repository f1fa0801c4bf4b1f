"""Drives mwoauth as its users do: prints what each half of the handshake answers, as JSON."""
import json
import sys

from mwoauth import ConsumerToken, Handshaker, RequestToken

uri, key, secret, step, *rest = sys.argv[1:]
handshaker = Handshaker(uri, ConsumerToken(key, secret), user_agent="handshake test")
if step == "initiate":
    redirect, request_token = handshaker.initiate()
    print(json.dumps({"redirect": redirect, "key": request_token.key, "secret": request_token.secret}))
else:
    token_key, token_secret, query = rest
    access_token = handshaker.complete(RequestToken(token_key, token_secret), query)
    print(json.dumps(handshaker.identify(access_token)))
