/** Why a file was not accepted, in the visitor's language as far as the reason is one that the page knows. */
import type { RejectionReason } from '../tasks/object-reference';
import { usePage } from './page-context';

export function Reasons({ reasons }: { readonly reasons: readonly RejectionReason[] }) {
  const { texts, accepted } = usePage();
  return (
    <ul class="reasons">
      {reasons.map(({ code, message }) => (
        <li key={code}>{texts.reasons[code]?.(accepted) ?? message}</li>
      ))}
    </ul>
  );
}
