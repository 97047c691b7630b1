#!/usr/bin/env node
/**
 * The `millrace` command. This file only hands over: what comes first on the way to a running job must
 * be small, because a newcomer's first impression is how long nothing happens.
 *
 * Node.js keeps compiled code of modules on disk from here on, for the next start; the threads of the job
 * do the same (scheduler/coordinator-boot.ts). That halves the CPU time of a start: 1.5 s to 0.8 s from
 * TypeScript, all four threads. It has to happen before anything else is imported.
 */
import {enableCompileCache} from 'node:module';

enableCompileCache();
const {runCommandLine} = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
