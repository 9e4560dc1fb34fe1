/** The worker of the playground: links and runs, so that the page does not wait. Nothing leaves the browser. */

import type { Answer, GivenFile, Jobs, LinkAnswer, LinkRequest, Order } from '../messages.ts';
import { type Files, inputObjects, surveyOf } from './files.ts';
import { linkFiles } from './link.ts';
import { problemViews, thrownProblems } from './problems.ts';
import { runPackets } from './run.ts';
import { viewOfLink } from './view.ts';

/** The scope of a worker. */
declare const self: {
  addEventListener(type: 'message', take: (event: { readonly data: Order }) => void): void;
  postMessage(answer: Answer): void;
};

let files: Files = new Map();

const JOBS: { readonly [Name in keyof Jobs]: (take: Jobs[Name]['take']) => Jobs[Name]['give'] } = {
  survey(given: readonly GivenFile[]) {
    files = inputObjects(given);
    return [...files.values()].map(surveyOf);
  },
  link: (request: LinkRequest) => linkAnswer(request),
  run: request => runPackets(files, request),
};

function linkAnswer(request: LinkRequest): LinkAnswer {
  const linked = linkFiles(files, request);
  if (!linked.ok) return { ok: false, problems: problemViews(linked.problems) };
  return { ok: true, view: viewOfLink(linked.object, linked.report) };
}

function answer<Name extends keyof Jobs>({ id, job, take }: Order<Name>): Answer {
  try {
    return { id, ok: true, give: JOBS[job](take) };
  } catch (error) {
    return { id, ok: false, problems: thrownProblems(error) };
  }
}

export function start(): void {
  self.addEventListener('message', ({ data }) => self.postMessage(answer(data)));
}
