import fc from 'fast-check';
import { testSeed } from './seed.ts';

fc.configureGlobal({ seed: testSeed });

/** fast-check, whose values follow from the seed of the run. */
export default fc;
