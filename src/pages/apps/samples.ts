import type { Words } from '../words.ts';
import { oauth1Samples, ownerOnlyOAuth1Samples } from './oauth1-samples.ts';
import {
  authorizationCodeSamples,
  clientCredentialsSamples,
  ownerOnlySamples,
} from './oauth2-samples.ts';
import type { SampleFacts, Samples } from './sample-values.ts';

// Programs that talk to this very server as this very app. They are run by tests: keep them
// working.

/** What a sample shows, and the sample in each language. An app can work in more than one way. */
export function samplesFor(
  words: Words,
  facts: SampleFacts,
): readonly (readonly [what: 'people' | 'itself' | 'own', Samples])[] {
  switch (facts.kind) {
    case 'own':
      return [['own', ownerOnlySamples(facts)]];
    case 'own-oauth1':
      return [['own', ownerOnlyOAuth1Samples(facts)]];
    case 'oauth1':
      return [['people', oauth1Samples(words, facts)]];
    case 'service':
      return [['itself', clientCredentialsSamples(facts)]];
    case 'device':
      return [['people', authorizationCodeSamples(words, facts)]];
    case 'server': {
      const people = ['people', authorizationCodeSamples(words, facts)] as const;
      return facts.actsForItself ? [people, ['itself', clientCredentialsSamples(facts)]] : [people];
    }
  }
}
