import type { FormParameters } from '#encoding/form.ts';
import {
  type ApiProblem,
  type ApiResponse,
  formatApiError,
  parseErrorFormat,
  parseFormatVersion,
} from './api-errors.ts';

/** For whom an API request is made. */
export interface ApiCaller {
  /** Null: nobody is signed in, or an app acts for itself. */
  readonly person: {
    readonly id: number;
    readonly name: string;
    readonly groups: readonly string[];
    readonly editCount: number;
    /** As in ISO 8601. */
    readonly registeredAt: string;
    /** Null: they may not be told by these rights. */
    readonly privateDetails: {
      readonly realName: string;
      readonly email: string;
      readonly emailConfirmed: string | null;
    } | null;
  } | null;
  /**
   * What may be done by this request: a stranger's or a person's rights, cut to what a token or a
   * signature lends.
   */
  readonly rights: readonly string[];
}

/** What the API knows of its site. */
export interface ApiSite {
  readonly siteName: string;
  readonly server: string;
  readonly siteId: string;
  readonly now: Date;
  /** Form proof for this caller; requests with OAuth need none, and get one all the same. */
  readonly csrfToken: string;
}

function userinfo(
  { person, rights }: ApiCaller,
  props: ReadonlySet<string>,
  version: 1 | 2,
): object {
  const isRequested = (name: string) => props.has(name) || props.has('*');
  const flag = version === 2 ? true : '';
  const privateDetails = person?.privateDetails ?? null;
  return {
    id: person?.id ?? 0,
    name: person?.name ?? '127.0.0.1',
    ...(person === null ? { anon: flag } : {}),
    ...(isRequested('groups') ? { groups: person?.groups ?? ['*'] } : {}),
    ...(isRequested('implicitgroups')
      ? { implicitgroups: person === null ? ['*'] : ['*', 'user'] }
      : {}),
    ...(isRequested('rights') ? { rights } : {}),
    ...(isRequested('editcount') ? { editcount: person?.editCount ?? 0 } : {}),
    ...(isRequested('realname') && privateDetails ? { realname: privateDetails.realName } : {}),
    ...(isRequested('email') && privateDetails
      ? {
          email: privateDetails.email,
          ...(privateDetails.emailConfirmed === null
            ? {}
            : { emailauthenticated: privateDetails.emailConfirmed }),
        }
      : {}),
    ...(isRequested('registrationdate') ? { registrationdate: person?.registeredAt ?? null } : {}),
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

function siteinfo(
  site: ApiSite,
  props: ReadonlySet<string>,
  version: 1 | 2,
): Record<string, unknown> {
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

const splitMultiValue = (text: string | undefined) =>
  new Set((text ?? '').split('|').filter((word) => word !== ''));

const unrecognizedValue = (parameter: string, value: string): ApiProblem => ({
  code: 'badvalue',
  info: `Unrecognized value for parameter "${parameter}": ${value.slice(0, 32)}.`,
  key: 'paramvalidator-badvalue-enumnotmulti',
  params: [parameter, value.slice(0, 32)],
});
const apiFailure = (code: string, info: string, params: readonly string[] = []): ApiProblem => ({
  code,
  info,
  key: `apierror-${code}`,
  params,
});

const unreadableBodyAdvice =
  'The body was not read: send the parameters as application/x-www-form-urlencoded, or as multipart/form-data with its boundary.';

/** What stands in the way of a request; undefined: nothing does. */
function findApiProblem(
  form: FormParameters,
  { person, rights }: ApiCaller,
  isBodyUnreadable: boolean,
): ApiProblem | undefined {
  if (parseErrorFormat(form) === undefined)
    return unrecognizedValue('errorformat', form.get('errorformat') ?? '');
  const format = form.get('format') ?? 'json';
  if (format !== 'json') return unrecognizedValue('format', format);
  const action = form.get('action');
  // An assertion is judged whatever is asked for, and a module only when it is there.
  if (action === 'query' && !rights.includes('read'))
    return apiFailure('readapidenied', 'You need read permission to use this module.');
  const assert = form.get('assert');
  if (assert === 'user' && person === null)
    return apiFailure(
      'assertuserfailed',
      'You are no longer signed in, so the action was not carried out.',
    );
  if (assert === 'bot' && (person === null || !rights.includes('bot')))
    return apiFailure(
      'assertbotfailed',
      'You do not have the right "bot", so the action was not carried out.',
    );
  if (assert === 'anon' && person !== null)
    return apiFailure('assertanonfailed', 'You are signed in, so the action was not carried out.');
  const asserted = form.get('assertuser');
  if (asserted !== undefined && asserted !== person?.name) {
    const info =
      'You are no longer signed in as the person named, so the action was not carried out.';
    return apiFailure('assertnameduserfailed', info, [asserted.slice(0, 255)]);
  }
  if (action === undefined)
    return {
      code: 'missingparam',
      info: `The "action" parameter must be set.${isBodyUnreadable ? ` ${unreadableBodyAdvice}` : ''}`,
      key: 'paramvalidator-missingparam',
      params: ['action'],
    };
  return action === 'query' ? undefined : unrecognizedValue('action', action);
}

/**
 * Answers `action=query` for what bots ask first: who am I, a token, which site is this.
 * `isBodyUnreadable`: a body came that is no form.
 */
export function answerApiQuery(
  form: FormParameters,
  caller: ApiCaller,
  site: ApiSite,
  { isBodyUnreadable }: { readonly isBodyUnreadable: boolean },
): ApiResponse {
  const problem = findApiProblem(form, caller, isBodyUnreadable);
  if (problem) return formatApiError(problem, form);
  const version = parseFormatVersion(form);
  const query: Record<string, unknown> = {};
  const metas = splitMultiValue(form.get('meta'));
  if (metas.has('userinfo'))
    query.userinfo = userinfo(caller, splitMultiValue(form.get('uiprop')), version);
  if (metas.has('tokens')) {
    const types = splitMultiValue(form.get('type') ?? 'csrf');
    query.tokens = Object.fromEntries(
      [...types]
        .filter((type) => /^[a-z]{1,32}$/.test(type))
        .map((type) => [`${type}token`, caller.person === null ? '+\\' : `${site.csrfToken}+\\`]),
    );
  }
  if (metas.has('siteinfo'))
    Object.assign(query, siteinfo(site, splitMultiValue(form.get('siprop')), version));
  return {
    error: null,
    body: {
      batchcomplete: version === 2 ? true : '',
      ...(Object.keys(query).length > 0 ? { query } : {}),
    },
  };
}
