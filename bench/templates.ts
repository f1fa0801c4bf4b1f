// How often the consent page renders in a second of this process.
import { consentPage } from '#pages/consent/consent.template.ts';
import type { Frame } from '#pages/frame.ts';
import { wordsOf } from '#pages/words.ts';

const groups = Array.from({ length: 6 }, (_, group) => ({
  label: `Group ${group}`,
  scopes: Array.from({ length: 5 }, (_, scope) => ({
    description: `Do thing ${scope} & <more>`,
    optional: false,
    name: 'scope',
    risk: scope === 0 ? 'Could endanger an account' : null,
  })),
}));
const frame: Frame = {
  words: wordsOf('en'),
  siteName: 'Gatehouse',
  user: { name: 'Ada', mayPropose: true, mayReview: false, mayAdminister: false },
  csrfToken: 'x'.repeat(43),
  currentPath: null,
  flashMessage: null,
};
const view = {
  appName: 'Reader',
  appDescription: 'Reads notes.',
  ownerName: 'Ben',
  site: null,
  newGroups: groups,
  previouslyGranted: [],
  userName: 'Ada',
  destination: 'app.example',
  isProposed: false,
  switchAccountHref: '/sign-in?switch=1',
  isPopup: false,
  askedAgain: false,
};
const until = Date.now() + 2000;
let rendered = 0;
while (Date.now() < until) {
  await consentPage(frame, view);
  rendered += 1;
}
console.log(`consent page of ${groups.length * 5} scopes: ${Math.round(rendered / 2)} renders/s`);
