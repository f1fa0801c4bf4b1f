import { writeFileSync } from 'node:fs';

// Writes hostile-redirect-uris.json: `node test/security/data/make-hostile-redirect-uris.ts`.
// Families of URIs that attack an app registered at https://app.example/cb, whose owner is honest,
// or reviewers who look at the text of a registration. What a browser does with each is noted from
// the URL Standard's parser of Node at the time of writing, so that the file stays what it is when
// the parser changes.

/** One URI of the corpus. */
export interface HostileUri {
  readonly family: string;
  readonly uri: string;
  /**
   * `refused`: by every registration. `sound`: another place, honestly written; it may be
   * registered, and is no match for the app's.
   */
  readonly registration: 'refused' | 'sound';
  /** The host that people read in the text; null: none. */
  readonly shows: string | null;
  /** What a browser makes of it; null: it cannot be followed. */
  readonly reads: string | null;
  /**
   * A browser goes to another host than the text shows, or starts something that is no web page.
   */
  readonly elsewhere: boolean;
}

const all = new Map<string, HostileUri>();
const web = /^https?:$/;

/**
 * What stands between the two slashes and the next one, without a port: the host that people see,
 * with whatever else is there.
 */
const hostInText = (uri: string): string | null =>
  /^https?:\/\/([^/?#]*)/i
    .exec(uri)?.[1]
    ?.replace(/:\d*$/, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null;

function add(
  family: string,
  uris: readonly string[],
  registration: HostileUri['registration'] = 'refused',
): void {
  for (const uri of uris) {
    if (all.has(uri)) continue;
    const url = URL.parse(uri);
    const shows = hostInText(uri);
    const reached = url === null || !web.test(url.protocol) ? null : url.hostname;
    // Two spellings of an IPv6 address are one host, and so is a name with the dot of the root.
    const same =
      reached !== null &&
      (reached === shows ||
        reached === shows?.replace(/\.$/, '') ||
        (reached[0] === '[' && shows?.[0] === '['));
    const elsewhere = url !== null && (family === 'scheme' || (reached !== null && !same));
    all.set(uri, { family, uri, registration, shows, reads: url?.href ?? null, elsewhere });
  }
}

const app = 'app.example';
const evil = 'evil.example';
const each = <T, R>(list: readonly T[], make: (item: T) => R | readonly R[]): R[] =>
  list.flatMap((item) => make(item) as R);
const code = (point: number) => String.fromCodePoint(point);

// A backslash is a slash to browsers, and part of a name to everybody else.
const slashes = [
  '\\',
  '\\\\',
  '/\\',
  '\\/',
  '\\@',
  '\\.',
  '\\:443',
  '\\?',
  '\\#',
  '\\%2f',
  '\\;',
  '\\,',
];
add('backslash', [
  ...each(slashes, (slash) => [
    `https://${evil}${slash}${app}/cb`,
    `https://${evil}${slash}@${app}/cb`,
    `https://${app}${slash}${evil}/cb`,
    `https://${app}${slash}.${evil}/cb`,
    `https://${app}/${slash}${evil}/cb`,
    `https://${app}/cb${slash}..`,
  ]),
  `https:\\\\${evil}/cb`,
  `https:\\${evil}/cb`,
  `https:/\\${evil}/cb`,
  `https:\\/${evil}/cb`,
  `\\\\${evil}/cb`,
  `/\\${evil}/cb`,
  `org.example.app:\\\\${evil}`,
  `org.example.app://cb\\x`,
  `https://${app}/cb?next=\\${evil}`,
]);

// What is before an @ is no host.
add('credentials', [
  ...each(
    [
      '',
      'user',
      'user:',
      'user:pass',
      ':',
      ':pass',
      app,
      `${app}:443`,
      `https:`,
      '%61',
      'a%40b',
      '@',
      'a@b',
    ],
    (who) => [
      `https://${who}@${evil}/cb`,
      `https://${who}@${app}/cb`,
      `http://${who}@127.0.0.1:8080/cb`,
    ],
  ),
  `https://${app}&@${evil}/cb`,
  `https://${app};@${evil}/cb`,
  `https://${app},@${evil}/cb`,
  `https://${app}%2f@${evil}/cb`,
  `https://${app}%20@${evil}/cb`,
  `https://${app}*@${evil}#@${app}/cb`,
  'org.example.app://user@cb',
]);

// Characters that are dropped, stripped or encoded.
const blanks = [
  0x00, 0x01, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0x1f, 0x20, 0x7f, 0x80, 0x85, 0x9f, 0xa0,
  0x1680, 0x2003, 0x2028,
];
const invisible = [
  0x2029, 0x202f, 0x205f, 0x3000, 0xfeff, 0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0x202e, 0x2066,
  0xfe0f, 0x34f, 0x115f, 0xe0001,
];
add(
  'blank or control',
  each([...blanks, ...invisible].map(code), (mark) => [
    `${mark}https://${app}/cb`,
    `ht${mark}tps://${app}/cb`,
    `https:${mark}//${app}/cb`,
    `https:/${mark}/${app}/cb`,
    `https://ap${mark}p.example/cb`,
    `https://${app}${mark}/cb`,
    `https://${app}/c${mark}b`,
    `https://${app}/cb?a=${mark}b`,
    `https://${app}/cb${mark}`,
    `org.example.app:/c${mark}b`,
  ]),
);
add('blank or control', [
  `https://${app}/cb\r\nSet-Cookie: a=b`,
  `https://${app}/cb\r\n\r\n<script>`,
  `java\tscript:alert(1)`,
  ` javascript:alert(1)`,
]);

// One address, many spellings (URL Standard §3.5).
for (const address of [
  '127.0.0.1',
  '192.0.2.7',
  '10.0.0.1',
  '169.254.169.254',
  '8.8.8.8',
  '198.51.100.254',
]) {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const octal = (value: number) => `0${value.toString(8)}`;
  const hosts = [
    String(number),
    hex(number),
    hex(number).toUpperCase(),
    octal(number),
    [a, b, c, d].map(hex).join('.'),
    [a, b, c, d].map(octal).join('.'),
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${hex(a)}.${b}.${octal(c)}.${d}`,
    `${a}.${b}.${c}.0${d}`,
    `${a}.${b}.${c}.${hex(d)}`,
    [a, b, c, d].map((value) => String(value).padStart(3, '0')).join('.'),
    `${address}.`,
    `${number}.`,
    [a, b, c, d]
      .map((value) => String(value).replace(/\d/g, (digit) => code(0xff10 + Number(digit))))
      .join('.'),
    [a, b, c, d].join('\u3002'),
    [a, b, c, d].join('%2e'),
  ];
  for (const host of hosts.filter((spelt) => spelt !== address))
    add('address', [`https://${host}/cb`, `http://${host}:8080/cb`]);
}
add('address', [
  'https://4294967296/cb',
  'https://0x100000000/cb',
  'https://256.0.0.1/cb',
  'https://1.2.3.4.5/cb',
  'https://1.2.3.0x/cb',
  'https://0/cb',
  'https://0x/cb',
  'https://0x./cb',
  'https://1..2/cb',
  'https://app.0x7f/cb',
  'https://app.09/cb',
]);

// A host in percent-encoding is decoded before it is asked for.
const encode = (text: string, at: (index: number) => boolean) =>
  [...text]
    .map((letter, index) => (at(index) ? `%${letter.charCodeAt(0).toString(16)}` : letter))
    .join('');
for (let index = 0; index < app.length; index++)
  for (const spelt of [
    encode(app, (at) => at === index),
    encode(app, (at) => at === index).toUpperCase(),
  ])
    add('encoded host', [`https://${spelt}/cb`]);
for (const host of [
  encode(app, () => true),
  `${app}%00`,
  `${app}%00.${evil}`,
  `${app}%2f.${evil}`,
  `${app}%2F${evil}`,
  `${app}%5c.${evil}`,
  `${app}%5C${evil}`,
  `${app}%40${evil}`,
  `${app}%23.${evil}`,
  `${app}%3f.${evil}`,
  `${app}%3a443`,
  `${app}%0d%0a`,
  `${app}%20`,
  `${app}%09.${evil}`,
  `${app}%2e`,
  'app%2eexample',
  'app%E3%80%82example',
  '%EF%BD%85vil.example',
  'b%C3%BCcher.example',
  'app%2525.example',
  'app%.example',
  'app%zz.example',
  'localhost%2e',
  '%6c%6f%63%61%6c%68%6f%73%74',
  '%31%32%37.0.0.1',
])
  add('encoded host', [`https://${host}/cb`, `org.example.app://${host}/cb`]);

// Characters of Unicode that become others (UTS #46).
const alike: readonly (readonly [string, string])[] = [
  ...[...app.replace('.', '')].map((letter, index): readonly [string, string] => {
    const wide = code(letter.charCodeAt(0) + 0xfee0);
    const at = index < 3 ? index : index + 1;
    return [`${app.slice(0, at)}${wide}${app.slice(at + 1)}`, 'a wide letter'];
  }),
  ...['\u3002', '\uff0e', '\uff61', '\u2024', '\ufe52'].map((dot): readonly [string, string] => [
    `app${dot}example`,
    'another dot',
  ]),
  ['\u24d0pp.example', 'circled'],
  ['\u{1d41a}pp.example', 'mathematical'],
  ['\u{1d4ee}vil.example', 'script'],
  ['\u212apple.example', 'Kelvin'],
  ['\u017fite.example', 'long s'],
  ['o\ufb03ce.example', 'ligature'],
  ['\u2100.example', 'a/c'],
  ['app\u2047.example', '??'],
  ['\u2488example', '1.'],
  ['app\u2025example', '..'],
  ['\u00bd.example', 'a half'],
  ['app.ex\u1d43mple', 'raised'],
  ['app.example\u2044cb', 'fraction slash'],
  ['app.example\uff0fcb', 'wide slash'],
  ['app.example\uff20evil.example', 'wide @'],
  ['app.example\uff1a443', 'wide colon'],
  ['app.example\uff03', 'wide #'],
  ['app.example\uff1fx', 'wide ?'],
  ['app.example\uff3c', 'wide backslash'],
  ['\u0130stanbul.example', 'I with a dot'],
  ['bu\u0308cher.example', 'not composed'],
];
for (const [host] of alike) add('mapped host', [`https://${host}/cb`, `http://${host}:8080/cb`]);

// IPv6, and what looks like it.
add('IPv6', [
  ...[
    '[::1%25eth0]',
    '[fe80::1%25en0]',
    '[fe80::1%eth0]',
    '[::1',
    '::1]',
    '::1',
    '[[::1]]',
    '[::1]]',
    '[]',
    '[:]',
    '[::1].example',
    'app.[::1]',
    '[::g]',
    '[1:2:3:4:5:6:7:8:9]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:127.1]',
    '[::ffff:2130706433]',
    '[0:0:0:0:0:0:0:1]',
    '[0000::1]',
    '[::0001]',
    '[2001:db8:0:0:0:0:0:1]',
    '[2001:0db8::1]',
    '[v1.fe80]',
    '[app.example]',
    '[::1%00]',
  ].flatMap((host) => [`http://${host}/cb`, `https://${host}:8443/cb`]),
]);

// Ports.
add('port', [
  ...each(
    [
      '',
      '0',
      '00',
      '00443',
      '0443',
      '65536',
      '99999',
      '4294967739',
      '-1',
      '+443',
      '4a',
      '443:80',
      '%34%34%33',
      '\u0664\u0664\u0663',
      '0x1bb',
    ],
    (port) => [
      `https://${app}:${port}/cb`,
      `https://${app}:${port}`,
      `http://127.0.0.1:${port}/cb`,
    ],
  ),
  `https://${app}::443/cb`,
  `https://:443/cb`,
  `https://${app}:443.${evil}/cb`,
  `https://${app}:@${evil}/cb`,
  `https://${app}:80?@${evil}/`.replace('?', '\\'),
  'org.example.app://cb:0080/x',
  'org.example.app://cb:/x',
]);

// Paths that are climbed out of.
const climbs = ['..', '.', '%2e%2e', '%2E%2E', '.%2e', '%2e.', '%2e', '..%5c..', '%2e%2e%5c'];
add('dot segments', [
  ...each(climbs, (climb) => [
    `https://${app}/cb/${climb}`,
    `https://${app}/cb/${climb}/`,
    `https://${app}/cb/${climb}/x`,
    `https://${app}/${climb}/cb`,
    `https://${app}/cb/x/${climb}/${climb}/y?z=1`,
    `http://127.0.0.1:8080/cb/${climb}/x`,
    `org.example.app:/cb/${climb}/x`,
  ]),
  `https://${app}/cb/..\\x`,
  `https://${app}/cb%2ehtml`,
  'org.example.app:/.//x',
]);

// Percent-encoding that hides or is none.
add('encoding', [
  ...each(
    [
      '%',
      '%4',
      '%zz',
      '%g0',
      '%0',
      '%%41',
      '%u0041',
      '%-1',
      '%00',
      '%01',
      '%09',
      '%0a',
      '%0d%0a',
      '%1f',
      '%7f',
      '%0D%0ALocation:x',
    ],
    (mark) => [
      `https://${app}/c${mark}`,
      `https://${app}/cb?x=${mark}`,
      `org.example.app:/c${mark}`,
    ],
  ),
  ...['%5c', '%5C', '%5c..%5c', '%2e', '%2E'].map((mark) => `https://${app}/cb${mark}x`),
]);

// What browsers write in another way.
add('rewritten', [
  ...each(
    [
      '"',
      '<',
      '>',
      '`',
      '{',
      '}',
      '^',
      '{x}',
      '\u00e9',
      '\u4e2d',
      '\u{1f600}',
      '<script>alert(1)</script>',
      '"><img>',
    ],
    (mark) => [
      `https://${app}/c${mark}b`,
      ...(['`', '{', '}', '^', '{x}'].includes(mark) ? [] : [`https://${app}/cb?x=${mark}`]),
    ],
  ),
  `https://${app}/cb?x='y'`,
]);

// Hosts that are none.
add('no name', [
  ...[
    `${app}.`,
    `${app}..`,
    `.${app}`,
    'app..example',
    '.',
    '..',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}example`,
    'app!.example',
    'app*.example',
    '*.example',
    '*',
    'app(.example',
    'app,example',
    "app'.example",
    'app$.example',
    'app;x.example',
    'app=x.example',
    'app~.example',
    'app+x.example',
    'app|.example',
    'app<.example',
    'app^.example',
    'app".example',
    'app`.example',
    'app{}.example',
    'xn--a',
    'xn--',
    'xn--a.example',
    'xn--0.example',
    'xn--app-.example',
  ].map((host) => `https://${host}/cb`),
]);

// No absolute URI of a page.
add('no URI', [
  '',
  ' ',
  ':',
  '/',
  '//',
  '///',
  '/cb',
  'cb',
  '?x',
  '#x',
  app,
  `${app}/cb`,
  `//${app}/cb`,
  `///${app}/cb`,
  `////${evil}`,
  'https',
  'https:',
  'https:/',
  'https://',
  'https:///',
  `https:${app}/cb`,
  `https:/${app}/cb`,
  `https:///${app}/cb`,
  `https:////${evil}/cb`,
  'https://?x',
  'https://#x',
  'https://:443',
  `http:${evil}`,
  `http:/${evil}`,
  `http:///${evil}`,
  `hxxps://${app}/cb`,
  `https//${app}/cb`,
  `https;//${app}/cb`,
  `https://`,
  `1https://${app}/cb`,
  `-https://${app}/cb`,
  `.https://${app}/cb`,
  `ht_tps://${app}/cb`,
  `https%3a//${app}/cb`,
  `https%3A%2F%2F${app}%2Fcb`,
  `&#104;ttps://${app}/cb`,
  `"https://${app}/cb"`,
  `<https://${app}/cb>`,
  `https://${app}/cb https://${evil}`,
  `https://${app}/cb,https://${evil}`.replace(',', '\n'),
  'null',
  'undefined',
  'oob',
  '*',
  'https://*',
]);

// Schemes that start something, read something or wrap something.
const schemes =
  'javascript JavaScript JAVASCRIPT vbscript livescript data DATA file FILE filesystem blob about view-source jar resource res mk its mhtml cid chrome chrome-extension ' +
  'chrome-search chrome-untrusted chrome-devtools devtools edge opera brave vivaldi moz-extension moz-icon safari-extension safari-web-extension ' +
  'ms-browser-extension webkit-fake-url wyciwyg intent INTENT android-app content market itms itms-apps itms-appss itms-services app-settings prefs ' +
  'shortcuts applescript help hcp shell search-ms ms-settings ms-msdt ms-officecmd ms-word ms-excel ms-powerpoint ms-access ms-appinstaller ms-cxh ms-gamebar ' +
  'microsoft-edge onenote magnet steam mailto MAILTO tel sms smsto mms callto facetime facetime-audio sip sips skype xmpp im geo maps webcal feed pcast ' +
  'ws wss ftp FTP ftps sftp tftp ssh scp telnet tn3270 rlogin vnc rdp gopher news nntp snews irc ircs ldap ldaps rtsp rtmp git svn smb nfs afp dav ' +
  'dict finger dns ipfs ipns urn tag acct doi web+auth web+x ext+login httpx php phar jndi jdbc x-apple.systempreferences iris.beep soap.beep z39.50r vnd.ms.radio';
for (const scheme of schemes.split(' '))
  add('scheme', [
    `${scheme}:x`,
    `${scheme}:/cb`,
    `${scheme}://${app}/cb`,
    `${scheme}://${evil}/?next=https://${app}/cb`,
  ]);
add('scheme', [
  `javascript://${app}/%0aalert(1)`,
  'javascript:alert(1)//https://app.example/cb',
  'data:text/html;base64,PHNjcmlwdD4=',
  'data:text/html,<script>',
  'file:///etc/passwd',
  'file://localhost/etc/passwd',
  `blob:https://${app}/0b2d`,
  `filesystem:https://${app}/temporary/x`,
  'about:blank',
  'about:srcdoc',
  `view-source:https://${app}/cb`,
  `jar:https://${app}/x.jar!/y`,
  `intent://${app}/cb#Intent;scheme=https;package=org.evil;end`,
  `intent:#Intent;action=android.intent.action.VIEW;end`,
  `mailto:user@${evil}?subject=`,
  'tel:+15551234',
  'sms:+15551234?body=x',
]);

// A scheme of one's own without a dot may be claimed by any app (RFC 8252 §7.1).
add('scheme without a dot', [
  ...each(
    ['myapp', 'reader', 'a', 'my-app', 'my+app', 'oauth', 'com', 'app2', 'myapp.', 'x-callback'],
    (name) => [`${name}:/cb`, `${name}://cb`, `${name}://oauth/callback?x=1`],
  ),
]);

// Sound URIs of other places, that no comparison may take for the registered one.
const others = [
  evil,
  `${app}.${evil}`,
  `${app}-${evil}`,
  `x${app}`,
  `x.${app}`,
  `www.${app}`,
  'app.exampl',
  'app.example2',
  'app.examples',
  'example',
  'app-example',
  'appp.example',
  'app.exarnple',
  'app.xn--exmple-cua',
  'xn--pp-eka.example',
  'xn--80ak6aa92e.example',
  'xn--bcher-kva.example',
  'localhost',
];
for (const host of others)
  add(
    'another place',
    [
      `https://${host}/cb`,
      `https://${host}:8443/cb`,
      `https://${host}/${app}/cb`,
      `https://${host}/cb?x=https://${app}/cb`,
    ],
    'sound',
  );
add(
  'another place',
  [
    `http://localhost/cb`,
    `https://${app}/`,
    `https://${app}/c`,
    `https://${app}/cb/`,
    `https://${app}/cb/x`,
    `https://${app}/cb.evil`,
    `https://${app}/cb;x`,
    `https://${app}/cb..;/x`,
    `https://${app}/cb/..;/x`,
    `https://${app}/cb?x=1`,
    `https://${app}/cb?`,
    `https://${app}/cb&x=1`,
    `https://${app}/Cb`,
    `https://${app}/CB`,
    `https://${app}//cb`,
    `https://${app}/cb//`,
    `https://${app}/x/cb`,
    `https://${app}/%63b`,
    `https://${app}/c%62`,
    `https://${app}/cb%2f`,
    `https://${app}/cb%252f`,
    `https://${app}/cb%20`,
    `https://${app}:444/cb`,
    `https://${app}:80/cb`,
    `https://${app}:1/cb`,
    `https://${app}:65535/cb`,
    `https://${app}//${evil}/cb`,
    `https://${app}/https://${evil}/cb`,
    `https://APP.example/cb`,
    `HTTPS://${app}/cb`,
    `https://${app}:443/cb`,
    'org.example.app:/cb',
    'org.example.app://cb',
    'org.example.app.evil:/cb',
  ],
  'sound',
);

const list = [...all.values()];
writeFileSync(
  new URL('./hostile-redirect-uris.json', import.meta.url),
  `[\n${list.map((one) => ` ${JSON.stringify(one)}`).join(',\n')}\n]\n`,
);
process.stdout.write(`${list.length} URIs\n`);
