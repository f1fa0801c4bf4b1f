import { after, before, describe } from 'node:test';
import { transcriptTest } from '#harness/transcript.ts';
import { Desk } from './desk.ts';

describe('journeys', () => {
  // How programs use the API, told as HTTP.

  let desk: Desk;
  const token: Record<string, string> = {};
  before(async () => {
    desk = await Desk.open();
    token.ada = await desk.token('ada', ['gatehouse:clients']);
    token.dan = await desk.token('dan', ['gatehouse:clients']);
    token.rex = await desk.token('rex', ['gatehouse:review']);
    token.rita = await desk.token('rita', ['gatehouse:review']);
    for (const name of ['ada', 'dan'] as const) {
      const { cookie = '', 'x-csrf-token': proof = '' } = await desk.session(name);
      Object.assign(token, { [`${name}Cookie`]: cookie, [`${name}Proof`]: proof });
    }
  });
  after(() => desk.close());

  const world = () => desk.world;
  const names = () => ({ ...token });

  transcriptTest(
    'a proposal is looked at and approved; the second reviewer is told who was faster',
    world,
    names,
    `
  > POST /api/v1/clients
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"name":"Reader","description":"Reads.","protocol":"oauth2","redirect_uri":"https://reader.example/cb","scopes":["editpage"],"terms_accepted":true}
  < 201
  < Location: /api/v1/clients/{id}
  < Cache-Control: no-store
  <
  < {…"stage":"proposed"…"client_secret":"{secret}"…}

  > GET /api/v1/clients/{id}
  > Authorization: Bearer {rex}
  < 200
  < ETag: {rexSaw}
  <
  < {…"email":"ada@example.org"…}

  > GET /api/v1/clients/{id}
  > Authorization: Bearer {rita}
  < 200
  < ETag: {ritaSaw}

  > POST /api/v1/clients/{id}/approve
  > Authorization: Bearer {rex}
  > If-Match: {rexSaw}
  > Content-Type: application/json
  >
  > {"reason":"fine"}
  < 200
  <
  < {…"stage":"approved"…}

  > POST /api/v1/clients/{id}/disable
  > Authorization: Bearer {rita}
  > If-Match: {ritaSaw}
  > Content-Type: application/json
  >
  > {"reason":"I do not know it"}
  < 412
  < Content-Type: application/problem+json…
  <
  < {"type":"/problems/change_conflict",…"code":"change_conflict",…"since":[{…"action":"approve","reason":"fine"…}]}`,
  );

  transcriptTest(
    'a change of a live app: the difference is reviewed, the app works on',
    world,
    names,
    `
  > POST /api/v1/clients
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"name":"Writer","description":"Writes.","protocol":"oauth2","redirect_uri":"https://writer.example/cb","scopes":["editpage"],"terms_accepted":true}
  < 201
  < Location: /api/v1/clients/{id}

  > POST /api/v1/clients/{id}/approve
  > Authorization: Bearer {rex}
  < 200

  > POST /api/v1/clients/{id}/revisions
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"scopes":["editpage","sendemail"],"reason":"letters"}
  < 201
  <
  < {…"scopes":["basic","editpage"]…}

  > GET /api/v1/reviews?kind=revisions
  > Authorization: Bearer {rex}
  < 200
  <
  < {"items":[{…"revision_id":{revision},…"changes":[{"field":"scopes","before":["basic","editpage"],"after":["basic","editpage","sendemail"]}]…"rule":"risky-scopes"…}],"next":null}

  > POST /api/v1/clients/{id}/revisions/{revision}/approve
  > Authorization: Bearer {rex}
  < 200
  <
  < {…"scopes":["basic","editpage","sendemail"]…}

  > POST /api/v1/clients/{id}/revisions
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"scopes":["editpage"]}
  < 201
  <
  < {…"scopes":["basic","editpage"]…}`,
  );

  transcriptTest(
    'a secret is exchanged without an outage: add, use, retire',
    world,
    names,
    `
  > POST /api/v1/clients
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"name":"Service","description":"Serves.","protocol":"oauth2","owner_only":true,"scopes":["editpage"],"terms_accepted":true}
  < 201
  < Location: /api/v1/clients/{id}
  <
  < {…"stage":"approved"…"client_secret":"{old}","access_token":"{jwt}"…}

  > POST /api/v1/clients/{id}/secrets
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"label":"2027"}
  < 201
  <
  < {…"client_secret":"{new}"…}

  > POST /oauth2/introspect
  >
  > client_id={id}&client_secret={old}&token={jwt}
  < 200
  <
  < {"active":true…}

  > GET /api/v1/clients/{id}/secrets
  > Authorization: Bearer {ada}
  < 200
  <
  < {"items":[{"secret_id":{first},"label":"first"…},{…"label":"2027"…}]}

  > DELETE /api/v1/clients/{id}/secrets/{first}
  > Authorization: Bearer {ada}
  < 200

  > POST /oauth2/introspect
  >
  > client_id={id}&client_secret={old}&token={jwt}
  < 401

  > POST /oauth2/introspect
  >
  > client_id={id}&client_secret={new}&token={jwt}
  < 200
  <
  < {"active":true…}`,
  );

  transcriptTest(
    'an app is handed over, and what it may do is stopped by degrees',
    world,
    names,
    `
  > POST /api/v1/clients
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"name":"Gift","description":"","protocol":"oauth2","redirect_uri":"https://gift.example/cb","scopes":["editpage"],"terms_accepted":true}
  < 201
  < Location: /api/v1/clients/{id}

  > POST /api/v1/clients/{id}/offer
  > Authorization: Bearer {ada}
  > Content-Type: application/json
  >
  > {"user":"Dan"}
  < 403
  <
  < {…"code":"browser_session_required"…}

  > POST /api/v1/clients/{id}/offer
  > Cookie: {adaCookie}
  > X-CSRF-Token: {adaProof}
  > Content-Type: application/json
  >
  > {"user":"Dan"}
  < 201

  > GET /api/v1/invitations
  > Authorization: Bearer {dan}
  < 200
  <
  < {"items":[{"client_id":"{id}","kind":"own"}],"declined":false}

  > POST /api/v1/clients/{id}/accept-offer
  > Cookie: {danCookie}
  > X-CSRF-Token: {danProof}
  < 200
  <
  < {…"email":"dan@example.org"…"owner":{"id":…,"name":"Dan"}…}

  > POST /api/v1/clients/{id}/approve
  > Authorization: Bearer {rex}
  < 200

  > GET /api/v1/clients/{id}/impact
  > Authorization: Bearer {rex}
  < 200
  <
  < {"users":0,"tokens":0,"calls_last_day":0}

  > POST /api/v1/clients/{id}/halt
  > Authorization: Bearer {rex}
  > Content-Type: application/json
  >
  > {"suspension":"new-consents","reason":"we look into it"}
  < 200
  <
  < {…"suspension":"new-consents"…}

  > POST /api/v1/clients/{id}/disable
  > Authorization: Bearer {rex}
  > Content-Type: application/json
  >
  > {"suppress":true,"reason":"it lies"}
  < 200
  <
  < {…"stage":"disabled","suppressed":true…}

  > GET /api/v1/clients/{id}
  > Authorization: Bearer {ada}
  < 404
  <
  < {"type":"/problems/invalid_consumer_key",…}`,
  );
});
