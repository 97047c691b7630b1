/** Names of job modules. */
import {resolve as resolvePath} from 'node:path';
import {pathToFileURL} from 'node:url';

/** A job's module: a URL, or a path relative to the working directory. */
export type JobReference = URL | string;

/** The URL of a job's module. */
export function jobUrl(job: JobReference): string {
  if (job instanceof URL) return job.href;
  if (/^[a-z][a-z0-9+.-]+:/i.test(job)) return job;
  return pathToFileURL(resolvePath(job)).href;
}
