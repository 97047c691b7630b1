/** The memory backend under the contract that all backends share. */
import {createMemoryBackend} from '../../src/state/memory-backend.ts';
import {testKeyedState} from './keyed-state-contract.ts';
import {testKeyedStateWalks} from './keyed-state-walk.ts';
import {testTimers} from './timer-contract.ts';
import {testTtl} from './ttl-contract.ts';

testKeyedState('memory', createMemoryBackend);
testTimers('memory', createMemoryBackend);
testTtl('memory', createMemoryBackend);
testKeyedStateWalks('memory', createMemoryBackend, 300);
