import { isMisleadingUri } from '#encoding/browser-uri.ts';
import { problemText } from '#registry/refusal-texts.ts';
import { type Command, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

const PAGE_SIZE = 500;

/**
 * `gatehouse client redirects`: apps whose redirect URIs were accepted or imported before a rule
 * that would refuse them now.
 */
export const clientRedirects: Command = {
  ...describe('client redirects'),
  positionals: [],
  options: { ...storeOptions },
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const found = [];
      let below: number | null | undefined;
      while (below !== null) {
        const page = await services.query.listRedirectsToReview({
          limit: PAGE_SIZE,
          ...(below === undefined ? {} : { below }),
        });
        found.push(...page.items);
        below = page.next;
      }
      const facts = found.map(({ client, problem }) => ({
        client_id: client.id,
        name: client.name,
        stage: client.stage,
        redirect_uri: client.redirectUri,
        problem: problem.kind.replaceAll('-', '_'),
        detail: `redirect_uri ${problemText(problem)}.`,
        refused_at_authorization: isMisleadingUri(client.redirectUri),
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
      printResult(io, args, facts, lines.length > 0 ? lines : ['No redirect URI needs a review.']);
      return 0;
    }),
};
