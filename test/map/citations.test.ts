// No citation is dead when something lands, as no import is: the test of the documentation, among
// those of the map.
import '../docs/citations.test.ts';
