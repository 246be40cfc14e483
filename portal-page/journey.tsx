/** The way of an upload through the workflow, as far as it has come. */
import type { UploadState } from '../tasks/portal/messages';
import { CheckIcon } from './icons';
import { usePage } from './page-context';

/** How many steps are done in each state; the next one is in progress. */
const stepsDone: Readonly<Partial<Record<UploadState, number>>> = {
  RECEIVED: 1,
  VALIDATING: 1,
  QUEUED: 2,
  PROCESSING: 2,
  STORING: 3,
  PROTECTING: 4,
};

export function Journey({ state }: { readonly state: UploadState }) {
  const { texts } = usePage();
  const done = stepsDone[state];
  if (done === undefined) return null;
  return (
    <ol class="journey" aria-label={texts.stepsLabel}>
      {texts.steps.map((step, index) => (
        <li
          key={step}
          class={index < done ? 'done' : index === done ? 'now' : 'ahead'}
          aria-current={index === done ? 'step' : undefined}
        >
          <span class="dot">{index < done && <CheckIcon />}</span>
          <span>
            {step}
            {index <= done && <span class="unseen"> ({index < done ? texts.stepDone : texts.stepNow})</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
