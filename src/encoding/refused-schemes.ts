/**
 * Schemes that nobody is ever sent to: they run script, read what is on the device, show pages of
 * the browser itself, start a program with what follows, or wrap another URI that the text hides.
 * The one list, for registration and for authorization (RFC 8252 §7.1, RFC 9700 §4.11).
 */
const forbiddenSchemes: ReadonlySet<string> = new Set(
  [
    // Script, and documents made of the text itself.
    'javascript vbscript livescript mocha jscript data mhtml cid mid',
    // Content of the device or of another document.
    'file filesystem blob content res resource jar wyciwyg mk its afp cifs nfs smb webdav webdavs dav',
    // The browser itself: its pages, tools and extensions.
    'about view-source chrome devtools edge opera brave vivaldi arc page-icon cached-favicon x-safari-https x-safari-http googlechrome',
    'googlechromes firefox isolated-app uuid-in-package urn',
    // Programs of the device, started with what follows.
    'intent intents android market itms itmss app-settings prefs app-prefs shortcuts applescript help hcp shell search-ms onenote onenote-cmd',
    'vnd.ms.radio steam magnet ed2k torrent calshow photos-redirect',
    // Messages, calls and places.
    'mailto tel sms smsto mms mmsto callto facetime facetime-audio facetime-group sip sips skype xmpp im pres geo maps map imessage imap pop',
    'cal webcal addressbook',
    // Other protocols: no answer of ours is read there.
    'ws wss ftp ftps sftp tftp ssh scp telnet tn3270 rlogin vnc rdp gopher gemini wais news nntp snews irc irc6 ircs ldap ldaps ldapi rtsp',
    'rtsps rtspu rtmp rtmps rtp git svn svn+ssh rsync dict finger dns coap coaps mqtt redis jdbc jndi rmi feed pcast ipfs ipns dweb acct tag',
    'doi fax cvs prospero z39.50 z39.50r z39.50s iris.beep iris.lwz iris.xpc iris.xpcs soap.beep soap.beeps xmlrpc.beep xmlrpc.beeps',
    // Wrappers of another URI, and misspelt web addresses.
    'httpx http+unix httpg shttp s-http php phar zlib glob ogg compress.zlib compress.bzip2 zip netdoc',
  ].flatMap((line) => line.split(' ')),
);

/**
 * Families of schemes: what systems and browsers start programs with, and what any web site or
 * extension may claim (HTML §8.3.1.1).
 */
const forbiddenPrefixes = [
  'ms-',
  'web+',
  'ext+',
  'chrome-',
  'moz-',
  'safari-',
  'webkit-',
  'microsoft-',
  'x-apple',
  'itms-',
  'android-',
];

/** True for a scheme that no redirect URI may have. Case does not count. */
export function isForbiddenScheme(scheme: string): boolean {
  const lower = scheme.toLowerCase();
  return (
    forbiddenSchemes.has(lower) || forbiddenPrefixes.some((family) => lower.startsWith(family))
  );
}
