import type { FormValues } from '#wire/form.ts';

/** Who makes an API request; null: nobody is signed in. */
export interface ApiCaller {
  readonly id: number;
  readonly name: string;
  readonly groups: readonly string[];
  readonly rights: readonly string[];
}

/** What the API knows of its site. */
export interface ApiSite {
  readonly siteName: string;
  /** What a stranger may do. */
  readonly anonymousRights: readonly string[];
  readonly server: string;
  readonly siteId: string;
  readonly now: Date;
  /** Form proof for this caller; requests with OAuth need none, and get one all the same. */
  readonly csrfToken: string;
}

export interface ApiAnswer {
  readonly body: object;
  /** The code for the `MediaWiki-API-Error` header; null: no error. */
  readonly error: string | null;
}

/** An API error in the shape of either format version. */
export function apiError(code: string, info: string, version: 1 | 2): ApiAnswer {
  const help = 'See /w/api.php for what this server answers: action=query with meta=userinfo, tokens and siteinfo.';
  return { error: code, body: { error: version === 2 ? { code, info, docref: help } : { code, info, '*': help } } };
}

function userinfo(caller: ApiCaller | null, props: ReadonlySet<string>, site: ApiSite, version: 1 | 2): object {
  const anonymous = caller === null ? { anon: version === 2 ? true : '' } : {};
  return {
    id: caller?.id ?? 0,
    name: caller?.name ?? '127.0.0.1',
    ...anonymous,
    ...(props.has('groups') ? { groups: caller?.groups ?? ['*'] } : {}),
    ...(props.has('rights') ? { rights: caller?.rights ?? site.anonymousRights } : {}),
  };
}

const namespaces = [
  [-2, 'Media'],
  [-1, 'Special'],
  [0, ''],
  [1, 'Talk'],
  [2, 'User'],
  [3, 'User talk'],
  [4, 'Project'],
  [5, 'Project talk'],
  [6, 'File'],
  [7, 'File talk'],
  [8, 'MediaWiki'],
  [9, 'MediaWiki talk'],
  [10, 'Template'],
  [11, 'Template talk'],
  [12, 'Help'],
  [13, 'Help talk'],
  [14, 'Category'],
  [15, 'Category talk'],
] as const;

function siteinfo(site: ApiSite, props: ReadonlySet<string>, version: 1 | 2): Record<string, unknown> {
  const flag = (on: boolean) => (version === 2 ? on : on ? '' : undefined);
  const answer: Record<string, unknown> = {};
  if (props.has('general') || props.size === 0) {
    answer.general = {
      mainpage: 'Main Page',
      base: `${site.server}/wiki/Main_Page`,
      sitename: site.siteName,
      generator: 'MediaWiki 1.47.0 (Gatehouse)',
      case: 'first-letter',
      lang: 'en',
      legaltitlechars: ' %!"$&\'()*,\\-.\\/0-9:;=?@A-Z\\\\^_`a-z~\\x80-\\xFF+',
      invalidusernamechars: '@:>=',
      timezone: 'UTC',
      timeoffset: 0,
      time: site.now.toISOString().replace(/\.\d{3}Z$/, 'Z'),
      articlepath: '/wiki/$1',
      scriptpath: '/w',
      script: '/w/index.php',
      server: site.server,
      servername: URL.parse(site.server)?.host ?? site.server,
      wikiid: site.siteId,
      writeapi: version === 2 ? true : '',
    };
  }
  if (props.has('namespaces')) {
    answer.namespaces = Object.fromEntries(
      namespaces.map(([id, name]) => [
        id,
        {
          id,
          case: 'first-letter',
          ...(version === 2 ? { name } : { '*': name }),
          subpages: flag(id > 0),
          ...(name === '' ? {} : version === 2 ? { canonical: name } : { canonical: name }),
          content: flag(id === 0),
          nonincludable: flag(false),
        },
      ]),
    );
  }
  if (props.has('namespacealiases')) answer.namespacealiases = [];
  return answer;
}

const words = (text: string | undefined) => new Set((text ?? '').split('|').filter((word) => word !== ''));

/** The shape of answers that was asked for. */
export const formatVersion = (form: FormValues): 1 | 2 => (['2', 'latest'].includes(form.get('formatversion') ?? '') ? 2 : 1);

/** Answers `action=query` for what bots ask first: who am I, a token, which site is this (protocols 4.2). */
export function answerApi(form: FormValues, caller: ApiCaller | null, site: ApiSite): ApiAnswer {
  const version = formatVersion(form);
  const assert = form.get('assert');
  if (assert === 'user' && caller === null)
    return apiError('assertuserfailed', 'You are no longer signed in, so the action was not carried out.', version);
  if (assert === 'bot' && !caller?.rights.includes('bot'))
    return apiError('assertbotfailed', 'You do not have the right "bot", so the action was not carried out.', version);
  if (assert === 'anon' && caller !== null)
    return apiError('assertanonfailed', 'You are signed in, so the action was not carried out.', version);
  const asserted = form.get('assertuser');
  if (asserted !== undefined && asserted !== caller?.name)
    return apiError(
      'assertnameduserfailed',
      'You are no longer signed in as the person named, so the action was not carried out.',
      version,
    );
  const format = form.get('format') ?? 'json';
  if (format !== 'json') return apiError('badvalue', `Unrecognized value for parameter "format": ${format.slice(0, 32)}.`, version);
  const action = form.get('action');
  if (action === undefined) return apiError('missingparam', 'The "action" parameter must be set.', version);
  if (action !== 'query') return apiError('badvalue', `Unrecognized value for parameter "action": ${action.slice(0, 32)}.`, version);
  const query: Record<string, unknown> = {};
  const metas = words(form.get('meta'));
  if (metas.has('userinfo')) query.userinfo = userinfo(caller, words(form.get('uiprop')), site, version);
  if (metas.has('tokens')) {
    const types = words(form.get('type') ?? 'csrf');
    query.tokens = Object.fromEntries(
      [...types]
        .filter((type) => /^[a-z]{1,32}$/.test(type))
        .map((type) => [`${type}token`, caller === null ? '+\\' : `${site.csrfToken}+\\`]),
    );
  }
  if (metas.has('siteinfo')) Object.assign(query, siteinfo(site, words(form.get('siprop')), version));
  return { error: null, body: { batchcomplete: version === 2 ? true : '', ...(Object.keys(query).length > 0 ? { query } : {}) } };
}
