#!/usr/bin/env node
/**
 * The `millrace` command. This file only hands over: what comes first on the way to a running job must
 * be small, because a newcomer's first impression is how long nothing happens.
 */
import {runCommandLine} from './command-line.ts';

process.exitCode = await runCommandLine(process.argv.slice(2));
