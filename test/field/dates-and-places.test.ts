import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '#harness/world.ts';
import { acceptedRegion, type Language, wordsOf } from '#pages/words.ts';

// What a page says of times and places fits whoever reads it, and the server they read it on.

const MORNING = 1_800_000_000; // 2027-01-15T08:00:00Z

describe('a date', () => {
  for (const [language, region, day, time] of [
    ['en', null, 'Jan 15, 2027', 'Jan 15, 2027, 8:00 AM UTC'],
    ['en', 'US', 'Jan 15, 2027', 'Jan 15, 2027, 8:00 AM UTC'],
    ['en', 'GB', '15 Jan 2027', '15 Jan 2027, 08:00 UTC'],
    ['en', 'IE', '15 Jan 2027', '15 Jan 2027, 08:00 UTC'],
    ['de', 'AT', '15.01.2027', '15.01.2027, 08:00 UTC'],
    // A region of another calendar or other digits: the same day, in the digits of the rest of the
    // page.
    ['ar', 'SA', '15/01/2027', '15/01/2027، 8:00 ص UTC'],
    ['ar', 'EG', '15/01/2027', '15/01/2027، 8:00 ص UTC'],
    // No region, or nothing that is one.
    ['en', 'ZZ', 'Jan 15, 2027', 'Jan 15, 2027, 8:00 AM UTC'],
    ['en', 'gb-u-ca-buddhist', 'Jan 15, 2027', 'Jan 15, 2027, 8:00 AM UTC'],
  ] as const)
    test(`has the form of ${language}-${region}`, () => {
      const words = wordsOf(language, region);
      const plain = (text: string) => text.replaceAll('\u200f', '').replaceAll('\u202f', ' ');
      assert.deepEqual(
        [plain(words.formatDate(MORNING)), plain(words.formatDateTime(MORNING))],
        [day, time],
      );
      assert.equal(words.say('frame.never'), wordsOf(language).say('frame.never'));
    });

  for (const [header, language, region] of [
    ['en-GB,en;q=0.9', 'en', 'GB'],
    ['en-US;q=0.5, en-GB', 'en', 'GB'],
    ['de-CH,de;q=0.9,en-IE;q=0.5,en-US;q=0.4', 'en', 'IE'],
    ['de-Latn-CH', 'de', 'CH'],
    ['en-419', 'en', '419'],
    ['en, fr-FR', 'en', null],
    ['en-GB;q=0', 'en', null],
    ['en-x-GB', 'en', null],
    [undefined, 'en', null],
  ] as const satisfies readonly (readonly [string | undefined, Language, string | null])[])
    test(`is written for ${region} where a browser accepts ${header}`, () =>
      assert.equal(acceptedRegion(header, language), region));
});

describe('the pages', () => {
  let world: TestServer;
  let cookie = '';
  before(async () => {
    world = new TestServer();
    cookie = await world.sessionCookie(await world.createPerson('Ada', ['developer']));
  });
  after(() => world.close());
  const account = async (accept: string, more = '') =>
    (
      await world.app.inject({
        url: `/account${more}`,
        headers: { cookie, 'accept-language': accept },
      })
    ).body;

  for (const [accept, day] of [
    ['en-GB', /<time datetime="\d{4}-\d\d-\d\d">\d{1,2} \w{3,4} \d{4}<\/time>/],
    ['en-US', /<time datetime="\d{4}-\d\d-\d\d">\w{3} \d{1,2}, \d{4}<\/time>/],
    ['de-DE', /<time datetime="\d{4}-\d\d-\d\d">\d\d\.\d\d\.\d{4}<\/time>/],
  ] as const)
    test(`write days and times for a reader of ${accept}, say the zone, and say them to programs`, async () => {
      const body = await account(accept);
      assert.match(body, day);
      assert.match(body, /<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z">[^<]* UTC<\/time>/);
    });

  test('keep the region of a reader who chose the language by a link', async () => {
    assert.match(
      await account('de-DE,de,en-GB', '?uselang=en'),
      /<time datetime="[\d-]{10}">\d{1,2} \w{3,4} \d{4}</,
    );
  });
});

describe('a place', () => {
  const two = 'sites: [{ id: en, name: English, origin: "https://en.example" }]';
  for (const [sites, settings, more] of [
    ['one site', {}, ''],
    ['two sites', {}, two],
  ] as const)
    for (const [language, everySite] of [
      ['en', 'every site'],
      ['de', 'alle Websites'],
      ['ar', 'كل المواقع'],
    ] as const)
      test(`is ${sites === 'one site' ? 'the site by its name' : 'every site'} on a server with ${sites} (${language})`, async () => {
        const world = new TestServer(settings, more);
        const [ada, rita] = [
          await world.createPerson('Ada', ['developer']),
          await world.createPerson('Rita'),
        ];
        const { client } = await world.createClient(ada, { name: 'Web', confidential: true });
        const cookie = await world.sessionCookie(rita);
        const headers = { cookie, 'accept-language': language };
        const to = `/oauth2/authorize?${new URLSearchParams({
          ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri },
          ...{
            code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
            code_challenge_method: 'S256',
          },
        })}`;
        let asked = await world.app.inject({ url: to, headers });
        if (asked.statusCode === 303)
          asked = await world.app.inject({ url: String(asked.headers.location), headers });
        const pages = [asked.body];
        for (const url of ['/apps', `/apps/${client.id}`])
          pages.push((await world.app.inject({ url, headers })).body);
        for (const page of pages) {
          assert.match(page, /Web/);
          assert.equal(page.includes(everySite), sites === 'two sites', page);
          if (sites === 'one site') assert.ok(page.includes(world.server.services.siteName));
        }
        const mine = { ...headers, cookie: await world.sessionCookie(ada) };
        const form = (await world.app.inject({ url: '/my/apps/new?kind=server', headers: mine }))
          .body;
        assert.equal(form.includes('<select id="site"'), sites === 'two sites');
        if (sites === 'one site')
          assert.match(form, /<input type="hidden" name="site" value="\*">/);
        await world.close();
      });
});
