import { misleads } from '#encoding/browser-uri.ts';
import { problemWords } from '#registry/refusal-texts.ts';
import { redirectsToReview } from '#registry/review/redirect-review.ts';
import { withVerbs } from './client.ts';
import { type Command, print, storeOptions } from './command.ts';

const AT_ONCE = 500;

/**
 * `gatehouse client redirects`: apps whose redirect URIs were accepted or imported before a rule
 * that would refuse them now.
 */
export const clientRedirects: Command = {
  words: 'client redirects',
  summary: 'Lists the apps with a redirect URI that would be refused if it were registered now.',
  positionals: [],
  options: { ...storeOptions },
  run: (given, io) =>
    withVerbs(given, io, async (verbs) => {
      const found = [];
      let below: number | null | undefined;
      while (below !== null) {
        const piece = await redirectsToReview(verbs.records, {
          limit: AT_ONCE,
          ...(below === undefined ? {} : { below }),
        });
        found.push(...piece.items);
        below = piece.next;
      }
      const facts = found.map(({ client, problem }) => ({
        client_id: client.id,
        name: client.name,
        stage: client.stage,
        redirect_uri: client.redirectUri,
        problem: problem.kind.replaceAll('-', '_'),
        detail: `redirect_uri ${problemWords(problem)}.`,
        refused_at_authorization: misleads(client.redirectUri),
      }));
      const lines = facts.map((one) =>
        [
          one.client_id,
          one.stage,
          one.refused_at_authorization ? 'refused' : 'works',
          JSON.stringify(one.redirect_uri),
          one.detail,
        ].join('\t'),
      );
      print(io, given, facts, lines.length > 0 ? lines : ['No redirect URI needs a review.']);
      return 0;
    }),
};
